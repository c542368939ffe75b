use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::VpcEndpoint;
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVpcEndpoints`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<VpcEndpoint> {
    let pages = ec2.describe_vpc_endpoints().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.vpc_endpoints(), endpoint, page.next_token())).await
}

fn endpoint(row: &types::VpcEndpoint) -> Result<VpcEndpoint, Malformed> {
    Ok(VpcEndpoint {
        vpc_endpoint_id: id("VpcEndpointId", row.vpc_endpoint_id())?,
        vpc_endpoint_type: row.vpc_endpoint_type().map(|t| t.as_str().to_owned()),
        service_name: text(row.service_name()),
        vpc_id: text(row.vpc_id()),
        state: row.state().map(|s| s.as_str().to_owned()),
        network_interface_ids: row.network_interface_ids().to_vec(),
        route_table_ids: row.route_table_ids().to_vec(),
        subnet_ids: row.subnet_ids().to_vec(),
        tags: tags(row.tags()),
    })
}
