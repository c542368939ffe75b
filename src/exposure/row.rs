use crate::model::{Expect, PortSet, Protocol, SourceName};
use crate::observation::{Observation, State};
use crate::reach::Configured;
use crate::spec::Place;
use std::net::IpAddr;

/// What the spec says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Declared {
    Required,
    Allowed,
    Absent,
    Forbidden,
}

/// One row: endpoint × source → declared, configured, observed.
///
/// A row covers a set of ports for which all three are the same; a port that was observed to be
/// something of its own has a row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Host id.
    pub host: String,
    /// Roles of the host, sorted.
    pub roles: Vec<String>,
    pub address: IpAddr,
    pub interface: Option<String>,
    pub protocol: Protocol,
    pub ports: PortSet,
    pub source: SourceName,
    pub declared: Declared,
    /// Name of the declared service, for `Required`.
    pub service: Option<String>,
    pub expect: Option<Expect>,
    /// Where it was declared.
    pub place: Option<Place>,
    pub configured: Configured,
    /// The cell the rules see: the observations of vantages that lie in the source, folded.
    pub observed: State,
    /// For `open`: whether the expected protocol was proven.
    pub confirmed: bool,
    /// Every observation behind the cell, sorted by vantage.
    pub observations: Vec<Observation>,
    /// Whether vantages of this source saw different states.
    pub disagreement: bool,
    /// Whether any proven vantage lies in the source.
    pub covered: bool,
}

/// The configured cell as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfiguredCell {
    Permitted,
    Partly,
    Blocked,
    Unknown,
    NotApplicable,
}

/// The observed cell as the rules see it: `open` split by confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObservedCell {
    OpenConfirmed,
    OpenUnconfirmed,
    WrongService,
    Refused,
    Rejected,
    Unreachable,
    Silent,
    Unproven,
    Failed,
    Unprobed,
}

/// The typed cells of a row: what `when:` of a rule matches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cells {
    pub declared: Declared,
    pub configured: ConfiguredCell,
    pub observed: ObservedCell,
    /// The declared service expects a protocol, so a bare handshake proves too little.
    pub expects_protocol: bool,
    /// The declared service asks for the network path only.
    pub expects_path: bool,
    pub disagreement: bool,
    pub covered: bool,
}
