//! `portcullis cleanup`: plan, show, approve, apply and take back what a cleanup removes.

mod adapter;
mod agreed;
pub mod apply;
pub mod approve;
pub mod bypassed;
mod day;
pub mod decommission;
mod denied;
pub mod deny;
mod folder;
mod ground;
pub mod halt;
mod halts;
pub mod iam;
pub mod judged;
mod learned;
pub mod log;
pub mod marked;
mod names;
mod native;
mod newest;
pub(super) mod nonce;
mod noted;
mod notified;
pub mod opted;
mod outside;
pub mod permit;
pub mod place;
pub mod plan;
pub(in crate::cli) mod planned;
mod receipted;
mod refused;
mod rendered;
mod seen;
pub mod show;
mod told;
pub mod trust;
pub mod trusted;
pub mod undo;
pub mod verify;
pub mod watch;

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
    /// Plan a cleanup: ask an adapter what there is, test what is called dead, seal what may go
    Plan(Box<plan::PlanArgs>),
    /// Show a plan: what it would do, to how many of what, the riskiest first
    Show(show::ShowArgs),
    /// Agree to a plan: see it, say how many items it acts on and where, sign
    Approve(approve::ApproveArgs),
    /// Say no to a plan: one no is enough, and it has no end
    Deny(deny::DenyArgs),
    /// Say whether enough people agreed to a plan, or what is missing: exit 0, or 4
    Verify(verify::VerifyArgs),
    /// Apply a plan that enough people agreed to, one batch at a time
    Apply(Box<apply::ApplyArgs>),
    /// Take back what a receipt proves was done
    Undo(Box<undo::UndoArgs>),
    /// Sign that all of a class is meant to go: what `plan --note` takes, for a time
    Decommission(decommission::DecommissionArgs),
    /// Stop every apply before its next act; lifting it takes a signature
    Halt(halt::HaltArgs),
    /// Say to a job whether it may do one act of a plan, once: exit 0, or 4
    ///
    /// The thing is looked at as `apply` does, and the plan's batches and rests are kept: `resting` says
    /// when to ask again. Nobody looks at what the job does afterwards, and no receipt takes it back
    Permit(Box<permit::PermitArgs>),
    /// Verify a journal, or explain what was done to one thing
    Log(log::LogCommand),
    /// Print the IAM policy that an apply needs
    Policy(iam::PolicyArgs),
    /// Look at a list of trust
    Trust(trust::TrustCommand),
}

/// Runs `portcullis cleanup`.
///
/// # Errors
/// What the subcommand says.
pub fn run(command: &CleanupCommand, global: &Global) -> Result<ExitStatus, CliError> {
    match &command.act {
        CleanupAct::Plan(args) => plan::run(args, global),
        CleanupAct::Show(args) => show::run(args),
        CleanupAct::Approve(args) => approve::run(args),
        CleanupAct::Deny(args) => deny::run(args),
        CleanupAct::Verify(args) => verify::run(args),
        CleanupAct::Apply(args) => apply::run_apply(args, global),
        CleanupAct::Undo(args) => undo::run(args, global),
        CleanupAct::Decommission(args) => decommission::run(args),
        CleanupAct::Halt(args) => halt::run(args),
        CleanupAct::Permit(args) => permit::run(args, global),
        CleanupAct::Log(args) => log::run(args),
        CleanupAct::Policy(args) => iam::run(args),
        CleanupAct::Trust(args) => trust::run(args),
    }
}
