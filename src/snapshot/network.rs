use super::{PrefixListEntry, Tag};
use crate::model::Family;
use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};
use serde::{Deserialize, Serialize};

/// A VPC.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Vpc {
    pub vpc_id: String,
    pub owner_id: Option<String>,
    pub state: Option<String>,
    pub is_default: bool,
    pub cidr_block: Option<Ipv4Network>,
    pub cidr_block_association_set: Vec<CidrAssociation>,
    pub ipv6_cidr_block_association_set: Vec<Ipv6CidrAssociation>,
    pub tags: Vec<Tag>,
}

impl Vpc {
    /// The blocks that are in force.
    pub fn blocks(&self) -> impl Iterator<Item = IpNetwork> {
        let live = |s: &Option<CidrState>| s.as_ref().is_none_or(|s| s.state == "associated");
        let more = self.cidr_block_association_set.iter();
        let more = more.filter(move |a| live(&a.cidr_block_state)).filter_map(|a| a.cidr_block);
        let v6 = self.ipv6_cidr_block_association_set.iter();
        let v6 = v6.filter(move |a| live(&a.ipv6_cidr_block_state));
        let v6 = v6.filter_map(|a| a.ipv6_cidr_block);
        self.cidr_block.into_iter().chain(more).map(Into::into).chain(v6.map(Into::into))
    }
}

/// An IPv4 block of a VPC and whether it is in force (`State` = `associated`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CidrAssociation {
    pub cidr_block: Option<Ipv4Network>,
    pub cidr_block_state: Option<CidrState>,
}

/// An IPv6 block of a VPC or subnet and whether it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ipv6CidrAssociation {
    pub ipv6_cidr_block: Option<Ipv6Network>,
    pub ipv6_cidr_block_state: Option<CidrState>,
}

/// `associating`, `associated`, `disassociating`, `disassociated`, `failing`, `failed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct CidrState {
    pub state: String,
}

/// A subnet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Subnet {
    pub subnet_id: String,
    pub vpc_id: String,
    pub owner_id: Option<String>,
    pub availability_zone: Option<String>,
    pub cidr_block: Option<Ipv4Network>,
    pub ipv6_cidr_block_association_set: Vec<Ipv6CidrAssociation>,
    pub map_public_ip_on_launch: bool,
    pub tags: Vec<Tag>,
}

/// A network ACL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Acl {
    pub network_acl_id: String,
    pub vpc_id: Option<String>,
    pub owner_id: Option<String>,
    pub is_default: bool,
    pub associations: Vec<AclAssociation>,
    /// Sorted by direction, then family, then rule number.
    pub entries: Vec<AclEntry>,
    pub tags: Vec<Tag>,
}

/// A subnet's association with a network ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AclAssociation {
    pub network_acl_association_id: Option<String>,
    pub subnet_id: Option<String>,
}

/// One entry of a network ACL. Exactly one of the two blocks is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AclEntry {
    pub rule_number: i32,
    pub egress: bool,
    /// A number as text; `-1` is every protocol (R7).
    pub protocol: String,
    /// `allow` or `deny`.
    pub rule_action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Ipv4Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<Ipv6Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_range: Option<AclPortRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp_type_code: Option<IcmpTypeCode>,
}

/// Inclusive ports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AclPortRange {
    pub from: Option<i32>,
    pub to: Option<i32>,
}

/// An ICMP type and code; -1 is any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IcmpTypeCode {
    #[serde(rename = "Type")]
    pub icmp_type: Option<i32>,
    pub code: Option<i32>,
}

/// A route table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RouteTable {
    pub route_table_id: String,
    pub vpc_id: Option<String>,
    pub owner_id: Option<String>,
    pub associations: Vec<RouteTableAssociation>,
    /// Virtual private gateways that propagate into this table.
    pub propagating_vgws: Vec<String>,
    pub routes: Vec<Route>,
    pub tags: Vec<Tag>,
}

/// What a route table is associated with: a subnet, a gateway (edge table), or the VPC as main.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RouteTableAssociation {
    pub main: bool,
    pub subnet_id: Option<String>,
    pub gateway_id: Option<String>,
}

/// One route. Exactly one destination and one target are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Route {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<Ipv4Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<Ipv6Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_prefix_list_id: Option<String>,
    /// `local`, `igw-…`, `vgw-…`, `vpce-…`; in old data also a NAT gateway (D7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_only_internet_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_peering_connection_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier_gateway_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_network_arn: Option<String>,
    /// `active` or `blackhole`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `CreateRouteTable`, `CreateRoute`, `EnableVgwRoutePropagation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// A prefix list with its entries, AWS-managed or customer-managed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PrefixList {
    pub prefix_list_id: String,
    pub prefix_list_name: Option<String>,
    pub owner_id: Option<String>,
    /// `IPv4` or `IPv6`: the one family that its blocks are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_family: Option<String>,
    /// `None` when the entries could not be read, or not all of them.
    pub entries: Option<Vec<PrefixListEntry>>,
}

impl PrefixList {
    /// Whether it may hold blocks of a family.
    #[must_use]
    pub fn may_hold(&self, family: Family) -> bool {
        match self.address_family.as_deref() {
            Some("IPv4") => family == Family::V4,
            Some("IPv6") => family == Family::V6,
            _ => true,
        }
    }

    /// The blocks, where they could be read.
    #[must_use]
    pub fn networks(&self) -> Option<Vec<IpNetwork>> {
        self.entries.as_ref().map(|e| e.iter().map(|e| e.cidr).collect())
    }
}

/// VPC block-public-access options of an account in a region (R35).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BpaOptions {
    /// `off`, `block-bidirectional`, `block-ingress`.
    pub internet_gateway_block_mode: Option<String>,
    /// `default-state`, `update-in-progress`, `update-complete`.
    pub state: Option<String>,
}

/// A VPC or subnet that block-public-access leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BpaExclusion {
    pub exclusion_id: String,
    /// `allow-bidirectional` or `allow-egress`.
    pub internet_gateway_exclusion_mode: Option<String>,
    /// ARN of the VPC or subnet.
    pub resource_arn: Option<String>,
    pub state: Option<String>,
}
