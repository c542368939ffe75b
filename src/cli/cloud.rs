//! Where a command that judges reads the cloud from.

use super::collect::{self, LiveArgs};
use super::saved::TakenArgs;
use super::{CliError, ExitStatus, Global, input, interrupt};
use crate::collect as edge;
use crate::snapshot::Snapshot;
use clap::Args;
use jiff::Timestamp;
use std::path::PathBuf;

/// Where the snapshot comes from: a file, saved answers, the cloud itself, or nowhere.
#[derive(Debug, Args)]
pub struct CloudArgs {
    /// Judge a snapshot that `portcullis collect` wrote, instead of the live cloud
    #[arg(long, value_name = "FILE", conflicts_with = "aws_json")]
    pub snapshot: Option<PathBuf>,
    /// Judge saved `aws ... describe-*` answers, instead of the live cloud
    #[arg(long, value_name = "DIR")]
    pub aws_json: Option<PathBuf>,
    #[command(flatten)]
    pub taken: TakenArgs,
    /// Read no cloud: judge the hosts that the spec itself declares
    #[arg(long, conflicts_with_all = ["snapshot", "aws_json", "save_snapshot", "regions", "accounts", "api_rate", "concurrency"])]
    pub no_cloud: bool,
    /// Keep the snapshot that was read
    #[arg(long, value_name = "FILE")]
    pub save_snapshot: Option<PathBuf>,
}

impl CloudArgs {
    /// Reads the snapshot, and keeps it where that was asked for.
    ///
    /// # Errors
    /// A snapshot that cannot be read or kept, and a live cloud with `--offline`.
    pub fn read(
        &self,
        live: &LiveArgs,
        global: &Global,
        now: Timestamp,
    ) -> Result<Snapshot, CliError> {
        self.taken.check(self.aws_json.is_some())?;
        let cannot_save = |path: &PathBuf, e: std::io::Error| {
            CliError::new(format!("write {}", path.display())).because(e)
        };
        // Before the long work: a place that cannot be written is told at once.
        let keep = match &self.save_snapshot {
            Some(path) => {
                Some((path, edge::SnapshotFile::create(path).map_err(|e| cannot_save(path, e))?))
            }
            None => None,
        };
        let snapshot = match (&self.snapshot, &self.aws_json) {
            _ if self.no_cloud => Snapshot::empty(now),
            (Some(path), _) => input::snapshot(path)?,
            (None, Some(dir)) => super::saved::answers(dir, &self.taken, global)?.snapshot,
            (None, None) if global.offline => {
                return Err(CliError::new("read the cloud with --offline")
                    .hint(
                        "name a snapshot: --snapshot FILE or --aws-json DIR; or read none: --no-cloud",
                    )
                    .with_status(ExitStatus::Refused));
            }
            (None, None) => collect::live(live, global, now)?,
        };
        if let Some((path, file)) = keep {
            let _writing = interrupt::writing();
            file.finish(&snapshot).map_err(|e| cannot_save(path, e))?;
        }
        Ok(snapshot)
    }
}
