use super::collect::{AllowedGap, gap_kind};
use super::{CliError, ExitStatus, Global, input};
use crate::collect;
use crate::model::{Gap, GapKind};
use crate::report::escape::visible;
use crate::snapshot::Snapshot;
use clap::Args;
use jiff::Timestamp;
use std::io::Write;
use std::path::PathBuf;

/// Where the configuration is read from, and which gaps are accepted.
#[derive(Debug, Args)]
pub struct SavedArgs {
    /// A snapshot that `portcullis collect` wrote
    #[arg(long, value_name = "FILE", required_unless_present = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// A folder of saved `aws ... describe-*` answers
    #[arg(long, value_name = "DIR", conflicts_with = "snapshot")]
    pub aws_json: Option<PathBuf>,
    /// Kinds of gap to accept, so that they do not end in exit code 3; without a value, all
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = gap_kind)]
    pub allow_gaps: Vec<AllowedGap>,
}

impl SavedArgs {
    /// Reads the snapshot; with `-v` says which files of a folder were not used.
    pub(super) fn read(&self, global: &Global) -> Result<Snapshot, CliError> {
        if let Some(path) = &self.snapshot {
            return input::snapshot(path);
        }
        let Some(dir) = &self.aws_json else {
            return Err(
                CliError::new("choose a snapshot").hint("add --snapshot FILE or --aws-json DIR")
            );
        };
        let saved = collect::saved::read_all(dir, Timestamp::now())
            .map_err(|e| CliError::new(e.to_string()))?;
        if global.verbose > 0 {
            for (path, why) in &saved.ignored {
                anstream::eprintln!(
                    "not used: {}: {}",
                    escape(&path.display().to_string()),
                    escape(why)
                );
            }
        }
        Ok(saved.snapshot)
    }

    /// Whether a kind of gap is accepted.
    pub(super) fn accepts(&self, kind: GapKind) -> bool {
        self.allow_gaps.iter().any(|a| a.accepts(kind))
    }

    /// 3 where a gap is not accepted.
    pub(super) fn status<'g>(&self, gaps: impl IntoIterator<Item = &'g Gap>) -> ExitStatus {
        if gaps.into_iter().all(|g| self.accepts(g.kind)) {
            ExitStatus::Clean
        } else {
            ExitStatus::Incomplete
        }
    }
}

/// How a command prints its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AnswerFormat {
    Text,
    Json,
}

/// Prints to stdout; a pipe that nobody reads any more is success.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::new("write to stdout").because(error))
        }
        _ => Ok(()),
    }
}

/// Text from outside as the reports show it: nothing hidden, nothing that moves the cursor.
pub(super) fn escape(text: &str) -> String {
    visible(text).into_owned()
}
