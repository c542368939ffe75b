//! The sealed list of exact acts, as the file `plan.json` has it.

mod again;
mod choose;
mod draft;
mod read;
mod report;
pub(super) mod seal;

pub use again::{evidence_again, lost};
pub use draft::{DraftInput, Population, draft};
pub use read::{read, read_as};
pub use report::PlanReport;
pub use seal::{seal, state_digest};

use super::{Claim, Digest, ItemRef, Refusal, Risk, Target};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag of a plan.
pub const SCHEMA: &str = "portcullis/cleanup-plan/v1";

/// What a plan's acts are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Out of use, and back in seconds.
    Quarantine,
    /// Gone: only what a quarantine receipt names.
    Delete,
    /// Opening what should be open.
    Repair,
}

/// Who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The person in `trust.yaml`, or the workload.
    pub name: String,
    /// The author of the change that made CI plan; excluded from the quorum like the author.
    #[serde(default)]
    pub requested_by: Option<String>,
}

/// What must still be the same when it is approved and applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Portcullis's own version.
    pub tool: String,
    /// Of the policy file's bytes.
    pub policy: Digest,
    /// Of `trust.yaml`'s bytes.
    pub trust: Digest,
    /// Of the adapter's executable; `None` for the one that is built in.
    #[serde(default)]
    pub adapter: Option<Digest>,
    /// The command that starts it.
    #[serde(default)]
    pub adapter_command: Vec<String>,
    /// Whether opt-outs were read: then they are read again before each act.
    #[serde(default)]
    pub opt_outs: bool,
    /// Of the lists of names that were asked: the same ones are asked again before each act.
    #[serde(default)]
    pub names: Option<Digest>,
    /// Of the spec that a plan of AWS was made by; an undo is judged by the same one.
    #[serde(default)]
    pub spec: Option<Digest>,
    /// What could be probed where it was planned: whoever applies it can probe it too, because a look
    /// that is not made sees no life.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Where claims and the halt switch are, where the policy says so: nowhere else does a claim hold
    /// anybody off, or a halt stop anybody.
    #[serde(default)]
    pub places: Places,
}

/// The places that a policy names (`places:`); an empty one leaves it to whoever applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<String>,
}

/// A class of things that could be wrong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratum {
    /// From 1, in the order of `key`.
    pub n: u32,
    /// One attribute or a pair, and the values that make it.
    pub key: BTreeMap<String, String>,
    pub population: u32,
    pub candidates: u32,
    pub unknown: u32,
    /// Live controls: judged right, and in all.
    pub live: [u32; 2],
    /// Dead controls: found, and in all.
    pub dead: [u32; 2],
    /// Why nothing of it is planned; empty where it may be.
    pub held: Vec<Refusal>,
}

/// One exact act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// From 1.
    pub n: u32,
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub immutable: BTreeMap<String, String>,
    /// The state that it must still have: digest of the map as canonical JSON.
    pub state_sha256: Digest,
    pub state: BTreeMap<String, String>,
    /// The class whose ramp it counts in: the finest stratum that it belongs to.
    pub stratum: u32,
    /// Every stratum that it belongs to, that one included: what a partial approval is told by.
    #[serde(default)]
    pub strata: Vec<u32>,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub domain: Option<String>,
    #[serde(default)]
    pub set: Option<String>,
    pub action: String,
    /// `None` where nothing takes it back.
    #[serde(default)]
    pub undo: Option<String>,
    pub risk: Risk,
    /// Independent evidence of death.
    pub dead: Vec<Claim>,
    /// Of that evidence, what a look at the thing alone shows: the same must be seen right before the act.
    /// Empty in plans that were made before this was asked, and where no look shows any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Again>,
    /// Channels that were asked for life and showed none.
    pub live_checked: Vec<String>,
}

/// Evidence that is asked for once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// Of the claim, as [`Claim::kind`].
    pub kind: String,
    /// Of the claim, as [`Claim::source`].
    pub source: String,
    /// Of the record that it rests on, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
}

impl Item {
    /// Which thing it is.
    #[must_use]
    pub fn item(&self) -> ItemRef {
        ItemRef { kind: self.kind.clone(), id: self.id.clone() }
    }
}

/// How much at once and how slowly. Written into the plan so that approvers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Items of this plan at most.
    pub max_items: u32,
    /// Items of all plans of the account within 24 hours at most.
    pub max_items_per_day: u32,
    /// Hundredths of a stratum at most.
    pub max_percent_stratum: u32,
    /// Hundredths of the population at most.
    pub max_percent_total: u32,
    /// Items of one stratum in its first, second … batch; the last number repeats.
    pub ramp: Vec<u32>,
    /// Seconds of rest after the first, second … batch of a stratum; the last number repeats.
    pub soak_s: Vec<u64>,
    /// Tries of one throttled act.
    pub max_retries: u32,
    /// Seconds in quarantine before a deletion may be planned.
    pub quarantine_s: u64,
    /// Seconds from the claim to the end of the last batch.
    pub deadline_s: u64,
    /// Whether every owner must have been told before anything is done.
    #[serde(default)]
    pub owners_told: bool,
}

impl Limits {
    /// The end of the rest after a stratum's batch of this step, counted from 0, that ended at `at`.
    #[must_use]
    pub fn rest(&self, step: u32, at: Timestamp) -> Timestamp {
        let seconds = self.soak_s.get(step as usize).or(self.soak_s.last()).copied().unwrap_or(0);
        let rest = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        at.saturating_add(rest).unwrap_or(Timestamp::MAX)
    }
}

/// What approvers count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub items: u32,
    pub by_action: BTreeMap<String, u32>,
    pub by_type: BTreeMap<String, u32>,
}

/// A plan. Its identity is the digest of the bytes it was sealed as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub schema: String,
    pub phase: Phase,
    /// The quarantine plan whose receipt this deletes from.
    #[serde(default)]
    pub parent: Option<Digest>,
    pub created_at: Timestamp,
    pub not_before: Timestamp,
    /// The last moment to claim it.
    pub not_after: Timestamp,
    pub author: Author,
    pub target: Target,
    pub pins: Pins,
    pub sources: Vec<super::Source>,
    pub strata: Vec<Stratum>,
    pub items: Vec<Item>,
    /// Of the file `evidence.jsonl` that was sealed beside it; `None` where none was.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// What was not planned, and why.
    pub refused: Vec<Refusal>,
    /// Signed statements that loosened a guard, as approvers see them.
    #[serde(default)]
    pub loosened: Vec<String>,
    /// Decommission notes that it stands on: each must hold until the plan is claimed.
    #[serde(default)]
    pub notes: Vec<super::SignedNote>,
    pub limits: Limits,
    pub totals: Totals,
}
