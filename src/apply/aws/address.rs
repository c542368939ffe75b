use super::Done;
use super::outcome::{No, same};
use crate::cleanup::ActRequest;
use aws_sdk_ec2::Client;
use std::collections::BTreeMap;

/// Gives the address back to AWS, for ever; AWS refuses while it is associated.
pub(super) async fn release(ec2: &Client, request: &ActRequest) -> Done {
    let id = &request.item.id;
    let answer = ec2.describe_addresses().allocation_ids(id).send().await?;
    let found = answer.addresses().iter().find(|a| a.allocation_id() == Some(id));
    let found = found.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    same("public-ip", found.public_ip(), request.immutable.get("public-ip").map(String::as_str))?;
    let held = [found.association_id(), found.network_interface_id(), found.instance_id()];
    if let Some(by) = held.into_iter().flatten().find(|by| !by.is_empty()) {
        return Err(No::Failed(format!("it is associated with {by}")));
    }
    ec2.release_address().allocation_id(id).send().await?;
    Ok(BTreeMap::new())
}
