use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{CidrAssociation, CidrState, Ipv6CidrAssociation, Subnet, Vpc};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeVpcs`.
pub(in crate::collect::aws) async fn vpcs(ec2: &Client) -> Read<Vpc> {
    let pages = ec2.describe_vpcs().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.vpcs(), vpc, page.next_token())).await
}

/// Reads `DescribeSubnets`.
pub(in crate::collect::aws) async fn subnets(ec2: &Client) -> Read<Subnet> {
    let pages = ec2.describe_subnets().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.subnets(), subnet, page.next_token())).await
}

fn vpc(row: &types::Vpc) -> Result<Vpc, Malformed> {
    let vpc_id = id("VpcId", row.vpc_id())?;
    let v4 = |c: &types::VpcCidrBlockAssociation| {
        Ok(CidrAssociation {
            cidr_block: parsed("CidrBlock", c.cidr_block())?,
            cidr_block_state: c
                .cidr_block_state()
                .map(|s| state(s.state().map(types::VpcCidrBlockStateCode::as_str))),
        })
    };
    let v6 = |c: &types::VpcIpv6CidrBlockAssociation| {
        Ok(Ipv6CidrAssociation {
            ipv6_cidr_block: parsed("Ipv6CidrBlock", c.ipv6_cidr_block())?,
            ipv6_cidr_block_state: c
                .ipv6_cidr_block_state()
                .map(|s| state(s.state().map(types::VpcCidrBlockStateCode::as_str))),
        })
    };
    let within = |e: Malformed| e.within(&vpc_id);
    Ok(Vpc {
        owner_id: text(row.owner_id()),
        state: row.state().map(|s| s.as_str().to_owned()),
        is_default: row.is_default().unwrap_or_default(),
        cidr_block: parsed("CidrBlock", row.cidr_block()).map_err(within)?,
        cidr_block_association_set: row
            .cidr_block_association_set()
            .iter()
            .map(v4)
            .collect::<Result<_, Malformed>>()
            .map_err(within)?,
        ipv6_cidr_block_association_set: row
            .ipv6_cidr_block_association_set()
            .iter()
            .map(v6)
            .collect::<Result<_, Malformed>>()
            .map_err(within)?,
        tags: tags(row.tags()),
        vpc_id,
    })
}

fn subnet(row: &types::Subnet) -> Result<Subnet, Malformed> {
    let subnet_id = id("SubnetId", row.subnet_id())?;
    let v6 = |c: &types::SubnetIpv6CidrBlockAssociation| {
        Ok(Ipv6CidrAssociation {
            ipv6_cidr_block: parsed("Ipv6CidrBlock", c.ipv6_cidr_block())?,
            ipv6_cidr_block_state: c
                .ipv6_cidr_block_state()
                .map(|s| state(s.state().map(types::SubnetCidrBlockStateCode::as_str))),
        })
    };
    let within = |e: Malformed| e.within(&subnet_id);
    Ok(Subnet {
        vpc_id: id("VpcId", row.vpc_id()).map_err(within)?,
        owner_id: text(row.owner_id()),
        availability_zone: text(row.availability_zone()),
        cidr_block: parsed("CidrBlock", row.cidr_block()).map_err(within)?,
        ipv6_cidr_block_association_set: row
            .ipv6_cidr_block_association_set()
            .iter()
            .map(v6)
            .collect::<Result<_, Malformed>>()
            .map_err(within)?,
        map_public_ip_on_launch: row.map_public_ip_on_launch().unwrap_or_default(),
        tags: tags(row.tags()),
        subnet_id,
    })
}

fn state(state: Option<&str>) -> CidrState {
    CidrState { state: state.unwrap_or_default().into() }
}
