use crate::cleanup::Digest;
use crate::cleanup::plan::Plan;
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `portcullis cleanup show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The plan's folder
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
}

/// Prints what a plan would do.
///
/// # Errors
/// A folder that is not a plan's.
pub fn run(args: &ShowArgs) -> Result<ExitStatus, CliError> {
    let cannot = || CliError::new(format!("show the plan {}", args.plan.display()));
    let bytes =
        dossier::read_file(&args.plan.join("plan.json")).map_err(|e| cannot().because(e))?;
    let plan: Plan = serde_json::from_slice(&bytes).map_err(|e| cannot().because(e))?;
    saved::print(&format!("plan {}\n{} items\n", Digest::of(&bytes), plan.totals.items))?;
    Ok(ExitStatus::Clean)
}
