use super::escape::json_line;
use super::json::v1::{self, Line};
use crate::audit::AuditReport;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    json_line(&Line::Report(Box::new(report.into())), out)?;
    for finding in v1::findings(report) {
        json_line(&Line::Finding(Box::new(finding)), out)?;
    }
    for cell in &report.journeys {
        json_line(&Line::Journey(Box::new(cell.into())), out)?;
    }
    for gone in v1::gone(report) {
        json_line(&Line::Gone(gone), out)?;
    }
    for gap in v1::gaps(report) {
        json_line(&Line::Gap(gap), out)?;
    }
    for what in &report.not_judged {
        json_line(&Line::NotJudged { what: what.clone() }, out)?;
    }
    let end = Line::End {
        findings: report.findings.len(),
        journeys: report.journeys.len(),
        gaps: report.gaps.len(),
        not_seen: super::not_seen(report),
    };
    json_line(&end, out)
}
