use super::{Fact, Profile, Rollout};
use crate::model::{AddressSet, Expect, PortSet, PortSpec, Protocols, SourceName};
use ipnetwork::IpNetwork;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Where in the spec something was declared. Lines and columns start at 1.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Everything declared: several files, merged and valid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    pub networks: BTreeMap<String, Network>,
    pub profiles: BTreeMap<String, Profile>,
    pub roles: BTreeMap<String, Role>,
    pub names: BTreeMap<String, Name>,
    pub hosts: BTreeMap<String, DeclaredHost>,
    /// By group id.
    pub groups: BTreeMap<String, DeclaredGroup>,
    pub controls: Vec<Control>,
    pub waivers: Vec<Waiver>,
    /// What is declared and valid but not judged yet: the report's last line says so.
    pub unjudged: Vec<Unjudged>,
}

/// Something declared that no rule judges yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unjudged {
    /// `name live.example`, …
    pub what: String,
    pub at: Place,
}

/// A named set of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    pub name: String,
    pub blocks: Vec<IpNetwork>,
    pub addresses: AddressSet,
    pub at: Place,
}

/// A named set of hosts and what they must, may and must never answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// A host is a member when any of these picks it.
    pub select: Vec<Selector>,
    pub count: Count,
    pub facts: Vec<Fact>,
    pub rollout: Option<Rollout>,
    pub services: Vec<Service>,
    pub allow: Vec<Permit>,
    pub forbid: Vec<Permit>,
    pub journeys: Vec<Journey>,
    pub at: Place,
}

/// Picks hosts: every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// Tag key to the pattern its value must match.
    pub tags: BTreeMap<String, Pattern>,
    /// Patterns of the host's id or `Name` tag; any must match. Empty means any.
    pub names: Vec<Pattern>,
    /// Account ids; empty means any.
    pub accounts: Vec<String>,
    /// Region names; empty means any.
    pub regions: Vec<String>,
    /// VPC ids; empty means any.
    pub vpcs: Vec<String>,
}

/// A glob: `*` is any run of characters, `?` any one; everything else is literal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(pub String);

/// How many hosts a role must have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub min: Option<u32>,
    pub max: Option<u32>,
}

/// One declared thing on a role: it must be reachable from its sources and be what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub role: String,
    pub port: PortSpec,
    /// At least one.
    pub from: Vec<SourceName>,
    pub expect: Expect,
    pub at: Place,
}

/// A line of `allow` (may be reachable) or `forbid` (must never be).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    pub protocols: Protocols,
    /// All of them where it speaks of more than one protocol.
    pub ports: PortSet,
    /// At least one.
    pub from: Vec<SourceName>,
    pub at: Place,
}

/// At least one service must work for each profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    pub name: String,
    pub any_of: Vec<String>,
    /// Empty means all; [`Journey::profiles`] looks them up.
    pub profiles: Vec<String>,
    pub at: Place,
}

impl Journey {
    /// The profiles it is for: those named, else every one of the spec, else the open one.
    #[must_use]
    pub fn profiles<'a>(&self, spec: &'a Spec) -> Vec<Cow<'a, Profile>> {
        if spec.profiles.is_empty() {
            return vec![Cow::Owned(Profile::open(self.at.clone()))];
        }
        let all = spec.profiles.values();
        let named = |p: &&Profile| self.profiles.is_empty() || self.profiles.contains(&p.name);
        all.filter(named).map(Cow::Borrowed).collect()
    }
}

/// A DNS name and what it leads to (judged by a later issue).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub name: String,
    pub role: Option<String>,
    pub at: Place,
}

/// A host that no cloud API tells about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredHost {
    pub name: String,
    pub addresses: Vec<IpAddr>,
    pub tags: BTreeMap<String, String>,
    pub at: Place,
}

/// Declared contents of a security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredGroup {
    pub id: String,
    pub name: Option<String>,
    pub ingress: Vec<DeclaredPermission>,
    pub egress: Vec<DeclaredPermission>,
    pub at: Place,
}

/// One declared permission: normalised later to (direction, protocol, ports, one peer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPermission {
    /// `None` is every protocol.
    pub port: Option<PortSpec>,
    pub peers: Vec<Peer>,
    pub description: Option<String>,
    pub at: Place,
}

/// Who a declared permission names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// One block; `internet` and `any` read as 0.0.0.0/0 and ::/0, a named network as its blocks.
    Block(IpNetwork),
    /// A group by id; `self` reads as the group's own id (D2).
    Group(String),
    /// A prefix list by id.
    PrefixList(String),
}

/// A target known to answer: proves a vantage's own egress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub address: IpAddr,
    pub port: PortSpec,
    pub at: Place,
}

/// An accepted finding, bound to the exact tuple.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule's id.
    pub finding: String,
    /// The finding's subject as reports print it: `i-0abc tcp/8080`.
    pub endpoint: String,
    /// The source's name, as reports print it; `None` for findings without one.
    pub source: Option<String>,
    pub owner: String,
    pub reason: String,
    pub until: Timestamp,
    pub at: Place,
}
