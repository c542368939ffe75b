use super::Done;
use super::outcome::{No, field, same};
use crate::cleanup::ActRequest;
use crate::cleanup::aws::QUARANTINE_TAG;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    EbsInstanceBlockDeviceSpecification, Filter, Instance, InstanceBlockDeviceMappingSpecification,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Looks while an instance changes its state, and how many: five minutes.
const LOOK: Duration = Duration::from_secs(3);
const LOOKS: u32 = 100;

async fn look(ec2: &Client, request: &ActRequest) -> Result<Instance, No> {
    let id = &request.item.id;
    let answer = ec2.describe_instances().instance_ids(id).send().await?;
    let mut found =
        answer.reservations.into_iter().flatten().flat_map(|r| r.instances.unwrap_or_default());
    let instance = found.find(|i| i.instance_id() == Some(id));
    let instance = instance.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    let planned = request.immutable.get("image").map(String::as_str);
    same("image", instance.image_id(), planned)?;
    Ok(instance)
}

fn state(instance: &Instance) -> &str {
    instance.state().and_then(|s| s.name()).map_or("unknown", |n| n.as_str())
}

/// Waits until it is in one of these states; what it is in at the end.
async fn settled(ec2: &Client, request: &ActRequest, wanted: &[&str]) -> Result<String, No> {
    let mut is = String::new();
    for n in 0..LOOKS {
        if n > 0 {
            tokio::time::sleep(LOOK).await;
        }
        is = match look(ec2, request).await {
            Ok(instance) => state(&instance).to_owned(),
            Err(No::Throttled) => continue,
            Err(no) => return Err(no),
        };
        if wanted.contains(&is.as_str()) {
            break;
        }
    }
    Ok(is)
}

/// Stops it, and waits until it is stopped: only then can it be started again.
pub(super) async fn stop(ec2: &Client, request: &ActRequest) -> Done {
    let instance = look(ec2, request).await?;
    let was = state(&instance).to_owned();
    if was != "running" {
        return Err(No::Failed(format!("it is {was}, not running")));
    }
    ec2.stop_instances().instance_ids(&request.item.id).send().await?;
    settled(ec2, request, &["stopped"]).await.map_err(|no| no.midway("StopInstances"))?;
    Ok(BTreeMap::from([("was".into(), was)]))
}

/// Starts it again.
pub(super) async fn start(ec2: &Client, request: &ActRequest) -> Done {
    match settled(ec2, request, &["stopped", "running", "terminated"]).await?.as_str() {
        "running" => return Ok(BTreeMap::new()),
        "stopped" => {}
        is => return Err(No::Failed(format!("it is {is}, and starts only when it is stopped"))),
    }
    ec2.start_instances().instance_ids(&request.item.id).send().await?;
    settled(ec2, request, &["running"]).await.map_err(|no| no.midway("StartInstances"))?;
    Ok(BTreeMap::new())
}

/// Ends it, for ever.
pub(super) async fn terminate(ec2: &Client, request: &ActRequest) -> Done {
    let instance = look(ec2, request).await?;
    let planned = request.state.get("state").map(String::as_str);
    same("state", Some(state(&instance)), planned)?;
    let kept = keep_volumes(ec2, request, &instance).await?;
    ec2.terminate_instances().instance_ids(&request.item.id).send().await?;
    Ok(BTreeMap::from([("volumes-kept".into(), kept)]))
}

/// Sees to it that no volume goes with the instance: each is a thing of its own, with its own protection,
/// its snapshot and its quarantine. AWS deletes with it what is attached as to be deleted, a root volume
/// by default. Which volumes there are, in words.
async fn keep_volumes(
    ec2: &Client,
    request: &ActRequest,
    instance: &Instance,
) -> Result<String, No> {
    let goes = |instance: &Instance| -> Vec<String> {
        let devices = instance.block_device_mappings().iter();
        let goes =
            devices.filter(|d| d.ebs().is_some_and(|e| e.delete_on_termination() != Some(false)));
        goes.map(|d| d.device_name().unwrap_or_default().to_owned()).collect()
    };
    for device in goes(instance) {
        let keep = EbsInstanceBlockDeviceSpecification::builder().delete_on_termination(false);
        let device = InstanceBlockDeviceMappingSpecification::builder().device_name(device);
        let call = ec2.modify_instance_attribute().instance_id(&request.item.id);
        call.block_device_mappings(device.ebs(keep.build()).build()).send().await?;
    }
    let now = look(ec2, request).await?;
    if let Some(device) = goes(&now).first() {
        let why = format!("its volume at {device} would go with it, and AWS does not keep it");
        return Err(No::Failed(why));
    }
    let devices = now.block_device_mappings().iter();
    let volumes: Vec<&str> = devices.filter_map(|d| d.ebs()?.volume_id()).collect();
    Ok(volumes.join(" "))
}

