use super::{Act, ItemRef, Listing, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a cleanup may look at and act on: an adapter process of the protocol in
/// `docs/cleanup/adapters.md`, or the AWS one that is built in.
///
/// `list`, `observe` and `health` change nothing. Only the edge `apply` calls `act` and `undo`.
pub trait World {
    /// Who it is and where it acts, asked before anything else.
    ///
    /// # Errors
    /// What keeps it from answering.
    fn hello(&mut self) -> Result<Hello, WorldError>;

    /// Every thing of the scope with the sources it was read from.
    ///
    /// # Errors
    /// What keeps it from answering; a listing cut short is no listing.
    fn list(
        &mut self,
        scope: &str,
        selector: &BTreeMap<String, String>,
    ) -> Result<Listing, WorldError>;

    /// One thing, as it is now.
    ///
    /// # Errors
    /// What keeps it from answering.
    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError>;

    /// Does one act.
    ///
    /// # Errors
    /// What keeps it from answering: the act may then have been done or not.
    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError>;

    /// Takes one act back, by the act that `request` names and what the act handed out for it.
    ///
    /// # Errors
    /// What keeps it from answering: it may then have been taken back or not.
    fn undo(
        &mut self,
        request: &ActRequest,
        handed: &BTreeMap<String, String>,
    ) -> Result<Acted, WorldError>;

    /// Whether the world is well, asked between batches.
    ///
    /// # Errors
    /// What keeps it from answering: no verdict is a stop.
    fn health(&mut self) -> Result<Health, WorldError>;
}

/// Who an adapter is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// Version of the protocol: 1.
    pub protocol: u32,
    pub adapter: String,
    /// What its credentials reach. `scope` is what it was asked for.
    pub target: Target,
    /// The provider's own clock, where it tells it.
    #[serde(default)]
    pub clock: Option<Timestamp>,
    pub acts: Vec<Act>,
}

/// One thing at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exists", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Observed {
    /// It is there, as this.
    Yes { resource: Box<super::Resource> },
    /// The provider says that it is not there.
    No,
    /// Nobody can say.
    Unknown { why: String },
}

/// One act, exactly: an adapter does this or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// The plan's digest.
    pub plan: String,
    /// The item's number in the plan.
    pub n: u32,
    pub item: ItemRef,
    pub action: String,
    pub immutable: BTreeMap<String, String>,
    /// The state that was observed just before, for providers with preconditions.
    pub state: BTreeMap<String, String>,
    /// The same for every try of one act, so that a provider can do it once.
    pub token: String,
    /// Of the claim that it is done under.
    pub fence: u64,
    pub not_after: Timestamp,
}

/// What an adapter says it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Acted {
    /// Done, to exactly this; compared with what was asked.
    Done {
        item: ItemRef,
        action: String,
        /// What undoing it will need: a snapshot's id, the groups that it had.
        #[serde(default)]
        undo: BTreeMap<String, String>,
    },
    /// Not done, and nothing changed.
    Failed { why: String },
    /// Not done: asked too often.
    Throttled {
        #[serde(default)]
        retry_after_ms: Option<u64>,
    },
    /// Whoever knows.
    Unknown { why: String },
    /// Nothing was asked of the provider. Only a world of this process can know that, so no adapter can
    /// say it.
    #[serde(skip)]
    Unsent {
        why: String,
        /// Whether what had to be read first could not be.
        unread: bool,
    },
}

/// Whether the world is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    pub healthy: bool,
    #[serde(default)]
    pub checks: Vec<String>,
}

/// Why a world gave no answer. Fits after "cannot".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldError {
    /// What was asked: `list`.
    pub verb: String,
    pub why: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.verb, self.why)
    }
}

impl std::error::Error for WorldError {}
