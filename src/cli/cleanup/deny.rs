//! `portcullis cleanup deny`: one no is enough.

use super::approve::ByArgs;
use super::folder::{PlanArgs, unusable};
use super::nonce::nonce;
use super::refused::refused;
use super::rendered::rendered;
use super::trusted::TrustArgs;
use crate::cleanup::approval::{Decision, Scope, Statement, Words};
use crate::cleanup::{Digest, plan};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier::{self, Pile};
use crate::report::escape::visible;
use crate::sign;
use crate::signature::{self, DENIAL};
use clap::Args;
use jiff::Timestamp;

/// Arguments of `portcullis cleanup deny`.
#[derive(Debug, Args)]
pub struct DenyArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub by: ByArgs,
    /// What to say with it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// Signs a no to a plan and puts it in the plan's folder. No role is needed, and it has no end.
///
/// # Errors
/// Bytes that are no plan, keys that are not of whom it names.
pub fn run(args: &DenyArgs) -> Result<ExitStatus, CliError> {
    let trusted = args.trust.read()?;
    let found = args.plan.read()?;
    let no = |why: &_| refused(format!("deny the plan {}", found.digest), why);
    let plan = plan::read_as(&found.papers.plan, &found.digest).map_err(|e| no(&e))?;
    let now = Timestamp::now();
    let words = Words {
        decision: Decision::Deny,
        by: args.by.name.clone(),
        scope: Scope::All,
        at: now,
        not_after: plan.not_after.max(now),
        nonce: nonce()?,
        comment: visible(args.comment.as_deref().unwrap_or_default()).into_owned(),
        rendered_sha256: Digest::of(rendered(&plan, &found.digest).as_bytes()),
    };
    let bytes = Statement::about(&plan, &found.digest, words).bytes().map_err(|e| no(&e))?;
    let signed = sign::sign_file(&args.by.key, DENIAL, &bytes)
        .map_err(|e| CliError::new("sign the denial").because(e))?;
    let made = signature::maker(&bytes, &signed, DENIAL)
        .map_err(|e| CliError::new("sign the denial").because(e))?;
    let whose = trusted.trust.holder(&made).map(|it| it.party.name.as_str());
    if whose != Some(args.by.name.as_str()) {
        return Err(CliError::new(format!("deny the plan as {}", visible(&args.by.name))).because(
            format!(
                "the key {} is {} in the list of trust",
                made.fingerprint,
                whose.map_or_else(|| "nobody's".to_owned(), |w| format!("that of {}", visible(w)))
            ),
        ));
    }
    let place = dossier::add(&found.path, Pile::Denials, &args.by.name, &bytes, &signed)
        .map_err(|e| unusable(&e))?;
    saved::print(&format!(
        "denied by {}: {}\npush it with its .sig to where the plan is applied\n",
        visible(&args.by.name),
        visible(&place.display().to_string()),
    ))?;
    Ok(ExitStatus::Clean)
}
