//! `portcullis gate`: may these new hosts enter rotation?

mod verify;

use super::{CliError, ExitStatus, Global};
use clap::{Args, Subcommand};

/// Arguments of `portcullis gate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct GateArgs {
    #[command(subcommand)]
    pub command: Option<GateCommand>,
}

/// What else `gate` does than gating.
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Check a signed attestation before acting on it: exit 0, or 4 with the reason
    Verify(verify::VerifyArgs),
}

/// Runs `portcullis gate`.
///
/// # Errors
/// Usage and tool errors.
pub fn run(args: &GateArgs, global: &Global) -> Result<ExitStatus, CliError> {
    match &args.command {
        Some(GateCommand::Verify(args)) => verify::run(args, global),
        None => Err(CliError::new("gate anything yet")
            .hint("`portcullis gate verify` checks an attestation")),
    }
}
