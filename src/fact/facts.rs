use super::SourceRead;
use crate::model::{Gap, Known};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of each host. Default: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// By host id (of `resolve::Resolution`), then by name of the fact.
    pub hosts: BTreeMap<String, BTreeMap<String, FactValue>>,
    /// Facts that nobody may rest on, by host id and name: sources that disagree, clocks that are wrong.
    /// Such a fact is not among [`Facts::hosts`].
    pub doubts: BTreeMap<String, BTreeMap<String, Gap>>,
    /// In the order in which they were asked.
    pub sources: Vec<SourceRead>,
    /// Sources that could not be read, and records that may be of two hosts.
    pub gaps: Vec<Gap>,
    /// What was read and used for nothing, in words: records that match no host.
    pub notes: Vec<String>,
    /// A value gathered longer ago counts for nothing, where the spec does not say otherwise.
    pub max_age: SignedDuration,
}

/// Nothing is known, and a day is the limit.
impl Default for Facts {
    fn default() -> Self {
        Self {
            hosts: BTreeMap::new(),
            doubts: BTreeMap::new(),
            sources: Vec::new(),
            gaps: Vec::new(),
            notes: Vec::new(),
            max_age: SignedDuration::from_hours(24),
        }
    }
}

/// One fact of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactValue {
    /// As the source gave it: text from outside.
    pub value: String,
    /// The source's name: `facts.json`, `snapshot`.
    pub source: Arc<str>,
    /// When the source was read.
    pub read_at: Timestamp,
    /// When the source's data was gathered, where that is known; never after `read_at` by more than
    /// clocks differ.
    pub gathered_at: Option<Timestamp>,
}

impl Facts {
    /// A fact of a host: [`Known::No`] where no source gives it.
    #[must_use]
    pub fn get(&self, host: &str, fact: &str) -> Known<&FactValue> {
        if let Some(gap) = self.doubts.get(host).and_then(|d| d.get(fact)) {
            return Known::Unknown(gap.clone());
        }
        match self.hosts.get(host).and_then(|f| f.get(fact)) {
            Some(value) => Known::Yes(value),
            None => Known::No,
        }
    }
}

impl FactValue {
    /// The time its age is counted from.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.gathered_at.unwrap_or(self.read_at)
    }
}
