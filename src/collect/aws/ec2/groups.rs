use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{GroupPair, IpPermission, IpRange, Ipv6Range, PrefixListRef, SecurityGroup};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeSecurityGroups`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<SecurityGroup> {
    let pages = ec2.describe_security_groups().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.security_groups(), group, page.next_token())).await
}

fn group(row: &types::SecurityGroup) -> Result<SecurityGroup, Malformed> {
    let group_id = id("GroupId", row.group_id())?;
    let permissions = |rows: &[types::IpPermission]| {
        rows.iter().map(permission).collect::<Result<Vec<_>, _>>().map_err(|e| e.within(&group_id))
    };
    Ok(SecurityGroup {
        group_name: row.group_name().unwrap_or_default().into(),
        description: text(row.description()),
        owner_id: text(row.owner_id()),
        vpc_id: text(row.vpc_id()),
        ip_permissions: permissions(row.ip_permissions())?,
        ip_permissions_egress: permissions(row.ip_permissions_egress())?,
        tags: tags(row.tags()),
        group_id,
    })
}

fn permission(row: &types::IpPermission) -> Result<IpPermission, Malformed> {
    let range = |r: &types::IpRange| {
        let cidr_ip = parsed("CidrIp", r.cidr_ip())?.ok_or_else(|| Malformed::new("CidrIp", ""))?;
        Ok(IpRange { cidr_ip, description: text(r.description()) })
    };
    let range6 = |r: &types::Ipv6Range| {
        let cidr_ipv6 =
            parsed("CidrIpv6", r.cidr_ipv6())?.ok_or_else(|| Malformed::new("CidrIpv6", ""))?;
        Ok(Ipv6Range { cidr_ipv6, description: text(r.description()) })
    };
    let list = |p: &types::PrefixListId| {
        Ok(PrefixListRef {
            prefix_list_id: id("PrefixListId", p.prefix_list_id())?,
            description: text(p.description()),
        })
    };
    let pair = |p: &types::UserIdGroupPair| {
        Ok(GroupPair {
            group_id: id("GroupId", p.group_id())?,
            user_id: text(p.user_id()),
            vpc_id: text(p.vpc_id()),
            vpc_peering_connection_id: text(p.vpc_peering_connection_id()),
            peering_status: text(p.peering_status()),
            description: text(p.description()),
        })
    };
    Ok(IpPermission {
        ip_protocol: id("IpProtocol", row.ip_protocol())?,
        from_port: row.from_port(),
        to_port: row.to_port(),
        ip_ranges: row.ip_ranges().iter().map(range).collect::<Result<_, Malformed>>()?,
        ipv6_ranges: row.ipv6_ranges().iter().map(range6).collect::<Result<_, Malformed>>()?,
        prefix_list_ids: row
            .prefix_list_ids()
            .iter()
            .map(list)
            .collect::<Result<_, Malformed>>()?,
        user_id_group_pairs: row
            .user_id_group_pairs()
            .iter()
            .map(pair)
            .collect::<Result<_, Malformed>>()?,
    })
}
