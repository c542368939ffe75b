//! `portcullis history`: the runs that were kept, and the life of each finding.

#[cfg(feature = "history")]
mod ask;
#[cfg(feature = "history")]
mod json;
#[cfg(feature = "history")]
mod text;

use super::saved::AnswerFormat;
use super::{CliError, ExitStatus, Global, time};
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Arguments of `portcullis history`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryCommand {
    /// The history's file [default: the configuration's, else .portcullis/history.db]
    #[arg(long, value_name = "FILE", global = true)]
    pub history: Option<PathBuf>,
    #[command(flatten)]
    pub list: ListArgs,
    #[command(subcommand)]
    pub command: Option<HistoryAct>,
}

/// What is listed.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Only findings that are not resolved
    #[arg(long)]
    pub open: bool,
    /// Only runs, and findings seen or resolved, since this instant or this long ago: 2026-11-01T00:00:00Z, 7d
    #[arg(long, value_name = "WHEN", value_parser = When::parse)]
    pub since: Option<When>,
    /// Only findings of this rule
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Only findings whose subject holds this text
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,
    /// Most rows of the runs, and most of the findings; 0 is all
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u64,
    /// How to print
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub format: AnswerFormat,
}

/// What else is done with a history.
#[derive(Debug, Subcommand)]
pub enum HistoryAct {
    /// Show one run, or from when to when a finding was there and what changed about it
    Show {
        /// A run (r17), or the first digits of a finding's fingerprint
        #[arg(value_name = "ID")]
        id: String,
        /// How to print
        #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
        format: AnswerFormat,
    },
    /// Forget old runs, and what only they tell of
    Prune {
        /// Forget runs older than this, 90d for one [default: the configuration's, else 400d]
        #[arg(long, value_name = "DURATION", value_parser = time::within::<SignedDuration>(1..=time::YEARS))]
        keep: Option<SignedDuration>,
        /// Keep no more runs than this
        #[arg(long, value_name = "N")]
        max_runs: Option<u64>,
    },
}

/// An instant, or a time before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    At(Timestamp),
    Ago(SignedDuration),
}

impl When {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        time::within(1..=time::YEARS)(text)
            .map(Self::Ago)
            .map_err(|_| "write an instant, 2026-11-01T00:00:00Z, or how long ago: 12h, 7d".into())
    }
}

/// Runs `portcullis history`.
///
/// # Errors
/// A history that is not there or cannot be read, and an id that names nothing.
pub fn run(args: &HistoryCommand, global: &Global) -> Result<ExitStatus, CliError> {
    #[cfg(feature = "history")]
    return ask::run(args, global);
    #[cfg(not(feature = "history"))]
    {
        let _ = (args, global);
        Err(super::keep::not_built_in())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(When::parse("7d"), Ok(When::Ago(SignedDuration::from_hours(168))));
        assert_eq!(When::parse("1970-01-01T00:00:00Z"), Ok(When::At(Timestamp::UNIX_EPOCH)));
        for wrong in ["", "d", "7", "7w", "-3d", "yesterday", "99999999999999d", "7é", "0s"] {
            assert!(When::parse(wrong).is_err(), "{wrong}");
        }
    }
}
