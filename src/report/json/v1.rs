//! Version 1 of the machine formats.
//!
//! Frozen: a field may be added, none renamed, removed or given another meaning; that would be
//! `v2.rs` beside this file. Every conversion takes the internal type apart field by field, so that
//! a new internal field is a decision here. Text is exact, not escaped: whoever prints it escapes it.

pub use super::since::{Baseline, BaselineEntry, BaselineState, Compared, Gone, Since};
pub(in crate::report) use super::since::{findings, gone};
pub use super::v1_journey::{Journey, LeftOut, Tried};
use crate::audit::{self, AuditReport};
use crate::{fact, finding, model, observation, reach};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One audit: what differs from the spec, and what could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Portcullis report, version 1", rename = "Report")]
pub struct Report<F = Vec<Finding>> {
    #[serde(flatten)]
    pub head: Head,
    /// Sorted: severity (worst first), rule, subject, source.
    pub findings: F,
    /// Every host × journey × profile × vantage, sorted in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journeys: Vec<Journey>,
    /// Sorted by kind, scope and reason.
    pub gaps: Vec<Gap>,
    /// What the spec declares that nothing judges yet, in words.
    pub not_judged: Vec<String>,
    /// One line for people: what was not seen.
    pub not_seen: String,
    /// Findings of earlier runs that this one does not have; only where `compared` is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
}

/// One line of `--format jsonl`: first a `report`, then every `finding`, `journey`, `gap` and
/// `not-judged`, last an `end`. A document without its `end` was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "type")]
#[schemars(title = "Portcullis report, version 1, one line")]
pub enum Line {
    Report(Box<Head>),
    Finding(Box<Finding>),
    Journey(Box<Journey>),
    Gap(Gap),
    NotJudged {
        what: String,
    },
    /// A finding of an earlier run; only where `compared` is there.
    Gone(Gone),
    End {
        findings: usize,
        #[serde(default)]
        journeys: usize,
        gaps: usize,
        /// One line for people: what was not seen.
        not_seen: String,
    },
}

/// The run itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Head {
    /// Always 1.
    pub version: u32,
    /// Version of the tool that wrote it.
    pub portcullis: String,
    /// When the audit ran, RFC 3339, UTC.
    pub at: String,
    /// When the snapshot was taken, RFC 3339, UTC; null without a snapshot.
    pub snapshot_at: Option<String>,
    /// The lowest severity that fails the run.
    pub fail_on: Severity,
    pub summary: Summary,
    pub coverage: Coverage,
    pub vantages: Vec<Vantage>,
    /// Sources of facts, in the order in which they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactSource>,
    /// The comparison with an earlier run, where `--since-last` asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// The baseline, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// One source of facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactSource {
    pub name: String,
    /// When it was read, RFC 3339, UTC; null when it could not be.
    pub read_at: Option<String>,
    /// Hosts that it has records of.
    pub hosts: usize,
}

/// The counts that decide the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// All findings, waived ones too.
    pub findings: usize,
    /// Open findings at or above `fail_on`: any makes the exit code 1.
    pub failing: usize,
    pub waived: usize,
    /// All gaps, accepted ones too.
    pub gaps: usize,
    /// Gaps that `--allow-gaps` did not accept: any makes the exit code 3, unless findings make it 1.
    pub open_gaps: usize,
}

/// How much was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    pub hosts: usize,
    pub roles: usize,
    pub interfaces: usize,
    pub groups: usize,
    /// Rows of endpoint and source joined.
    pub exposures: usize,
    /// Endpoints probed.
    pub probed: usize,
    /// Endpoints that were to be probed and were not.
    #[serde(default)]
    pub unprobed: usize,
    /// Rows that hold.
    pub ok: usize,
}

/// A place probes were sent from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vantage {
    pub name: String,
    /// Its IPv4 address as seen from outside; null when nothing told it.
    pub outside_v4: Option<String>,
    pub outside_v6: Option<String>,
    /// Whether its control targets answered over IPv4; null when there were none.
    pub controls_v4: Option<bool>,
    pub controls_v6: Option<bool>,
}

