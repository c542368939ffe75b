use super::Configured;
use crate::model::{AddressSet, Gap, PortSet, Protocol};
use std::fmt;
use std::net::IpAddr;

/// One flow to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub from: End,
    pub to: End,
    /// `None` asks for every protocol.
    pub protocol: Option<Protocol>,
    /// Destination ports, or ICMP types and codes; [`PortSet::all`] asks for every one.
    pub ports: PortSet,
}

/// One end of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Internet,
    /// Addresses by block.
    Network(AddressSet),
    Address(IpAddr),
    /// A resource by id: instance, interface, load balancer (ARN or name), NAT gateway.
    Resource(String),
}

impl End {
    /// A block of one address as that address: however it is written, it is one flow.
    pub(super) fn plain(self) -> Self {
        match &self {
            Self::Network(set) if set.size() == 1 => set.first().map_or(self, Self::Address),
            _ => self,
        }
    }
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The verdict over everything asked: *partly* also where ports or protocols differ.
    pub configured: Configured,
    /// The parts that differ, sorted; one where all is the same.
    pub slices: Vec<(Protocol, PortSet, Configured)>,
    /// Everything the answer rests on that could not be seen, sorted; also where an assumption
    /// stands in for it.
    pub gaps: Vec<Gap>,
    /// What the answer does not rest on and whoever reads it should know.
    pub notes: Vec<Note>,
}

/// Something that an answer does not rest on and whoever reads it should know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// `behind-balancer`: an internet-facing balancer sends to what was asked about.
    pub code: &'static str,
    /// What it is about, by its id.
    pub id: String,
    pub text: String,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// Several interfaces have the address; each is named with its VPC.
    Ambiguous { address: IpAddr, candidates: Vec<String> },
    /// No resource of the snapshot has the id; `unseen` is what may hide it all the same.
    NoSuchResource { id: String, similar: Option<String>, unseen: Vec<Gap> },
    /// The end cannot be used on this side.
    Unusable { what: String, why: String },
}

/// A fragment that fits after "cannot explain:".
impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous { address, candidates } => {
                write!(
                    f,
                    "{address} is the address of several interfaces: {}",
                    candidates.join(", ")
                )
            }
            Self::NoSuchResource { id, .. } => {
                write!(f, "nothing in the snapshot is called {id:?}")
            }
            Self::Unusable { what, why } => write!(f, "{what} {why}"),
        }
    }
}

impl std::error::Error for QueryError {}
