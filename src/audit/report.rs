use crate::exposure::JourneyCell;
use crate::finding::Finding;
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
    pub coverage: Coverage,
    /// What the spec declares that nothing judged, in words.
    pub not_judged: Vec<String>,
    /// Findings at or above this severity fail the run.
    pub fail_on: Severity,
}

/// How much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    pub hosts: usize,
    pub roles: usize,
    pub interfaces: usize,
    pub groups: usize,
    /// Rows joined.
    pub exposures: usize,
    /// Endpoints probed.
    pub probed: usize,
    /// Rows that hold: required and seen, or allowed, or absent and closed.
    pub ok: usize,
}

impl AuditReport {
    /// Gaps that were not accepted: with any of these the evidence is incomplete.
    pub fn open_gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter().filter(|g| !self.accepted_gaps.contains(g.kind.name()))
    }

    /// Findings that count against the threshold: open, and at or above `fail_on`.
    pub fn failing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| {
            f.severity >= self.fail_on && f.status == crate::finding::FindingStatus::Open
        })
    }
}
