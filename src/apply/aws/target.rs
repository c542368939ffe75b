use super::Done;
use super::outcome::{No, field};
use crate::cleanup::ActRequest;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use std::collections::BTreeMap;

fn planned(request: &ActRequest) -> Result<(&str, TargetDescription), No> {
    let (arn, id) =
        (field(&request.immutable, "target-group")?, field(&request.immutable, "target")?);
    let port = request.immutable.get("port").filter(|p| !p.is_empty());
    let number = match port {
        Some(port) => Some(port.parse().map_err(|_| No::Failed(format!("{port:?} is no port")))?),
        None => None,
    };
    // The id is the target: both must say the same.
    if request.item.id != format!("{arn}/{id}/{}", port.map_or("", String::as_str)) {
        return Err(No::Failed("its id and its fields name different targets".into()));
    }
    let zone = request.immutable.get("zone").filter(|z| !z.is_empty()).cloned();
    let target = TargetDescription::builder().id(id).set_port(number).set_availability_zone(zone);
    Ok((arn, target.build()))
}

/// The target's state at its group; `None` where it is not registered.
async fn state(elb: &Client, arn: &str, target: &TargetDescription) -> Result<Option<String>, No> {
    let answer = elb.describe_target_health().target_group_arn(arn).send().await?;
    let is = |d: &TargetDescription| d.id() == target.id() && d.port() == target.port();
    let all = answer.target_health_descriptions();
    let found = all.iter().find(|d| d.target().is_some_and(is));
    Ok(found.map(|d| {
        let state = d.target_health().and_then(|h| h.state());
        state.map_or("unknown", |s| s.as_str()).to_owned()
    }))
}

/// Takes it out of its group, unless it gets clients by now.
pub(super) async fn deregister(elb: &Client, request: &ActRequest) -> Done {
    let (arn, target) = planned(request)?;
    match state(elb, arn, &target).await?.as_deref() {
        None => return Err(No::Failed("it is not registered".into())),
        Some("unhealthy" | "unused") => {}
        Some(is) => return Err(No::Failed(format!("it is {is}"))),
    }
    elb.deregister_targets().target_group_arn(arn).targets(target).send().await?;
    Ok(BTreeMap::new())
}

/// Puts it back into its group.
pub(super) async fn register(elb: &Client, request: &ActRequest) -> Done {
    let (arn, target) = planned(request)?;
    elb.register_targets().target_group_arn(arn).targets(target).send().await?;
    Ok(BTreeMap::new())
}
