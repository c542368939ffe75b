use super::ProfiledTarget;
use crate::model::{Endpoint, Expect, Gap, PortSpec, Protocol};
use std::net::IpAddr;

/// Everything one run will probe, and what it was asked to probe but will not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Control targets first, then declared endpoints, then permitted ones, then those that are only swept; each part sorted, no endpoint twice.
    pub targets: Vec<Target>,
    /// Endpoints of journeys to be probed the way of a profile as well, by profile, then endpoint;
    /// each is among `targets` too.
    pub profiled: Vec<ProfiledTarget>,
    /// Refused by name, sorted.
    pub refused: Vec<Refused>,
    /// Port sets of which only a sample is probed, sorted.
    pub sampled: Vec<Sampled>,
    /// What could not be surveyed, sorted.
    pub gaps: Vec<Gap>,
}

/// One endpoint to probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub endpoint: Endpoint,
    pub why: Why,
    /// What it must prove to be; [`Expect::Connect`] where nothing is declared.
    pub expect: Expect,
    /// What would agree with the declaration.
    pub hope: Hope,
}

/// Why an endpoint is probed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Known to answer: proves the vantage's own egress.
    Control,
    /// The spec requires or allows or forbids it.
    Declared,
    /// The configuration permits it, or we cannot tell, and nobody declared it.
    Permitted,
    /// Named on the command line.
    Asked,
    /// Nobody declared or permitted it: it is one of all the ports of a host.
    Swept,
}

/// What would agree with the declaration; what contradicts it is looked at twice before it is said.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Hope {
    /// It must answer as declared.
    Answer,
    /// It must not be reachable.
    NoAnswer,
    /// Nothing contradicts.
    #[default]
    Either,
}

/// An endpoint that will not be probed: it is neither ours by the snapshot nor named by `scope:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    pub address: IpAddr,
    pub protocol: Option<Protocol>,
    /// Fits after "cannot probe ADDRESS: ".
    pub why: String,
}

/// A declared or permitted set of ports of which a sample stands for the whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sampled {
    pub address: IpAddr,
    pub of: PortSpec,
    /// How many of its ports are probed.
    pub probed: u32,
}
