//! A report as the history takes it, and what the history tells as a report has it.

use super::Keeping;
use crate::audit::{self, AuditReport, Compared, Standing as Stands};
use crate::exposure::JourneyCell;
use crate::finding::{Finding, FindingStatus};
use crate::history::{self, Change, Content, Fingerprint, Kept, Read, Run, Scope, Seen, Standing};

/// The run of a report.
pub(super) fn run(report: &AuditReport, keeping: Keeping<'_>) -> Run {
    let Keeping { scope, spec, snapshot, rules } = keeping;
    let mut seen: Vec<Seen> = report.findings.iter().filter_map(seen).collect();
    seen.sort_by_key(|s| s.fingerprint);
    seen.dedup_by_key(|s| s.fingerprint);
    let vantages = report.vantages.iter().map(|v| v.name.clone()).collect();
    Run {
        at: report.at,
        tool: env!("CARGO_PKG_VERSION").into(),
        scope: Scope { vantages, ..scope },
        spec,
        snapshot: report.snapshot_at.map(|taken_at| Read { digest: snapshot, taken_at }),
        rules: rules.rules().iter().map(|r| r.id.clone()).collect(),
        gaps: report.gaps.clone(),
        unseen: report.journeys.iter().filter_map(JourneyCell::unseen).collect(),
        unprobed: report.coverage.unprobed,
        seen,
    }
}

/// A finding as a run has it. One without a fingerprint of ours cannot be known again, and is left
/// out: every rule's finding has one.
pub(in crate::cli) fn seen(finding: &Finding) -> Option<Seen> {
    let (standing, note) = match &finding.status {
        FindingStatus::Open => (Standing::Open, String::new()),
        FindingStatus::Baselined => (Standing::Baselined, String::new()),
        FindingStatus::Waived { owner, reason, until } => {
            (Standing::Waived, format!("by {owner} until {until}: {reason}"))
        }
    };
    Some(Seen {
        fingerprint: Fingerprint::from_hex(&finding.fingerprint)?,
        rule: finding.rule.clone(),
        subject: finding.subject.clone(),
        source: finding.source.clone(),
        content: Content {
            severity: finding.severity,
            confidence: finding.confidence,
            measure: finding.measure,
            standing,
            note,
            message: finding.message.clone(),
        },
    })
}

/// What keeping a run told, for its report.
pub(in crate::cli) fn compared(kept: &Kept, run: &Run) -> Compared {
    let standings = run.seen.iter().zip(&kept.seen).map(|(seen, sighting)| {
        let change = match sighting.change {
            Change::New => audit::Change::New,
            Change::Reopened { resolved_at } => audit::Change::Reopened { resolved_at },
            Change::Updated { severity, measure, standing } => {
                audit::Change::Updated { severity, measure, open: standing == Standing::Open }
            }
            Change::Unchanged => audit::Change::Unchanged,
        };
        let (first_seen, flapping) = (sighting.first_seen, sighting.flapping);
        (seen.fingerprint.to_string(), Stands { change, first_seen, flapping })
    });
    let mut gone: Vec<audit::Gone> = kept.gone.iter().map(gone).collect();
    gone.sort_by(|a, b| {
        (b.severity, &a.rule, &a.subject, &a.source)
            .cmp(&(a.severity, &b.rule, &b.subject, &b.source))
    });
    Compared {
        against: kept
            .against
            .as_ref()
            .map(|a| audit::Against { run: format!("r{}", a.run), at: a.at }),
        standings: standings.collect(),
        gone,
    }
}

fn gone(gone: &history::Gone) -> audit::Gone {
    let history::Gone {
        fingerprint,
        rule,
        subject,
        source,
        content,
        first_seen,
        last_seen,
        flapping,
        unseen,
    } = gone;
    audit::Gone {
        fingerprint: fingerprint.to_string(),
        rule: rule.clone(),
        severity: content.severity,
        subject: subject.clone(),
        source: source.clone(),
        message: content.message.clone(),
        first_seen: *first_seen,
        last_seen: *last_seen,
        flapping: *flapping,
        unseen: unseen.clone(),
    }
}