/// The VPC's group that lets nothing in or out. Its emptiness is looked at each time, because
/// somebody may have "fixed" it.
async fn quarantine(ec2: &Client, vpc: &str) -> Result<String, No> {
    let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
    let answer = ec2
        .describe_security_groups()
        .filters(filter("vpc-id", vpc))
        .filters(filter("tag-key", QUARANTINE_TAG))
        .send()
        .await?;
    let [group] = answer.security_groups() else {
        let n = answer.security_groups().len();
        return Err(No::Failed(format!(
            "{vpc} has {n} groups with the tag {QUARANTINE_TAG}: make exactly one, without permissions"
        )));
    };
    let id = group.group_id().unwrap_or_default().to_owned();
    if !group.ip_permissions().is_empty() || !group.ip_permissions_egress().is_empty() {
        return Err(No::Failed(format!("the group {id} of quarantine has permissions")));
    }
    Ok(id)
}

/// Gives every interface the group of quarantine. What was done before a failure is taken back.
pub(super) async fn isolate(ec2: &Client, request: &ActRequest) -> Done {
    let instance = look(ec2, request).await?;
    let vpc = field(&request.immutable, "vpc")?;
    same("vpc", instance.vpc_id(), Some(vpc))?;
    let quarantine = quarantine(ec2, vpc).await?;
    let mut was: BTreeMap<String, String> = BTreeMap::new();
    for interface in instance.network_interfaces() {
        let id = interface.network_interface_id().unwrap_or_default();
        let groups: Vec<&str> = interface.groups().iter().filter_map(|g| g.group_id()).collect();
        // A second try of the same act must not take quarantine for what it had before.
        if groups == [quarantine.as_str()] {
            return Err(No::Failed(format!("{id} is in quarantine already")));
        }
        was.insert(id.to_owned(), groups.join(" "));
    }
    if was.is_empty() || was.values().any(String::is_empty) {
        return Err(No::Failed("its interfaces and their groups are not all told".into()));
    }
    let mut done: BTreeMap<String, String> = BTreeMap::new();
    for (interface, groups) in &was {
        if let Err(no) = swap(ec2, interface, &quarantine).await {
            if done.is_empty() {
                return Err(no);
            }
            return Err(match rejoin(ec2, request, &done).await {
                Ok(_) if !matches!(no, No::Unknown(_)) => no,
                _ => no.midway("some of its interfaces were isolated"),
            });
        }
        done.insert(interface.clone(), groups.clone());
    }
    Ok(was)
}

/// Gives every interface the groups that it had.
pub(super) async fn rejoin(
    ec2: &Client,
    request: &ActRequest,
    handed: &BTreeMap<String, String>,
) -> Done {
    look(ec2, request).await?;
    let interfaces = handed.iter().filter(|(id, _)| id.starts_with("eni-"));
    let mut done = 0;
    for (interface, groups) in interfaces {
        swap(ec2, interface, groups).await.map_err(|no| match done {
            0 => no,
            _ => no.midway("some of its interfaces have their groups again"),
        })?;
        done += 1;
    }
    if done == 0 {
        return Err(No::Failed("nothing says which groups its interfaces had".into()));
    }
    Ok(BTreeMap::new())
}

async fn swap(ec2: &Client, interface: &str, groups: &str) -> Result<(), No> {
    ec2.modify_network_interface_attribute()
        .network_interface_id(interface)
        .set_groups(Some(groups.split_whitespace().map(Into::into).collect()))
        .send()
        .await?;
    Ok(())
}
