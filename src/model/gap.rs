use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something asked for that could not be seen.
///
/// A gap is never a *no*: whatever depends on it is *unknown*, the report lists it, and the exit
/// code is 3 unless its kind was accepted with `--allow-gaps`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Gap {
    /// What is missing; the name `--allow-gaps` takes.
    pub kind: GapKind,
    /// Where: `account/region`, a resource id, an endpoint, a vantage.
    pub scope: String,
    /// Why, in words: the call and what it answered.
    pub why: String,
}

/// The kinds of gap: closed, so that `--allow-gaps=KIND` can be checked.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    Instances,
    NetworkInterfaces,
    SecurityGroups,
    NetworkAcls,
    RouteTables,
    Subnets,
    Vpcs,
    InternetGateways,
    EgressOnlyInternetGateways,
    NatGateways,
    Addresses,
    PrefixLists,
    VpcPeerings,
    VpcEndpoints,
    TransitGateways,
    VpnConnections,
    LoadBalancers,
    AutoScalingGroups,
    DbInstances,
    Volumes,
    /// Launch templates and their versions.
    LaunchTemplates,
    LaunchConfigurations,
    /// What instances moved, by CloudWatch.
    Traffic,
    /// VPC block-public-access options and exclusions.
    VpcBpa,
    /// The account or region itself could not be entered (credentials, role, endpoint).
    Account,
    /// The cloud's configuration has a part that Portcullis does not model yet.
    NotModelled,
    /// The snapshot is older than its limit, so it may not direct probes.
    StaleSnapshot,
    /// No vantage lies in the source.
    Vantage,
    /// A vantage's control targets did not answer.
    Control,
    /// A probe was not made or failed on our own side.
    Probe,
    /// Inventory input is missing or malformed.
    Inventory,
    /// A fact of a host is missing, stale or in doubt, or a source of facts could not be read.
    Facts,
    /// The spec declares something that is parsed but not judged yet.
    NotJudged,
}

impl GapKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 33] = [
        Self::Instances,
        Self::NetworkInterfaces,
        Self::SecurityGroups,
        Self::NetworkAcls,
        Self::RouteTables,
        Self::Subnets,
        Self::Vpcs,
        Self::InternetGateways,
        Self::EgressOnlyInternetGateways,
        Self::NatGateways,
        Self::Addresses,
        Self::PrefixLists,
        Self::VpcPeerings,
        Self::VpcEndpoints,
        Self::TransitGateways,
        Self::VpnConnections,
        Self::LoadBalancers,
        Self::AutoScalingGroups,
        Self::DbInstances,
        Self::Volumes,
        Self::LaunchTemplates,
        Self::LaunchConfigurations,
        Self::Traffic,
        Self::VpcBpa,
        Self::Account,
        Self::NotModelled,
        Self::StaleSnapshot,
        Self::Vantage,
        Self::Control,
        Self::Probe,
        Self::Inventory,
        Self::Facts,
        Self::NotJudged,
    ];

    /// The name in reports and in `--allow-gaps`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instances => "instances",
            Self::NetworkInterfaces => "network-interfaces",
            Self::SecurityGroups => "security-groups",
            Self::NetworkAcls => "network-acls",
            Self::RouteTables => "route-tables",
            Self::Subnets => "subnets",
            Self::Vpcs => "vpcs",
            Self::InternetGateways => "internet-gateways",
            Self::EgressOnlyInternetGateways => "egress-only-internet-gateways",
            Self::NatGateways => "nat-gateways",
            Self::Addresses => "addresses",
            Self::PrefixLists => "prefix-lists",
            Self::VpcPeerings => "vpc-peerings",
            Self::VpcEndpoints => "vpc-endpoints",
            Self::TransitGateways => "transit-gateways",
            Self::VpnConnections => "vpn-connections",
            Self::LoadBalancers => "load-balancers",
            Self::AutoScalingGroups => "auto-scaling-groups",
            Self::DbInstances => "db-instances",
            Self::Volumes => "volumes",
            Self::LaunchTemplates => "launch-templates",
            Self::LaunchConfigurations => "launch-configurations",
            Self::Traffic => "traffic",
            Self::VpcBpa => "vpc-bpa",
            Self::Account => "account",
            Self::NotModelled => "not-modelled",
            Self::StaleSnapshot => "stale-snapshot",
            Self::Vantage => "vantage",
            Self::Control => "control",
            Self::Probe => "probe",
            Self::Inventory => "inventory",
            Self::Facts => "facts",
            Self::NotJudged => "not-judged",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

impl Gap {
    /// A gap of `kind` at `scope`, because of `why`.
    pub fn new(kind: GapKind, scope: impl Into<String>, why: impl Into<String>) -> Self {
        Self { kind, scope: scope.into(), why: why.into() }
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.kind, self.scope, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_matches_its_machine_form() {
        for kind in GapKind::ALL {
            assert_eq!(GapKind::from_name(kind.name()), Some(kind));
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.name().into()));
        }
    }
}
