use super::{BaselineUse, Change, Compared};
use crate::exposure::JourneyCell;
use crate::fact::SourceRead;
use crate::finding::{Finding, FindingStatus};
use crate::model::{Gap, Severity};
use crate::observation::VantageSeen;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Everything an audit has to say. Renderers print all of it: count in equals count out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    pub at: Timestamp,
    /// When the snapshot was taken; `None` without one.
    pub snapshot_at: Option<Timestamp>,
    /// Sorted: severity (worst first), rule, subject, source.
    pub findings: Vec<Finding>,
    /// Every host × journey × profile × vantage, sorted in this order. A gate holds on anything but
    /// [`crate::exposure::JourneyOutcome::Works`].
    pub journeys: Vec<JourneyCell>,
    /// Sorted, each once.
    pub gaps: Vec<Gap>,
    /// Kinds of gap accepted with `--allow-gaps`, by name.
    pub accepted_gaps: BTreeSet<String>,
    pub vantages: Vec<VantageSeen>,
    /// Sources of facts, in the order in which they were asked.
    pub facts: Vec<SourceRead>,
    pub coverage: Coverage,
    /// What the spec declares that nothing judged, in words.
    pub not_judged: Vec<String>,
    /// Findings at or above this severity fail the run.
    pub fail_on: Severity,
    /// How the findings stand to the last comparable run, where that was asked for: then only what
    /// changed is shown and counts.
    pub compared: Option<Compared>,
    /// What a baseline did, where one was given.
    pub baseline: Option<BaselineUse>,
}

/// How much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    pub hosts: usize,
    pub roles: usize,
    pub interfaces: usize,
    pub groups: usize,
    /// Hosts of a role that are not live: nothing was expected of them.
    pub not_live: usize,
    /// Rows joined.
    pub exposures: usize,
    /// Endpoints probed.
    pub probed: usize,
    /// Endpoints that were to be probed and were not: the deadline came first, or the vantage had
    /// trouble of its own.
    pub unprobed: usize,
    /// Rows that hold: required and seen, or allowed, or absent and closed.
    pub ok: usize,
}

impl AuditReport {
    /// Gaps that were not accepted: with any of these the evidence is incomplete.
    pub fn open_gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|g| !self.accepted_gaps.contains(g.kind.name()))
    }

    /// Findings that count against the threshold: see [`AuditReport::fails`].
    pub fn failing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| self.fails(f))
    }

    /// Whether a finding counts: open, at or above `fail_on`, and where the report was compared
    /// with an earlier run, new, back, worse than it was or no longer covered.
    #[must_use]
    pub fn fails(&self, finding: &Finding) -> bool {
        finding.severity >= self.fail_on
            && finding.status == FindingStatus::Open
            && self.compared.as_ref().is_none_or(|c| c.counts(finding))
    }

    /// What has changed about a finding; `None` where nothing was compared.
    #[must_use]
    pub fn change(&self, finding: &Finding) -> Option<Change> {
        self.compared.as_ref().map(|c| c.change(&finding.fingerprint))
    }

    /// SARIF's word for what changed about a finding; `None` where nothing was compared and no
    /// baseline given.
    #[must_use]
    pub fn baseline_state(&self, finding: &Finding) -> Option<&'static str> {
        match self.change(finding) {
            Some(change) => Some(change.baseline_state()),
            None => self.baseline.as_ref().map(|_| match finding.status {
                FindingStatus::Baselined => "unchanged",
                FindingStatus::Open | FindingStatus::Waived { .. } => "new",
            }),
        }
    }

    /// The findings to show: all, or what changed where the report was compared.
    pub fn shown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| self.change(f) != Some(Change::Unchanged))
    }
}
