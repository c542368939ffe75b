use super::AuditReport;
use crate::exposure::JourneyCell;
use crate::finding::{Finding, FindingStatus, is_worse};
use crate::history::{Before, Blindness};
use crate::model::{Gap, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag of a baseline file.
pub const BASELINE_FORMAT: &str = "portcullis/baseline/v1";

/// The findings that an estate had when somebody drew a line: known, not accepted.
///
/// A baseline is no waiver. A waiver is a decision with an owner, a reason and an end, and stands in
/// the spec; a baseline only says what was there, so that what is new can fail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Whether probes were sent when it was written: a run without probes then cannot tell that
    /// an entry is gone.
    pub probed: bool,
    /// By fingerprint.
    pub entries: BTreeMap<String, Entry>,
}

/// One finding of a baseline. The fields are in the order in which the file has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub rule: String,
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// As bad as it was: one that got worse counts.
    pub severity: Severity,
    /// How bad it was beside that, where it was counted: one that got worse counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<u64>,
    pub fingerprint: String,
}

/// What a baseline did to a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaselineUse {
    /// The file, as it was named.
    pub name: String,
    pub entries: usize,
    /// Findings that it covers.
    pub covered: usize,
    /// Entries that no finding of the run matches, though the run looked: they can go. Sorted.
    pub stale: Vec<Entry>,
    /// Entries that no finding matches, where the run could not see enough to tell. Sorted.
    pub undecided: Vec<Entry>,
}

impl Baseline {
    /// The findings of a report that are open, or known to a baseline already; and of `before`, what
    /// the report could not see enough to tell.
    #[must_use]
    pub fn of(report: &AuditReport, before: Option<&Self>) -> Self {
        let mut out = Self { probed: !report.vantages.is_empty(), ..Self::default() };
        for finding in &report.findings {
            if !matches!(finding.status, FindingStatus::Waived { .. }) {
                out.entries.insert(finding.fingerprint.clone(), Entry::of(finding));
            }
        }
        if let Some(before) = before {
            out.probed |= before.probed;
            // What this run could not count does not make the next one the first.
            for (fingerprint, entry) in &mut out.entries {
                let known = before.entries.get(fingerprint).and_then(|e| e.measure);
                entry.measure = entry.measure.or(known);
            }
            for entry in before.unmatched(report, "").undecided {
                out.entries.insert(entry.fingerprint.clone(), entry);
            }
        }
        out
    }

    /// Marks the open findings that the baseline knows, no worse than it knows them (by severity
    /// and measure), and tells what became of its entries.
    pub fn apply(&self, name: &str, report: &mut AuditReport) {
        let mut covered = 0;
        for finding in &mut report.findings {
            let known = self.entries.get(&finding.fingerprint);
            let known = known.is_some_and(|e| {
                finding.severity <= e.severity && !is_worse(finding.measure, e.measure)
            });
            if known && finding.status == FindingStatus::Open {
                finding.status = FindingStatus::Baselined;
                covered += 1;
            }
        }
        report.baseline = Some(BaselineUse { covered, ..self.unmatched(report, name) });
    }

    /// The entries that no finding matches.
    fn unmatched(&self, report: &AuditReport, name: &str) -> BaselineUse {
        let there: std::collections::BTreeSet<&str> =
            report.findings.iter().map(|f| f.fingerprint.as_str()).collect();
        let vantages = report.vantages.iter().map(|v| v.name.clone()).collect();
        let unseen: Vec<Gap> = report.journeys.iter().filter_map(JourneyCell::unseen).collect();
        let blind = Blindness::new(&report.gaps, &vantages, &Before::default()).and_of(&unseen);
        let mut out = BaselineUse {
            name: name.into(),
            entries: self.entries.len(),
            ..BaselineUse::default()
        };
        for entry in self.entries.values().filter(|e| !there.contains(e.fingerprint.as_str())) {
            let source = entry.source.as_deref();
            // Without probes nothing tells that a port no longer answers.
            let unprobed =
                report.coverage.unprobed > 0 || self.probed && report.vantages.is_empty();
            let hidden = blind.touches(&entry.subject, source).is_some();
            let undecided = hidden || source.is_some() && unprobed;
            if undecided { &mut out.undecided } else { &mut out.stale }.push(entry.clone());
        }
        out.stale.sort();
        out.undecided.sort();
        out
    }
}

impl Entry {
    fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            subject: finding.subject.clone(),
            source: finding.source.clone(),
            severity: finding.severity,
            measure: finding.measure,
            fingerprint: finding.fingerprint.clone(),
        }
    }
}
