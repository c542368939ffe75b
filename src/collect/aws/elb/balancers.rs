use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, parsed, text};
use crate::collect::aws::read::{Page, Read, drain, whole};
use crate::snapshot::{Balancer, BalancerAddress, BalancerZone, InstanceState};
use aws_sdk_elasticloadbalancingv2::{Client, types};

/// Reads `DescribeLoadBalancers`, without the attributes.
pub(in crate::collect::aws) async fn read(elb: &Client) -> Read<Balancer> {
    let pages = elb.describe_load_balancers().page_size(PAGE).into_paginator().send();
    drain(pages, |page| Page::of(page.load_balancers(), balancer, page.next_marker())).await
}

/// Reads `DescribeLoadBalancerAttributes` of one balancer.
pub(in crate::collect::aws) async fn attributes(
    elb: Client,
    arn: String,
) -> Read<(String, String)> {
    let call = elb.describe_load_balancer_attributes().load_balancer_arn(&arn).send();
    whole(Box::pin(call).await, |page| {
        Page::of(
            page.attributes(),
            |row| {
                let key = id("Key", row.key()).map_err(|e| e.within(&arn))?;
                Ok((key, row.value().unwrap_or_default().to_owned()))
            },
            None,
        )
    })
}

fn balancer(row: &types::LoadBalancer) -> Result<Balancer, Malformed> {
    let load_balancer_arn = id("LoadBalancerArn", row.load_balancer_arn())?;
    let zones = row
        .availability_zones()
        .iter()
        .map(zone)
        .collect::<Result<_, _>>()
        .map_err(|e| e.within(&load_balancer_arn))?;
    Ok(Balancer {
        load_balancer_arn,
        load_balancer_name: text(row.load_balancer_name()),
        dns_name: text(row.dns_name()),
        scheme: row.scheme().map(|s| s.as_str().to_owned()),
        balancer_type: row.r#type().map(|t| t.as_str().to_owned()),
        vpc_id: text(row.vpc_id()),
        ip_address_type: row.ip_address_type().map(|t| t.as_str().to_owned()),
        state: InstanceState {
            name: row
                .state()
                .and_then(|s| s.code())
                .map(|c| c.as_str().to_owned())
                .unwrap_or_default(),
        },
        security_groups: row.security_groups().to_vec(),
        availability_zones: zones,
        attributes: None,
        listeners_unread: false,
        tags: Vec::new(),
    })
}

fn zone(row: &types::AvailabilityZone) -> Result<BalancerZone, Malformed> {
    Ok(BalancerZone {
        zone_name: text(row.zone_name()),
        subnet_id: text(row.subnet_id()),
        load_balancer_addresses: row
            .load_balancer_addresses()
            .iter()
            .map(|a| {
                Ok(BalancerAddress {
                    // One of the two: an IPv6 address is given in a field of its own.
                    ip_address: match parsed("IpAddress", a.ip_address())? {
                        None => parsed("IPv6Address", a.ipv6_address())?,
                        v4 => v4,
                    },
                    allocation_id: text(a.allocation_id()),
                    private_ipv4_address: parsed("PrivateIPv4Address", a.private_ipv4_address())?,
                })
            })
            .collect::<Result<_, Malformed>>()?,
    })
}
