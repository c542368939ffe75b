use super::PAGE;
use crate::collect::aws::parse::{Malformed, each, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{
    Association, Attachment, GroupRef, Interface, InterfaceIpv6, PrivateAddress,
};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeNetworkInterfaces`.
pub(in crate::collect::aws) async fn read(ec2: &Client) -> Read<Interface> {
    let pages = ec2.describe_network_interfaces().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.network_interfaces(), interface, page.next_token())).await
}

fn interface(row: &types::NetworkInterface) -> Result<Interface, Malformed> {
    let network_interface_id = id("NetworkInterfaceId", row.network_interface_id())?;
    filled(row, &network_interface_id).map_err(|e| e.within(&network_interface_id))
}

fn filled(row: &types::NetworkInterface, id: &str) -> Result<Interface, Malformed> {
    Ok(Interface {
        network_interface_id: id.into(),
        owner_id: text(row.owner_id()),
        availability_zone: text(row.availability_zone()),
        description: text(row.description()),
        interface_type: row.interface_type().map(|t| t.as_str().to_owned()),
        requester_id: text(row.requester_id()),
        requester_managed: row.requester_managed().unwrap_or_default(),
        source_dest_check: row.source_dest_check(),
        status: row.status().map(|s| s.as_str().to_owned()),
        subnet_id: text(row.subnet_id()),
        vpc_id: text(row.vpc_id()),
        private_ip_address: parsed("PrivateIpAddress", row.private_ip_address())?,
        private_ip_addresses: row
            .private_ip_addresses()
            .iter()
            .map(private_address)
            .collect::<Result<_, _>>()?,
        ipv6_addresses: each("Ipv6Address", row.ipv6_addresses(), |a| a.ipv6_address())?
            .into_iter()
            .map(|address| InterfaceIpv6 { ipv6_address: Some(address) })
            .collect(),
        ipv4_prefixes: each("Ipv4Prefix", row.ipv4_prefixes(), |p| p.ipv4_prefix())?,
        ipv6_prefixes: each("Ipv6Prefix", row.ipv6_prefixes(), |p| p.ipv6_prefix())?,
        association: row.association().map(association).transpose()?,
        attachment: row.attachment().map(|a| Attachment {
            attachment_id: text(a.attachment_id()),
            device_index: a.device_index(),
            instance_id: text(a.instance_id()),
            instance_owner_id: text(a.instance_owner_id()),
            status: a.status().map(|s| s.as_str().to_owned()),
        }),
        groups: row
            .groups()
            .iter()
            .map(|g| {
                self::id("GroupId", g.group_id())
                    .map(|group_id| GroupRef { group_id, group_name: text(g.group_name()) })
            })
            .collect::<Result<_, _>>()?,
        tags: tags(row.tag_set()),
    })
}

fn private_address(
    row: &types::NetworkInterfacePrivateIpAddress,
) -> Result<PrivateAddress, Malformed> {
    Ok(PrivateAddress {
        private_ip_address: parsed("PrivateIpAddress", row.private_ip_address())?,
        primary: row.primary().unwrap_or_default(),
        association: row.association().map(association).transpose()?,
    })
}

fn association(row: &types::NetworkInterfaceAssociation) -> Result<Association, Malformed> {
    Ok(Association {
        public_ip: parsed("PublicIp", row.public_ip())?,
        ip_owner_id: text(row.ip_owner_id()),
        allocation_id: text(row.allocation_id()),
    })
}
