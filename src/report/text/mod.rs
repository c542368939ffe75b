//! For people, in the manner of cargo. Every line begins with something of ours.

mod finding;
mod help;
mod hop;
mod summary;

pub(super) use hop::{hop, side};

use super::escape::line;
use super::{Style, not_seen};
use crate::audit::AuditReport;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        finding::write(report, finding, style, out)?;
    }
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
