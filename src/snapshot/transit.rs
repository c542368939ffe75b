use super::Tag;
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

/// A transit gateway.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TransitGateway {
    pub transit_gateway_id: String,
    pub owner_id: Option<String>,
    pub state: Option<String>,
    /// `None` when they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<TransitGatewayOptions>,
    pub tags: Vec<Tag>,
}

/// Options of a transit gateway, or of an attachment of a VPC to one, as far as they decide: `enable`
/// or `disable`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TransitGatewayOptions {
    /// Whether groups of one VPC count in another; both attachments and the gateway must have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_referencing_support: Option<String>,
    /// Of an attachment: whether traffic may leave the zone that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appliance_mode_support: Option<String>,
}

/// Something attached to a transit gateway. `DescribeTransitGatewayAttachments` gives the
/// association, `DescribeTransitGatewayVpcAttachments` the subnets and options; both are folded in here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TransitGatewayAttachment {
    pub transit_gateway_attachment_id: String,
    pub transit_gateway_id: Option<String>,
    /// `vpc`, `vpn`, `peering`, `direct-connect-gateway`, `connect`.
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
    pub resource_owner_id: Option<String>,
    pub state: Option<String>,
    /// The route table that decides traffic coming out of this attachment.
    pub association_route_table_id: Option<String>,
    /// Subnets of a VPC attachment; `None` when they could not be read.
    pub subnet_ids: Option<Vec<String>>,
    /// Those of a VPC attachment; `None` when they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<TransitGatewayOptions>,
    pub tags: Vec<Tag>,
}

/// A transit gateway route table with its routes and propagations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TransitGatewayRouteTable {
    pub transit_gateway_route_table_id: String,
    pub transit_gateway_id: Option<String>,
    pub state: Option<String>,
    /// `None` when the routes could not be read.
    pub routes: Option<Vec<TransitGatewayRoute>>,
    /// Attachments that propagate into this table; `None` when they could not be read.
    pub propagations: Option<Vec<TransitGatewayRouteAttachment>>,
    pub tags: Vec<Tag>,
}

/// One route of a transit gateway route table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransitGatewayRoute {
    pub destination_cidr_block: IpNetwork,
    /// `static` or `propagated`.
    #[serde(rename = "Type", default)]
    pub route_type: Option<String>,
    /// `active`, `blackhole`, …
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub transit_gateway_attachments: Vec<TransitGatewayRouteAttachment>,
}

/// The attachment a route leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TransitGatewayRouteAttachment {
    pub transit_gateway_attachment_id: Option<String>,
    pub resource_type: Option<String>,
    pub resource_id: Option<String>,
}
