//! `--baseline` and `--write-baseline`: the findings that an estate had when a line was drawn.

use super::saved::escape;
use super::whole::{self, WholeFile};
use super::{CliError, interrupt};
use crate::audit::{AuditReport, BASELINE_FORMAT, Baseline, Entry};
use crate::finding::fingerprint;
use crate::report::escape::json_line;
use clap::Args;
use serde::Deserialize;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What is known already.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Known findings")]
pub struct KnownArgs {
    /// Show only what changed since the last run that looked at the same, and fail only on that
    #[arg(long, conflicts_with = "no_history")]
    pub since_last: bool,
    /// Findings in this file are known: they are shown and do not count
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write the findings of this run as a baseline, one a line, for review; they count no more
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
}

/// A baseline file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    probed: bool,
    findings: Vec<Entry>,
}

impl KnownArgs {
    /// Reads the baseline, before the long work.
    ///
    /// # Errors
    /// A file that cannot be read or is no baseline.
    pub(super) fn read(&self) -> Result<Option<Baseline>, CliError> {
        self.baseline.as_deref().map(read).transpose()
    }

    /// Marks what the baseline knows, and writes the new one where that was asked for.
    ///
    /// # Errors
    /// A file that cannot be written; the report is marked all the same.
    pub(super) fn apply(
        &self,
        baseline: Option<&Baseline>,
        report: &mut AuditReport,
    ) -> Result<(), CliError> {
        if let (Some(path), Some(baseline)) = (&self.baseline, baseline) {
            baseline.apply(&path.display().to_string(), report);
        }
        let Some(path) = &self.write_baseline else { return Ok(()) };
        let new = Baseline::of(report, baseline);
        write(path, &new).map_err(|e| {
            CliError::new(format!("write the baseline {}", path.display())).because(e)
        })?;
        new.apply(&path.display().to_string(), report);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Baseline, CliError> {
    const HINT: &str = "`portcullis audit --write-baseline FILE` writes one";
    let cannot = || CliError::new(format!("read the baseline {}", path.display()));
    let bytes = fs::read(path).map_err(|e| cannot().because(e).hint(HINT))?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|e| cannot().because(escape(&e.to_string())).hint(HINT))?;
    if document.format != BASELINE_FORMAT {
        let why =
            format!("its format is `{}`, this reads `{BASELINE_FORMAT}`", escape(&document.format));
        return Err(cannot().because(why).hint(HINT));
    }
    let mut baseline = Baseline { probed: document.probed, ..Baseline::default() };
    for entry in document.findings {
        let said = format!("{} {}", escape(&entry.rule), escape(&entry.subject));
        // A reviewer reads the words, the audit goes by the fingerprint: they must agree.
        if entry.fingerprint != fingerprint(&entry.rule, &entry.subject, entry.source.as_deref()) {
            return Err(cannot()
                .because(format!("the fingerprint of `{said}` is another finding's"))
                .hint("take the line out; `--write-baseline` writes the right one"));
        }
        if baseline.entries.insert(entry.fingerprint.clone(), entry).is_some() {
            return Err(cannot()
                .because(format!("`{said}` stands twice"))
                .hint("keep one of the two"));
        }
    }
    Ok(baseline)
}

/// Writes a baseline, whole or not at all: one finding a line, sorted by rule, subject and source, so
/// that a change of it reads well.
fn write(path: &Path, baseline: &Baseline) -> std::io::Result<()> {
    let mut entries: Vec<&Entry> = baseline.entries.values().collect();
    entries.sort();
    let mut out = Vec::new();
    writeln!(out, "{{\n  \"format\": \"{BASELINE_FORMAT}\",\n  \"probed\": {},", baseline.probed)?;
    out.write_all(b"  \"findings\": [\n")?;
    for (n, entry) in entries.iter().enumerate() {
        let mut line = Vec::new();
        json_line(entry, &mut line)?;
        out.write_all(b"    ")?;
        out.write_all(line.trim_ascii_end())?;
        out.write_all(if n + 1 < entries.len() { b",\n" } else { b"\n" })?;
    }
    out.write_all(b"  ]\n}\n")?;
    let file = WholeFile::create(whole::place(path)?)?;
    let _writing = interrupt::writing();
    file.write(|place| place.write_all(&out))
}
