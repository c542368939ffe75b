use super::{Content, Fingerprint, Standing};
use crate::model::Severity;
use jiff::Timestamp;

/// What keeping a run told: how it stands to the runs of its series before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The run's own number.
    pub run: u64,
    /// The last comparable run; `None` for the first of a series.
    pub against: Option<Against>,
    /// One for each of [`super::Run::seen`], in its order.
    pub seen: Vec<Sighting>,
    /// Open findings of the series that this run does not have, by fingerprint: those it resolved,
    /// and those it is the first not to have seen.
    pub gone: Vec<Gone>,
}

/// The run that another was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    pub run: u64,
    pub at: Timestamp,
}

/// How one finding of a run stands to the runs before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub change: Change,
    pub first_seen: Timestamp,
    pub flapping: bool,
}

/// What is different about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Never seen in this series.
    New,
    /// It was resolved, and is back.
    Reopened { resolved_at: Timestamp },
    /// Its severity, its measure or its standing is another; these are what they were. A measure that
    /// one of the two lacks is not compared.
    Updated { severity: Severity, measure: Option<u64>, standing: Standing },
    /// As before; its words may differ.
    Unchanged,
}

/// An open finding that a run does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub subject: String,
    pub source: Option<String>,
    pub content: Content,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub flapping: bool,
    /// Why the absence proves nothing; `None` where the run resolved it.
    pub unseen: Option<String>,
}
