//! `portcullis cleanup log`: what was done, and who agreed to it.

use super::agreed::chain;
use super::folder::PlanArgs;
use super::place::{Place, state_folder};
use super::refused::refused;
use crate::cleanup::approval::{Decision, Statement};
use crate::cleanup::claim::ClaimPaper;
use crate::cleanup::journal::{Chain, Event};
use crate::cleanup::plan::{self, Item};
use crate::cleanup::{Digest, Reason, Refusal, strict};
use crate::cli::{CliError, ExitStatus, saved};
use crate::dossier;
use crate::report::escape::visible;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Arguments of `portcullis cleanup log`.
#[derive(Debug, Args)]
pub struct LogCommand {
    #[command(subcommand)]
    pub act: LogAct,
}

/// What is asked of a log.
#[derive(Debug, Subcommand)]
pub enum LogAct {
    /// Say whether a plan's journal is whole: its chain, its order, and where it was anchored
    Verify(VerifyArgs),
    /// Say all that is known of one thing: who planned, who agreed, on what evidence, what was done
    Explain(ExplainArgs),
    /// Name things of a plan that were changed or removed without a permit: exit 1 if there are any
    Bypassed(super::bypassed::BypassedArgs),
}

/// Arguments of `portcullis cleanup log verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Where it was anchored [default: `file`, this machine's]
    #[arg(long, value_name = "PLACE", env = "PORTCULLIS_CLAIM", default_value = "file")]
    pub claim: String,
    /// What this machine remembers
    #[arg(long, value_name = "DIR", env = "PORTCULLIS_STATE")]
    pub state: Option<PathBuf>,
}

/// Arguments of `portcullis cleanup log explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The thing's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Where the folders of plans are
    #[arg(long, value_name = "DIR", default_value = "cleanup")]
    pub plans: PathBuf,
}

/// Runs `portcullis cleanup log`.
///
/// # Errors
/// Journals that are broken or rolled back.
pub fn run(command: &LogCommand) -> Result<ExitStatus, CliError> {
    match &command.act {
        LogAct::Verify(args) => verify(args),
        LogAct::Explain(args) => explain(args),
        LogAct::Bypassed(args) => super::bypassed::run(args),
    }
}

fn verify(args: &VerifyArgs) -> Result<ExitStatus, CliError> {
    let found = args.plan.read()?;
    let no = |why: &Refusal| refused(format!("believe the journal of {}", found.digest), why);
    let plan = plan::read_as(&found.papers.plan, &found.digest).map_err(|e| no(&e))?;
    let chain = chain(&found.path, &plan, &found.digest)?;
    let state = state_folder(args.state.as_deref())?;
    let mut register = match args.claim.as_str() {
        "file" => Place::File(state.join("claims").join(found.digest.folder())),
        other => other.parse().map_err(CliError::new)?,
    }
    .open(&format!("claims/{}", found.digest.hex()), &state)?;
    let held = register.read().map_err(CliError::new)?;
    let Some(chain) = chain else {
        if held.is_some() {
            let says = "it is gone, and the register of claims knows that the plan was claimed";
            return Err(no(&Refusal::new(Reason::LogRollback, says)));
        }
        saved::print("no journal and no claim: nothing was done\n")?;
        return Ok(ExitStatus::Clean);
    };
    let anchored = match &held {
        None => "not anchored: no register has a claim of it".to_owned(),
        Some(held) => {
            let paper: ClaimPaper = strict::read(&held.bytes).map_err(|e| no(&e))?;
            paper.anchors(&chain).map_err(|e| no(&e))?;
            let after = (chain.records.len() as u64).saturating_sub(paper.lines);
            // Up to there the register vouches for every line; behind it the chain alone does.
            let behind = match after {
                0 => String::new(),
                n => format!("; {n} lines behind it are chained, and nothing shows who wrote them"),
            };
            format!("anchored at line {} (fence {}){behind}", paper.lines, paper.fence)
        }
    };
    saved::print(&format!(
        "{} lines, whole, {}\nhead {}\n{anchored}\n",
        chain.records.len(),
        if chain.ledger.finished { "finished" } else { "not finished" },
        chain.head,
    ))?;
    Ok(ExitStatus::Clean)
}

fn explain(args: &ExplainArgs) -> Result<ExitStatus, CliError> {
    let cannot = || CliError::new(format!("explain {}", visible(&args.id)));
    let entries = std::fs::read_dir(&args.plans)
        .map_err(|e| cannot().because(format!("{}: {e}", args.plans.display())))?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    folders.sort();
    let (mut out, mut broken) = (String::new(), None);
    for folder in folders {
        let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let Ok(digest) = name.parse::<Digest>() else { continue };
        match told(&folder, &digest, &args.id) {
            Ok(text) => out.push_str(&text),
            Err(why) => broken = Some(why),
        }
    }
    if let Some(why) = broken {
        saved::print(&out)?;
        return Err(why);
    }
    if out.is_empty() {
        let why = format!("no plan below {} names it", args.plans.display());
        return Err(cannot().because(why));
    }
    saved::print(&out)?;
    Ok(ExitStatus::Clean)
}

