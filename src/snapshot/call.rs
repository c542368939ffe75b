use crate::model::{Gap, GapKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One kind of call of the cloud's API in one account and region, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub account: String,
    pub region: String,
    pub kind: CallKind,
    pub outcome: Outcome,
    /// Rows received.
    pub items: usize,
}

/// The account of calls where none said which it is: it could not be entered, and nobody named it.
pub const UNKNOWN_ACCOUNT: &str = "unknown";

impl Call {
    /// The gap that the call leaves, in the account and region it was made in; `None` when it is complete.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        (!self.outcome.is_complete()).then(|| {
            let why = match self.outcome {
                Outcome::Missing => self.kind.unsaved(),
                _ => format!("{} {}", self.kind.name(), self.outcome),
            };
            Gap::new(self.kind.gap(), format!("{}/{}", self.account, self.region), why)
        })
    }
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub enum Outcome {
    /// Every page was read.
    Complete,
    /// Some rows came, but not all (a page failed, a row was malformed); the text says what.
    Truncated(String),
    /// The account may not make this call; the text is the service's error code.
    Denied(String),
    /// The service throttled past every retry.
    Throttled(String),
    /// It failed otherwise.
    Failed(String),
    /// It was never made: the saved output has no such file.
    Missing,
}

impl Outcome {
    /// Whether every row is there.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

impl fmt::Display for Outcome {
    /// Fits after the operation's name: `DescribeVpcs denied: UnauthorizedOperation`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Truncated(why) => write!(f, "truncated: {why}"),
            Self::Denied(why) => write!(f, "denied: {why}"),
            Self::Throttled(why) => write!(f, "throttled: {why}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Missing => f.write_str("was never made"),
        }
    }
}

macro_rules! kinds {
    ($($variant:ident = $service:literal $operation:literal $gap:ident),* $(,)?) => {
        /// The calls a collection makes: read-only, each by the name its IAM action has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum CallKind { $($variant),* }

        impl CallKind {
            /// Every kind, in a fixed order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The service's IAM prefix: `ec2`, `elasticloadbalancing`, …
            #[must_use]
            pub const fn service(self) -> &'static str {
                match self { $(Self::$variant => $service),* }
            }

            /// The operation's name, as in the API and in IAM.
            #[must_use]
            pub const fn operation(self) -> &'static str {
                match self { $(Self::$variant => $operation),* }
            }

            /// The kind of gap that its failure makes.
            #[must_use]
            pub const fn gap(self) -> GapKind {
                match self { $(Self::$variant => GapKind::$gap),* }
            }
        }
    };
}

impl CallKind {
    /// Its name for people, which no other call has: both load balancing APIs have a
    /// `DescribeLoadBalancers`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClassicLoadBalancers => "DescribeLoadBalancers (classic)",
            _ => self.operation(),
        }
    }

    /// Its word for the `aws` program: `describe-db-instances`; of two that have one word with the
    /// service.
    #[must_use]
    pub fn command(self) -> String {
        if self == Self::ClassicLoadBalancers {
            return "elb describe-load-balancers".into();
        }
        let name: Vec<char> = self.operation().chars().collect();
        let mut out = String::new();
        for (i, c) in name.iter().enumerate() {
            let after_small = i > 0 && name[i - 1].is_lowercase();
            // The last capital of several begins the next word: `DBInstances`.
            let begins = i > 0 && name.get(i + 1).is_some_and(|next| next.is_lowercase());
            if c.is_uppercase() && (after_small || begins) {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        }
        out
    }

    /// Why what needs it is unknown where it was never made.
    #[must_use]
    pub fn unsaved(self) -> String {
        format!("no saved answer of {}", self.command())
    }

    /// Whether it is made only where somebody asks for it: a cleanup judges by it, and no audit.
    #[must_use]
    pub const fn on_request(self) -> bool {
        matches!(
            self,
            Self::Volumes
                | Self::LaunchTemplates
                | Self::LaunchTemplateVersions
                | Self::LaunchConfigurations
                | Self::MetricData
        )
    }
}