/// One rule on one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's id: `declared-blocked`.
    pub rule: String,
    pub title: String,
    pub severity: Severity,
    pub confidence: Confidence,
    /// How bad it is beside its severity, in a unit of its kind of which more is worse: hosts missing,
    /// values where one should be, addresses that may enter. Null or absent where nothing is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<u64>,
    /// What it is about, as a waiver names it: `i-0abc tcp/8080`.
    pub subject: String,
    /// The source's name, where there is one.
    pub source: Option<String>,
    pub message: String,
    /// Why it matters.
    pub why: String,
    pub evidence: Vec<Evidence>,
    /// The configuration's path, in the order a packet takes.
    pub path: Vec<Hop>,
    /// What would mend it, most direct first.
    pub mends: Vec<Mend>,
    /// A unified diff, for group drift.
    pub diff: Option<String>,
    /// Lower-case hex; the same finding has the same one in every run.
    pub fingerprint: String,
    pub status: Status,
    /// Where the run was compared, or had a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_state: Option<BaselineState>,
    /// Where the run was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
}

/// How bad it is if it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// How sure we are that it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// Whether a finding counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Status {
    Open,
    /// A baseline knows it: shown, not counted.
    Baselined,
    /// Accepted until an instant: shown, not counted.
    Waived {
        owner: String,
        reason: String,
        /// RFC 3339, UTC.
        until: String,
    },
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub side: Side,
    pub text: String,
    /// Spec file, for the declared side.
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Cloud resource id, vantage or address, for the other sides.
    pub resource: Option<String>,
}

/// Which view a piece of evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Declared,
    Configured,
    Observed,
    Inventory,
}

/// One component on a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// `security-group`, `network-acl`, …: more may come.
    pub kind: String,
    pub id: String,
    /// The line that decides here.
    pub entry: Option<String>,
    pub verdict: HopVerdict,
}

/// What a hop does with the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HopVerdict {
    Passes,
    PartlyPasses,
    Blocks,
    Unknown,
}

/// A change that would mend a finding, for people to read and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mend {
    pub text: String,
    /// An `aws` command, shell-quoted.
    pub command: Option<String>,
    /// A Terraform snippet.
    pub terraform: Option<String>,
}

/// Something asked for that could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The name `--allow-gaps` takes: more may come.
    pub kind: String,
    /// Where: `account/region`, a resource id, an endpoint, a vantage.
    pub scope: String,
    pub why: String,
    /// Whether `--allow-gaps` accepted it.
    pub accepted: bool,
}

impl From<&AuditReport> for Head {
    fn from(report: &AuditReport) -> Self {
        let AuditReport {
            at,
            snapshot_at,
            findings,
            journeys: _,
            gaps,
            accepted_gaps: _,
            vantages,
            facts,
            coverage,
            not_judged: _,
            fail_on,
            compared,
            baseline,
        } = report;
        Self {
            version: 1,
            portcullis: env!("CARGO_PKG_VERSION").into(),
            at: at.to_string(),
            snapshot_at: snapshot_at.map(|t| t.to_string()),
            fail_on: (*fail_on).into(),
            summary: Summary {
                findings: findings.len(),
                failing: report.failing().count(),
                waived: findings
                    .iter()
                    .filter(|f| matches!(f.status, finding::FindingStatus::Waived { .. }))
                    .count(),
                gaps: gaps.len(),
                open_gaps: report.open_gaps().count(),
            },
            coverage: coverage.into(),
            vantages: vantages.iter().map(Vantage::from).collect(),
            facts: facts.iter().map(FactSource::from).collect(),
            compared: compared.as_ref().map(|c| Compared::new(report, c)),
            baseline: baseline.as_ref().map(Baseline::from),
        }
    }
}

/// The gaps, with whether each was accepted.
pub(in crate::report) fn gaps(report: &AuditReport) -> Vec<Gap> {
    report
        .gaps
        .iter()
        .map(|model::Gap { kind, scope, why }| Gap {
            kind: kind.name().into(),
            scope: scope.clone(),
            why: why.clone(),
            accepted: report.accepted_gaps.contains(kind.name()),
        })
        .collect()
}

impl From<&audit::Coverage> for Coverage {
    fn from(coverage: &audit::Coverage) -> Self {
        let audit::Coverage {
            hosts,
            roles,
            interfaces,
            groups,
            not_live: _,
            exposures,
            probed,
            unprobed,
            ok,
        } = *coverage;
        Self { hosts, roles, interfaces, groups, exposures, probed, unprobed, ok }
    }
}

