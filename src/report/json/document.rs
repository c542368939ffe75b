//! The whole of a report as a document of [`super::v1`].

use super::since::{findings, gone};
use super::v1::{Journey, Report, gaps};
use crate::audit::AuditReport;
use serde::{Serialize, Serializer};

/// Findings that are made as they are written: those of a large report are never there twice.
pub(super) struct Each<'a>(pub(super) &'a AuditReport);

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(findings(self.0))
    }
}

impl From<&AuditReport> for Report {
    fn from(report: &AuditReport) -> Self {
        Self::with(report, findings(report).collect())
    }
}

impl<F> Report<F> {
    /// A report with its findings in some form.
    pub(super) fn with(report: &AuditReport, findings: F) -> Self {
        Self {
            head: report.into(),
            findings,
            journeys: report.journeys.iter().map(Journey::from).collect(),
            gaps: gaps(report),
            not_judged: report.not_judged.clone(),
            not_seen: crate::report::not_seen(report),
            gone: gone(report).collect(),
        }
    }
}
