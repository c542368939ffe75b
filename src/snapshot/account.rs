use super::*;
use crate::model::Gap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One reading of the cloud: every account and region asked, and what came of each call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Always [`FORMAT`].
    pub format: String,
    /// When the reading began, UTC. The only field that differs between two readings of the same account.
    pub taken_at: Timestamp,
    /// What was asked and what came of it, sorted; a call that is not here was never made.
    pub calls: Vec<Call>,
    /// One view per account and region, sorted by both.
    pub regions: Vec<RegionView>,
}

/// What one account shows in one region. Every list is sorted by the row's id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "PascalCase")]
pub struct RegionView {
    /// Twelve digits, or `unknown` where saved output does not say.
    pub account: String,
    /// Region name, or `unknown` where saved output does not say.
    pub region: String,
    pub instances: Vec<Instance>,
    pub network_interfaces: Vec<Interface>,
    pub security_groups: Vec<SecurityGroup>,
    pub network_acls: Vec<Acl>,
    pub route_tables: Vec<RouteTable>,
    pub subnets: Vec<Subnet>,
    pub vpcs: Vec<Vpc>,
    pub internet_gateways: Vec<InternetGateway>,
    pub egress_only_internet_gateways: Vec<EgressOnlyInternetGateway>,
    pub nat_gateways: Vec<NatGateway>,
    pub addresses: Vec<Address>,
    pub prefix_lists: Vec<PrefixList>,
    pub vpc_peering_connections: Vec<VpcPeering>,
    pub vpc_endpoints: Vec<VpcEndpoint>,
    pub transit_gateways: Vec<TransitGateway>,
    pub transit_gateway_attachments: Vec<TransitGatewayAttachment>,
    pub transit_gateway_route_tables: Vec<TransitGatewayRouteTable>,
    pub vpn_connections: Vec<VpnConnection>,
    pub load_balancers: Vec<Balancer>,
    pub listeners: Vec<Listener>,
    pub target_groups: Vec<TargetGroup>,
    pub auto_scaling_groups: Vec<AutoScalingGroup>,
    pub db_instances: Vec<DbInstance>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub launch_templates: Vec<LaunchTemplate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub launch_configurations: Vec<LaunchConfiguration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub traffic: Vec<Traffic>,
    /// VPC block-public-access options: at most one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bpa_options: Option<BpaOptions>,
    pub bpa_exclusions: Vec<BpaExclusion>,
}

impl Snapshot {
    /// An empty snapshot taken at `taken_at`.
    #[must_use]
    pub fn empty(taken_at: Timestamp) -> Self {
        Self { format: FORMAT.into(), taken_at, calls: Vec::new(), regions: Vec::new() }
    }

    /// The view of one account and region.
    #[must_use]
    pub fn view(&self, account: &str, region: &str) -> Option<&RegionView> {
        self.regions.iter().find(|v| v.account == account && v.region == region)
    }

    /// What came of one kind of call in one account and region; [`Outcome::Missing`] when it was never made.
    #[must_use]
    pub fn outcome(&self, account: &str, region: &str, kind: CallKind) -> Outcome {
        self.calls
            .iter()
            .find(|c| c.kind == kind && c.account == account && c.region == region)
            .map_or(Outcome::Missing, |c| c.outcome.clone())
    }

    /// The gap that one kind of call leaves in one account and region, made or never made; `None`
    /// when it is complete.
    #[must_use]
    pub fn gap(&self, account: &str, region: &str, kind: CallKind) -> Option<Gap> {
        let outcome = self.outcome(account, region, kind);
        let (account, region) = (account.to_owned(), region.to_owned());
        Call { account, region, kind, outcome, items: 0 }.gap()
    }
}
