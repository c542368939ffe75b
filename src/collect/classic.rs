//! A classic balancer in the words of the newer ones: a listener a port, its instances a target group.

use crate::snapshot::{
    Action, Balancer, BalancerZone, InstanceState, Listener, RegionView, Target, TargetGroup,
    TargetHealth,
};

/// One row of the older API's `DescribeLoadBalancers`.
#[derive(Debug, Default)]
pub(super) struct Classic {
    pub(super) name: String,
    pub(super) dns_name: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) vpc_id: Option<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) subnets: Vec<String>,
    /// Ids of the instances registered with it; how they fare is another call's to tell.
    pub(super) instances: Vec<String>,
    pub(super) listeners: Vec<Port>,
}

/// A port that it listens on.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) outer: u16,
    pub(super) protocol: Option<String>,
    /// The port of its instances.
    pub(super) inner: Option<u16>,
}

impl Classic {
    /// Adds it to a view. It has no ARN of its own: those it is given begin with `stem`,
    /// `arn:aws:elasticloadbalancing:REGION:ACCOUNT`.
    pub(super) fn put_into(self, view: &mut RegionView, stem: &str) {
        let name = &self.name;
        let arn = format!("{stem}:loadbalancer/{name}");
        for port in &self.listeners {
            let group = format!("{stem}:targetgroup/{name}/{}", port.outer);
            view.listeners.push(Listener {
                listener_arn: format!("{stem}:listener/{name}/{}", port.outer),
                load_balancer_arn: Some(arn.clone()),
                port: Some(port.outer),
                protocol: port.protocol.clone(),
                default_actions: vec![Action {
                    action_type: Some("forward".into()),
                    target_group_arn: Some(group.clone()),
                    ..Action::default()
                }],
                rule_actions: Some(Vec::new()),
            });
            let targets = self.instances.iter().map(|id| TargetHealth {
                target: Target { id: id.clone(), port: port.inner, availability_zone: None },
                state: None,
            });
            view.target_groups.push(TargetGroup {
                target_group_arn: group,
                port: port.inner,
                vpc_id: self.vpc_id.clone(),
                target_type: Some("instance".into()),
                load_balancer_arns: vec![arn.clone()],
                targets: Some(targets.collect()),
                ..TargetGroup::default()
            });
        }
        let zones = self.subnets.into_iter();
        view.load_balancers.push(Balancer {
            load_balancer_arn: arn,
            load_balancer_name: Some(self.name),
            dns_name: self.dns_name,
            scheme: self.scheme,
            balancer_type: Some("classic".into()),
            vpc_id: self.vpc_id,
            state: InstanceState { name: "active".into() },
            security_groups: self.security_groups,
            availability_zones: zones
                .map(|s| BalancerZone { subnet_id: Some(s), ..BalancerZone::default() })
                .collect(),
            ..Balancer::default()
        });
    }
}
