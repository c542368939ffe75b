use super::PAGE;
use crate::collect::aws::parse::{Malformed, id, port, text};
use crate::collect::aws::read::{Page, Read, drain};
use crate::collect::classic::{Classic, Port};
use aws_sdk_elasticloadbalancing::{Client, types};

/// Reads the older API's `DescribeLoadBalancers`.
pub(in crate::collect::aws) async fn read(elb: &Client) -> Read<Classic> {
    let pages = elb.describe_load_balancers().page_size(PAGE).into_paginator().send();
    drain(pages, |page| Page::of(page.load_balancer_descriptions(), balancer, page.next_marker()))
        .await
}

fn balancer(row: &types::LoadBalancerDescription) -> Result<Classic, Malformed> {
    let name = id("LoadBalancerName", row.load_balancer_name())?;
    let listeners = row.listener_descriptions().iter().filter_map(|d| d.listener());
    let listeners = listeners
        .map(|l| {
            let outer = port("LoadBalancerPort", Some(l.load_balancer_port()))?;
            let outer = outer.ok_or_else(|| Malformed::new("LoadBalancerPort", ""))?;
            let inner = port("InstancePort", Some(l.instance_port()))?;
            Ok(Port { outer, protocol: text(Some(l.protocol())), inner })
        })
        .collect::<Result<_, Malformed>>()
        .map_err(|e| e.within(&name))?;
    Ok(Classic {
        dns_name: text(row.dns_name()),
        scheme: text(row.scheme()),
        vpc_id: text(row.vpc_id()),
        security_groups: row.security_groups().to_vec(),
        subnets: row.subnets().to_vec(),
        instances: row.instances().iter().filter_map(|i| text(i.instance_id())).collect(),
        listeners,
        name,
    })
}
