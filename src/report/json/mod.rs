//! The machine formats' documents: frozen, versioned copies of the internal types.

mod document;
mod since;
pub mod v1;
mod v1_journey;

use super::escape::json_document;
use crate::audit::AuditReport;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    json_document(&v1::Report::with(report, document::Each(report)), out)
}

/// Makes the JSON Schema of `--format json`, as published in `docs/schema/report-v1.json`.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(v1::Report).to_value()
}

/// Makes the JSON Schema of one line of `--format jsonl`, as published in
/// `docs/schema/report-line-v1.json`.
#[must_use]
pub fn line_schema() -> serde_json::Value {
    schemars::schema_for!(v1::Line).to_value()
}
