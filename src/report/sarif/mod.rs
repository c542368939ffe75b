//! SARIF 2.1.0: findings are results, gaps are notifications of the one invocation.

mod model;

use super::escape::{json_document, visible};
use super::{compared, not_seen};
use crate::audit::{AuditReport, Gone};
use crate::finding::{Evidence, Finding, FindingStatus};
use crate::model::{Gap, Severity};
use model::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// The identifier under which result systems keep a finding; a new one only when the meaning of
/// [`Finding::fingerprint`] changes.
const FINGERPRINT: &str = "portcullis/v1";

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules(report);
    let index: BTreeMap<&str, usize> =
        rules.iter().enumerate().map(|(n, r)| (r.id.as_str(), n)).collect();
    let mut results: Vec<SarifResult> = report
        .findings
        .iter()
        .map(|f| SarifResult {
            baseline_state: report.baseline_state(f),
            ..result(f, index.get(f.rule.as_str()).copied())
        })
        .collect();
    results.extend(report.compared.iter().flat_map(|c| &c.gone).map(gone));
    let mut notifications: Vec<_> = report.gaps.iter().map(|g| gap(report, g)).collect();
    notifications.extend(report.not_judged.iter().map(|what| Notification {
        descriptor: Reference { id: "not-judged".into() },
        level: "note",
        message: message(what),
        properties: NotificationProperties { scope: visible(what).into(), accepted: true },
    }));
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "portcullis",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    notifications: descriptors(&notifications),
                    rules,
                },
            },
            invocations: [Invocation {
                execution_successful: true,
                end_time_utc: report.at.to_string(),
                tool_execution_notifications: notifications,
            }],
            results,
            // Columns are counted as the spec's reader counts them: in characters.
            column_kind: "unicodeCodePoints",
            properties: RunProperties {
                fail_on: report.fail_on.name(),
                not_seen: visible(&not_seen(report)).into(),
                compared_with: report
                    .compared
                    .as_ref()
                    .and_then(|c| c.against.as_ref())
                    .map(|a| a.run.clone()),
            },
        }],
    };
    json_document(&log, out)
}

/// One descriptor for each rule that has findings, in the order of their first finding.
fn rules(report: &AuditReport) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for finding in &report.findings {
        if rules.iter().any(|r| r.id == visible(&finding.rule)) {
            continue;
        }
        rules.push(Rule {
            id: visible(&finding.rule).into(),
            short_description: message(&finding.title),
            full_description: message(&finding.why),
            help: message(&format!("{}\n\n{}", finding.title, finding.why)),
            default_configuration: Configuration { level: level(finding.severity) },
            properties: RuleProperties {
                security_severity: security_severity(finding.severity),
                tags: ["security"],
            },
        });
    }
    rules
}

fn descriptors(notifications: &[Notification]) -> Vec<Descriptor> {
    let mut ids: Vec<_> = notifications.iter().map(|n| n.descriptor.id.clone()).collect();
    ids.sort();
    ids.dedup();
    ids.into_iter().map(|id| Descriptor { id }).collect()
}

fn result(finding: &Finding, rule_index: Option<usize>) -> SarifResult {
    let mut locations: Vec<_> = finding.evidence.iter().filter_map(physical).collect();
    // A place in the spec first: viewers show only the first location.
    if locations.is_empty() {
        locations.push(Location { logical_locations: logical(finding), ..Location::default() });
    } else {
        locations[0].logical_locations = logical(finding);
    }
    let related = locations.split_off(1);
    SarifResult {
        rule_id: visible(&finding.rule).into(),
        rule_index,
        level: level(finding.severity),
        baseline_state: None,
        message: message(&text(finding)),
        locations,
        related_locations: related,
        partial_fingerprints: [(FINGERPRINT, finding.fingerprint.clone())].into(),
        suppressions: match &finding.status {
            // Known is not accepted: what a baseline has is no suppression.
            FindingStatus::Open | FindingStatus::Baselined => Vec::new(),
            FindingStatus::Waived { owner, reason, until } => vec![Suppression {
                kind: "external",
                status: "accepted",
                justification: format!(
                    "{} until {}: {}",
                    visible(owner),
                    visible(until),
                    visible(reason)
                ),
            }],
        },
        properties: ResultProperties {
            subject: visible(&finding.subject).into(),
            source: finding.source.as_deref().map(|s| visible(s).into()),
            severity: finding.severity.name(),
            confidence: Some(finding.confidence.name()),
            path: finding.path.iter().map(|h| visible(&super::text::hop(h)).into()).collect(),
            mends: finding
                .mends
                .iter()
                .flat_map(|m| [m.command.as_deref(), m.terraform.as_deref()])
                .flatten()
                .map(str::to_owned)
                .collect(),
            diff: finding.diff.clone(),
        },
    }
}

