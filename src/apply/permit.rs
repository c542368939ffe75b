use super::claim::{Claim, Claimant};
use super::journal::{Journal, JournalStore};
use super::register::Register;
use super::{Clock, HaltSwitch, NewestBook};
use crate::cleanup::approval::Approved;
use crate::cleanup::claim::Purpose;
use crate::cleanup::journal::{Event, ItemState};
use crate::cleanup::newest::Sealed;
use crate::cleanup::plan::Phase;
use crate::cleanup::{Reason, Refusal, Risk};
use jiff::SignedDuration;

/// What an existing job's question is answered with.
pub struct PermitSetup<'a> {
    pub approved: &'a Approved,
    pub id: &'a str,
    pub action: &'a str,
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

/// Says whether a job may do one act that a plan names, once, and writes it down before it says yes.
///
/// # Errors
/// Everything else is a no: an act that is not in the plan, one that was done or permitted before.
pub fn permit(setup: PermitSetup<'_>) -> Result<u32, Refusal> {
    let PermitSetup { approved, id, action, journal, register, newest, halt, clock, .. } = setup;
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
    let who = Claimant { plan: digest, nonce: &nonce, by: &by, lease, purpose: Purpose::Apply };
    let mut claim = Claim::take(register, who, clock.now())?;
    let answer = Journal::open(journal, plan, digest, claim.fence()).and_then(|mut journal| {
        newest.stands(&Sealed::new(plan, digest))?;
        super::engine::continues(&claim, &journal)?;
        super::engine::within(journal.ledger())?;
        let known = journal.ledger().halts.clone();
        halt.look(&known, clock.now()).map_err(|h| h.refusal)?;
        let left = journal.ledger().left().any(|n| n == item.n);
        let state = journal.ledger().items.get(&item.n).map(|i| i.state);
        if !left || state != Some(ItemState::Planned) {
            let says = "it was done, permitted or left out before";
            return Err(Refusal::of(Reason::AlreadyConsumed, item.item(), says));
        }
        claim.open()?;
        journal.add(clock.now(), Event::Permitted { n: item.n, by: by.clone() })?;
        let chain = journal.chain();
        claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)?;
        Ok(item.n)
    });
    let _ = claim.release(clock.now());
    answer
}
