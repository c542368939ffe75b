//! For people, in the manner of cargo. Every line begins with something of ours.

mod finding;
mod help;
mod hop;
pub(super) mod journeys;
mod summary;

pub(super) use hop::{hop, side};

use super::escape::line;
use super::{Style, compared, not_seen};
use crate::audit::AuditReport;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.shown() {
        finding::write(report, finding, style, out)?;
    }
    gone(report, style, out)?;
    journeys::write(&report.journeys, &report.vantages, style, out)?;
    for gap in &report.gaps {
        let accepted = report.accepted_gaps.contains(gap.kind.name());
        let paint = if accepted { style.faint() } else { style.strong() };
        write!(out, "{paint}gap[{}]{paint:#}: ", gap.kind)?;
        writeln!(
            out,
            "{}: {}{}",
            line(&gap.scope),
            line(&gap.why),
            if accepted { " (accepted)" } else { "" }
        )?;
    }
    if !report.gaps.is_empty() {
        help::write(report, style, out)?;
        writeln!(out)?;
    }
    summary::write(report, style, out)?;
    writeln!(out, "{}", line(&not_seen(report)))
}

/// What an earlier run had and this one has not, a line each.
fn gone(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let gone = report.compared.as_ref().map(|c| c.gone.as_slice()).unwrap_or_default();
    for was in gone {
        let (paint, word) = match &was.unseen {
            None => (style.strong(), "resolved"),
            Some(_) => (style.faint(), "not seen"),
        };
        let (rule, text) = (line(&was.rule), compared::gone(was));
        writeln!(out, "{paint}{word}[{rule}]{paint:#}: {}", line(&text))?;
    }
    if gone.is_empty() { Ok(()) } else { writeln!(out) }
}
