//! Prints an audit: one small file per format behind one call, [`write()`].
//!
//! Layer 8. Pure: it writes into what it is handed and reads nothing but the report. Every renderer
//! prints every finding and every gap (count in equals count out), escapes what came from outside
//! for where it is printed ([`escape`]), and ends by saying what was not seen. No renderer has a
//! say in the exit code.

mod compared;
mod counted;
pub mod escape;
mod format;
pub mod gate;
mod github;
pub mod json;
mod jsonl;
mod junit;
mod markdown;
mod matrix;
mod sarif;
mod style;
mod text;
mod unseen;

pub use counted::counted;
pub use format::Format;
pub use style::Style;
pub use unseen::not_seen;

use crate::audit::AuditReport;
use std::io::{self, Write};

/// Writes `report` as `format`. This match is the register of formats.
///
/// # Errors
/// Only what `out` answers.
pub fn write(
    format: Format,
    report: &AuditReport,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, style, out),
        Format::Json => json::write(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Github => github::write(report, out),
    }
}
