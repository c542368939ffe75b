use super::Path;
use crate::model::{AddressSet, Gap, PortSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// What the configuration says of one slice of traffic, and the path that decides.
///
/// An enum of its own, not `Known<T>`: *partly* and *not applicable* are answers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Configured {
    /// Every client of the source gets an answer.
    Permitted(Arc<Path>),
    /// Some clients do: those of the set.
    Partly(Arc<Path>, Arc<ClientSet>),
    /// None does; the path ends at what blocks.
    Blocked(Arc<Path>),
    /// Something that decides could not be seen; the path is what would decide otherwise.
    Unknown(Arc<Path>, Arc<[Gap]>),
    /// A host outside any cloud we can read.
    NotApplicable,
}

/// The word for a [`Configured`] in machine formats.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Permitted,
    Partly,
    Blocked,
    Unknown,
    NotApplicable,
}

/// Clients that get an answer: their addresses, and the client ports whose replies come back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientSet {
    pub addresses: AddressSet,
    /// Client ports that get the reply through stateless layers (R16); all when nothing limits them.
    pub ports: PortSet,
}

/// One component on a path, in the order a packet meets them.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Hop {
    #[serde(rename = "kind")]
    pub layer: Layer,
    pub id: Arc<str>,
    /// The line of the component that decides here, as people read it.
    pub entry: Option<Arc<str>>,
    pub verdict: HopVerdict,
}

/// What a hop does with the traffic.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HopVerdict {
    Passes,
    PartlyPasses,
    Blocks,
    Unknown,
}

/// The component that decides.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Decider {
    #[serde(rename = "kind")]
    pub layer: Layer,
    /// Resource id: `sg-…`, `acl-…`, `rtb-…`, or the address where no resource owns it.
    pub id: Arc<str>,
    /// The deciding line: `ingress tcp/22 from 0.0.0.0/0`, `rule 100 deny`, `no matching entry`.
    pub entry: Option<Arc<str>>,
}

/// The kinds of component that can decide.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The internet itself: private destinations are never routed.
    Internet,
    /// No resource of the snapshot has the address.
    Address,
    Instance,
    NetworkInterface,
    SecurityGroup,
    NetworkAcl,
    RouteTable,
    Subnet,
    Vpc,
    InternetGateway,
    EgressOnlyInternetGateway,
    NatGateway,
    VpnGateway,
    VpcPeering,
    VpcEndpoint,
    TransitGateway,
    LoadBalancer,
    Listener,
    TargetGroup,
    /// VPC block public access.
    BlockPublicAccess,
    /// A part of the configuration that is not modelled.
    NotModelled,
}

/// Something taken for granted, in AWS Reachability Analyzer's vocabulary where it has a word.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Assumption {
    /// `VPC_BPA_OFF`, `PRESERVE_CLIENT_IP_IS_ENABLED`, `CLIENT_PORT_EPHEMERAL`, …
    pub code: String,
    pub text: String,
}

impl Layer {
    /// A component of this kind in words: `security-group sg-1`; the one internet needs no id.
    #[must_use]
    pub fn component(self, id: &str) -> String {
        if id == self.name() { id.into() } else { format!("{self} {id}") }
    }
}

impl Configured {
    /// The word for it.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Permitted(_) => Verdict::Permitted,
            Self::Partly(..) => Verdict::Partly,
            Self::Blocked(_) => Verdict::Blocked,
            Self::Unknown(..) => Verdict::Unknown,
            Self::NotApplicable => Verdict::NotApplicable,
        }
    }

    /// The path that decides; none for a host outside any cloud.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Permitted(p) | Self::Partly(p, _) | Self::Blocked(p) | Self::Unknown(p, _) => {
                Some(p)
            }
            Self::NotApplicable => None,
        }
    }

    /// The gaps that make it unknown.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        match self {
            Self::Unknown(_, gaps) => gaps,
            _ => &[],
        }
    }
}

impl Verdict {
    /// The name in every machine format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Partly => "partly",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Layer {
    /// The name in every machine format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Address => "address",
            Self::Instance => "instance",
            Self::NetworkInterface => "network-interface",
            Self::SecurityGroup => "security-group",
            Self::NetworkAcl => "network-acl",
            Self::RouteTable => "route-table",
            Self::Subnet => "subnet",
            Self::Vpc => "vpc",
            Self::InternetGateway => "internet-gateway",
            Self::EgressOnlyInternetGateway => "egress-only-internet-gateway",
            Self::NatGateway => "nat-gateway",
            Self::VpnGateway => "vpn-gateway",
            Self::VpcPeering => "vpc-peering",
            Self::VpcEndpoint => "vpc-endpoint",
            Self::TransitGateway => "transit-gateway",
            Self::LoadBalancer => "load-balancer",
            Self::Listener => "listener",
            Self::TargetGroup => "target-group",
            Self::BlockPublicAccess => "block-public-access",
            Self::NotModelled => "not-modelled",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
