//! `portcullis cleanup`: plan, show, approve, apply and take back what a cleanup removes.

pub mod show;

use super::{CliError, ExitStatus, Global};
use clap::{Args, Subcommand};

/// Arguments of `portcullis cleanup`.
#[derive(Debug, Args)]
pub struct CleanupCommand {
    #[command(subcommand)]
    pub act: CleanupAct,
}

/// What is done about a cleanup.
#[derive(Debug, Subcommand)]
pub enum CleanupAct {
    /// Show a plan: what it would do, to how many of what, the riskiest first
    Show(show::ShowArgs),
}

/// Runs `portcullis cleanup`.
///
/// # Errors
/// What the subcommand says.
pub fn run(command: &CleanupCommand, _global: &Global) -> Result<ExitStatus, CliError> {
    match &command.act {
        CleanupAct::Show(args) => show::run(args),
    }
}