/// Everything that one plan's folder says of a thing; empty where it does not name it.
fn told(folder: &Path, digest: &Digest, id: &str) -> Result<String, CliError> {
    let no = |why: &Refusal| refused(format!("explain by the plan {digest}"), why);
    let found = dossier::read(folder).map_err(|e| super::folder::unusable(&e))?;
    let plan = plan::read_as(&found.papers.plan, digest).map_err(|e| no(&e))?;
    let mut out = String::new();
    for refused in plan.refused.iter().filter(|r| r.item.as_ref().is_some_and(|i| i.id == id)) {
        let _ = writeln!(out, "plan {digest}: not planned: {}", visible(&refused.to_string()));
    }
    let items: Vec<&Item> = plan.items.iter().filter(|i| i.id == id).collect();
    let chain = chain(folder, &plan, digest)?;
    let outside = chain.as_ref().map(|c| c.ledger.outside.as_slice()).unwrap_or_default();
    for it in outside.iter().filter(|it| it.item.id == id) {
        let did = format!(
            "plan {digest}: asked for its item {}, the adapter did {} to {} at {}, which nobody planned",
            it.n, it.action, it.item, it.at
        );
        let _ = writeln!(out, "{}", visible(&did));
    }
    for item in items {
        let _ = writeln!(out, "plan {digest}, item {}: {} {}", item.n, item.action, item.item());
        let author = &plan.author;
        let asked =
            author.requested_by.as_ref().map_or(String::new(), |r| format!(", asked by {r}"));
        line(&mut out, "planned", &format!("by {}{asked} at {}", author.name, plan.created_at));
        for claim in &item.dead {
            let at = claim.at.map_or(String::new(), |at| format!(" at {at}"));
            line(&mut out, "evidence", &format!("{}, says {}{at}", claim.kind, claim.source));
        }
        line(&mut out, "no life in", &item.live_checked.join(", "));
        if let Some(stratum) = plan.strata.iter().find(|s| s.n == item.stratum) {
            let key: Vec<String> = stratum.key.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let key = if key.is_empty() { "everything".to_owned() } else { key.join(",") };
            line(&mut out, "stratum", &key);
        }
        for paper in found.papers.approvals.iter().chain(&found.papers.denials) {
            if let Ok(it) = Statement::read(&paper.bytes) {
                let said = it.predicate;
                let word = match said.decision {
                    Decision::Approve => "approved",
                    Decision::Deny => "denied",
                };
                let comment = if said.comment.is_empty() { "" } else { ": " }.to_owned();
                let text = format!("by {} at {}{comment}{}", said.by, said.at, said.comment);
                line(&mut out, word, &text);
            }
        }
        match &chain {
            None => line(&mut out, "done", "nothing: there is no journal"),
            Some(chain) => journal(&mut out, chain, item),
        }
        line(&mut out, "undone by", item.undo.as_deref().unwrap_or("nothing"));
    }
    Ok(out)
}

fn journal(out: &mut String, chain: &Chain, item: &Item) {
    for record in &chain.records {
        let text = match &record.what {
            Event::Claimed { by, approved_by, .. } => {
                format!("claimed by {by}, with the agreement of {}", approved_by.join(", "))
            }
            Event::Watched { answering } => {
                format!("{} declared endpoints answered from outside", answering.len())
            }
            Event::Batch { number, items } if items.contains(&item.n) => {
                format!("batch {number}")
            }
            Event::StratumHeld { stratum, refusal } if *stratum == item.stratum => {
                format!("its stratum was held: {refusal}")
            }
            Event::Halted { refusal, .. } => format!("the run stopped: {refusal}"),
            Event::Denied { by, said_at, comment } => {
                let comment = if comment.is_empty() { "" } else { ": " }.to_owned() + comment;
                format!("stopped for good: {by} denied the plan at {said_at}{comment}")
            }
            what if what.item() == Some(item.n) => words(what),
            _ => continue,
        };
        line(out, &format!("{}", record.at), &text);
    }
}

fn words(what: &Event) -> String {
    match what {
        Event::Rechecked { live_checked, .. } if live_checked.is_empty() => {
            "looked at again: unchanged".into()
        }
        Event::Rechecked { live_checked, .. } => {
            format!("looked at again: unchanged, no life in {}", live_checked.join(", "))
        }
        Event::Intent { action, token, .. } => format!("about to {action} (token {token})"),
        Event::Throttled { tries, .. } => format!("asked too often, {tries} times"),
        Event::Acted { .. } => "the adapter says it is done".into(),
        Event::Confirmed { gap_ms, .. } => {
            format!("seen done; {gap_ms} ms between the last look and the answer")
        }
        Event::Failed { refusal, .. } => format!("not done: {refusal}"),
        Event::Unknown { why, .. } => format!("nobody knows whether it was done: {why}"),
        Event::Outside { item, action, .. } => {
            format!("the adapter says that it did {action} to {item} instead")
        }
        Event::Reconciled { found, .. } => format!("looked at afterwards: {found:?}"),
        Event::Skipped { refusal, .. } => format!("left out: {refusal}"),
        Event::Unseen { refusal, .. } => format!("could not be seen, and waits: {refusal}"),
        Event::Permitted { by, .. } => format!("a job was permitted to do it: {by}"),
        Event::UndoIntent { action, .. } => format!("about to {action}"),
        Event::Undone { .. } => "seen taken back".into(),
        Event::UndoFailed { why, .. } => format!("not taken back: {why}"),
        Event::Claimed { .. }
        | Event::Watched { .. }
        | Event::Batch { .. }
        | Event::Denied { .. }
        | Event::StratumHeld { .. }
        | Event::Soak { .. }
        | Event::Halted { .. }
        | Event::Finished => String::new(),
    }
}

fn line(out: &mut String, what: &str, text: &str) {
    let _ = writeln!(out, "  {what:<20}  {}", visible(text));
}
