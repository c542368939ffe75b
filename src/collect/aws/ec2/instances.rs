use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{BlockDevice, EbsDevice, Instance, InstanceState};
use aws_sdk_ec2::{Client, primitives::DateTimeFormat, types};

/// Reads `DescribeInstances`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<Instance> {
    let pages = ec2.describe_instances().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page {
        rows: page.reservations().iter().flat_map(|r| r.instances()).map(instance).collect(),
        more: page.next_token().is_some_and(|t| !t.is_empty()),
    })
    .await
}

fn device(row: &types::InstanceBlockDeviceMapping) -> BlockDevice {
    BlockDevice {
        device_name: text(row.device_name()),
        ebs: row.ebs().map(|e| EbsDevice {
            volume_id: text(e.volume_id()),
            status: e.status().map(|s| s.as_str().to_owned()),
        }),
    }
}

fn instance(row: &types::Instance) -> Result<Instance, Malformed> {
    let instance_id = id("InstanceId", row.instance_id())?;
    let fields = || -> Result<_, Malformed> {
        Ok((
            parsed("PrivateIpAddress", row.private_ip_address())?,
            parsed("PublicIpAddress", row.public_ip_address())?,
        ))
    };
    let (private_ip_address, public_ip_address) = fields().map_err(|e| e.within(&instance_id))?;
    Ok(Instance {
        instance_id,
        image_id: text(row.image_id()),
        instance_type: row.instance_type().map(|t| t.as_str().to_owned()),
        state: InstanceState {
            name: row
                .state()
                .and_then(|s| s.name())
                .map(|n| n.as_str().to_owned())
                .unwrap_or_default(),
        },
        subnet_id: text(row.subnet_id()),
        vpc_id: text(row.vpc_id()),
        private_ip_address,
        private_dns_name: text(row.private_dns_name()),
        public_ip_address,
        // As `aws ec2 describe-instances` prints it.
        launch_time: row
            .launch_time()
            .and_then(|t| t.fmt(DateTimeFormat::DateTime).ok())
            .map(|t| t.replace('Z', "+00:00")),
        state_transition_reason: text(row.state_transition_reason()),
        block_device_mappings: Some(row.block_device_mappings().iter().map(device).collect()),
        tags: tags(row.tags()),
    })
}
