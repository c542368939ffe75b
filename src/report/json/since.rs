//! The part of version 1 that tells what changed since an earlier run, and what a baseline did: see
//! [`super::v1`].

use super::v1::{Finding, Severity};
use crate::audit::{self, AuditReport};
use crate::finding;
use crate::report::compared::counts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The comparison with the last run that looked at the same. All findings are listed; only what is
/// new, back, worse or no longer covered counts as failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The run, as `portcullis history show` takes it; null where there was none, and all is new.
    pub run: Option<String>,
    /// When that run was, RFC 3339, UTC.
    pub at: Option<String>,
    pub new: usize,
    pub reopened: usize,
    pub changed: usize,
    pub unchanged: usize,
    pub resolved: usize,
    /// Known, and neither seen nor shown to be gone.
    pub not_seen: usize,
}

/// What a baseline did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    pub name: String,
    pub entries: usize,
    /// Findings that it knows: they do not count.
    pub covered: usize,
    /// Entries that match nothing any more.
    pub stale: Vec<BaselineEntry>,
    /// Entries that match nothing, where not enough was seen to tell.
    pub undecided: Vec<BaselineEntry>,
}

/// One entry of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineEntry {
    pub rule: String,
    pub subject: String,
    pub source: Option<String>,
    pub severity: Severity,
    /// As [`Finding`]'s, where it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<u64>,
    pub fingerprint: String,
}

/// A finding of an earlier run that this one does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    pub rule: String,
    pub severity: Severity,
    pub subject: String,
    pub source: Option<String>,
    /// As it was told then.
    pub message: String,
    pub fingerprint: String,
    /// `absent` where it is resolved; `unchanged` where this run could not tell.
    pub baseline_state: BaselineState,
    /// Why this run could not tell.
    pub unseen: Option<String>,
    /// RFC 3339, UTC.
    pub first_seen: String,
    pub last_seen: String,
    pub flapping: bool,
}

/// How a finding stands to an earlier run or a baseline: SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaselineState {
    New,
    Unchanged,
    Updated,
    Absent,
}

/// What is different about a finding since an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// `new`, `reopened`, `changed`, `unchanged`.
    pub change: String,
    /// RFC 3339, UTC.
    pub first_seen: String,
    pub flapping: bool,
    /// When it was resolved, for `reopened`.
    pub resolved_at: Option<String>,
    /// As bad as it was, for `changed`.
    pub was: Option<Severity>,
    /// As it was last measured, for `changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure_was: Option<u64>,
}

impl Compared {
    pub(super) fn new(report: &AuditReport, compared: &audit::Compared) -> Self {
        let counts = counts(report, compared);
        let against = compared.against.as_ref();
        Self {
            run: against.map(|a| a.run.clone()),
            at: against.map(|a| a.at.to_string()),
            new: counts.new,
            reopened: counts.reopened,
            changed: counts.changed,
            unchanged: counts.unchanged,
            resolved: counts.resolved,
            not_seen: counts.not_seen,
        }
    }
}

impl From<&audit::BaselineUse> for Baseline {
    fn from(used: &audit::BaselineUse) -> Self {
        let audit::BaselineUse { name, entries, covered, stale, undecided } = used;
        let copied = |entries: &[audit::Entry]| entries.iter().map(BaselineEntry::from).collect();
        Self {
            name: name.clone(),
            entries: *entries,
            covered: *covered,
            stale: copied(stale),
            undecided: copied(undecided),
        }
    }
}

impl From<&audit::Entry> for BaselineEntry {
    fn from(entry: &audit::Entry) -> Self {
        let audit::Entry { rule, subject, source, severity, measure, fingerprint } = entry;
        Self {
            rule: rule.clone(),
            subject: subject.clone(),
            source: source.clone(),
            severity: (*severity).into(),
            measure: *measure,
            fingerprint: fingerprint.clone(),
        }
    }
}

impl From<&audit::Gone> for Gone {
    fn from(gone: &audit::Gone) -> Self {
        let audit::Gone {
            fingerprint,
            rule,
            severity,
            subject,
            source,
            message,
            first_seen,
            last_seen,
            flapping,
            unseen,
        } = gone;
        Self {
            rule: rule.clone(),
            severity: (*severity).into(),
            subject: subject.clone(),
            source: source.clone(),
            message: message.clone(),
            fingerprint: fingerprint.clone(),
            baseline_state: match unseen {
                Some(_) => BaselineState::Unchanged,
                None => BaselineState::Absent,
            },
            unseen: unseen.clone(),
            first_seen: first_seen.to_string(),
            last_seen: last_seen.to_string(),
            flapping: *flapping,
        }
    }
}

/// The findings, each with how it stands to an earlier run.
pub(in crate::report) fn findings(report: &AuditReport) -> impl Iterator<Item = Finding> {
    report.findings.iter().map(|finding| Finding {
        baseline_state: report.baseline_state(finding).map(|state| match state {
            "updated" => BaselineState::Updated,
            "unchanged" => BaselineState::Unchanged,
            _ => BaselineState::New,
        }),
        since: report.compared.as_ref().map(|compared| since(compared, finding)),
        ..finding.into()
    })
}

fn since(compared: &audit::Compared, finding: &finding::Finding) -> Since {
    let standing = compared.standings.get(&finding.fingerprint);
    let change = compared.change(&finding.fingerprint);
    Since {
        change: change.name().into(),
        first_seen: standing.map(|s| s.first_seen.to_string()).unwrap_or_default(),
        flapping: standing.is_some_and(|s| s.flapping),
        resolved_at: match change {
            audit::Change::Reopened { resolved_at } => Some(resolved_at.to_string()),
            _ => None,
        },
        was: match change {
            audit::Change::Updated { severity, .. } => Some(severity.into()),
            _ => None,
        },
        measure_was: match change {
            audit::Change::Updated { measure, .. } => measure,
            _ => None,
        },
    }
}

/// The findings of earlier runs that this one does not have.
pub(in crate::report) fn gone(report: &AuditReport) -> impl Iterator<Item = Gone> {
    report.compared.iter().flat_map(|c| &c.gone).map(Gone::from)
}
