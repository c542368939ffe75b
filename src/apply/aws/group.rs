use super::outcome::{No, same};
use super::{Done, mark};
use crate::cleanup::ActRequest;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Filter;
use std::collections::BTreeMap;

/// Whether it is the planned one and no interface carries it.
async fn free(ec2: &Client, request: &ActRequest) -> Result<(), No> {
    let id = &request.item.id;
    let answer = ec2.describe_security_groups().group_ids(id).send().await?;
    let found = answer.security_groups().iter().find(|g| g.group_id() == Some(id));
    let found = found.ok_or_else(|| No::Failed(format!("{id} is not there")))?;
    let planned = |key: &str| request.immutable.get(key).map(String::as_str);
    same("name", found.group_name(), planned("name"))?;
    same("vpc", found.vpc_id(), planned("vpc"))?;
    let carried = Filter::builder().name("group-id").values(id).build();
    let carried = ec2.describe_network_interfaces().filters(carried).send().await?;
    if let Some(by) = carried.network_interfaces().first() {
        let by = by.network_interface_id().unwrap_or("an interface");
        return Err(No::Failed(format!("{by} carries it")));
    }
    Ok(())
}

/// Tells its owner by a tag that it will be deleted.
pub(super) async fn mark(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::put(ec2, request, "").await
}

/// Deletes it; AWS refuses while an interface carries it or another group names it, and says nothing
/// of launch templates: those were read by the look before.
pub(super) async fn delete(ec2: &Client, request: &ActRequest) -> Done {
    free(ec2, request).await?;
    mark::still(ec2, request).await?;
    ec2.delete_security_group().group_id(&request.item.id).send().await?;
    Ok(BTreeMap::new())
}
