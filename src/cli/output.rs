use super::whole::{self, WholeFile};
use super::{CliError, ExitStatus, interrupt};
use crate::audit::AuditReport;
use crate::model::{GapKind, Severity};
use crate::report::{Format, Style};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Where reports go, and what fails the run: for every command that audits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Report")]
pub struct OutputArgs {
    /// Format of the report on stdout: text, json, jsonl, sarif, junit, markdown, github
    #[arg(long, default_value = "text", value_name = "FORMAT", value_parser = formats(), hide_possible_values = true)]
    pub format: Format,
    /// Write the report to a file too (repeatable); the file is there only when it is whole
    #[arg(long, value_name = "FORMAT=PATH", value_parser = Export::parse)]
    pub export: Vec<Export>,
    /// Lowest severity that makes the exit code 1: info, low, medium, high, critical [default: the configuration's, else low]
    #[arg(long, value_name = "SEVERITY", value_parser = severities(), hide_possible_values = true)]
    pub fail_on: Option<Severity>,
    /// Accept these kinds of gap (all without a value): they are shown and do not make the exit code 3
    #[arg(
        long,
        value_name = "KIND,…",
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = ALL_GAPS,
        value_parser = gap_kinds(),
        hide_possible_values = true
    )]
    pub allow_gaps: Vec<String>,
}

/// What `--allow-gaps` without a value stands for.
const ALL_GAPS: &str = "all";

pub(super) fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name))
        .map(|name| Format::from_name(&name).unwrap_or(Format::Text))
}

pub(super) fn severities() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::name))
        .map(|name| Severity::ALL.into_iter().find(|s| s.name() == name).unwrap_or(Severity::Info))
}

fn gap_kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(GapKind::ALL.map(GapKind::name).into_iter().chain([ALL_GAPS]))
}

/// One `--export`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub format: Format,
    pub path: PathBuf,
}

impl Export {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, path) = text
            .split_once('=')
            .ok_or_else(|| format!("write FORMAT=PATH, as in `json={text}`"))?;
        let format = Format::from_name(name).ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            format!("no format `{name}`: use one of {names}")
        })?;
        if path.is_empty() {
            return Err(format!("`{name}=` names no file"));
        }
        Ok(Self { format, path: path.into() })
    }
}

impl OutputArgs {
    /// The kinds of gap accepted, by name.
    #[must_use]
    pub fn accepted_gaps(&self) -> BTreeSet<String> {
        if self.allow_gaps.iter().any(|k| k == ALL_GAPS) {
            return GapKind::ALL.map(|k| k.name().to_owned()).into();
        }
        self.allow_gaps.iter().cloned().collect()
    }

    /// Creates the files of every `--export`, before the long work, so that a wrong path costs
    /// seconds and not the audit.
    ///
    /// # Errors
    /// A folder that is not there or may not be written, or one path named twice.
    pub fn open(&self) -> Result<Exports, CliError> {
        let mut files: Vec<(Format, WholeFile)> = Vec::new();
        for export in &self.export {
            let cannot = || CliError::new(format!("write {}", export.path.display()));
            let path = whole::place(&export.path).map_err(|error| cannot().because(error))?;
            if files.iter().any(|(_, f)| f.path() == path) {
                return Err(cannot()
                    .because("another --export writes it")
                    .hint("give each --export a file of its own"));
            }
            let file = WholeFile::create(path).map_err(|error| cannot().because(error))?;
            files.push((export.format, file));
        }
        Ok(Exports { files })
    }

    /// Prints the report to stdout and to every export, and tells the exit status, which no format
    /// has a say in. A reader that closes the pipe early is no error.
    ///
    /// # Errors
    /// A file or stdout that cannot be written.
    pub fn finish(&self, exports: Exports, report: &AuditReport) -> Result<ExitStatus, CliError> {
        // Whatever became of the files beside it, the report is printed.
        let written = {
            let _writing = interrupt::writing();
            exports.write(report)
        };
        print(self.format, report)?;
        written?;
        Ok(ExitStatus::of(report))
    }
}

/// Prints `report` to stdout as `format`; a closed pipe is success.
///
/// # Errors
/// A stdout that cannot be written for another reason.
pub fn print(format: Format, report: &AuditReport) -> Result<(), CliError> {
    let style = style();
    let mut out = BufWriter::new(io::stdout().lock());
    match crate::report::write(format, report, &style, &mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write the report").because(error))
        }
        _ => Ok(()),
    }
}

/// How text on stdout looks.
pub(super) fn style() -> Style {
    let color = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    Style { color, width: columns() }
}

/// Width of the terminal as its owner says it, else [`Style`]'s own.
fn columns() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    said.filter(|c| (40..=400).contains(c)).unwrap_or(Style::default().width)
}

/// The files of every `--export`, known to be writable; without [`Exports::write`] none is there.
#[must_use = "an export that is not written leaves no file"]
pub struct Exports {
    files: Vec<(Format, WholeFile)>,
}

impl Exports {
    /// Writes every file whole, then puts it in its place.
    ///
    /// # Errors
    /// The first file that cannot be written.
    pub fn write(self, report: &AuditReport) -> Result<(), CliError> {
        for (format, file) in self.files {
            let shown = file.path().display().to_string();
            file.write(|out| crate::report::write(format, report, &Style::default(), out))
                .map_err(|error| CliError::new(format!("write {shown}")).because(error))?;
        }
        Ok(())
    }
}
