use crate::model::Gap;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that fact sources gave, before anybody knows whose it is. Default: none was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gathered {
    pub records: Vec<Record>,
    /// In the order in which they were asked.
    pub sources: Vec<SourceRead>,
    /// Sources that could not be read, or not in full.
    pub gaps: Vec<Gap>,
    /// A value gathered longer ago counts for nothing, where the spec does not say otherwise.
    pub max_age: SignedDuration,
}

/// No source, and a day is the limit.
impl Default for Gathered {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            sources: Vec::new(),
            gaps: Vec::new(),
            max_age: SignedDuration::from_hours(24),
        }
    }
}

/// What one source says of one host at one time. Every text is from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The source's name: `facts.json`, `command inventory`, `ssm us-west-1`.
    pub source: Arc<str>,
    /// Where in the source, for people: `line 3`, `web-1.json`, `record 2`; may be empty.
    pub at: String,
    /// What names the host: instance id, name, address, DNS name; in the source's own spelling.
    pub keys: Vec<String>,
    /// By name.
    pub facts: BTreeMap<String, String>,
    /// When the source was read.
    pub read_at: Timestamp,
    /// When the data was gathered: as the record says, else the latest it can have been (a file's
    /// time of change); `None` where nothing tells.
    pub gathered_at: Option<Timestamp>,
}

/// One source that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRead {
    pub name: Arc<str>,
    /// `None` when it could not be read.
    pub read_at: Option<Timestamp>,
    /// Hosts that it has records of.
    pub hosts: usize,
}

impl Gathered {
    /// Takes over what another source gave; the limit of age stays.
    pub fn merge(&mut self, other: Self) {
        let Self { records, sources, gaps, max_age: _ } = other;
        self.records.extend(records);
        self.sources.extend(sources);
        self.gaps.extend(gaps);
    }
}
