use super::Decommission;
use crate::cleanup::{Digest, Guards, Reason, Refusal, selector, strict};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag of a note.
pub const SCHEMA: &str = "portcullis/cleanup-decommission/v1";
/// Most bytes of a note.
pub const MAX_BYTES: usize = 16 * 1024;
/// The longest that a note may hold: one without an end would be a policy that nobody pins.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A note: these bytes are signed in the namespace `portcullis-decommission.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub schema: String,
    /// Whose things they are, as the plan's target has it.
    pub account: String,
    pub scope: String,
    pub stratum: BTreeMap<String, String>,
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
    pub until: Timestamp,
}

/// A note as it was signed, and the signature: a plan carries both, so that whoever reads the plan
/// can check what was loosened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedNote {
    pub statement: String,
    /// Line by line: a plan holds no character that hides or moves text.
    pub signature: Vec<String>,
}

impl Note {
    /// The bytes that are signed: one line.
    ///
    /// # Errors
    /// What [`SignedNote::read`] would refuse.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let bytes = serde_json::to_vec(self)
            .map_err(|e| Refusal::new(Reason::NonStrictJson, e.to_string()))?;
        strict::check(&bytes)?;
        self.agrees()?;
        Ok(bytes)
    }

    fn agrees(&self) -> Result<(), Refusal> {
        if self.stratum.is_empty() {
            return Err(Refusal::new(Reason::EmptySelector, "a note of no class is of everything"));
        }
        // A class of everything is no class, however it is spelled.
        selector::check(&self.scope, &self.stratum, Guards::all())?;
        let invalid = |says: &str| Err(Refusal::new(Reason::NoteInvalid, says));
        if self.account.trim().is_empty() {
            return invalid("it names no account");
        }
        if self.reason.trim().is_empty() {
            return invalid("it says no reason");
        }
        if self.until <= self.at {
            return invalid("it ends before it begins");
        }
        if self.until.duration_since(self.at) > LONGEST {
            return invalid("it holds for more than 90 days: sign a new one when it is over");
        }
        Ok(())
    }

    /// What of it a planner takes.
    #[must_use]
    pub fn says(&self) -> Decommission {
        Decommission {
            stratum: self.stratum.clone(),
            reason: self.reason.clone(),
            by: self.by.clone(),
            until: self.until,
        }
    }
}

impl SignedNote {
    /// Reads the statement strictly; whose signature it has is judged elsewhere.
    ///
    /// # Errors
    /// [`Reason::NonStrictJson`], [`Reason::UnknownSchema`], and notes of everything, of no reason
    /// or without an end.
    pub fn read(&self) -> Result<Note, Refusal> {
        /// The tag alone: a later note is told from a broken one.
        #[derive(Deserialize)]
        struct Tagged {
            schema: String,
        }
        let bytes = self.statement.as_bytes();
        if bytes.len() > MAX_BYTES {
            let says = format!("the note is longer than {MAX_BYTES} bytes");
            return Err(Refusal::new(Reason::NonStrictJson, says));
        }
        let tagged: Tagged = strict::read(bytes)?;
        if tagged.schema != SCHEMA {
            let says = format!("the note has the schema {:?}, not {SCHEMA:?}", tagged.schema);
            return Err(Refusal::new(Reason::UnknownSchema, says));
        }
        let note: Note = strict::read(bytes)?;
        note.agrees()?;
        Ok(note)
    }

    /// Of the statement's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.statement.as_bytes())
    }

    /// The signature as OpenSSH writes it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.signature.join("\n") + "\n"
    }

    /// As a plan tells it among what was loosened.
    ///
    /// # Errors
    /// As of [`SignedNote::read`].
    pub fn told(&self) -> Result<String, Refusal> {
        Ok(format!("{} (note {})", self.read()?.says().told(), self.digest()))
    }
}
