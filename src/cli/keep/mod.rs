//! Keeps runs in the history, and compares them with those before: for every command that audits.

mod convert;
mod digest;

pub(super) use convert::{compared, seen};
pub(super) use digest::of_snapshot;

use super::{CliError, ExitStatus, Global};
use crate::audit::AuditReport;
use crate::history::{Kept, Run, Scope};
use crate::rule::RuleSet;
use crate::spec::config::Config;
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where runs are kept when nothing says where.
const DEFAULT_HISTORY: &str = ".portcullis/history.db";

/// Where the run is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "History")]
pub struct HistoryArgs {
    /// Keep the run in this file [default: the configuration's, else .portcullis/history.db]
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Keep nothing of the run
    #[arg(long, conflicts_with = "history")]
    pub no_history: bool,
}

/// A run that is to be kept.
pub(super) struct Keeping<'a> {
    pub(super) scope: Scope,
    /// Of `attestation::of_spec`.
    pub(super) spec: String,
    /// Of [`of_snapshot`]; empty without a cloud.
    pub(super) snapshot: String,
    pub(super) rules: &'a RuleSet,
}

impl HistoryArgs {
    /// The file; `None` where nothing is to be kept.
    pub(super) fn place(&self, config: &Config, global: &Global) -> Option<PathBuf> {
        match &self.history {
            _ if self.no_history => None,
            Some(file) => Some(file.clone()),
            None if config.history.off => None,
            None => Some(configured(config, global)),
        }
    }
}

/// The configured file, or the default one.
pub(super) fn configured(config: &Config, global: &Global) -> PathBuf {
    match &config.history.file {
        Some(file) => super::input::beside(global, file),
        None => PathBuf::from(DEFAULT_HISTORY),
    }
}

/// The scope of a run: what its report looked at, with the command and the specs that were named.
pub(super) fn scope(command: &str, specs: &[PathBuf], places: BTreeSet<String>) -> Scope {
    let default = super::input::DEFAULT_SPECS.into_iter().map(PathBuf::from).find(|p| p.exists());
    let specs = if specs.is_empty() { default.as_slice() } else { specs };
    let plain = |path: &PathBuf| {
        let path = path.to_string_lossy();
        let path = path.trim_end_matches('/');
        path.strip_prefix("./").unwrap_or(path).to_owned()
    };
    Scope {
        command: command.into(),
        specs: specs.iter().map(plain).collect(),
        places,
        ..Scope::default()
    }
}

/// Keeps the run of a report in the file; with `compare`, leaves in the report how its findings
/// stand to the last comparable run. Tells the exit status that the report then gives.
///
/// # Errors
/// A history that cannot be used: nothing was kept, and the report is as it was. Whoever called
/// prints it all the same.
pub(super) fn keep(
    file: &Path,
    config: &Config,
    keeping: Keeping<'_>,
    report: &mut AuditReport,
    compare: bool,
) -> Result<ExitStatus, CliError> {
    let run = convert::run(report, keeping);
    let mut status = ExitStatus::of(report);
    let mut with = None;
    store(file, config, &run, &mut |kept| {
        if compare {
            let told = compared(kept, &run);
            report.compared = Some(told.clone());
            status = ExitStatus::of(report);
            with = Some(told);
        }
        status.code()
    })
    .inspect_err(|_| report.compared = None)?;
    report.compared = with;
    Ok(status)
}

/// Keeps a run in the file; `exit` tells the exit code of what was compared.
///
/// # Errors
/// A history that cannot be used: nothing was kept.
#[cfg(feature = "history")]
pub(super) fn store(
    file: &Path,
    config: &Config,
    run: &Run,
    exit: &mut dyn FnMut(&Kept) -> u8,
) -> Result<Kept, CliError> {
    use crate::history::Store;
    let kept =
        crate::store::Sqlite::create(file, options(config)).and_then(|mut s| s.keep(run, exit));
    kept.map_err(trouble)
}

/// Keeps a run in the file.
///
/// # Errors
/// This build has no history.
#[cfg(not(feature = "history"))]
pub(super) fn store(
    _: &Path,
    _: &Config,
    _: &Run,
    _: &mut dyn FnMut(&Kept) -> u8,
) -> Result<Kept, CliError> {
    Err(not_built_in())
}

/// How the configuration wants the history used.
#[cfg(feature = "history")]
pub(super) fn options(config: &Config) -> crate::store::Options {
    crate::store::Options {
        keep: Some(config.history.keep),
        max_runs: config.history.max_runs.map(u64::from),
        ..crate::store::Options::default()
    }
}

/// Whether this build can keep anything.
pub(super) const BUILT_IN: bool = cfg!(feature = "history");

/// What to say where it cannot.
pub(super) fn not_built_in() -> CliError {
    CliError::new("keep or read a history: this portcullis was built without it")
        .hint("build with the default features, or with `--features history`")
}

/// A store's trouble in the words of the command line.
#[cfg(feature = "history")]
pub(super) fn trouble(error: crate::history::StoreError) -> CliError {
    let hint = error.hint();
    let crate::history::StoreError { store, trouble } = error;
    CliError::new(format!("use the history {}", super::saved::escape(&store)))
        .because(super::saved::escape(&trouble.to_string()))
        .hint(super::saved::escape(&hint))
}
