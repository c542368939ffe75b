use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, tags, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::snapshot::{
    EgressOnlyInternetGateway, GatewayAttachment, InternetGateway, NatGateway, NatGatewayAddress,
};
use aws_sdk_ec2::{Client, types};

/// The largest page of `DescribeEgressOnlyInternetGateways`.
const EGRESS_ONLY_PAGE: i32 = 255;

/// Reads `DescribeInternetGateways`.
pub(in crate::collect::aws) async fn internet(ec2: &Client) -> Read<InternetGateway> {
    let pages = ec2.describe_internet_gateways().into_paginator().page_size(PAGE).send();
    drain(pages, |page| {
        Page::of(
            page.internet_gateways(),
            |row| {
                Ok(InternetGateway {
                    internet_gateway_id: id("InternetGatewayId", row.internet_gateway_id())?,
                    attachments: attachments(row.attachments()),
                    tags: tags(row.tags()),
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `DescribeEgressOnlyInternetGateways`.
pub(in crate::collect::aws) async fn egress_only(ec2: &Client) -> Read<EgressOnlyInternetGateway> {
    let pages = ec2
        .describe_egress_only_internet_gateways()
        .into_paginator()
        .page_size(EGRESS_ONLY_PAGE)
        .send();
    drain(pages, |page| {
        Page::of(
            page.egress_only_internet_gateways(),
            |row| {
                Ok(EgressOnlyInternetGateway {
                    egress_only_internet_gateway_id: id(
                        "EgressOnlyInternetGatewayId",
                        row.egress_only_internet_gateway_id(),
                    )?,
                    attachments: attachments(row.attachments()),
                    tags: tags(row.tags()),
                })
            },
            page.next_token(),
        )
    })
    .await
}

/// Reads `DescribeNatGateways`.
pub(in crate::collect::aws) async fn nat(ec2: &Client) -> Read<NatGateway> {
    let pages = ec2.describe_nat_gateways().into_paginator().page_size(PAGE).send();
    drain(pages, |page| Page::of(page.nat_gateways(), nat_gateway, page.next_token())).await
}

fn attachments(rows: &[types::InternetGatewayAttachment]) -> Vec<GatewayAttachment> {
    rows.iter()
        .map(|a| GatewayAttachment {
            vpc_id: text(a.vpc_id()),
            state: a.state().map(|s| s.as_str().to_owned()),
        })
        .collect()
}

fn nat_gateway(row: &types::NatGateway) -> Result<NatGateway, Malformed> {
    let nat_gateway_id = id("NatGatewayId", row.nat_gateway_id())?;
    let address = |a: &types::NatGatewayAddress| {
        Ok(NatGatewayAddress {
            allocation_id: text(a.allocation_id()),
            network_interface_id: text(a.network_interface_id()),
            private_ip: parsed("PrivateIp", a.private_ip())?,
            public_ip: parsed("PublicIp", a.public_ip())?,
        })
    };
    Ok(NatGateway {
        subnet_id: text(row.subnet_id()),
        vpc_id: text(row.vpc_id()),
        state: row.state().map(|s| s.as_str().to_owned()),
        connectivity_type: row.connectivity_type().map(|t| t.as_str().to_owned()),
        nat_gateway_addresses: row
            .nat_gateway_addresses()
            .iter()
            .map(address)
            .collect::<Result<_, Malformed>>()
            .map_err(|e| e.within(&nat_gateway_id))?,
        tags: tags(row.tags()),
        nat_gateway_id,
    })
}
