use super::{InstanceState, Tag};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// An ELBv2 load balancer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Balancer {
    pub load_balancer_arn: String,
    pub load_balancer_name: Option<String>,
    #[serde(rename = "DNSName")]
    pub dns_name: Option<String>,
    /// `internet-facing` or `internal`.
    pub scheme: Option<String>,
    /// `application`, `network`, `gateway`.
    #[serde(rename = "Type")]
    pub balancer_type: Option<String>,
    pub vpc_id: Option<String>,
    pub ip_address_type: Option<String>,
    /// `Code`: `active`, `provisioning`, `active_impaired`, `failed`; kept as `Name` here.
    #[serde(deserialize_with = "state")]
    pub state: InstanceState,
    pub security_groups: Vec<String>,
    pub availability_zones: Vec<BalancerZone>,
    /// Attributes by key; `None` when they could not be read.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Whether nobody asked for its listeners: that call is one for each balancer, and saved answers
    /// may have it for some only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub listeners_unread: bool,
    pub tags: Vec<Tag>,
}

/// Reads a balancer's state by either of its field names.
fn state<'de, D: serde::Deserializer<'de>>(d: D) -> Result<InstanceState, D::Error> {
    #[derive(Deserialize)]
    struct State {
        #[serde(alias = "Code", rename = "Name", default)]
        name: String,
    }
    State::deserialize(d).map(|s| InstanceState { name: s.name })
}

/// One zone of a balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BalancerZone {
    pub zone_name: Option<String>,
    pub subnet_id: Option<String>,
    pub load_balancer_addresses: Vec<BalancerAddress>,
}

/// A fixed address of a network load balancer in one zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct BalancerAddress {
    pub ip_address: Option<IpAddr>,
    pub allocation_id: Option<String>,
    #[serde(rename = "PrivateIPv4Address")]
    pub private_ipv4_address: Option<IpAddr>,
}

/// A listener, with the actions of its rules folded in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Listener {
    pub listener_arn: String,
    pub load_balancer_arn: Option<String>,
    pub port: Option<u16>,
    /// `HTTP`, `HTTPS`, `TCP`, `TLS`, `UDP`, `TCP_UDP`, …
    pub protocol: Option<String>,
    pub default_actions: Vec<Action>,
    /// Actions of the other rules of an application balancer; `None` when they could not be read.
    pub rule_actions: Option<Vec<Action>>,
}

/// What a listener does with a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Action {
    /// `forward`, `redirect`, `fixed-response`, `authenticate-…`.
    #[serde(rename = "Type")]
    pub action_type: Option<String>,
    pub target_group_arn: Option<String>,
    /// Every target group of a weighted forward.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forward_target_group_arns: Vec<String>,
}

/// A target group with the health of its targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TargetGroup {
    pub target_group_arn: String,
    pub target_group_name: Option<String>,
    pub protocol: Option<String>,
    pub port: Option<u16>,
    pub vpc_id: Option<String>,
    /// `instance`, `ip`, `lambda`, `alb`.
    pub target_type: Option<String>,
    pub load_balancer_arns: Vec<String>,
    /// Attributes by key; `None` when they could not be read.
    pub attributes: Option<BTreeMap<String, String>>,
    /// `None` when the health could not be read.
    pub targets: Option<Vec<TargetHealth>>,
}

impl TargetGroup {
    /// Whether it stands for the instances of a classic balancer, which has no such group: of its API's
    /// balancers alone the ARN has no kind (`loadbalancer/NAME`, not `loadbalancer/app/NAME/ID`).
    #[must_use]
    pub fn is_of_classic(&self) -> bool {
        let name =
            |arn: &String| arn.split_once(":loadbalancer/").map(|(_, rest)| !rest.contains('/'));
        self.load_balancer_arns.first().and_then(name).unwrap_or_default()
    }
}

/// One target and its health.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TargetHealth {
    pub target: Target,
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`, `unavailable`.
    pub state: Option<String>,
}

/// A target: an instance id, an address, a function or a balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Target {
    pub id: String,
    pub port: Option<u16>,
    pub availability_zone: Option<String>,
}