kinds! {
    Instances = "ec2" "DescribeInstances" Instances,
    NetworkInterfaces = "ec2" "DescribeNetworkInterfaces" NetworkInterfaces,
    SecurityGroups = "ec2" "DescribeSecurityGroups" SecurityGroups,
    NetworkAcls = "ec2" "DescribeNetworkAcls" NetworkAcls,
    RouteTables = "ec2" "DescribeRouteTables" RouteTables,
    Subnets = "ec2" "DescribeSubnets" Subnets,
    Vpcs = "ec2" "DescribeVpcs" Vpcs,
    InternetGateways = "ec2" "DescribeInternetGateways" InternetGateways,
    EgressOnlyInternetGateways = "ec2" "DescribeEgressOnlyInternetGateways" EgressOnlyInternetGateways,
    NatGateways = "ec2" "DescribeNatGateways" NatGateways,
    Addresses = "ec2" "DescribeAddresses" Addresses,
    ManagedPrefixLists = "ec2" "DescribeManagedPrefixLists" PrefixLists,
    ManagedPrefixListEntries = "ec2" "GetManagedPrefixListEntries" PrefixLists,
    VpcPeeringConnections = "ec2" "DescribeVpcPeeringConnections" VpcPeerings,
    VpcEndpoints = "ec2" "DescribeVpcEndpoints" VpcEndpoints,
    TransitGateways = "ec2" "DescribeTransitGateways" TransitGateways,
    TransitGatewayAttachments = "ec2" "DescribeTransitGatewayAttachments" TransitGateways,
    TransitGatewayVpcAttachments = "ec2" "DescribeTransitGatewayVpcAttachments" TransitGateways,
    TransitGatewayRouteTables = "ec2" "DescribeTransitGatewayRouteTables" TransitGateways,
    TransitGatewayRoutes = "ec2" "SearchTransitGatewayRoutes" TransitGateways,
    TransitGatewayPropagations = "ec2" "GetTransitGatewayRouteTablePropagations" TransitGateways,
    VpnConnections = "ec2" "DescribeVpnConnections" VpnConnections,
    VpcBpaOptions = "ec2" "DescribeVpcBlockPublicAccessOptions" VpcBpa,
    VpcBpaExclusions = "ec2" "DescribeVpcBlockPublicAccessExclusions" VpcBpa,
    LoadBalancers = "elasticloadbalancing" "DescribeLoadBalancers" LoadBalancers,
    LoadBalancerAttributes = "elasticloadbalancing" "DescribeLoadBalancerAttributes" LoadBalancers,
    Listeners = "elasticloadbalancing" "DescribeListeners" LoadBalancers,
    Rules = "elasticloadbalancing" "DescribeRules" LoadBalancers,
    TargetGroups = "elasticloadbalancing" "DescribeTargetGroups" LoadBalancers,
    TargetGroupAttributes = "elasticloadbalancing" "DescribeTargetGroupAttributes" LoadBalancers,
    TargetHealth = "elasticloadbalancing" "DescribeTargetHealth" LoadBalancers,
    ClassicLoadBalancers = "elasticloadbalancing" "DescribeLoadBalancers" LoadBalancers,
    AutoScalingGroups = "autoscaling" "DescribeAutoScalingGroups" AutoScalingGroups,
    DbInstances = "rds" "DescribeDBInstances" DbInstances,
    Volumes = "ec2" "DescribeVolumes" Volumes,
    LaunchTemplates = "ec2" "DescribeLaunchTemplates" LaunchTemplates,
    LaunchTemplateVersions = "ec2" "DescribeLaunchTemplateVersions" LaunchTemplates,
    LaunchConfigurations = "autoscaling" "DescribeLaunchConfigurations" LaunchConfigurations,
    MetricData = "cloudwatch" "GetMetricData" Traffic,
    CallerIdentity = "sts" "GetCallerIdentity" Account,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_named_as_the_program_takes_them() {
        for (kind, word) in [
            (CallKind::Vpcs, "describe-vpcs"),
            (CallKind::DbInstances, "describe-db-instances"),
            (CallKind::VpcBpaOptions, "describe-vpc-block-public-access-options"),
            (CallKind::TransitGatewayRoutes, "search-transit-gateway-routes"),
        ] {
            assert_eq!(kind.command(), word);
        }
        let call = Call {
            account: "1".into(),
            region: "r".into(),
            kind: CallKind::DbInstances,
            outcome: Outcome::Missing,
            items: 0,
        };
        let gap = call.gap().expect("a gap");
        assert_eq!(gap.why, "no saved answer of describe-db-instances");
    }
}
