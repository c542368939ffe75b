use super::{hop, side};
use crate::audit::AuditReport;
use crate::finding::{Evidence, Finding, FindingStatus, Side};
use crate::report::escape::line;
use crate::report::{Style, compared};
use std::io::{self, Write};

/// Writes one finding: what, where on both sides, the path, what mends it.
pub(super) fn write(
    report: &AuditReport,
    finding: &Finding,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (paint, strong, frame) = (style.severity(finding.severity), style.strong(), style.frame());
    let (severity, rule, title) = (finding.severity, line(&finding.rule), line(&finding.title));
    write!(out, "{paint}{severity}[{rule}]{paint:#}{strong}: {title}{strong:#}")?;
    writeln!(out, "{}", standing(report, finding))?;
    if let Some(place) = finding.evidence.iter().find_map(place) {
        writeln!(out, "  {frame}-->{frame:#} {place}")?;
    }
    write!(out, "   {frame}|{frame:#} {}", line(&finding.subject))?;
    match &finding.source {
        Some(source) => writeln!(out, " from {}", line(source))?,
        None => writeln!(out)?,
    }
    writeln!(out, "   {frame}|{frame:#} {}", line(&finding.message))?;

    let mut note = |word: &str, text: &str| {
        writeln!(out, "   {frame}={frame:#} {strong}{word}{strong:#}: {text}")
    };
    for evidence in &finding.evidence {
        let mut text = line(&evidence.text).into_owned();
        let named = |resource: &&String| !evidence.text.contains(resource.as_str());
        if let Some(resource) = evidence.resource.as_ref().filter(named) {
            text = format!("{text} [{}]", line(resource));
        }
        if let Some(place) = place(evidence) {
            text = format!("{text} ({place})");
        }
        note(side(evidence.side), &text)?;
    }
    for (n, at) in finding.path.iter().enumerate() {
        note(&format!("hop {}", n + 1), &line(&hop(at)))?;
    }
    if let FindingStatus::Waived { owner, reason, until } = &finding.status {
        let text = format!("by {} until {}: {}", line(owner), line(until), line(reason));
        note("waived", &text)?;
    }
    note("why", &line(&finding.why))?;
    note("confidence", finding.confidence.name())?;
    if let Some(diff) = &finding.diff {
        write_diff(diff, style, out)?;
    }
    for mend in &finding.mends {
        writeln!(out, "   {frame}={frame:#} {strong}help{strong:#}: {}", line(&mend.text))?;
        if let Some(command) = &mend.command {
            snippet("$", command, style, out)?;
        }
        if let Some(terraform) = &mend.terraform {
            snippet("|", terraform, style, out)?;
        }
    }
    writeln!(out)
}

/// Why a finding does not count, where it does not, and what has changed about it.
fn standing(report: &AuditReport, finding: &Finding) -> String {
    let mut parts = compared::marks(report, finding);
    match finding.status {
        FindingStatus::Waived { .. } => parts.push("waived".into()),
        FindingStatus::Open if finding.severity < report.fail_on => {
            parts.push(format!("below --fail-on {}", report.fail_on));
        }
        FindingStatus::Open | FindingStatus::Baselined => {}
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

/// `file:line:column`, for the declared side.
fn place(evidence: &Evidence) -> Option<String> {
    let file = evidence.file.as_deref().filter(|_| evidence.side == Side::Declared)?;
    let mut place = line(file).into_owned();
    for number in [evidence.line, evidence.column].into_iter().flatten() {
        place.push_str(&format!(":{number}"));
    }
    Some(place)
}

fn snippet(mark: &str, text: &str, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let frame = style.frame();
    for (n, part) in text.lines().enumerate() {
        let mark = if n == 0 { mark } else { "|" };
        writeln!(out, "       {frame}{mark}{frame:#} {}", line(part))?;
    }
    Ok(())
}

fn write_diff(diff: &str, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let frame = style.frame();
    for part in diff.lines() {
        let paint = match part.as_bytes().first() {
            Some(b'-') => style.removed(),
            Some(b'+') => style.added(),
            _ => anstyle::Style::new(),
        };
        writeln!(out, "   {frame}|{frame:#}   {paint}{}{paint:#}", line(part))?;
    }
    Ok(())
}
