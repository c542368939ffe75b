//! What probes saw. One observation is one endpoint from one vantage.

mod elsewhere;
mod said;

pub use elsewhere::{elsewhere, most_told};
pub use said::{Begin, End, SAID, Said};

use crate::model::{Endpoint, Family, Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// What one probe saw from one vantage.
///
/// Serialised as one line of `portcullis probe --format jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// The address probed, as the snapshot knows it.
    pub address: IpAddr,
    #[schemars(with = "String")]
    pub protocol: Protocol,
    /// For ICMP `type << 8 | code`.
    pub port: u16,
    pub state: State,
    /// Whether the answer proved the expected protocol (TCP without expectation: the handshake).
    pub confirmed: bool,
    /// The service recognised: `ssh`, `tls`, `http`, `https`, `stun`, …
    pub service: Option<String>,
    /// Who answered, where it was not the target itself or where the kernel told.
    pub by: Option<IpAddr>,
    /// The vantage's name.
    pub vantage: String,
    /// Round-trip time of the deciding answer, in microseconds.
    pub rtt_us: Option<u64>,
    /// Sockets tried.
    pub tries: u32,
    /// What was read or why the state was decided. Text from outside: escape it where it is printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What the TLS handshake showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSeen>,
    /// The vantage's address as the target saw it, where its STUN answer tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_from: Option<IpAddr>,
}

/// The states of product.md.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Answered; `confirmed` tells whether the expected protocol was proven.
    Open,
    /// Answered as another service than the one expected.
    WrongService,
    /// A RST or an ICMP port-unreachable sent by the target itself.
    Refused,
    /// ICMP prohibited, or a RST or port-unreachable sent by something before the target.
    Rejected,
    /// ICMP host or network unreachable, or no route.
    Unreachable,
    /// No answer after every try.
    Silent,
    /// No answer over UDP where no protocol can prove anything.
    Unproven,
    /// Trouble of the vantage itself: no socket, no descriptor, a local error.
    Failed,
    /// Not probed.
    Unprobed,
}

/// What a TLS handshake showed. Every text is from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsSeen {
    /// `1.2` or `1.3`.
    pub version: Option<String>,
    /// Subject alternative names of the leaf.
    pub names: Vec<String>,
    pub issuer: Option<String>,
    /// End of validity of the leaf, seconds since 1970-01-01 UTC.
    pub not_after: Option<i64>,
    /// Whether the chain leads to a root this machine trusts; the text says why not.
    pub trusted: Option<bool>,
    pub untrusted_why: Option<String>,
    /// SHA-256 of each certificate in the chain, leaf first, lower-case hex.
    pub chain_sha256: Vec<String>,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::WrongService,
        Self::Refused,
        Self::Rejected,
        Self::Unreachable,
        Self::Silent,
        Self::Unproven,
        Self::Failed,
        Self::Unprobed,
    ];

    /// The name in every machine format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::WrongService => "wrong-service",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Unproven => "unproven",
            Self::Failed => "failed",
            Self::Unprobed => "unprobed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Observation {
    /// Nothing but a state: no try, no answer, no word.
    #[must_use]
    pub fn new(endpoint: Endpoint, state: State, vantage: impl Into<String>) -> Self {
        let Endpoint { address, protocol, port } = endpoint;
        Self {
            address,
            protocol,
            port,
            state,
            confirmed: false,
            service: None,
            by: None,
            vantage: vantage.into(),
            rtt_us: None,
            tries: 0,
            detail: None,
            tls: None,
            seen_from: None,
        }
    }

    /// The endpoint probed.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { address: self.address, protocol: self.protocol, port: self.port }
    }

    /// Whether something shows that what came back was sent by the target itself: an ICMP error from its
    /// own address, or a RST that travelled as far as its handshakes do. A RST alone carries the
    /// target's address whoever sent it.
    #[must_use]
    pub fn is_by_target(&self) -> bool {
        self.by == Some(self.address)
    }
}

/// A place that probes were sent from, as the run found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VantageSeen {
    pub name: String,
    /// Its IPv4 address as seen from outside; `None` when nothing told it.
    pub outside_v4: Option<IpAddr>,
    /// Its IPv6 address as seen from outside; `None` when nothing told it.
    pub outside_v6: Option<IpAddr>,
    /// Whether the control targets answered in this run, by family; `None` when there were none.
    pub controls_v4: Option<bool>,
    pub controls_v6: Option<bool>,
    /// The IPv4 address that the STUN server of `reflect:` told in this run, whatever was configured:
    /// proof of where the vantage is, where `outside_v4` may be a claim, or the word of whoever is looked at.
    #[serde(default)]
    pub reflected_v4: Option<IpAddr>,
    /// The same for IPv6.
    #[serde(default)]
    pub reflected_v6: Option<IpAddr>,
}

impl VantageSeen {
    /// One of which nothing is known yet but its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            outside_v4: None,
            outside_v6: None,
            controls_v4: None,
            controls_v6: None,
            reflected_v4: None,
            reflected_v6: None,
        }
    }

    /// Its address of a family as seen from outside, told or claimed.
    #[must_use]
    pub const fn outside(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.outside_v4,
            Family::V6 => self.outside_v6,
        }
    }
}

/// Everything one run of probes saw.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observations {
    pub vantages: Vec<VantageSeen>,
    /// Sorted by endpoint, then vantage.
    pub rows: Vec<Observation>,
    /// What probes made the way of a client profile saw, where that way differs on the wire; sorted
    /// by profile, endpoint, then vantage. Every other profile is judged by `rows`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiled: Vec<ProfiledObservation>,
}

/// What one probe saw that was made the way of a client profile: through its proxy, or with the
/// packets of its small MTU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfiledObservation {
    /// The profile's name in the spec.
    pub profile: String,
    /// The proxy it went through; `None` where it went straight, or where the vantage has no proxy of
    /// that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<ProxySeen>,
    /// Its `state` is the target's as that client sees it: trouble with the proxy is
    /// [`State::Failed`], what was never asked [`State::Unprobed`].
    pub observation: Observation,
}

/// A proxy, as far as it matters for what its observations count for: the target sees its address
/// and not the vantage's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProxySeen {
    /// Its name in `portcullis.yaml`.
    pub name: String,
    /// The IPv4 address that targets see; `None` when nothing told it.
    pub outside_v4: Option<IpAddr>,
    /// The IPv6 address that targets see; `None` when nothing told it.
    pub outside_v6: Option<IpAddr>,
}
