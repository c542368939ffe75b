use super::ItemRef;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The attribute that says where a thing can be reached: addresses, or addresses with ports, between
/// spaces or commas.
pub const ADDRESSES: &str = "addresses";

/// Something that one source says for or against a thing being dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `project-tombstone`, `answers-probe`, `in-target-group`, `tag-protect`.
    pub kind: String,
    /// The name of the [`Source`] it was read from. Two claims of one source are one evidence.
    pub source: String,
    /// When the source saw it; `None` where it gave none or one that cannot be read, and then the
    /// claim is of nothing.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// The record it rests on, as the source gave it: its shape is compared with those of records
    /// that have shown life.
    #[serde(default)]
    pub record: Option<serde_json::Value>,
    /// What it says, for people.
    #[serde(default)]
    pub detail: String,
}

/// No record of anything that is cleaned up is older; what a blank date becomes is (1970, 1900, 0001).
const NO_DATE_BEFORE: i64 = 946_684_800;

impl Claim {
    /// Whether its source gave a time that is none of those that a blank becomes.
    pub(super) fn dated(&self) -> bool {
        self.at.is_some_and(|at| at.as_second() >= NO_DATE_BEFORE)
    }
}

/// A thing that the world has, as an adapter lists it: all of the population, candidates or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// As the adapter calls it: `servo`, `AWS::EC2::Instance`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The provider's own id, never a name that another thing may get.
    pub id: String,
    /// What tells it from another that later has its name: uuid, creation time.
    pub immutable: BTreeMap<String, String>,
    /// What strata are found by: region, account, generation, image, owner, size …
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// What an act must still find: running or stopped, its rules, who references it.
    #[serde(default)]
    pub state: BTreeMap<String, String>,
    /// Whom to tell.
    #[serde(default)]
    pub owner: Option<String>,
    /// Where it fails together with others: a zone, a host.
    #[serde(default)]
    pub domain: Option<String>,
    /// A replicated set that it is a member of, and below how many members it must not fall.
    #[serde(default)]
    pub set: Option<String>,
    /// What it contains: a VPC's gateways, a server's databases.
    #[serde(default)]
    pub children: Vec<ItemRef>,
    /// Whether the job that asks for the cleanup calls it dead.
    #[serde(default)]
    pub candidate: bool,
    /// The act that it asks for.
    #[serde(default)]
    pub action: Option<String>,
    #[serde(default)]
    pub dead: Vec<Claim>,
    #[serde(default)]
    pub live: Vec<Claim>,
    /// Protections: tags, opt-outs, locks. One that cannot be read protects.
    #[serde(default)]
    pub protected: Vec<Claim>,
    /// What somebody tried to find out and could not: `owner: timed out`. Never a no.
    #[serde(default)]
    pub unknown: Vec<String>,
}

/// One thing that was read to make a listing, with the proof that it was read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    pub fetched_at: Timestamp,
    /// When its newest record was made; `None` where records have no time.
    #[serde(default)]
    pub newest: Option<Timestamp>,
    /// Whether every page was read.
    pub complete: bool,
    /// Rows that were read.
    pub rows: u64,
    /// Rows by another way of counting, where there is one.
    #[serde(default)]
    pub cross_count: Option<u64>,
    /// Whether what is absent here counts as gone (a keep list); then it has a floor and may not
    /// shrink.
    #[serde(default)]
    pub keeps: bool,
    /// Whether a scope that is well may have none of it: an account without balancers. For what is built in
    /// to say, no adapter and no plan.
    #[serde(skip)]
    pub may_be_empty: bool,
    /// What was asked of it; every row is tested against it again.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
}

/// Everything an adapter says of its scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub sources: Vec<Source>,
    pub resources: Vec<Resource>,
}

impl Resource {
    /// Which thing it is.
    #[must_use]
    pub fn item(&self) -> ItemRef {
        ItemRef { kind: self.kind.clone(), id: self.id.clone() }
    }
}
