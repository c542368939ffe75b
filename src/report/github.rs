//! Workflow commands of GitHub Actions: one annotation for each finding and each gap.

use super::escape::{github_data as data, github_property as property};
use super::{compared, not_seen};
use crate::audit::AuditReport;
use crate::finding::{Finding, FindingStatus, Side};
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.shown() {
        annotate(out, level(report, finding), report, finding)?;
    }
    for was in report.compared.iter().flat_map(|c| &c.gone) {
        let word = if was.unseen.is_some() { "not seen" } else { "resolved" };
        let title = property(&format!("{word}[{}]", was.rule));
        writeln!(out, "::notice title={title}::{}", data(&one_line(&compared::gone(was))))?;
    }
    for said in compared::summary(report).into_iter().chain(compared::baseline(report)) {
        writeln!(out, "::notice title=portcullis::{}", data(&one_line(&said)))?;
    }
    for gap in &report.gaps {
        let accepted = report.accepted_gaps.contains(gap.kind.name());
        writeln!(
            out,
            "::{} title={}::{}",
            if accepted { "notice" } else { "error" },
            property(&format!("not seen[{}]", gap.kind)),
            data(&format!(
                "{}: {}{}",
                one_line(&gap.scope),
                one_line(&gap.why),
                if accepted { " (accepted)" } else { "" }
            )),
        )?;
    }
    for what in &report.not_judged {
        writeln!(out, "::notice title=not judged::{}", data(&one_line(what)))?;
    }
    writeln!(out, "::notice title=portcullis::{}", data(&one_line(&not_seen(report))))
}

/// `error` is what fails the run, so that the annotations and the exit code agree.
fn level(report: &AuditReport, finding: &Finding) -> &'static str {
    match finding.status {
        FindingStatus::Waived { .. } | FindingStatus::Baselined => "notice",
        FindingStatus::Open if report.fails(finding) => "error",
        FindingStatus::Open => "warning",
    }
}

fn annotate(
    out: &mut dyn Write,
    level: &str,
    report: &AuditReport,
    finding: &Finding,
) -> io::Result<()> {
    let mut head = String::new();
    let place = finding.evidence.iter().find(|e| e.side == Side::Declared && e.file.is_some());
    if let Some(evidence) = place {
        let file = evidence.file.as_deref().unwrap_or_default();
        let _ = write!(head, "file={},", property(file));
        if let Some(line) = evidence.line {
            let _ = write!(head, "line={line},");
        }
        if let Some(column) = evidence.column {
            let _ = write!(head, "col={column},");
        }
    }
    let title = format!("{}[{}]: {}", finding.severity, finding.rule, finding.title);
    let mut text = one_line(&finding.subject);
    if let Some(source) = &finding.source {
        let _ = write!(text, " from {}", one_line(source));
    }
    let _ = write!(text, "\n{}", one_line(&finding.message));
    for mend in &finding.mends {
        let _ = write!(text, "\nhelp: {}", one_line(&mend.text));
        if let Some(command) = &mend.command {
            let _ = write!(text, "\n  {}", one_line(command));
        }
    }
    if let FindingStatus::Waived { owner, reason, until } = &finding.status {
        let (owner, reason, until) = (one_line(owner), one_line(reason), one_line(until));
        let _ = write!(text, "\nwaived by {owner} until {until}: {reason}");
    }
    for mark in compared::marks(report, finding) {
        let _ = write!(text, "\n{mark}");
    }
    writeln!(out, "::{level} {head}title={}::{}", property(&title), data(&text))
}

/// Text from outside never begins a line of its own.
fn one_line(text: &str) -> String {
    super::escape::line(text).into_owned()
}
