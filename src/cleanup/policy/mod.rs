//! How much a cleanup may do: `cleanup-policy.yaml`.
//!
//! 0 means none, and what is missing is refused, never taken as "no limit". The file is pinned by
//! its digest in every plan, and where it lies outside the branch under review nobody who proposes
//! a cleanup can loosen it.

mod file;
mod notify;

pub use notify::Notify;

use super::plan::{Limits, Places, Plan};
use super::{Digest, ItemRef, Reason, Refusal};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Most bytes of a policy.
pub const MAX_BYTES: usize = 256 * 1024;

/// What a cleanup is held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Of the bytes it was read from.
    pub digest: Digest,
    /// How much at once, and how slowly.
    pub limits: Limits,
    /// Seconds from planning to the last moment to claim.
    pub valid_s: u64,
    pub sources: SourceLimits,
    pub strata: StratumLimits,
    pub minimum: Minimum,
    /// Things that were planted dead: a classifier that misses one is blind. They are never planned.
    pub dead_controls: BTreeSet<ItemRef>,
    /// How owners are told; `None` where nobody is.
    pub notify: Option<Notify>,
    /// Where claims and the halt switch are.
    pub places: Places,
}

/// When a source may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLimits {
    /// Rows that a keep list has at least. One that may be empty was empty before, or has as many.
    pub floor: u64,
    /// The same of single ones, by their names, or by the first word of them: the call of AWS.
    pub floors: BTreeMap<String, u64>,
    /// Hundredths of the previous run's rows that a keep list has at least.
    pub delta_percent: u32,
    /// Seconds since it was fetched, and since its newest record, at most.
    pub max_age_s: u64,
    /// Seconds that its clock may be ahead of ours.
    pub max_ahead_s: u64,
}

/// When a class of things is held back. [`StratumLimits::DEFAULT`] is the loosest that a policy may be.
#[derive(Debug, Clone, PartialEq)]
pub struct StratumLimits {
    /// Values that an attribute has at most, to make strata.
    pub max_values: usize,
    /// Candidates from which a share may hold.
    pub share_from: u32,
    /// Hundredths of a stratum that may be candidates, less one.
    pub share_percent: u32,
    /// Candidates from which the exact test may hold.
    pub fisher_from: u32,
    /// The chance under which a concentration is no accident.
    pub fisher_p: f64,
    /// Hundredths of a stratum that may be unknown.
    pub unknown_percent: u32,
    /// Live controls that were judged right, at least; all others where there are fewer.
    pub live_controls: u32,
    /// Attributes that make no strata, because the rule that calls things dead looks at them itself.
    /// Written into the plan as loosened.
    pub ignore: BTreeSet<String>,
}

// Compared in tests and never a NaN: the reader refuses one.
impl Eq for StratumLimits {}

impl StratumLimits {
    /// The design's numbers (section 5.6), for which there is prior art in the limits that
    /// Kubernetes' node controller evicts by.
    pub const DEFAULT: Self = Self {
        max_values: 50,
        share_from: 3,
        share_percent: 55,
        fisher_from: 5,
        fisher_p: 1e-4,
        unknown_percent: 2,
        live_controls: 10,
        ignore: BTreeSet::new(),
    };
}

/// How many members of a replicated set must stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// Of a set that is not named.
    pub any: u32,
    pub sets: BTreeMap<String, u32>,
}

impl Minimum {
    /// How many members of this set must stay.
    #[must_use]
    pub fn of(&self, set: &str) -> u32 {
        self.sets.get(set).copied().unwrap_or(self.any)
    }
}

impl Policy {
    /// Reads a policy; `name` is the file's, for messages.
    ///
    /// # Errors
    /// [`Reason::PolicyInvalid`] with file, line and column: unknown and missing keys, values
    /// outside their range, a looser stratum limit than [`StratumLimits::DEFAULT`].
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Refusal> {
        file::read(bytes).map_err(|e| Refusal::new(Reason::PolicyInvalid, format!("{name}{e}")))
    }

    /// Whether a plan that names this policy keeps to it. Whoever seals one writes its limits too.
    ///
    /// # Errors
    /// [`Reason::PolicyChanged`] with what of the plan is another's.
    pub fn made(&self, plan: &Plan) -> Result<(), Refusal> {
        let lasts = SignedDuration::from_secs(i64::try_from(self.valid_s).unwrap_or(i64::MAX));
        let end = plan.created_at.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        for (kept, what) in [
            (plan.limits == self.limits, "limits"),
            (plan.pins.places == self.places, "places"),
            (plan.not_after <= end, "last moment to claim it"),
        ] {
            if !kept {
                let says = format!("the plan names the policy, and its {what} is not the policy's");
                return Err(Refusal::new(Reason::PolicyChanged, says));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
