use super::outcome::{No, field, same};
use super::{Done, mark};
use crate::cleanup::ActRequest;
use crate::cleanup::CONDEMNED;
use crate::cleanup::aws::TOKEN_TAG;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Snapshot, Tag, TagSpecification, Volume};
use std::collections::BTreeMap;
use std::time::Duration;

async fn look(ec2: &Client, request: &ActRequest) -> Result<Volume, No> {
    let id = &request.item.id;
    let answer = ec2.describe_volumes().volume_ids(id).send().await?;
    let mut found = answer.volumes.into_iter().flatten();
    let found = found.find(|v| v.volume_id() == Some(id));
    found.ok_or_else(|| No::Failed(format!("{id} is not there")))
}

/// Detaches it from its instance, without force.
pub(super) async fn detach(ec2: &Client, request: &ActRequest) -> Done {
    let found = look(ec2, request).await?;
    let [attachment] = found.attachments() else {
        let n = found.attachments().len();
        return Err(No::Failed(format!("it is attached to {n} instances, not to one")));
    };
    let instance = attachment.instance_id().unwrap_or_default().to_owned();
    let device = attachment.device().unwrap_or_default().to_owned();
    ec2.detach_volume().volume_id(&request.item.id).instance_id(&instance).send().await?;
    Ok(BTreeMap::from([("instance".into(), instance), ("device".into(), device)]))
}

/// Attaches it where it was.
pub(super) async fn attach(
    ec2: &Client,
    request: &ActRequest,
    handed: &BTreeMap<String, String>,
) -> Done {
    let (instance, device) = (field(handed, "instance")?, field(handed, "device")?);
    let found = look(ec2, request).await?;
    if let Some(attachment) = found.attachments().first() {
        return match attachment.instance_id() {
            Some(at) if at == instance => Ok(BTreeMap::new()),
            _ => Err(No::Failed("it is attached elsewhere".into())),
        };
    }
    let call = ec2.attach_volume().volume_id(&request.item.id);
    call.instance_id(instance).device(device).send().await?;
    Ok(BTreeMap::new())
}

/// Whether it is the planned one and attached to nothing.
async fn free(ec2: &Client, request: &ActRequest) -> Result<(), No> {
    let found = look(ec2, request).await?;
    same("state", found.state().map(|s| s.as_str()), Some("available"))
}

/// Tells its owner by a tag that it will be deleted.
pub(super) async fn mark(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::put(ec2, request, "").await
}

/// Makes a snapshot of it, once. The API knows no token, so the snapshot carries it as a tag.
async fn taken(ec2: &Client, request: &ActRequest) -> Result<String, No> {
    let filter = |name: String, value: &str| Filter::builder().name(name).values(value).build();
    let there = ec2
        .describe_snapshots()
        .owner_ids("self")
        .filters(filter(format!("tag:{TOKEN_TAG}"), &request.token))
        .filters(filter("volume-id".into(), &request.item.id))
        .send()
        .await?;
    if let Some(id) = there.snapshots().first().and_then(|s| s.snapshot_id()) {
        return Ok(id.to_owned());
    }
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Snapshot)
        .tags(Tag::builder().key(TOKEN_TAG).value(&request.token).build())
        .tags(Tag::builder().key("portcullis:plan").value(&request.plan).build())
        .build();
    let made = ec2.create_snapshot().volume_id(&request.item.id).tag_specifications(tags);
    Ok(made.send().await?.snapshot_id().unwrap_or_default().to_owned())
}

/// Makes a snapshot of it, and tells its owner by a tag that it will be deleted and by which snapshot it
/// comes back.
pub(super) async fn snapshot(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::free(ec2, request).await?;
    let id = taken(ec2, request).await?;
    // Tried again, it finds this snapshot, so that one alone is nothing midway.
    let mut handed = mark::put(ec2, request, &id).await.map_err(|no| match no {
        No::Throttled => No::Throttled,
        no => no.midway("CreateSnapshot"),
    })?;
    handed.insert("snapshot".into(), id);
    Ok(handed)
}

/// Deletes the snapshot that the act made, and no other, and takes the mark off.
pub(super) async fn drop_snapshot(
    ec2: &Client,
    request: &ActRequest,
    handed: &BTreeMap<String, String>,
) -> Done {
    let id = match handed.get("snapshot") {
        Some(id) => id.clone(),
        // The act's own answer was lost: the mark names it.
        None => named(field(&request.state, CONDEMNED)?)
            .ok_or_else(|| No::Failed("nothing says which snapshot it was".into()))?
            .to_owned(),
    };
    made(ec2, request, &id).await?;
    mark::remove(ec2, request).await?;
    let dropped = ec2.delete_snapshot().snapshot_id(id).send().await.map_err(No::from);
    dropped.map_err(|no| no.midway("DeleteTags"))?;
    Ok(BTreeMap::new())
}

/// The snapshot that a mark names.
fn named(mark: &str) -> Option<&str> {
    mark.split(' ').find(|word| word.starts_with("snap-"))
}

/// A snapshot that an act made of this volume.
async fn made(ec2: &Client, request: &ActRequest, id: &str) -> Result<Snapshot, No> {
    let there = ec2.describe_snapshots().snapshot_ids(id).send().await?;
    let found = there.snapshots.into_iter().flatten().next();
    let found = found.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    same("volume", found.volume_id(), Some(&request.item.id))?;
    if !found.tags().iter().any(|t| t.key() == Some(TOKEN_TAG)) {
        return Err(No::Failed(format!("{id} was not made by an act")));
    }
    Ok(found)
}

/// Deletes it; AWS refuses while it is attached. Where a snapshot is to bring it back, it is there and
/// whole, and another is made now: AWS does not tell whether somebody attached the volume since, wrote to it
/// and detached it. What did not change costs nothing in the second.
pub(super) async fn delete(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    let mark = mark::still(ec2, request).await?;
    let mut handed = BTreeMap::new();
    if let Some(snapshot) = mark.as_deref().and_then(named) {
        let found = made(ec2, request, snapshot).await?;
        same("snapshot's state", found.state().map(|s| s.as_str()), Some("completed"))?;
        let last = taken(ec2, request).await?;
        completed(ec2, request, &last).await?;
        // It took its time.
        free(ec2, request).await?;
        mark::still(ec2, request).await?;
        handed.insert("snapshot".into(), last);
    }
    ec2.delete_volume().volume_id(&request.item.id).send().await?;
    Ok(handed)
}

/// Looks while a snapshot is being made, and how many: four minutes.
const LOOK: Duration = Duration::from_secs(3);
const LOOKS: u32 = 80;

/// Waits for a snapshot. One that takes longer is waited for by the next try, which finds it.
async fn completed(ec2: &Client, request: &ActRequest, id: &str) -> Result<(), No> {
    for n in 0..LOOKS {
        if n > 0 {
            tokio::time::sleep(LOOK).await;
        }
        match made(ec2, request, id).await {
            Ok(found) => match found.state().map(|s| s.as_str()) {
                Some("completed") => return Ok(()),
                Some("error") => return Err(No::Failed(format!("{id} could not be made"))),
                _ => {}
            },
            Err(No::Throttled) => {}
            Err(no) => return Err(no),
        }
    }
    Err(No::Throttled)
}
