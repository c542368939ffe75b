//! The machine form, version 1. A field may be added, none renamed or removed.

use super::ask::Changed;
use crate::cli::CliError;
use crate::history::{End, Life, RunRow, Span, State};
use crate::model::Gap;
use crate::report::escape::json_document;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Run<'a> {
    id: String,
    series: u64,
    at: String,
    portcullis: &'a str,
    command: &'a str,
    specs: Vec<&'a str>,
    of: Vec<&'a str>,
    places: Vec<&'a str>,
    vantages: Vec<&'a str>,
    sources: Vec<&'a str>,
    spec_sha256: &'a str,
    snapshot_sha256: Option<&'a str>,
    snapshot_at: Option<String>,
    exit: u8,
    complete: bool,
    gaps: u64,
    unprobed: u64,
    findings: u64,
    new: u64,
    resolved: u64,
}

#[derive(Serialize)]
struct Finding<'a> {
    fingerprint: String,
    series: u64,
    rule: &'a str,
    subject: &'a str,
    source: Option<&'a str>,
    /// `open`, `not seen`, `resolved`.
    state: &'static str,
    severity: &'static str,
    measure: Option<u64>,
    /// `open`, `waived`, `baselined`.
    standing: &'static str,
    message: &'a str,
    first_seen: String,
    last_seen: String,
    resolved_at: Option<String>,
    /// Why the last run could not tell.
    unseen: Option<&'a str>,
    times_seen: u64,
    flapping: bool,
    spans: Vec<Period<'a>>,
}

#[derive(Serialize)]
struct Period<'a> {
    from: String,
    to: String,
    /// The runs, where they are still kept.
    from_run: Option<String>,
    to_run: Option<String>,
    severity: &'static str,
    measure: Option<u64>,
    standing: &'static str,
    note: &'a str,
    message: &'a str,
    /// `lasts`, `changed`, `not seen`, `resolved`.
    end: &'static str,
    /// When it was seen to be gone.
    resolved_at: Option<String>,
    unseen: Option<&'a str>,
}

fn names(set: &std::collections::BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

fn run_of(run: &RunRow) -> Run<'_> {
    let RunRow {
        id,
        series,
        seq: _,
        at,
        tool,
        scope,
        spec,
        snapshot,
        exit,
        complete,
        gaps,
        unprobed,
        findings,
        new,
        resolved,
    } = run;
    Run {
        id: format!("r{id}"),
        series: *series,
        at: at.to_string(),
        portcullis: tool,
        command: &scope.command,
        specs: names(&scope.specs),
        of: names(&scope.of),
        places: names(&scope.places),
        vantages: names(&scope.vantages),
        sources: names(&scope.sources),
        spec_sha256: spec,
        snapshot_sha256: snapshot.as_ref().map(|s| s.digest.as_str()),
        snapshot_at: snapshot.as_ref().map(|s| s.taken_at.to_string()),
        exit: *exit,
        complete: *complete,
        gaps: *gaps,
        unprobed: *unprobed,
        findings: *findings,
        new: *new,
        resolved: *resolved,
    }
}

fn finding_of<'a>(life: &'a Life, runs: &BTreeMap<(u64, u64), u64>) -> Finding<'a> {
    let period = |span: &'a Span| {
        let run = |seq: u64| runs.get(&(life.series, seq)).map(|id| format!("r{id}"));
        Period {
            from: span.from_at.to_string(),
            to: span.to_at.to_string(),
            from_run: run(span.from),
            to_run: run(span.to),
            severity: span.content.severity.name(),
            measure: span.content.measure,
            standing: span.content.standing.name(),
            note: &span.content.note,
            message: &span.content.message,
            end: match span.end {
                End::Lasts => "lasts",
                End::Changed => "changed",
                End::Unseen { .. } => "not seen",
                End::Resolved { .. } => "resolved",
            },
            resolved_at: match span.end {
                End::Resolved { at, .. } => Some(at.to_string()),
                _ => None,
            },
            unseen: match &span.end {
                End::Unseen { why } => Some(why),
                _ => None,
            },
        }
    };
    Finding {
        fingerprint: life.fingerprint.to_string(),
        series: life.series,
        rule: &life.rule,
        subject: &life.subject,
        source: life.source.as_deref(),
        state: life.state.name(),
        severity: life.content.severity.name(),
        measure: life.content.measure,
        standing: life.content.standing.name(),
        message: &life.content.message,
        first_seen: life.first_seen.to_string(),
        last_seen: life.last_seen.to_string(),
        resolved_at: match life.state {
            State::Resolved(at) => Some(at.to_string()),
            _ => None,
        },
        unseen: match &life.state {
            State::Unseen(why) => Some(why),
            _ => None,
        },
        times_seen: life.times_seen,
        flapping: life.flapping,
        spans: life.spans.iter().map(period).collect(),
    }
}

pub(super) fn list(runs: &[RunRow], lives: &[Life], all: usize) -> Result<String, CliError> {
    #[derive(Serialize)]
    struct List<'a> {
        version: u32,
        runs: Vec<Run<'a>>,
        findings: Vec<Finding<'a>>,
        /// Findings that `--limit` left out.
        left_out: usize,
    }
    let numbers = runs.iter().map(|r| ((r.series, r.seq), r.id)).collect();
    document(&List {
        version: 1,
        runs: runs.iter().map(run_of).collect(),
        findings: lives.iter().map(|l| finding_of(l, &numbers)).collect(),
        left_out: all - lives.len(),
    })
}

pub(super) fn lives(lives: &[Life], runs: &BTreeMap<(u64, u64), u64>) -> Result<String, CliError> {
    #[derive(Serialize)]
    struct Lives<'a> {
        version: u32,
        /// One for each series that saw it.
        findings: Vec<Finding<'a>>,
    }
    document(&Lives { version: 1, findings: lives.iter().map(|l| finding_of(l, runs)).collect() })
}

pub(super) fn run(run: &RunRow, gaps: &[Gap], changed: &[Changed]) -> Result<String, CliError> {
    #[derive(Serialize)]
    struct Change<'a> {
        what: &'static str,
        fingerprint: String,
        rule: &'a str,
        subject: &'a str,
        source: Option<&'a str>,
    }
    #[derive(Serialize)]
    struct One<'a> {
        version: u32,
        run: Run<'a>,
        gaps: &'a [Gap],
        changed: Vec<Change<'a>>,
    }
    let change = |Changed { what, life }: &'_ Changed| (*what, life.fingerprint.to_string());
    document(&One {
        version: 1,
        run: run_of(run),
        gaps,
        changed: changed
            .iter()
            .map(|c| {
                let (what, fingerprint) = change(c);
                let Life { rule, subject, source, .. } = &c.life;
                Change { what, fingerprint, rule, subject, source: source.as_deref() }
            })
            .collect(),
    })
}

fn document(value: &impl Serialize) -> Result<String, CliError> {
    let mut out = Vec::new();
    json_document(value, &mut out)
        .and_then(|()| String::from_utf8(out).map_err(std::io::Error::other))
        .map_err(|e| CliError::new("write the history as JSON").because(e))
}
