//! Statements that all of a class is meant to go: the one thing that loosens a guard of strata.

mod note;

pub use note::{LONGEST, MAX_BYTES, Note, SCHEMA, SignedNote};

use super::Target;
use super::{Reason, Refusal};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What a planner takes of a note whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decommission {
    /// The class, by attribute and value. Never empty: everything is no class.
    pub stratum: BTreeMap<String, String>,
    pub reason: String,
    /// Who signed it.
    pub by: String,
    /// The last moment that it holds.
    pub until: Timestamp,
}

impl Decommission {
    /// Whether it holds now.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.stratum.is_empty() && now <= self.until
    }

    /// As a plan tells it.
    #[must_use]
    pub fn told(&self) -> String {
        format!(
            "{} is decommissioned until {} by {}: {}",
            class(&self.stratum),
            self.until,
            self.by,
            self.reason
        )
    }
}

/// A note that was checked, with the bytes that the plan carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub says: Decommission,
    pub signed: SignedNote,
}

impl Noted {
    /// Whether it is about things of this target.
    ///
    /// # Errors
    /// [`Reason::TargetMismatch`]: one account's generation 1 may be another's newest.
    pub fn of(&self, target: &Target) -> Result<(), Refusal> {
        let note = self.signed.read()?;
        if note.account == target.account && note.scope == target.scope {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::TargetMismatch,
            format!(
                "the note is about {} of {}, and this is {} of {}",
                note.scope, note.account, target.scope, target.account
            ),
        ))
    }
}

/// A class in words.
#[must_use]
pub fn class(stratum: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = stratum.iter().map(|(k, v)| format!("{k}={v}")).collect();
    parts.join(" ")
}
