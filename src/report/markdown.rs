//! GitHub-flavoured Markdown, for a job summary or a comment on a pull request.

use super::escape::{
    markdown_cell as cell, markdown_code as code, markdown_fence as fence, markdown_text as text,
};
use super::matrix::{Matrix, matrices, word};
use super::{compared, not_seen};
use crate::audit::AuditReport;
use crate::exposure::JourneyCell;
use crate::finding::{Finding, FindingStatus};
use crate::observation::VantageSeen;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## Portcullis audit\n")?;
    let failing = report.failing().count();
    let waived =
        report.findings.iter().filter(|f| matches!(f.status, FindingStatus::Waived { .. })).count();
    writeln!(
        out,
        "**{} {}**: {failing} at or above {}, {waived} waived. **{} {}** not seen, {} of them not \
         accepted. {} of {} {} hold.\n",
        report.findings.len(),
        if report.findings.len() == 1 { "finding" } else { "findings" },
        report.fail_on,
        report.gaps.len(),
        if report.gaps.len() == 1 { "part" } else { "parts" },
        report.open_gaps().count(),
        report.coverage.ok,
        report.coverage.exposures,
        if report.coverage.exposures == 1 { "exposure" } else { "exposures" },
    )?;
    for said in compared::summary(report).into_iter().chain(compared::baseline(report)) {
        writeln!(out, "{}\n", text(&said))?;
    }
    if report.shown().next().is_some() {
        findings_table(report, out)?;
        for (n, finding) in report.shown().enumerate() {
            detail(n + 1, finding, out)?;
        }
    }
    gone(report, out)?;
    journeys(&report.journeys, &report.vantages, out)?;
    if !report.gaps.is_empty() {
        writeln!(out, "### Not seen\n\n| part | where | why | accepted |\n|---|---|---|---|")?;
        for gap in &report.gaps {
            let accepted =
                if report.accepted_gaps.contains(gap.kind.name()) { "yes" } else { "no" };
            let (scope, why) = (cell(&gap.scope), text(&gap.why));
            writeln!(out, "| {} | {scope} | {why} | {accepted} |", gap.kind)?;
        }
        writeln!(out)?;
    }
    if !report.not_judged.is_empty() {
        writeln!(out, "### Declared but not judged yet\n")?;
        for what in &report.not_judged {
            writeln!(out, "- {}", code(what))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", text(&not_seen(report)))
}

fn findings_table(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "| # | severity | rule | subject | source | status |\n|---|---|---|---|---|---|"
    )?;
    for (n, finding) in report.shown().enumerate() {
        let source = finding.source.as_deref().map(cell).unwrap_or_default();
        let mut status = match &finding.status {
            FindingStatus::Open if report.fails(finding) => "**fails**".to_owned(),
            FindingStatus::Open => "open".to_owned(),
            // Said by its mark.
            FindingStatus::Baselined => String::new(),
            FindingStatus::Waived { until, .. } => format!("waived until {}", text(until)),
        };
        for mark in compared::marks(report, finding) {
            let comma = if status.is_empty() { "" } else { ", " };
            status = format!("{status}{comma}{}", text(&mark));
        }
        writeln!(
            out,
            "| {} | {} | {} | {} | {source} | {status} |",
            n + 1,
            finding.severity,
            cell(&finding.rule),
            cell(&finding.subject),
        )?;
    }
    writeln!(out)
}

/// What an earlier run had and this one has not.
fn gone(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let gone = report.compared.as_ref().map(|c| c.gone.as_slice()).unwrap_or_default();
    for (title, resolved) in [("Resolved", true), ("Known, and not seen this time", false)] {
        let mut some = false;
        for was in gone.iter().filter(|g| g.unseen.is_none() == resolved) {
            if !some {
                writeln!(out, "### {title}\n")?;
                some = true;
            }
            writeln!(out, "- {}: {}", code(&was.rule), text(&compared::gone(was)))?;
        }
        if some {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// Hosts as rows, profiles as columns.
pub(super) fn journeys(
    cells: &[JourneyCell],
    vantages: &[VantageSeen],
    out: &mut dyn Write,
) -> io::Result<()> {
    matrices(cells, vantages).iter().try_for_each(|matrix| journey(matrix, out))
}

fn journey(matrix: &Matrix<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### {}\n", text(&matrix.title()))?;
    if !matrix.rows.is_empty() {
        let head: Vec<String> = matrix.profiles.iter().map(|p| cell(p)).collect();
        writeln!(out, "| host | {} |\n|---|{}", head.join(" | "), "---|".repeat(head.len()))?;
        for (host, cells) in &matrix.rows {
            let words: Vec<String> = cells.iter().map(|c| cell(&word(*c))).collect();
            writeln!(out, "| {} | {} |", cell(host), words.join(" | "))?;
        }
        writeln!(out)?;
    }
    for rest in matrix.rest().iter().chain(&matrix.mute) {
        writeln!(out, "{}.\n", text(rest))?;
    }
    Ok(())
}

fn detail(n: usize, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "### {n}. {}: {} on {}\n",
        finding.severity,
        text(&finding.title),
        code(&finding.subject)
    )?;
    writeln!(out, "{}\n", text(&finding.message))?;
    for evidence in &finding.evidence {
        write!(out, "- {}: {}", super::text::side(evidence.side), text(&evidence.text))?;
        if let Some(resource) = &evidence.resource {
            write!(out, ", {}", code(resource))?;
        }
        if let Some(file) = &evidence.file {
            let mut place = file.clone();
            for number in [evidence.line, evidence.column].into_iter().flatten() {
                place.push_str(&format!(":{number}"));
            }
            write!(out, " at {}", code(&place))?;
        }
        writeln!(out)?;
    }
    for (n, hop) in finding.path.iter().enumerate() {
        writeln!(out, "- hop {}: {}", n + 1, code(&super::text::hop(hop)))?;
    }
    if let FindingStatus::Waived { owner, reason, until } = &finding.status {
        let (owner, reason, until) = (text(owner), text(reason), text(until));
        writeln!(out, "- waived by {owner} until {until}: {reason}")?;
    }
    writeln!(out, "- confidence: {}; why: {}\n", finding.confidence, text(&finding.why))?;
    if let Some(diff) = &finding.diff {
        writeln!(out, "{}", fence("diff", diff))?;
    }
    for mend in &finding.mends {
        writeln!(out, "To mend: {}\n", text(&mend.text))?;
        if let Some(command) = &mend.command {
            writeln!(out, "{}", fence("sh", command))?;
        }
        if let Some(terraform) = &mend.terraform {
            writeln!(out, "{}", fence("hcl", terraform))?;
        }
    }
    Ok(())
}
