//! Words on what changed since an earlier run, and on the baseline: the same in every format.

use crate::audit::{AuditReport, Change, Compared, Gone};
use crate::finding::{Finding, FindingStatus};

/// How many of each change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) new: usize,
    pub(super) reopened: usize,
    pub(super) changed: usize,
    pub(super) unchanged: usize,
    pub(super) resolved: usize,
    pub(super) not_seen: usize,
    /// Of all that changed.
    pub(super) flapping: usize,
}

pub(super) fn counts(report: &AuditReport, compared: &Compared) -> Counts {
    let mut out = Counts::default();
    for finding in &report.findings {
        let change = compared.change(&finding.fingerprint);
        *match change {
            Change::New => &mut out.new,
            Change::Reopened { .. } => &mut out.reopened,
            Change::Updated { .. } => &mut out.changed,
            Change::Unchanged => &mut out.unchanged,
        } += 1;
        let flaps = compared.standings.get(&finding.fingerprint).is_some_and(|s| s.flapping);
        out.flapping += usize::from(flaps && change != Change::Unchanged);
    }
    for gone in &compared.gone {
        *if gone.unseen.is_some() { &mut out.not_seen } else { &mut out.resolved } += 1;
        out.flapping += usize::from(gone.flapping);
    }
    out
}

/// `compared with r16 of 2026-…: 1 new, …`; `None` where nothing was compared. Not escaped.
pub(super) fn summary(report: &AuditReport) -> Option<String> {
    let compared = report.compared.as_ref()?;
    let Counts { new, reopened, changed, unchanged, resolved, not_seen, flapping } =
        counts(report, compared);
    let against = match &compared.against {
        Some(against) => format!("compared with {} of {:.0}", against.run, against.at),
        None => "compared with nothing: no earlier run looked at the same".into(),
    };
    Some(format!(
        "{against}: {new} new, {reopened} reopened, {changed} changed, {resolved} resolved, \
         {not_seen} not seen this time, {flapping} of them flapping; {unchanged} unchanged"
    ))
}

/// What became of the baseline, one sentence a line. Not escaped.
pub(super) fn baseline(report: &AuditReport) -> Vec<String> {
    let Some(used) = &report.baseline else { return Vec::new() };
    let mut out = vec![format!(
        "baseline {}: {} of {} {} known to it",
        used.name,
        used.covered,
        report.findings.len(),
        if report.findings.len() == 1 { "finding is" } else { "findings are" },
    )];
    for entry in &used.stale {
        let source = entry.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
        out.push(format!(
            "baseline entry matches nothing any more, it can go: {} {}{source}",
            entry.rule, entry.subject
        ));
    }
    if !used.undecided.is_empty() {
        out.push(format!(
            "{} baseline {} nothing, and what was seen is not enough to tell whether {} can go",
            used.undecided.len(),
            if used.undecided.len() == 1 { "entry matches" } else { "entries match" },
            if used.undecided.len() == 1 { "it" } else { "they" },
        ));
    }
    out
}

/// What is to be said of a finding beside its title: `new`, `changed: was medium`, `baselined`, …
/// Not escaped.
pub(super) fn marks(report: &AuditReport, finding: &Finding) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(compared) = &report.compared {
        out.push(match compared.change(&finding.fingerprint) {
            Change::New => "new".into(),
            Change::Reopened { resolved_at } => {
                format!("reopened: was resolved at {resolved_at:.0}")
            }
            Change::Updated { severity, .. } if severity != finding.severity => {
                format!("changed: was {severity}")
            }
            Change::Updated { measure: Some(was), .. }
                if finding.measure.is_some_and(|now| now != was) =>
            {
                let now = finding.measure.unwrap_or_default();
                let word = if now > was { "worse" } else { "less" };
                format!("changed: {word}, {now} where {was} was")
            }
            Change::Updated { open: true, .. } => "changed: was open".into(),
            Change::Updated { open: false, .. } => "changed: no longer covered".into(),
            Change::Unchanged => "unchanged".into(),
        });
        if compared.standings.get(&finding.fingerprint).is_some_and(|s| s.flapping) {
            out.push("flapping".into());
        }
    }
    if finding.status == FindingStatus::Baselined {
        out.push("baselined".into());
    }
    out
}

/// What a finding that is gone was: `i-0abc tcp/8080 from internet: …`. Not escaped.
pub(super) fn gone(gone: &Gone) -> String {
    let source = gone.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
    let flaps = if gone.flapping { " (flapping)" } else { "" };
    let seen = format!("first seen {:.0}, last seen {:.0}{flaps}", gone.first_seen, gone.last_seen);
    match &gone.unseen {
        Some(why) => format!("{}{source}: {seen}; not seen this time: {why}", gone.subject),
        None => format!("{}{source}: {}; {seen}", gone.subject, gone.message),
    }
}
