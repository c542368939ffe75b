use super::Tag;
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// A network interface: what groups, addresses and subnets really belong to (R2).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Interface {
    pub network_interface_id: String,
    pub owner_id: Option<String>,
    pub availability_zone: Option<String>,
    pub description: Option<String>,
    /// `interface`, `nat_gateway`, `network_load_balancer`, `vpc_endpoint`, `lambda`, …
    pub interface_type: Option<String>,
    pub requester_id: Option<String>,
    pub requester_managed: bool,
    pub source_dest_check: Option<bool>,
    /// `in-use`, `available`, `associated`, `attaching`, `detaching`.
    pub status: Option<String>,
    pub subnet_id: Option<String>,
    pub vpc_id: Option<String>,
    pub private_ip_address: Option<IpAddr>,
    pub private_ip_addresses: Vec<PrivateAddress>,
    pub ipv6_addresses: Vec<InterfaceIpv6>,
    /// IPv4 prefixes delegated to the interface.
    pub ipv4_prefixes: Vec<IpNetwork>,
    /// IPv6 prefixes delegated to the interface.
    pub ipv6_prefixes: Vec<IpNetwork>,
    pub association: Option<Association>,
    pub attachment: Option<Attachment>,
    pub groups: Vec<GroupRef>,
    #[serde(alias = "TagSet")]
    pub tags: Vec<Tag>,
}

/// One private IPv4 address, with the public one associated with it, if any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PrivateAddress {
    pub private_ip_address: Option<IpAddr>,
    pub primary: bool,
    pub association: Option<Association>,
}

/// A public address associated with a private one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Association {
    pub public_ip: Option<IpAddr>,
    pub ip_owner_id: Option<String>,
    pub allocation_id: Option<String>,
}

/// One IPv6 address of an interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct InterfaceIpv6 {
    pub ipv6_address: Option<Ipv6Addr>,
}

/// What an interface is attached to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Attachment {
    pub attachment_id: Option<String>,
    pub device_index: Option<i32>,
    pub instance_id: Option<String>,
    pub instance_owner_id: Option<String>,
    /// `attaching`, `attached`, `detaching`, `detached`.
    pub status: Option<String>,
}

/// A group of an interface, by id; the name is for people only (R37).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct GroupRef {
    pub group_id: String,
    pub group_name: Option<String>,
}
