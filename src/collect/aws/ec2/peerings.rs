use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{Ipv6CidrAssociation, PeeringStatus, PeeringVpc, VpcPeering};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVpcPeeringConnections`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<VpcPeering> {
    let pages = ec2.describe_vpc_peering_connections().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.vpc_peering_connections(), peering, page.next_token())).await
}

fn peering(row: &types::VpcPeeringConnection) -> Result<VpcPeering, Malformed> {
    let vpc_peering_connection_id = id("VpcPeeringConnectionId", row.vpc_peering_connection_id())?;
    let side = |side: Option<&types::VpcPeeringConnectionVpcInfo>| {
        let Some(side) = side else { return Ok(PeeringVpc::default()) };
        let within = |e: Malformed| e.within(&vpc_peering_connection_id);
        let v6 = side.ipv6_cidr_block_set().iter().map(|block| {
            let ipv6_cidr_block =
                parsed("Ipv6CidrBlock", block.ipv6_cidr_block()).map_err(within)?;
            Ok(Ipv6CidrAssociation { ipv6_cidr_block, ..Default::default() })
        });
        Ok(PeeringVpc {
            vpc_id: text(side.vpc_id()),
            owner_id: text(side.owner_id()),
            region: text(side.region()),
            cidr_block: parsed("CidrBlock", side.cidr_block()).map_err(within)?,
            ipv6_cidr_block_set: v6.collect::<Result<_, _>>()?,
        })
    };
    Ok(VpcPeering {
        accepter_vpc_info: side(row.accepter_vpc_info())?,
        requester_vpc_info: side(row.requester_vpc_info())?,
        status: PeeringStatus {
            code: row
                .status()
                .and_then(|s| s.code())
                .map(|c| c.as_str().to_owned())
                .unwrap_or_default(),
        },
        tags: tags(row.tags()),
        vpc_peering_connection_id,
    })
}
