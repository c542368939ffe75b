use super::Event;
use crate::cleanup::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// From 1.
    pub seq: u64,
    /// Of the bytes of the line before; of the first, the plan's digest.
    pub prev: Digest,
    pub at: Timestamp,
    /// Of the claim that it was written under; never falls.
    pub fence: u64,
    pub what: Event,
}

impl Record {
    /// The line's bytes, without its break.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Maps with text keys and numbers: there is nothing in it that JSON lacks.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
