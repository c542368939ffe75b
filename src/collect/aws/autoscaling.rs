use super::parse::{id, tag, text};
use super::read::{Page, Read, drain};
use crate::snapshot::{AutoScalingGroup, AutoScalingInstance, LaunchConfiguration};
use aws_sdk_autoscaling::Client;

/// The largest page of both operations.
const PAGE: i32 = 100;

/// Reads `DescribeAutoScalingGroups`.
pub(super) async fn read(autoscaling: &Client) -> Read<AutoScalingGroup> {
    let pages = autoscaling.describe_auto_scaling_groups().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.auto_scaling_groups(),
            |row| {
                let name = id("AutoScalingGroupName", row.auto_scaling_group_name())?;
                let member = |i: &aws_sdk_autoscaling::types::Instance| {
                    Ok(AutoScalingInstance {
                        instance_id: id("InstanceId", i.instance_id())
                            .map_err(|e| e.within(&name))?,
                        lifecycle_state: i
                            .lifecycle_state()
                            .map(|s| s.as_str().to_owned())
                            .unwrap_or_default(),
                        health_status: i.health_status().unwrap_or_default().into(),
                    })
                };
                Ok(AutoScalingGroup {
                    auto_scaling_group_arn: text(row.auto_scaling_group_arn()),
                    min_size: row.min_size().unwrap_or_default(),
                    max_size: row.max_size().unwrap_or_default(),
                    desired_capacity: row.desired_capacity().unwrap_or_default(),
                    instances: row.instances().iter().map(member).collect::<Result<_, _>>()?,
                    target_group_arns: row.target_group_arns().to_vec(),
                    tags: row.tags().iter().map(|t| tag(t.key(), t.value())).collect(),
                    auto_scaling_group_name: name,
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `DescribeLaunchConfigurations`.
pub(super) async fn configurations(autoscaling: &Client) -> Read<LaunchConfiguration> {
    let pages =
        autoscaling.describe_launch_configurations().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.launch_configurations(),
            |row| {
                Ok(LaunchConfiguration {
                    launch_configuration_name: id(
                        "LaunchConfigurationName",
                        row.launch_configuration_name(),
                    )?,
                    launch_configuration_arn: text(row.launch_configuration_arn()),
                    image_id: text(row.image_id()),
                    security_groups: row.security_groups().to_vec(),
                    classic_link_vpc_security_groups: row
                        .classic_link_vpc_security_groups()
                        .to_vec(),
                })
            },
            page.next_token(),
        )
    })
    .await
}
