//! A no that stopped a plan, as a line of its journal.

use super::Clock;
use super::claim::{Claim, Claimant};
use super::engine::continues;
use super::journal::{Journal, JournalStore};
use super::register::Register;
use crate::cleanup::Refusal;
use crate::cleanup::claim::Purpose;
use crate::cleanup::denied::Denied;
use crate::cleanup::journal::{Chain, Event};
use crate::cleanup::plan::Plan;
use jiff::SignedDuration;

/// What a no is written down with.
pub struct DeniedSetup<'a> {
    pub plan: &'a Plan,
    /// Its signature checked.
    pub no: &'a Denied,
    pub journal: &'a mut dyn JournalStore,
    pub register: &'a mut dyn Register,
    pub clock: &'a dyn Clock,
    pub nonce: String,
    pub by: String,
    pub lease: SignedDuration,
}

/// Writes down who denied a plan, when and why, once.
///
/// # Errors
/// What keeps the line out of the journal: another run that holds the claim, a journal that is not the
/// register's. The plan is refused all the same.
pub fn write_denied(setup: DeniedSetup<'_>) -> Result<(), Refusal> {
    let DeniedSetup { plan, no, journal, register, clock, nonce, by, lease } = setup;
    let who = Claimant { plan: &no.plan, nonce: &nonce, by: &by, lease, purpose: Purpose::Apply };
    let mut claim = Claim::take(register, who, clock.now())?;
    let written = Journal::open(journal, plan, &no.plan, claim.fence()).and_then(|mut journal| {
        continues(&claim, &journal)?;
        if told(journal.chain(), no) {
            return Ok(());
        }
        claim.open()?;
        let (by, said_at, comment) = (no.by.clone(), no.at, no.comment.clone());
        journal.add(clock.now(), Event::Denied { by, said_at, comment })?;
        let chain = journal.chain();
        claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)
    });
    let _ = claim.release(clock.now());
    written
}

/// Whether a journal has this no, or is of a plan that is over.
#[must_use]
pub fn told(chain: &Chain, no: &Denied) -> bool {
    let is = |what: &Event| match what {
        Event::Denied { by, said_at, .. } => *by == no.by && *said_at == no.at,
        _ => false,
    };
    chain.ledger.finished || chain.records.iter().any(|r| is(&r.what))
}
