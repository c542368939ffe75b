//! A gate's answer as the history keeps it: one run a host, so that a host that is gated again, with
//! others or alone, continues its own series, and says nothing of a host that was not looked at.

use super::super::keep;
use super::look::Looked;
use crate::audit::AuditReport;
use crate::exposure::JourneyCell;
use crate::finding::fingerprint;
use crate::gate::{HostAnswer, Reason, Verdicts};
use crate::history::{Content, Fingerprint, Read, Run, Scope, Seen, Standing};
use crate::model::{Confidence, Gap, GapKind, Severity};
use std::collections::BTreeSet;

/// Rules of the gate's own, beside those of the audit: what holds a host and is no finding.
const RULES: [&str; 5] =
    ["gate-not-found", "gate-not-member", "gate-not-live", "gate-no-address", "gate-journey"];
/// It judges only where there is somebody to compare with.
const PARITY: &str = "gate-parity";

/// What a run of the history is made of beside the answer.
pub(super) struct Kept<'a> {
    /// The command and its specs, and what was read.
    pub(super) scope: Scope,
    /// Of `attestation::of_spec`.
    pub(super) spec: String,
    /// Of [`keep::of_snapshot`].
    pub(super) snapshot: String,
    /// Ids of the rules that judged.
    pub(super) rules: BTreeSet<String>,
    pub(super) looked: &'a Looked,
}

impl Kept<'_> {
    /// The runs, one for each host, each with the exit code that the host alone would have given.
    pub(super) fn runs(&self) -> Vec<(Run, u8)> {
        let Looked { verdicts, report, .. } = self.looked;
        let runs = verdicts.hosts.iter().map(|host| {
            let alone = Verdicts { hosts: vec![host.clone()], ..verdicts.clone() };
            (self.run(host, verdicts, report), super::status(&alone).code())
        });
        runs.collect()
    }

    fn run(&self, host: &HostAnswer, verdicts: &Verdicts, report: &AuditReport) -> Run {
        let mut of: BTreeSet<String> =
            [format!("role={}", verdicts.role), format!("host={}", host.host)].into();
        // What was not swept for cannot have gone away.
        if verdicts.swept.is_none() {
            of.insert("no-sweep".into());
        }
        let mut rules = self.rules.clone();
        rules.extend(RULES.map(str::to_owned));
        if !verdicts.peers.is_empty() {
            rules.insert(PARITY.into());
        }
        let mut gaps: BTreeSet<Gap> = report.gaps.iter().cloned().collect();
        for gap in host.reasons.iter().filter_map(|r| gap(host, r)) {
            // A vantage that proves nothing is told by the audit in its own words.
            if !gaps.iter().any(|g| (g.kind, &g.scope) == (gap.kind, &gap.scope)) {
                gaps.insert(gap);
            }
        }
        let mut seen: Vec<Seen> = report
            .findings
            .iter()
            .filter(|f| f.subject.split(' ').next() == Some(host.host.as_str()))
            .filter_map(keep::seen)
            .chain(host.reasons.iter().filter_map(|r| held(host, r)))
            .chain(differences(host))
            .collect();
        seen.sort_by_key(|s| s.fingerprint);
        seen.dedup_by_key(|s| s.fingerprint);
        Run {
            at: verdicts.at,
            tool: env!("CARGO_PKG_VERSION").into(),
            scope: Scope {
                of,
                vantages: verdicts.vantages.iter().map(|v| v.name.clone()).collect(),
                ..self.scope.clone()
            },
            spec: self.spec.clone(),
            snapshot: verdicts
                .snapshot_at
                .map(|taken_at| Read { digest: self.snapshot.clone(), taken_at }),
            rules,
            gaps: gaps.into_iter().collect(),
            unseen: verdicts
                .journeys
                .iter()
                .filter(|cell| *cell.host == *host.host)
                .filter_map(JourneyCell::unseen)
                .collect(),
            unprobed: report.coverage.unprobed,
            seen,
        }
    }
}

/// What holds the host and is known to be wrong.
fn held(host: &HostAnswer, reason: &Reason) -> Option<Seen> {
    match reason {
        Reason::Finding(finding) => keep::seen(finding),
        // With the told ones.
        Reason::Parity(_) => None,
        _ if reason.unseen() => None,
        _ => {
            let rule = format!("gate-{}", reason.kind());
            seen(&rule, &subject(host, &reason.subject()), Severity::High, reason.to_string())
        }
    }
}

/// How it differs from those that serve, whether that holds it or not: what stops holding because
/// `--parity` says so is still there.
fn differences(host: &HostAnswer) -> impl Iterator<Item = Seen> {
    host.parity.iter().filter(|d| d.unknown.is_none()).filter_map(|difference| {
        let severity = if difference.holds { Severity::High } else { Severity::Info };
        seen(PARITY, &subject(host, &difference.what), severity, difference.to_string())
    })
}

/// What holds the host for want of evidence.
fn gap(host: &HostAnswer, reason: &Reason) -> Option<Gap> {
    match reason {
        Reason::Gap(gap) => Some(gap.clone()),
        _ if !reason.unseen() => None,
        Reason::Vantage { source, why } => {
            Some(Gap::new(GapKind::Vantage, source.to_string(), why.clone()))
        }
        _ => {
            let scope = subject(host, &reason.subject());
            Some(Gap::new(GapKind::NotJudged, scope, reason.to_string()))
        }
    }
}

/// The host first, as in every finding's subject.
fn subject(host: &HostAnswer, what: &str) -> String {
    if what == "host" { host.host.clone() } else { format!("{} {what}", host.host) }
}

fn seen(rule: &str, subject: &str, severity: Severity, message: String) -> Option<Seen> {
    Some(Seen {
        fingerprint: Fingerprint::from_hex(&fingerprint(rule, subject, None))?,
        rule: rule.into(),
        subject: subject.into(),
        source: None,
        content: Content {
            severity,
            confidence: Confidence::High,
            measure: None,
            standing: Standing::Open,
            note: String::new(),
            message,
        },
    })
}
