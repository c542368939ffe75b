use super::outcome::{No, same};
use super::{Done, mark};
use crate::cleanup::ActRequest;
use aws_sdk_ec2::Client;
use std::collections::BTreeMap;

/// Whether it is the planned one and associated with nothing.
async fn free(ec2: &Client, request: &ActRequest) -> Result<(), No> {
    let id = &request.item.id;
    let answer = ec2.describe_addresses().allocation_ids(id).send().await?;
    let found = answer.addresses().iter().find(|a| a.allocation_id() == Some(id));
    let found = found.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    same("public-ip", found.public_ip(), request.immutable.get("public-ip").map(String::as_str))?;
    let held = [found.association_id(), found.network_interface_id(), found.instance_id()];
    if let Some(by) = held.into_iter().flatten().find(|by| !by.is_empty()) {
        return Err(No::Failed(format!("it is associated with {by}")));
    }
    Ok(())
}

/// Tells its owner by a tag that it will be released.
pub(super) async fn mark(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::put(ec2, request, "").await
}

/// Gives the address back to AWS, for ever; AWS refuses while it is associated.
pub(super) async fn release(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::still(ec2, request).await?;
    ec2.release_address().allocation_id(&request.item.id).send().await?;
    Ok(BTreeMap::new())
}
