use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{Route, RouteTable, RouteTableAssociation};
use aws_sdk_ec2::{Client, types};

/// The largest page of `DescribeRouteTables`.
const PAGE: i32 = 100;

/// Reads `DescribeRouteTables`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<RouteTable> {
    let pages = ec2.describe_route_tables().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.route_tables(), table, page.next_token())).await
}

fn table(row: &types::RouteTable) -> Result<RouteTable, Malformed> {
    let route_table_id = id("RouteTableId", row.route_table_id())?;
    let routes = row
        .routes()
        .iter()
        .map(route)
        .collect::<Result<_, _>>()
        .map_err(|e| e.within(&route_table_id))?;
    Ok(RouteTable {
        route_table_id,
        vpc_id: text(row.vpc_id()),
        owner_id: text(row.owner_id()),
        associations: row
            .associations()
            .iter()
            .map(|a| RouteTableAssociation {
                main: a.main().unwrap_or_default(),
                subnet_id: text(a.subnet_id()),
                gateway_id: text(a.gateway_id()),
            })
            .collect(),
        propagating_vgws: row
            .propagating_vgws()
            .iter()
            .filter_map(|v| text(v.gateway_id()))
            .collect(),
        routes,
        tags: tags(row.tags()),
    })
}

fn route(row: &types::Route) -> Result<Route, Malformed> {
    Ok(Route {
        destination_cidr_block: parsed("DestinationCidrBlock", row.destination_cidr_block())?,
        destination_ipv6_cidr_block: parsed(
            "DestinationIpv6CidrBlock",
            row.destination_ipv6_cidr_block(),
        )?,
        destination_prefix_list_id: text(row.destination_prefix_list_id()),
        gateway_id: text(row.gateway_id()),
        nat_gateway_id: text(row.nat_gateway_id()),
        egress_only_internet_gateway_id: text(row.egress_only_internet_gateway_id()),
        instance_id: text(row.instance_id()),
        network_interface_id: text(row.network_interface_id()),
        vpc_peering_connection_id: text(row.vpc_peering_connection_id()),
        transit_gateway_id: text(row.transit_gateway_id()),
        local_gateway_id: text(row.local_gateway_id()),
        carrier_gateway_id: text(row.carrier_gateway_id()),
        core_network_arn: text(row.core_network_arn()),
        state: row.state().map(|s| s.as_str().to_owned()),
        origin: row.origin().map(|o| o.as_str().to_owned()),
    })
}
