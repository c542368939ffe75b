use super::{Ipv6CidrAssociation, Tag};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// An internet gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct InternetGateway {
    pub internet_gateway_id: String,
    pub attachments: Vec<GatewayAttachment>,
    pub tags: Vec<Tag>,
}

/// An egress-only internet gateway: IPv6, outbound (R27).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EgressOnlyInternetGateway {
    pub egress_only_internet_gateway_id: String,
    pub attachments: Vec<GatewayAttachment>,
    pub tags: Vec<Tag>,
}

/// A gateway's attachment to a VPC: in force when `available` or `attached`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct GatewayAttachment {
    pub vpc_id: Option<String>,
    pub state: Option<String>,
}

/// A NAT gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NatGateway {
    pub nat_gateway_id: String,
    pub subnet_id: Option<String>,
    pub vpc_id: Option<String>,
    /// `pending`, `failed`, `available`, `deleting`, `deleted`.
    pub state: Option<String>,
    pub connectivity_type: Option<String>,
    pub nat_gateway_addresses: Vec<NatGatewayAddress>,
    pub tags: Vec<Tag>,
}

/// One address of a NAT gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NatGatewayAddress {
    pub allocation_id: Option<String>,
    pub network_interface_id: Option<String>,
    pub private_ip: Option<IpAddr>,
    pub public_ip: Option<IpAddr>,
}

/// An Elastic IP address.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Address {
    pub allocation_id: Option<String>,
    pub association_id: Option<String>,
    pub public_ip: Option<IpAddr>,
    pub private_ip_address: Option<IpAddr>,
    pub instance_id: Option<String>,
    pub network_interface_id: Option<String>,
    pub tags: Vec<Tag>,
}

/// A VPC peering connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VpcPeering {
    pub vpc_peering_connection_id: String,
    pub accepter_vpc_info: PeeringVpc,
    pub requester_vpc_info: PeeringVpc,
    pub status: PeeringStatus,
    pub tags: Vec<Tag>,
}

/// One side of a peering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PeeringVpc {
    pub vpc_id: Option<String>,
    pub owner_id: Option<String>,
    pub region: Option<String>,
    pub cidr_block: Option<IpNetwork>,
    /// Where the VPC itself was not read, this alone says which IPv6 addresses are its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ipv6_cidr_block_set: Vec<Ipv6CidrAssociation>,
}

/// `Code` is in force when `active`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PeeringStatus {
    pub code: String,
}

/// A site-to-site VPN connection. What it carries is not modelled; its ends at Amazon are public.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VpnConnection {
    pub vpn_connection_id: String,
    pub vpn_gateway_id: Option<String>,
    pub transit_gateway_id: Option<String>,
    /// `pending`, `available`, `deleting`, `deleted`.
    pub state: Option<String>,
    pub vgw_telemetry: Vec<VpnTunnel>,
}

/// One tunnel of a VPN connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VpnTunnel {
    /// Its end at Amazon.
    pub outside_ip_address: Option<IpAddr>,
}

/// A VPC endpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct VpcEndpoint {
    pub vpc_endpoint_id: String,
    /// `Gateway`, `Interface`, `GatewayLoadBalancer`.
    pub vpc_endpoint_type: Option<String>,
    pub service_name: Option<String>,
    pub vpc_id: Option<String>,
    pub state: Option<String>,
    pub network_interface_ids: Vec<String>,
    pub route_table_ids: Vec<String>,
    pub subnet_ids: Vec<String>,
    pub tags: Vec<Tag>,
}