impl From<&fact::SourceRead> for FactSource {
    fn from(source: &fact::SourceRead) -> Self {
        let fact::SourceRead { name, read_at, hosts } = source;
        Self { name: name.to_string(), read_at: read_at.map(|at| at.to_string()), hosts: *hosts }
    }
}

impl From<&observation::VantageSeen> for Vantage {
    fn from(seen: &observation::VantageSeen) -> Self {
        let observation::VantageSeen {
            name,
            outside_v4,
            outside_v6,
            controls_v4,
            controls_v6,
            // The frozen form tells the address that counts; a gate tells how it is proven.
            reflected_v4: _,
            reflected_v6: _,
        } = seen;
        Self {
            name: name.clone(),
            outside_v4: outside_v4.map(|a| a.to_string()),
            outside_v6: outside_v6.map(|a| a.to_string()),
            controls_v4: *controls_v4,
            controls_v6: *controls_v6,
        }
    }
}

impl From<&finding::Finding> for Finding {
    fn from(finding: &finding::Finding) -> Self {
        let finding::Finding {
            rule,
            title,
            severity,
            confidence,
            measure,
            subject,
            source,
            message,
            why,
            evidence,
            path,
            mends,
            diff,
            fingerprint,
            status,
        } = finding;
        Self {
            rule: rule.clone(),
            title: title.clone(),
            severity: (*severity).into(),
            confidence: (*confidence).into(),
            measure: *measure,
            subject: subject.clone(),
            source: source.clone(),
            message: message.clone(),
            why: why.clone(),
            evidence: evidence.iter().map(Evidence::from).collect(),
            path: path.iter().map(Hop::from).collect(),
            mends: mends.iter().map(Mend::from).collect(),
            diff: diff.clone(),
            fingerprint: fingerprint.clone(),
            status: status.into(),
            baseline_state: None,
            since: None,
        }
    }
}

impl From<model::Severity> for Severity {
    fn from(severity: model::Severity) -> Self {
        match severity {
            model::Severity::Info => Self::Info,
            model::Severity::Low => Self::Low,
            model::Severity::Medium => Self::Medium,
            model::Severity::High => Self::High,
            model::Severity::Critical => Self::Critical,
        }
    }
}

impl From<model::Confidence> for Confidence {
    fn from(confidence: model::Confidence) -> Self {
        match confidence {
            model::Confidence::Low => Self::Low,
            model::Confidence::Medium => Self::Medium,
            model::Confidence::High => Self::High,
        }
    }
}

impl From<&finding::FindingStatus> for Status {
    fn from(status: &finding::FindingStatus) -> Self {
        match status {
            finding::FindingStatus::Open => Self::Open,
            finding::FindingStatus::Baselined => Self::Baselined,
            finding::FindingStatus::Waived { owner, reason, until } => {
                Self::Waived { owner: owner.clone(), reason: reason.clone(), until: until.clone() }
            }
        }
    }
}

impl From<&finding::Evidence> for Evidence {
    fn from(evidence: &finding::Evidence) -> Self {
        let finding::Evidence { side, text, file, line, column, resource } = evidence;
        Self {
            side: match side {
                finding::Side::Declared => Side::Declared,
                finding::Side::Configured => Side::Configured,
                finding::Side::Observed => Side::Observed,
                finding::Side::Inventory => Side::Inventory,
            },
            text: text.clone(),
            file: file.clone(),
            line: *line,
            column: *column,
            resource: resource.clone(),
        }
    }
}

impl From<&reach::Hop> for Hop {
    fn from(hop: &reach::Hop) -> Self {
        let reach::Hop { layer, id, entry, verdict } = hop;
        Self {
            kind: layer.name().into(),
            id: id.to_string(),
            entry: entry.as_deref().map(str::to_owned),
            verdict: match verdict {
                reach::HopVerdict::Passes => HopVerdict::Passes,
                reach::HopVerdict::PartlyPasses => HopVerdict::PartlyPasses,
                reach::HopVerdict::Blocks => HopVerdict::Blocks,
                reach::HopVerdict::Unknown => HopVerdict::Unknown,
            },
        }
    }
}

impl From<&finding::Mend> for Mend {
    fn from(mend: &finding::Mend) -> Self {
        let finding::Mend { text, command, terraform } = mend;
        Self { text: text.clone(), command: command.clone(), terraform: terraform.clone() }
    }
}
