//! `portcullis cleanup trust`: look at a list of trust.

use super::trusted;
use crate::cli::{CliError, ExitStatus, saved};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Arguments of `portcullis cleanup trust`.
#[derive(Debug, Args)]
pub struct TrustCommand {
    #[command(subcommand)]
    pub act: TrustAct,
}

/// What is done about a list of trust.
#[derive(Debug, Subcommand)]
pub enum TrustAct {
    /// Print who it names as OpenSSH's allowed_signers, for stock ssh-keygen -Y verify
    Signers(SignersArgs),
}

/// Arguments of `portcullis cleanup trust signers`.
#[derive(Debug, Args)]
pub struct SignersArgs {
    /// trust.yaml
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `portcullis cleanup trust`.
///
/// # Errors
/// Lists that are not understood to their end.
pub fn run(command: &TrustCommand) -> Result<ExitStatus, CliError> {
    match &command.act {
        TrustAct::Signers(args) => {
            saved::print(&trusted::list(&args.file)?.allowed_signers())?;
            Ok(ExitStatus::Clean)
        }
    }
}
