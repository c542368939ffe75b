use super::{Content, Fingerprint, Scope};
use crate::model::Gap;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// One run, as it is handed to the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub at: Timestamp,
    /// Version of the tool.
    pub tool: String,
    pub scope: Scope,
    /// SHA-256 of the spec, lower-case hex.
    pub spec: String,
    /// The snapshot that was judged; `None` without a cloud.
    pub snapshot: Option<Read>,
    /// Ids of the rules that judged.
    pub rules: BTreeSet<String>,
    /// Everything that could not be seen, accepted or not; sorted.
    pub gaps: Vec<Gap>,
    /// Findings that the run could not have had, seen or not: the scope is what such a finding is about.
    pub unseen: Vec<Gap>,
    /// Endpoints that were to be probed and were not: a deadline, trouble of the vantage.
    pub unprobed: usize,
    /// What was found; sorted by fingerprint, each once.
    pub seen: Vec<Seen>,
}

/// What was read, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// SHA-256 in lower-case hex, without the time of reading.
    pub digest: String,
    pub taken_at: Timestamp,
}

/// One finding of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub subject: String,
    pub source: Option<String>,
    pub content: Content,
}

/// A run as the history has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Counts up from 1 over all series; `r17` on the command line.
    pub id: u64,
    /// The series, and the run's place in it, which counts up from 1.
    pub series: u64,
    pub seq: u64,
    pub at: Timestamp,
    pub tool: String,
    pub scope: Scope,
    pub spec: String,
    pub snapshot: Option<Read>,
    /// The exit code of the run.
    pub exit: u8,
    /// Whether nothing was missing: no gap, nothing unprobed.
    pub complete: bool,
    pub gaps: u64,
    pub unprobed: u64,
    pub findings: u64,
    /// Findings that were new or came back in this run.
    pub new: u64,
    pub resolved: u64,
}

impl Run {
    /// Whether nothing was missing: no gap, accepted or not, and nothing unprobed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.unprobed == 0
    }
}
