use super::{Content, Fingerprint, Scope};
use jiff::Timestamp;

/// A finding over the runs of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    pub fingerprint: Fingerprint,
    pub series: u64,
    pub scope: Scope,
    pub rule: String,
    pub subject: String,
    pub source: Option<String>,
    /// Kept even where the runs themselves were pruned.
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Runs of the series that saw it, of those that are kept.
    pub times_seen: u64,
    pub state: State,
    pub flapping: bool,
    /// As last seen.
    pub content: Content,
    /// In the order of time, at least one.
    pub spans: Vec<Span>,
}

/// How a finding stands after the last run of its series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The last run saw it.
    Open,
    /// Open, and the last run neither saw it nor resolved it: why.
    Unseen(String),
    Resolved(Timestamp),
}

/// Runs of a series, one after the other, that saw a finding say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The place in the series of the first and last of these runs.
    pub from: u64,
    pub to: u64,
    pub from_at: Timestamp,
    pub to_at: Timestamp,
    pub content: Content,
    pub end: End,
}

/// What ended a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing yet: the last run of the series is in it.
    Lasts,
    /// It said something else from the next run on.
    Changed,
    /// The next run did not see it, and could not tell: why.
    Unseen { why: String },
    /// A later run, at this place and time, showed that it is gone.
    Resolved { by: u64, at: Timestamp },
}

impl State {
    /// The word in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unseen(_) => "not seen",
            Self::Resolved(_) => "resolved",
        }
    }
}
