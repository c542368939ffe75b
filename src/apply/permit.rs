use super::claim::{Claim, Claimant};
use super::engine::Eyes;
use super::journal::{Journal, JournalStore};
use super::register::Register;
use super::{Clock, HaltSwitch, LiveLook, NewestBook, hello};
use crate::cleanup::approval::Approved;
use crate::cleanup::claim::Purpose;
use crate::cleanup::journal::{Event, ItemState};
use crate::cleanup::newest::Sealed;
use crate::cleanup::plan::{Item, Phase, Plan};
use crate::cleanup::{Guards, Reason, Refusal, Risk, World, ramp};
use jiff::SignedDuration;

/// What an existing job's question is answered with.
pub struct PermitSetup<'a> {
    pub approved: &'a Approved,
    pub id: &'a str,
    pub action: &'a str,
    /// What speaks for the thing: it is asked before the job is told yes.
    pub world: &'a mut dyn World,
    pub live: &'a mut dyn LiveLook,
    pub journal: &'a mut dyn JournalStore,
    pub register: &'a mut dyn Register,
    /// Whether another plan took the place of this one.
    pub newest: &'a mut NewestBook,
    pub halt: &'a mut dyn HaltSwitch,
    pub clock: &'a dyn Clock,
    pub nonce: String,
    pub by: String,
    pub lease: SignedDuration,
}

/// Looks at a thing as an apply does before its act, and at the health of its world. The inner no is of
/// the thing.
fn look(
    plan: &Plan,
    item: &Item,
    world: &mut dyn World,
    live: &mut dyn LiveLook,
    clock: &dyn Clock,
) -> Result<Result<(), Refusal>, Refusal> {
    let hello = hello(world, plan, clock)?;
    match world.health() {
        Ok(health) if health.healthy => {}
        Ok(health) => {
            let says = format!("it says {}", health.checks.join(", "));
            return Err(Refusal::new(Reason::Unhealthy, says));
        }
        Err(e) => {
            return Err(Refusal::new(Reason::HealthUnknown, format!("the adapter cannot {e}")));
        }
    }
    let mut eyes = Eyes { world, live, hello: &hello, guards: Guards::all() };
    Ok(eyes.look(item)?.map(drop))
}

/// Says whether a job may do one act that a plan names, once, and writes it down before it says yes.
///
/// # Errors
/// Everything else is a no: an act that is not in the plan, one that was done or permitted before.
pub fn permit(setup: PermitSetup<'_>) -> Result<u32, Refusal> {
    let PermitSetup {
        approved,
        id,
        action,
        world,
        live,
        journal,
        register,
        newest,
        halt,
        clock,
        ..
    } = setup;
    let (nonce, by, lease) = (setup.nonce, setup.by, setup.lease);
    let (plan, digest) = (approved.plan(), approved.digest());
    let mut named = plan.items.iter().filter(|i| i.id == id && i.action == action);
    let (Some(item), None) = (named.next(), named.next()) else {
        let says = format!("the plan has no act {action} of {id}, or more than one");
        return Err(Refusal::new(Reason::ActOutsidePlan, says));
    };
    if plan.phase == Phase::Delete || item.risk == Risk::Irreversible || item.undo.is_none() {
        let says =
            "what nothing takes back is done by an apply alone, which looks at its quarantine";
        return Err(Refusal::of(Reason::NoQuarantineReceipt, item.item(), says));
    }
    if !approved.approved(item) {
        return Err(Refusal::of(Reason::NotApproved, item.item(), "too few agreed to this item"));
    }
    let seen = look(plan, item, world, live, clock)?;
    let who = Claimant { plan: digest, nonce: &nonce, by: &by, lease, purpose: Purpose::Apply };
    let mut claim = Claim::take(register, who, clock.now())?;
    let answer = Journal::open(journal, plan, digest, claim.fence()).and_then(|mut journal| {
        newest.stands(&Sealed::new(plan, digest))?;
        super::engine::continues(&claim, &journal)?;
        super::engine::within(journal.ledger())?;
        let known = journal.ledger().halts.clone();
        halt.look(&known, clock.now()).map_err(|h| h.refusal)?;
        let state = journal.ledger().items.get(&item.n).map(|i| i.state);
        // Of a class that is held nothing was used up: somebody has to look.
        if state == Some(ItemState::Planned)
            && let Some(why) = journal.ledger().held.get(&item.stratum)
        {
            let says = format!("its class is held, so it is not permitted: {why}");
            return Err(Refusal::of(Reason::StratumHeld, item.item(), says));
        }
        let left = journal.ledger().left().any(|n| n == item.n);
        if !left || state != Some(ItemState::Planned) {
            let says = "it was done, permitted or left out before";
            return Err(Refusal::of(Reason::AlreadyConsumed, item.item(), says));
        }
        if let Err(why) = seen {
            if why.reason == Reason::CameAlive {
                // The judgement was wrong: nothing more of what was judged alike.
                claim.open()?;
                let (n, stratum) = (item.n, item.stratum);
                let held = Event::StratumHeld { stratum, refusal: why.clone() };
                let left = Event::Skipped { n, refusal: why.clone() };
                journal.add_all(clock.now(), vec![left, held])?;
                let chain = journal.chain();
                claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)?;
            }
            return Err(why);
        }
        ramp::permits(plan, &plan.limits, journal.ledger(), item, clock.now())?;
        claim.open()?;
        journal.add(clock.now(), Event::Permitted { n: item.n, by: by.clone() })?;
        let chain = journal.chain();
        claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)?;
        Ok(item.n)
    });
    let _ = claim.release(clock.now());
    answer
}
