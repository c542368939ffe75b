//! `portcullis cleanup undo`: takes back what a receipt proves was done.

use super::adapter::{AdapterArgs, RoleArgs, built_in};
use super::agreed::{JOURNAL, chain};
use super::apply::{LEASE, by};
use super::folder::unusable;
use super::judged::{Judge, JudgedArgs};
use super::nonce::nonce;
use super::place::StateArgs;
use super::receipted;
use super::refused::{refused, status};
use super::trusted::TrustArgs;
use crate::apply::{
    Clock, JournalFile, SystemClock, UndoReport, UndoSetup, undo, without_register,
};
use crate::cleanup::receipt::{Receipt, Receipted};
use crate::cleanup::{Digest, Reason, Refusal, plan};
use crate::cli::{CliError, ExitStatus, Global, saved};
use crate::dossier;
use crate::report::escape::visible;
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;

/// Arguments of `portcullis cleanup undo`.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The receipt, in its plan's folder, with its signature beside it
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
    /// Take back these alone
    #[arg(long, value_name = "ID")]
    pub id: Vec<String>,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    #[command(flatten)]
    pub judged: JudgedArgs,
    #[command(flatten)]
    pub role: RoleArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// Where the place of the claims does not answer, go on all the same. A run elsewhere is then held
    /// off by the halt switch alone: halt first
    #[arg(long)]
    pub without_claim: bool,
    #[arg(long, value_enum, default_value = "text")]
    pub format: saved::AnswerFormat,
}

/// Takes back what was done. Nobody has to agree: nothing but the inverse of a proven act is done, and
/// none that would open what the spec forbids.
///
/// # Errors
/// Receipts that prove nothing, or are not the journal's; nothing left to take back.
pub fn run(args: &UndoArgs, global: &Global) -> Result<ExitStatus, CliError> {
    if global.offline {
        return Err(
            CliError::new("take anything back with --offline").with_status(ExitStatus::Refused)
        );
    }
    let trusted = args.trust.read_pinned()?;
    let cannot = format!("take back what {} names", visible(&args.receipt.display().to_string()));
    let no = |why: &Refusal| refused(cannot.clone(), why);
    let (receipt, applier) = receipted::read(&args.receipt, &trusted)?.map_err(|e| no(&e))?;
    let folder = args.receipt.parent().map(PathBuf::from).unwrap_or_default();
    let bytes = dossier::read_file(&folder.join("plan.json")).map_err(|e| unusable(&e))?;
    let digest = Digest::of(&bytes);
    let plan = plan::read_as(&bytes, &receipt.plan).map_err(|e| no(&e))?;
    args.state.are(&plan.pins.places)?;
    let only = chosen(&receipt, &args.id)?;
    let words = args.adapter.words(&plan.pins.adapter_command)?;
    if args.adapter.digest(&words)? != plan.pins.adapter {
        let why = "the adapter is not the one that the plan pins";
        return Err(no(&Refusal::new(Reason::ToolChanged, why)));
    }
    // A verified chain says where; the run opens it once more under its claim.
    let written = chain(&folder, &plan, &digest)?;
    let path = folder.join(JOURNAL);
    let mut journal = JournalFile::open(&path)
        .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?;
    let mut judge = Judge::new(&args.judged, built_in(&words), &plan)?;
    let mut may = |it: &Receipted, exposing| judge.may(it, exposing);
    let mut register = args.state.claims(&digest, &folder)?;
    let unclaimed = if args.without_claim { register.read().err() } else { None };
    if let Some(why) = &unclaimed {
        let fence = written.map_or(0, |chain| chain.ledger.fence);
        let path = args.state.folder()?.join("undone").join(digest.folder());
        let own = without_register(&path, &digest, fence, SystemClock.now())
            .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?;
        register = Box::new(own);
        anstream::eprintln!("no claim: {}", visible(why));
    }
    let mut world = args.adapter.start_for(&words, &plan, Some(&args.role), None)?;
    let report = undo(UndoSetup {
        plan: &plan,
        digest: &digest,
        receipt: &receipt,
        only,
        may: &mut may,
        world: world.as_mut(),
        journal: &mut journal,
        register: register.as_mut(),
        clock: &SystemClock,
        nonce: nonce()?,
        by: by(),
        lease: LEASE,
    })
    .map_err(|e| {
        let refused = no(&e);
        if e.reason != Reason::Claimed {
            return refused;
        }
        refused.hint(
            "a run that is alive ends within seconds of `portcullis cleanup halt`; one that was killed on \
             this machine holds nothing, and one elsewhere is waited for; a place of claims that does not \
             answer is passed over with --without-claim",
        )
    })?;
    match args.format {
        saved::AnswerFormat::Json => {
            saved::print(&format!("{}\n", told(&report, &digest, unclaimed.as_deref())))?;
        }
        saved::AnswerFormat::Text => saved::print(&words_of(&report, &receipt, &applier))?,
    }
    let worst = report.left.iter().map(|r| r.reason.class()).max();
    Ok(worst.map_or(ExitStatus::Clean, |class| status(class, !report.undone.is_empty())))
}

fn chosen(receipt: &Receipt, ids: &[String]) -> Result<BTreeSet<u32>, CliError> {
    let mut chosen = BTreeSet::new();
    for id in ids {
        let cannot = || CliError::new(format!("take back {}", visible(id)));
        let mut named = receipt.items.iter().filter(|i| i.item.id == *id);
        let it = named.next().ok_or_else(|| cannot().because("the receipt has no such id"))?;
        if let Some(other) = named.next() {
            let says = format!("it names two things: {} and {}", it.item, other.item);
            return Err(cannot()
                .because(visible(&says))
                .hint("without --id all of it is taken back"));
        }
        chosen.insert(it.n);
    }
    Ok(chosen)
}

fn told(report: &UndoReport, digest: &Digest, unclaimed: Option<&str>) -> serde_json::Value {
    json!({
        "plan": digest, "claimed": unclaimed.is_none(), "undone": report.undone,
        "as_before": report.as_before,
        "left": report.left.iter().map(|r| json!({
            "item": r.item, "class": r.reason.class() as u8, "reason": r.reason.code(),
            "says": r.says,
        })).collect::<Vec<_>>(),
    })
}

fn words_of(report: &UndoReport, receipt: &Receipt, applier: &str) -> String {
    let mut out = format!("receipt of {}, by {}\n", receipt.plan, visible(applier));
    for n in &report.undone {
        if let Some(it) = receipt.items.iter().find(|i| i.n == *n) {
            let undo = it.undo.as_deref().unwrap_or_default();
            let line = match report.as_before.contains(n) {
                true => format!("{n:>4}  nothing to {undo}, it was as before already  {}", it.item),
                false => format!("{n:>4}  {undo}  {}", it.item),
            };
            let _ = writeln!(out, "{}", visible(&line));
        }
    }
    for why in &report.left {
        let _ = writeln!(out, "      not taken back: {}", visible(&why.to_string()));
    }
    out
}
