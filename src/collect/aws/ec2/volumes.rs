use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{Volume, VolumeAttachment};
use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVolumes`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<Volume> {
    let pages = ec2.describe_volumes().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.volumes(), volume, page.next_token())).await
}

fn volume(row: &types::Volume) -> Result<Volume, Malformed> {
    let attachment = |a: &types::VolumeAttachment| VolumeAttachment {
        instance_id: text(a.instance_id()),
        device: text(a.device()),
        state: a.state().map(|s| s.as_str().to_owned()),
        attach_time: time(a.attach_time()),
    };
    Ok(Volume {
        volume_id: id("VolumeId", row.volume_id())?,
        state: row.state().map(|s| s.as_str().to_owned()),
        size: row.size(),
        volume_type: row.volume_type().map(|t| t.as_str().to_owned()),
        iops: row.iops(),
        throughput: row.throughput(),
        availability_zone: text(row.availability_zone()),
        snapshot_id: text(row.snapshot_id()),
        create_time: time(row.create_time()),
        attachments: row.attachments().iter().map(attachment).collect(),
        tags: tags(row.tags()),
    })
}

/// As `aws ec2 describe-volumes` prints it.
fn time(at: Option<&DateTime>) -> Option<String> {
    at.and_then(|t| t.fmt(DateTimeFormat::DateTime).ok()).map(|t| t.replace('Z', "+00:00"))
}