/// A finding of an earlier run. One that was not seen this time is still there as far as anybody
/// knows: without it here a result system would close it.
fn gone(was: &Gone) -> SarifResult {
    let state = if was.unseen.is_some() { "unchanged" } else { "absent" };
    let subject: String = visible(&was.subject).into();
    SarifResult {
        rule_id: visible(&was.rule).into(),
        rule_index: None,
        level: level(was.severity),
        baseline_state: Some(state),
        message: message(&compared::gone(was)),
        locations: vec![Location {
            logical_locations: vec![Logical {
                fully_qualified_name: subject.clone(),
                kind: "resource",
            }],
            ..Location::default()
        }],
        related_locations: Vec::new(),
        partial_fingerprints: [(FINGERPRINT, was.fingerprint.clone())].into(),
        suppressions: Vec::new(),
        properties: ResultProperties {
            subject,
            source: was.source.as_deref().map(|s| visible(s).into()),
            severity: was.severity.name(),
            confidence: None,
            path: Vec::new(),
            mends: Vec::new(),
            diff: None,
        },
    }
}

fn text(finding: &Finding) -> String {
    let mut text = visible(&finding.subject).into_owned();
    if let Some(source) = &finding.source {
        let _ = write!(text, " from {}", visible(source));
    }
    let _ = write!(text, ": {}", visible(&finding.message));
    for evidence in &finding.evidence {
        let side = super::text::side(evidence.side);
        let _ = write!(text, "\n{side}: {}", visible(&evidence.text));
        if let Some(resource) = &evidence.resource {
            let _ = write!(text, " [{}]", visible(resource));
        }
    }
    for mend in &finding.mends {
        let _ = write!(text, "\nhelp: {}", visible(&mend.text));
    }
    text
}

fn gap(report: &AuditReport, gap: &Gap) -> Notification {
    let accepted = report.accepted_gaps.contains(gap.kind.name());
    Notification {
        descriptor: Reference { id: format!("gap/{}", gap.kind) },
        level: if accepted { "note" } else { "error" },
        message: message(&format!("not seen: {}: {}", visible(&gap.scope), visible(&gap.why))),
        properties: NotificationProperties { scope: visible(&gap.scope).into(), accepted },
    }
}

fn physical(evidence: &Evidence) -> Option<Location> {
    let file = evidence.file.as_deref()?;
    Some(Location {
        physical_location: Some(Physical {
            artifact_location: Artifact { uri: uri(file) },
            region: evidence
                .line
                .map(|start_line| Region { start_line, start_column: evidence.column }),
        }),
        message: Some(message(&evidence.text)),
        logical_locations: Vec::new(),
    })
}

/// The cloud's resources, as logical locations.
fn logical(finding: &Finding) -> Vec<Logical> {
    let mut names = vec![finding.subject.as_str()];
    names.extend(finding.evidence.iter().filter_map(|e| e.resource.as_deref()));
    let mut out: Vec<Logical> = Vec::new();
    for name in names {
        let name = visible(name).into_owned();
        if !out.iter().any(|l| l.fully_qualified_name == name) {
            out.push(Logical { fully_qualified_name: name, kind: "resource" });
        }
    }
    out
}

/// A relative reference (RFC 3986): everything but unreserved characters and `/` is a percent
/// escape, so that no name is taken for a scheme or a query.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.strip_prefix("./").unwrap_or(path).bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into());
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    if path.starts_with('/') { format!("file://{out}") } else { out }
}

/// A plain-text message: `[text](target)` would be a link in it, so brackets are escaped.
fn message(text: &str) -> Message {
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    let mut text = lines.join("\n");
    if text.contains("](") {
        text = text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    }
    Message { text }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// GitHub's scale: 9 and more is critical, 7 high, 4 medium.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}
