use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{
    TransitGateway, TransitGatewayAttachment, TransitGatewayOptions, TransitGatewayRoute,
    TransitGatewayRouteAttachment, TransitGatewayRouteTable,
};
use aws_sdk_ec2::{Client, types};

/// Reads `DescribeTransitGateways`.
pub(in crate::collect::aws) async fn gateways(ec2: &Client) -> Read<TransitGateway> {
    let pages = ec2.describe_transit_gateways().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.transit_gateways(),
            |row| {
                Ok(TransitGateway {
                    transit_gateway_id: id("TransitGatewayId", row.transit_gateway_id())?,
                    owner_id: text(row.owner_id()),
                    state: row.state().map(|s| s.as_str().to_owned()),
                    options: row.options().map(|o| TransitGatewayOptions {
                        security_group_referencing_support: o
                            .security_group_referencing_support()
                            .map(|s| s.as_str().to_owned()),
                        appliance_mode_support: None,
                    }),
                    tags: tags(row.tags()),
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `DescribeTransitGatewayAttachments`; the subnets and options of VPC attachments are not in it.
pub(in crate::collect::aws) async fn attachments(ec2: &Client) -> Read<TransitGatewayAttachment> {
    let pages = ec2.describe_transit_gateway_attachments().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.transit_gateway_attachments(), attachment, page.next_token()))
        .await
}

/// The subnets and options of an attachment, by its id.
pub(in crate::collect::aws) type OfVpc = (String, (Vec<String>, Option<TransitGatewayOptions>));

/// Reads `DescribeTransitGatewayVpcAttachments`.
pub(in crate::collect::aws) async fn vpc_attachments(ec2: &Client) -> Read<OfVpc> {
    let pages =
        ec2.describe_transit_gateway_vpc_attachments().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.transit_gateway_vpc_attachments(),
            |row| {
                let id = id("TransitGatewayAttachmentId", row.transit_gateway_attachment_id())?;
                let options = row.options().map(|o| TransitGatewayOptions {
                    security_group_referencing_support: o
                        .security_group_referencing_support()
                        .map(|s| s.as_str().to_owned()),
                    appliance_mode_support: o
                        .appliance_mode_support()
                        .map(|s| s.as_str().to_owned()),
                });
                Ok((id, (row.subnet_ids().to_vec(), options)))
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `DescribeTransitGatewayRouteTables`, without routes and propagations.
pub(in crate::collect::aws) async fn route_tables(ec2: &Client) -> Read<TransitGatewayRouteTable> {
    let pages = ec2.describe_transit_gateway_route_tables().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.transit_gateway_route_tables(),
            |row| {
                Ok(TransitGatewayRouteTable {
                    transit_gateway_route_table_id: id(
                        "TransitGatewayRouteTableId",
                        row.transit_gateway_route_table_id(),
                    )?,
                    transit_gateway_id: text(row.transit_gateway_id()),
                    state: row.state().map(|s| s.as_str().to_owned()),
                    routes: None,
                    propagations: None,
                    tags: tags(row.tags()),
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `SearchTransitGatewayRoutes` of one route table.
///
/// The operation wants a filter; by type it leaves nothing out. It may say that there are more
/// routes without giving a token: that is not complete. A page is as large as it gets unasked.
pub(in crate::collect::aws) async fn routes(
    ec2: Client,
    table: String,
) -> Read<TransitGatewayRoute> {
    let every_type =
        types::Filter::builder().name("type").values("static").values("propagated").build();
    let pages = ec2
        .search_transit_gateway_routes()
        .transit_gateway_route_table_id(&table)
        .filters(every_type)
        .into_paginator()
        .send();
    drain(pages, |page| {
        let token = page.next_token().filter(|t| !t.is_empty());
        let more = token.is_some() || page.additional_routes_available().unwrap_or_default();
        Page { more, ..Page::of(page.routes(), |row| route(row, &table), token) }
    })
    .await
}

/// Reads `GetTransitGatewayRouteTablePropagations` of one route table.
pub(in crate::collect::aws) async fn propagations(
    ec2: Client,
    table: String,
) -> Read<TransitGatewayRouteAttachment> {
    let pages = ec2
        .get_transit_gateway_route_table_propagations()
        .transit_gateway_route_table_id(table)
        .into_paginator()
        .page_size(PAGE)
        .send();
    drain(pages, |page| {
        Page::of(
            page.transit_gateway_route_table_propagations(),
            |row| {
                Ok(TransitGatewayRouteAttachment {
                    transit_gateway_attachment_id: text(row.transit_gateway_attachment_id()),
                    resource_type: row.resource_type().map(|t| t.as_str().to_owned()),
                    resource_id: text(row.resource_id()),
                })
            },
            page.next_token(),
        )
    })
    .await
}

fn attachment(
    row: &types::TransitGatewayAttachment,
) -> Result<TransitGatewayAttachment, Malformed> {
    Ok(TransitGatewayAttachment {
        transit_gateway_attachment_id: id(
            "TransitGatewayAttachmentId",
            row.transit_gateway_attachment_id(),
        )?,
        transit_gateway_id: text(row.transit_gateway_id()),
        resource_type: row.resource_type().map(|t| t.as_str().to_owned()),
        resource_id: text(row.resource_id()),
        resource_owner_id: text(row.resource_owner_id()),
        state: row.state().map(|s| s.as_str().to_owned()),
        association_route_table_id: row
            .association()
            .and_then(|a| text(a.transit_gateway_route_table_id())),
        subnet_ids: None,
        options: None,
        tags: tags(row.tags()),
    })
}

fn route(row: &types::TransitGatewayRoute, table: &str) -> Result<TransitGatewayRoute, Malformed> {
    let cidr = parsed("DestinationCidrBlock", row.destination_cidr_block())
        .and_then(|c| c.ok_or_else(|| Malformed::new("DestinationCidrBlock", "")))
        .map_err(|e| e.within(table))?;
    Ok(TransitGatewayRoute {
        destination_cidr_block: cidr,
        route_type: row.r#type().map(|t| t.as_str().to_owned()),
        state: row.state().map(|s| s.as_str().to_owned()),
        transit_gateway_attachments: row
            .transit_gateway_attachments()
            .iter()
            .map(|a| TransitGatewayRouteAttachment {
                transit_gateway_attachment_id: text(a.transit_gateway_attachment_id()),
                resource_type: a.resource_type().map(|t| t.as_str().to_owned()),
                resource_id: text(a.resource_id()),
            })
            .collect(),
    })
}
