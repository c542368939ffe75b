use crate::finding::{Finding, FindingStatus, is_worse};
use crate::model::Severity;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How the findings stand to those of the last comparable run: `--since-last`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The run that was compared with; `None` where there is none, and everything is new.
    pub against: Option<Against>,
    /// By fingerprint, one for every finding of the report.
    pub standings: BTreeMap<String, Standing>,
    /// What that run or an earlier one had and this one has not; sorted as findings are.
    pub gone: Vec<Gone>,
}

/// The run that another was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    /// As `portcullis history show` takes it: `r17`.
    pub run: String,
    pub at: Timestamp,
}

/// How one finding stands to the runs before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub change: Change,
    pub first_seen: Timestamp,
    /// It was resolved or came back again and again.
    pub flapping: bool,
}

/// What is different about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    New,
    /// It was resolved, and is back.
    Reopened {
        resolved_at: Timestamp,
    },
    /// Its severity or measure is another, or a waiver or baseline that covered it no longer does, or now does.
    Updated {
        severity: Severity,
        /// As last counted.
        measure: Option<u64>,
        /// Whether it counted then.
        open: bool,
    },
    Unchanged,
}

/// A finding of an earlier run that this one does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub fingerprint: String,
    pub rule: String,
    pub severity: Severity,
    pub subject: String,
    pub source: Option<String>,
    /// As it was told then.
    pub message: String,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub flapping: bool,
    /// Why its absence proves nothing; `None` where it is resolved.
    pub unseen: Option<String>,
}

impl Compared {
    /// How a finding stands; one that was not compared is new.
    #[must_use]
    pub fn change(&self, fingerprint: &str) -> Change {
        self.standings.get(fingerprint).map_or(Change::New, |s| s.change)
    }

    /// Whether a finding counts as it is now: what is new, is back, got worse (by its severity or its
    /// measure) or is no longer covered.
    #[must_use]
    pub fn counts(&self, finding: &Finding) -> bool {
        match self.change(&finding.fingerprint) {
            Change::New | Change::Reopened { .. } => true,
            Change::Updated { severity, measure, open } => {
                finding.severity > severity
                    || is_worse(finding.measure, measure)
                    || !open && finding.status == FindingStatus::Open
            }
            Change::Unchanged => false,
        }
    }
}

impl Change {
    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reopened { .. } => "reopened",
            Self::Updated { .. } => "changed",
            Self::Unchanged => "unchanged",
        }
    }

    /// SARIF's `baselineState`.
    #[must_use]
    pub const fn baseline_state(self) -> &'static str {
        match self {
            Self::New | Self::Reopened { .. } => "new",
            Self::Updated { .. } => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}
