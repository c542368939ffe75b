//! `portcullis cleanup permit`: one line for a job that removes things by itself.

use super::adapter::AdapterArgs;
use super::agreed::chain;
use super::agreed::{AgreedArgs, JOURNAL};
use super::apply::{LEASE, by};
use super::day;
use super::denied;
use super::halts::remembered;
use super::newest;
use super::nonce::nonce;
use super::opted::{self, OptOutArgs};
use super::outside::Outside;
use super::place::StateArgs;
use super::refused::refused;
use crate::apply::{JournalFile, PermitSetup, Switchboard, SystemClock, permit};
use crate::cleanup::journal::{ItemLedger, ItemState};
use crate::cleanup::{Reason, Refusal};
use crate::cli::{CliError, ExitStatus, Global, saved};
use crate::report::escape::visible;
use clap::Args;
use jiff::Timestamp;
use std::time::Duration;

/// Arguments of `portcullis cleanup permit`.
#[derive(Debug, Args)]
pub struct PermitArgs {
    #[command(flatten)]
    pub agreed: AgreedArgs,
    #[command(flatten)]
    pub adapter: AdapterArgs,
    #[command(flatten)]
    pub opt_outs: OptOutArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// The thing's id, as the plan has it
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// What the job is about to do to it, as the plan has it
    #[arg(long, value_name = "ACTION")]
    pub action: String,
}

/// Several workers of one job ask at once: each waits this often for the claim.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(100);

/// Says whether a job may do one act: 0, once; 4 for everything else.
///
/// # Errors
/// Why not.
pub fn run(args: &PermitArgs, global: &Global) -> Result<ExitStatus, CliError> {
    let agreed = args.agreed.verify(&args.adapter, &args.state)?;
    let state = args.state.folder()?;
    let path = agreed.folder.join(JOURNAL);
    let (plan, digest) = (agreed.approved.plan(), agreed.approved.digest());
    args.state.are(&plan.pins.places)?;
    let what = format!("permit {} of {}", visible(&args.action), visible(&args.id));
    // Whatever the class: to the job that asks, every no is the same.
    let no = |why: &Refusal| refused(what.clone(), why).with_status(ExitStatus::Refused);
    denied::none(&args.state, digest)?.map_err(|e| {
        denied::write(&args.state, &agreed.folder, plan, digest);
        no(&e)
    })?;
    let mut day = day::book(&args.state, &agreed)?.map_err(|e| no(&e))?;
    // What the plan does not name takes nothing of the day, however often it is asked for.
    let named = plan.items.iter().find(|i| i.id == args.id && i.action == args.action);
    if let (Some(path), Some(item)) = (args.opt_outs.of(plan)?, named) {
        let keep = opted::read(path).map_err(|e| no(&e))?;
        if let Some(it) = keep.of(&item.item()) {
            let says = format!("{}, says {}: {}", it.kind, it.source, it.detail);
            return Err(no(&Refusal::of(Reason::Protected, item.item(), says)));
        }
    }
    if plan.pins.names.is_some() {
        let says =
            "the plan was made with names, and nobody asks where they lead before a job's own act";
        return Err(no(&Refusal::new(Reason::Loosening, says)));
    }
    let taken: Vec<u32> = named.into_iter().map(|i| i.n).collect();
    // What was permitted before stays taken, whatever comes of asking again.
    let chain = chain(&agreed.folder, plan, digest)?;
    let used = |i: &ItemLedger| i.state == ItemState::Permitted || i.acted_at.is_some();
    let known = |n: &u32| chain.as_ref().and_then(|c| c.ledger.items.get(n)).is_some_and(used);
    let fresh: Vec<u32> = taken.iter().copied().filter(|n| !known(n)).collect();
    day.take(digest, &taken, Timestamp::now()).map_err(|full| no(&full.refusal))?;
    let mut outside = Outside::new(global, plan)?;
    let mut world = args.adapter.start_for(&agreed.words, plan, None, None)?;
    let mut newest = newest::book(&args.state, plan)?;
    let mut tries = 0;
    let answer = loop {
        let mut journal = JournalFile::open(&path)
            .map_err(|e| CliError::new(format!("open {}", path.display())).because(e))?;
        let mut halt = Switchboard {
            register: args.state.halt()?,
            trust: &agreed.trusted.trust,
            revoked: &agreed.trusted.revoked,
            remembered: remembered(&state)?,
        };
        let mut register = args.state.claims(agreed.approved.digest(), &agreed.folder)?;
        let answer = permit(PermitSetup {
            approved: &agreed.approved,
            id: &args.id,
            action: &args.action,
            world: world.as_mut(),
            live: &mut outside,
            journal: &mut journal,
            register: register.as_mut(),
            newest: &mut newest,
            halt: &mut halt,
            clock: &SystemClock,
            nonce: nonce()?,
            by: by(),
            lease: LEASE,
        });
        match answer {
            Err(why) if why.reason == Reason::Claimed && tries < TRIES => {
                tries += 1;
                std::thread::sleep(BETWEEN);
            }
            other => break other,
        }
    };
    if let Err(why) = &answer
        && why.reason != Reason::AlreadyConsumed
    {
        // Where that fails, it counts for a day.
        let _ = day.give_back(digest, &fresh);
    }
    let n = answer.map_err(|why| no(&why))?;
    saved::print(&format!("{what}: item {n} of {}, once\n", digest))?;
    Ok(ExitStatus::Clean)
}
