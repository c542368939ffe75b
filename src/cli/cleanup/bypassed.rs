//! `portcullis cleanup log bypassed`: what was done to a plan's things without it.

use super::adapter::AdapterArgs;
use super::agreed::chain;
use super::folder::PlanArgs;
use super::refused::refused;
use crate::apply::{SystemClock, hello};
use crate::cleanup::journal::ItemState;
use crate::cleanup::{ItemRef, Observed, Reason, Refusal, plan};
use crate::cli::{CliError, ExitStatus, saved};
use crate::report::escape::visible;
use clap::Args;
use std::fmt::Write;

/// Arguments of `portcullis cleanup log bypassed`.
#[derive(Debug, Args)]
pub struct BypassedArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub adapter: AdapterArgs,
}

/// Names things of a plan that are gone or changed and that no line of its journal accounts for:
/// 1 where there are any.
///
/// # Errors
/// Journals that are broken, worlds that do not answer.
pub fn run(args: &BypassedArgs) -> Result<ExitStatus, CliError> {
    let found = args.plan.read()?;
    let no = |why: &Refusal| refused(format!("compare the world with {}", found.digest), why);
    let plan = plan::read_as(&found.papers.plan, &found.digest).map_err(|e| no(&e))?;
    let chain = chain(&found.path, &plan, &found.digest)?;
    let words = args.adapter.words(&plan.pins.adapter_command)?;
    if args.adapter.digest(&words)? != plan.pins.adapter {
        let why = "the adapter is not the one that the plan pins";
        return Err(no(&Refusal::new(Reason::ToolChanged, why)));
    }
    let mut world = args.adapter.start_for(&words, &plan, None, None)?;
    hello(world.as_mut(), &plan, &SystemClock).map_err(|e| no(&e))?;
    let (mut out, mut bypassed, mut unknown) = (String::new(), 0, 0);
    for item in &plan.items {
        let known = chain.as_ref().and_then(|c| c.ledger.items.get(&item.n));
        let accounted = known.is_some_and(|i| {
            i.acted_at.is_some() || i.state == ItemState::Permitted || i.state.is_open()
        });
        if accounted {
            continue;
        }
        let what = match world.observe(&item.item()) {
            Ok(Observed::No) => "is gone".to_owned(),
            Ok(Observed::Yes { resource }) if resource.immutable != item.immutable => {
                "was replaced".to_owned()
            }
            Ok(Observed::Yes { resource }) if resource.state != item.state => {
                "is not as it was planned".to_owned()
            }
            Ok(Observed::Yes { .. }) => continue,
            Ok(Observed::Unknown { why }) => {
                let _ = writeln!(out, "{}", not_seen(&item.item(), &why));
                unknown += 1;
                continue;
            }
            Err(e) => {
                let _ = writeln!(out, "{}", not_seen(&item.item(), &e.to_string()));
                unknown += 1;
                continue;
            }
        };
        bypassed += 1;
        let _ = writeln!(out, "{}", visible(&format!("{} {what}, without a permit", item.item())));
    }
    let _ = writeln!(
        out,
        "{bypassed} of {} things were changed without a permit; {unknown} not looked at",
        plan.items.len()
    );
    saved::print(&out)?;
    Ok(match (bypassed, unknown) {
        (0, 0) => ExitStatus::Clean,
        (0, _) => ExitStatus::Incomplete,
        _ => ExitStatus::Findings,
    })
}

fn not_seen(item: &ItemRef, why: &str) -> String {
    visible(&format!("{item} could not be looked at: {why}")).into_owned()
}
