use super::folder::PlanArgs;
use super::refused::refused;
use super::rendered::rendered;
use crate::cleanup::plan;
use crate::cli::{CliError, ExitStatus, saved};
use clap::Args;

/// Arguments of `portcullis cleanup show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[arg(long, value_enum, default_value = "text")]
    pub format: saved::AnswerFormat,
}

/// Prints what a plan would do, from its sealed bytes alone.
///
/// # Errors
/// A folder that is not a plan's, and bytes that are no plan or not the one of its name.
pub fn run(args: &ShowArgs) -> Result<ExitStatus, CliError> {
    let dossier = args.plan.read()?;
    let bytes = &dossier.papers.plan;
    let digest = &dossier.digest;
    let plan = plan::read_as(bytes, digest).map_err(|e| refused("show the plan", &e))?;
    match args.format {
        saved::AnswerFormat::Text => saved::print(&rendered(&plan, digest))?,
        // The sealed bytes themselves: nothing is told that was not signed.
        saved::AnswerFormat::Json => saved::print(&String::from_utf8_lossy(bytes))?,
    }
    Ok(ExitStatus::Clean)
}
