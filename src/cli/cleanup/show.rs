use super::folder::PlanArgs;
use super::refused::refused;
use super::rendered::rendered;
use super::seen;
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::{Digest, evidence};
use crate::cli::{CliError, ExitStatus, saved};
use crate::report::escape::visible;
use clap::Args;

/// Arguments of `portcullis cleanup show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// What was seen of the thing with this id, for and against it
    #[arg(long, value_name = "ID")]
    pub evidence: Option<String>,
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
    if let Some(id) = &args.evidence {
        let seen = dossier.papers.evidence.as_deref();
        return evidence(args, id, &plan, digest, seen);
    }
    match args.format {
        saved::AnswerFormat::Text => saved::print(&rendered(&plan, digest))?,
        // The sealed bytes themselves: nothing is told that was not signed.
        saved::AnswerFormat::Json => saved::print(&String::from_utf8_lossy(bytes))?,
    }
    Ok(ExitStatus::Clean)
}

/// Prints what was seen of one thing, from the bytes that were sealed with the plan.
fn evidence(
    args: &ShowArgs,
    id: &str,
    plan: &Plan,
    digest: &Digest,
    bytes: Option<&[u8]>,
) -> Result<ExitStatus, CliError> {
    let cannot = || format!("show what was seen of {}", visible(id));
    evidence::sealed(plan.evidence.as_ref(), bytes).map_err(|e| refused(cannot(), &e))?;
    let found = evidence::of(bytes.unwrap_or_default(), id).map_err(|e| refused(cannot(), &e))?;
    if found.is_empty() {
        let why = "nobody called it dead in this plan: evidence is kept of what was";
        return Err(CliError::new(cannot()).because(why));
    }
    match args.format {
        saved::AnswerFormat::Text => saved::print(&seen::text(plan, digest, &found))?,
        saved::AnswerFormat::Json => {
            saved::print(&format!("{}\n", seen::json(plan, digest, &found)))?;
        }
    }
    Ok(ExitStatus::Clean)
}
