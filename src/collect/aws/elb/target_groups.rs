use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, port, text};
use crate::collect::aws::read::{Page, Read, drain, whole};
use crate::snapshot::{Target, TargetGroup, TargetHealth};
use aws_sdk_elasticloadbalancingv2::{Client, types};

/// Reads `DescribeTargetGroups`, without attributes and targets.
pub(in crate::collect::aws) async fn read(elb: &Client) -> Read<TargetGroup> {
    let pages = elb.describe_target_groups().page_size(PAGE).into_paginator().send();
    drain(pages, |page| Page::of(page.target_groups(), group, page.next_marker())).await
}

/// Reads `DescribeTargetGroupAttributes` of one group.
pub(in crate::collect::aws) async fn attributes(
    elb: Client,
    arn: String,
) -> Read<(String, String)> {
    let call = elb.describe_target_group_attributes().target_group_arn(&arn).send();
    whole(Box::pin(call).await, |page| {
        Page::of(
            page.attributes(),
            |row| {
                let key = id("Key", row.key()).map_err(|e| e.within(&arn))?;
                Ok((key, row.value().unwrap_or_default().to_owned()))
            },
            None,
        )
    })
}

/// Reads `DescribeTargetHealth` of one group.
pub(in crate::collect::aws) async fn health(elb: Client, arn: String) -> Read<TargetHealth> {
    let call = elb.describe_target_health().target_group_arn(&arn).send();
    whole(Box::pin(call).await, |page| {
        Page::of(
            page.target_health_descriptions(),
            |row| target(row).map_err(|e| e.within(&arn)),
            None,
        )
    })
}

fn group(row: &types::TargetGroup) -> Result<TargetGroup, Malformed> {
    let target_group_arn = id("TargetGroupArn", row.target_group_arn())?;
    Ok(TargetGroup {
        target_group_name: text(row.target_group_name()),
        protocol: row.protocol().map(|p| p.as_str().to_owned()),
        port: port("Port", row.port()).map_err(|e| e.within(&target_group_arn))?,
        vpc_id: text(row.vpc_id()),
        target_type: row.target_type().map(|t| t.as_str().to_owned()),
        load_balancer_arns: row.load_balancer_arns().to_vec(),
        attributes: None,
        targets: None,
        target_group_arn,
    })
}

fn target(row: &types::TargetHealthDescription) -> Result<TargetHealth, Malformed> {
    let target = row.target().ok_or_else(|| Malformed::new("Target", ""))?;
    Ok(TargetHealth {
        target: Target {
            id: id("Id", target.id())?,
            port: port("Port", target.port())?,
            availability_zone: text(target.availability_zone()),
        },
        state: row.target_health().and_then(|h| h.state()).map(|s| s.as_str().to_owned()),
    })
}
