//! `portcullis cleanup`: plan, show, approve, apply and take back what a cleanup removes.

pub mod approve;
pub mod deny;
mod folder;
mod nonce;
mod refused;
mod rendered;
pub mod show;
pub mod trust;
pub mod trusted;
pub mod verify;

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
    /// Agree to a plan: see it, say how many items it acts on and where, sign
    Approve(approve::ApproveArgs),
    /// Say no to a plan: one no is enough, and it has no end
    Deny(deny::DenyArgs),
    /// Say whether enough people agreed to a plan, or what is missing: exit 0, or 4
    Verify(verify::VerifyArgs),
    /// Look at a list of trust
    Trust(trust::TrustCommand),
}

/// Runs `portcullis cleanup`.
///
/// # Errors
/// What the subcommand says.
pub fn run(command: &CleanupCommand, _global: &Global) -> Result<ExitStatus, CliError> {
    match &command.act {
        CleanupAct::Show(args) => show::run(args),
        CleanupAct::Approve(args) => approve::run(args),
        CleanupAct::Deny(args) => deny::run(args),
        CleanupAct::Verify(args) => verify::run(args),
        CleanupAct::Trust(args) => trust::run(args),
    }
}
