use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{Acl, AclAssociation, AclEntry, AclPortRange, IcmpTypeCode};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeNetworkAcls`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<Acl> {
    let pages = ec2.describe_network_acls().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.network_acls(), acl, page.next_token())).await
}

fn acl(row: &types::NetworkAcl) -> Result<Acl, Malformed> {
    let network_acl_id = id("NetworkAclId", row.network_acl_id())?;
    let entries = row
        .entries()
        .iter()
        .map(entry)
        .collect::<Result<_, _>>()
        .map_err(|e| e.within(&network_acl_id))?;
    Ok(Acl {
        network_acl_id,
        vpc_id: text(row.vpc_id()),
        owner_id: text(row.owner_id()),
        is_default: row.is_default().unwrap_or_default(),
        associations: row
            .associations()
            .iter()
            .map(|a| AclAssociation {
                network_acl_association_id: text(a.network_acl_association_id()),
                subnet_id: text(a.subnet_id()),
            })
            .collect(),
        entries,
        tags: tags(row.tags()),
    })
}

fn entry(row: &types::NetworkAclEntry) -> Result<AclEntry, Malformed> {
    // An entry read by half would permit or deny something else than the real one does.
    let missing = |field| Malformed::new(field, "");
    Ok(AclEntry {
        rule_number: row.rule_number().ok_or_else(|| missing("RuleNumber"))?,
        egress: row.egress().ok_or_else(|| missing("Egress"))?,
        protocol: id("Protocol", row.protocol())?,
        rule_action: id("RuleAction", row.rule_action().map(|a| a.as_str()))?,
        cidr_block: parsed("CidrBlock", row.cidr_block())?,
        ipv6_cidr_block: parsed("Ipv6CidrBlock", row.ipv6_cidr_block())?,
        port_range: row.port_range().map(|r| AclPortRange { from: r.from(), to: r.to() }),
        icmp_type_code: row
            .icmp_type_code()
            .map(|i| IcmpTypeCode { icmp_type: i.r#type(), code: i.code() }),
    })
}
