use super::outcome::{No, field, same};
use super::{Done, mark};
use crate::cleanup::ActRequest;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::NetworkInterface;
use std::collections::BTreeMap;

async fn look(ec2: &Client, request: &ActRequest) -> Result<NetworkInterface, No> {
    let id = &request.item.id;
    let answer = ec2.describe_network_interfaces().network_interface_ids(id).send().await?;
    let mut found = answer.network_interfaces.into_iter().flatten();
    let found = found.find(|i| i.network_interface_id() == Some(id));
    let found = found.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    let planned = request.immutable.get("private-ip").map(String::as_str);
    same("private-ip", found.private_ip_address(), planned)?;
    Ok(found)
}

/// Detaches it from its instance, without force.
pub(super) async fn detach(ec2: &Client, request: &ActRequest) -> Done {
    let found = look(ec2, request).await?;
    let attachment =
        found.attachment().ok_or_else(|| No::Failed("it is attached to nothing".into()))?;
    let Some(instance) = attachment.instance_id() else {
        return Err(No::Failed("it is attached to a service, which keeps it".into()));
    };
    let index = attachment.device_index().unwrap_or(0);
    if index == 0 {
        return Err(No::Failed(
            "it is its instance's primary interface, which none can detach".into(),
        ));
    }
    same("instance", Some(instance), request.state.get("instance").map(String::as_str))?;
    let id = attachment.attachment_id().unwrap_or_default();
    ec2.detach_network_interface().attachment_id(id).send().await?;
    Ok(BTreeMap::from([
        ("instance".into(), instance.to_owned()),
        ("device-index".into(), index.to_string()),
    ]))
}

/// Attaches it where it was.
pub(super) async fn attach(
    ec2: &Client,
    request: &ActRequest,
    handed: &BTreeMap<String, String>,
) -> Done {
    let found = look(ec2, request).await?;
    let instance = field(handed, "instance")?;
    let index = field(handed, "device-index")?;
    let index = index.parse().map_err(|_| No::Failed(format!("{index:?} is no device index")))?;
    if let Some(attachment) = found.attachment() {
        return match (attachment.instance_id(), attachment.device_index()) {
            (Some(at), Some(n)) if at == instance && n == index => Ok(BTreeMap::new()),
            _ => Err(No::Failed("it is attached elsewhere".into())),
        };
    }
    ec2.attach_network_interface()
        .network_interface_id(&request.item.id)
        .instance_id(instance)
        .device_index(index)
        .send()
        .await?;
    Ok(BTreeMap::new())
}

/// Whether it is the planned one and attached to nothing.
async fn free(ec2: &Client, request: &ActRequest) -> Result<(), No> {
    let found = look(ec2, request).await?;
    same("status", found.status().map(|s| s.as_str()), Some("available"))
}

/// Tells its owner by a tag that it will be deleted.
pub(super) async fn mark(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::put(ec2, request, "").await
}

/// Deletes it; AWS refuses while it is in use.
pub(super) async fn delete(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::still(ec2, request).await?;
    ec2.delete_network_interface().network_interface_id(&request.item.id).send().await?;
    Ok(BTreeMap::new())
}
