use super::{Digest, Reason, Refusal, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a plan learns of its scope for the next one.
///
/// It is no proof of anything: whoever can write it can at most make a stratum count as seen
/// before, and such a stratum still needs its live controls judged right in the very run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// [`Memory::SCHEMA`].
    pub schema: String,
    /// When that run was.
    pub at: Timestamp,
    pub target: Target,
    /// Of everything that decides what is dead: the adapter, its command, the rules.
    pub classifier: Digest,
    /// Rows of each source.
    pub sources: BTreeMap<String, u64>,
    /// Strata, by their keys, whose live controls that classifier judged right.
    pub strata: BTreeSet<BTreeMap<String, String>>,
    /// Rows of a source that a person accepts in the place of those: of this run alone.
    #[serde(skip)]
    pub accepted: BTreeMap<String, u64>,
}

impl Memory {
    /// The format tag.
    pub const SCHEMA: &str = "portcullis/cleanup-memory/v1";

    /// Reads what [`Memory::bytes`] wrote, and holds it against the target of this run.
    ///
    /// # Errors
    /// Another format, and a record of another target: nothing that it says would be of this one.
    pub fn read(bytes: &[u8], target: &Target) -> Result<Self, Refusal> {
        let refuse = |says: String| Refusal::new(Reason::UnknownSchema, says);
        let memory: Self = serde_json::from_slice(bytes).map_err(|e| refuse(e.to_string()))?;
        if memory.schema != Self::SCHEMA {
            return Err(refuse(format!(
                "its format is {:?}, this reads {:?}",
                memory.schema,
                Self::SCHEMA
            )));
        }
        if memory.target != *target {
            return Err(Refusal::new(Reason::TargetMismatch, "it is of another target"));
        }
        Ok(memory)
    }

    /// As it is kept.
    ///
    /// # Panics
    /// Never: all of it has a form in JSON.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        super::plan::seal::json(self)
    }

    /// The rows that a source is held against; told of one that a person accepted, they are the accepted.
    #[must_use]
    pub fn rows(&self, source: &str) -> Option<u64> {
        self.accepted.get(source).or_else(|| self.sources.get(source)).copied()
    }

    /// What was accepted that the last run's rows would have held, as approvers see it.
    pub fn loosened(&self) -> impl Iterator<Item = String> {
        self.accepted.iter().filter_map(|(name, rows)| {
            let before = self.sources.get(name).filter(|before| *before > rows)?;
            let at = self.at;
            Some(format!(
                "{rows} rows of {name} are accepted after {before} at {at} (--accept-rows)"
            ))
        })
    }

    /// Whether this classifier has judged the controls of a stratum right before.
    #[must_use]
    pub fn knows(&self, classifier: &Digest, stratum: &BTreeMap<String, String>) -> bool {
        self.classifier == *classifier && self.strata.contains(stratum)
    }
}
