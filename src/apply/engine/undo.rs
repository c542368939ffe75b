use super::hello::{no_answer, now_by, same_target};
use super::run::continues;
use super::{Clock, backoff};
use crate::apply::claim::{Claim, Claimant};
use crate::apply::journal::{Journal, JournalStore};
use crate::apply::register::Register;
use crate::cleanup::claim::Purpose;
use crate::cleanup::journal::{Event, ItemState, Ledger, token};
use crate::cleanup::plan::Plan;
use crate::cleanup::receipt::{Receipt, Receipted};
use crate::cleanup::{
    Act, ActRequest, Acted, Digest, Hello, Observed, Reason, Refusal, Resource, Risk, World,
    differs, trace,
};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What an undo runs with. It needs no quorum: the receipt proves what was done, and nothing but its
/// inverse is asked for.
pub struct UndoSetup<'a> {
    pub plan: &'a Plan,
    pub digest: &'a Digest,
    /// Read and judged by [`Receipt::read`].
    pub receipt: &'a Receipt,
    /// Numbers of the items to take back; empty for all.
    pub only: BTreeSet<u32>,
    /// Asked of each act before it is taken back: whether that would open what nobody may open
    /// without a plan. It is told whether the world's table calls the act that takes it back exposing.
    pub may: &'a mut dyn FnMut(&Receipted, bool) -> Result<(), Refusal>,
    pub world: &'a mut dyn World,
    pub journal: &'a mut dyn JournalStore,
    pub register: &'a mut dyn Register,
    pub clock: &'a dyn Clock,
    pub nonce: String,
    pub by: String,
    pub lease: SignedDuration,
}

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// Items that are taken back.
    pub undone: Vec<u32>,
    /// Those of them that were as before already: nothing was asked for.
    pub as_before: Vec<u32>,
    /// Items that were not, and why.
    pub left: Vec<Refusal>,
    pub ledger: Ledger,
}

/// Takes back what a receipt says was done, the last first. Each act is taken back once.
///
/// # Errors
/// What kept it from beginning; [`Reason::AlreadyConsumed`] where nothing is left to take back.
pub fn undo(setup: UndoSetup<'_>) -> Result<UndoReport, Refusal> {
    let UndoSetup { plan, digest, receipt, only, may, world, journal, register, clock, .. } = setup;
    let hello = world.hello().map_err(|e| no_answer(&e))?;
    now_by(&hello, clock)?;
    same_target(&receipt.target, &hello)?;
    let who = Claimant {
        plan: digest,
        nonce: &setup.nonce,
        by: &setup.by,
        lease: setup.lease,
        purpose: Purpose::Undo,
    };
    let mut claim = Claim::take(register, who, clock.now())?;
    let done = Journal::open(journal, plan, digest, claim.fence()).and_then(|mut journal| {
        continues(&claim, &journal)?;
        receipt.matches(journal.chain())?;
        let report = {
            let mut undoing = Undoing {
                digest,
                hello,
                may,
                world,
                claim: &mut claim,
                journal: &mut journal,
                clock,
            };
            undoing.all(receipt, &only)?
        };
        let chain = journal.chain();
        claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)?;
        Ok(report)
    });
    let _ = claim.release(clock.now());
    done
}

struct Undoing<'a, 'b> {
    digest: &'a Digest,
    hello: Hello,
    may: &'a mut dyn FnMut(&Receipted, bool) -> Result<(), Refusal>,
    world: &'a mut dyn World,
    claim: &'a mut Claim<'b>,
    journal: &'a mut Journal<'b>,
    clock: &'a dyn Clock,
}

impl Undoing<'_, '_> {
    fn all(&mut self, receipt: &Receipt, only: &BTreeSet<u32>) -> Result<UndoReport, Refusal> {
        let mut report = UndoReport {
            undone: vec![],
            as_before: vec![],
            left: vec![],
            ledger: self.journal.ledger().clone(),
        };
        let mut items: Vec<&Receipted> =
            receipt.items.iter().filter(|i| only.is_empty() || only.contains(&i.n)).collect();
        items.sort_by_key(|i| (std::cmp::Reverse(i.at), std::cmp::Reverse(i.n)));
        let state = |ledger: &Ledger, n: u32| ledger.items.get(&n).map(|i| i.state);
        items.retain(|i| state(self.journal.ledger(), i.n) != Some(ItemState::Undone));
        if items.is_empty() {
            let says = match receipt.items.is_empty() {
                true => "this receipt names nothing that was done, so nothing is to be taken back",
                false => "everything that this receipt names was taken back",
            };
            return Err(Refusal::new(Reason::AlreadyConsumed, says));
        }
        for item in items {
            match self.one(item) {
                Ok(asked) => {
                    report.undone.push(item.n);
                    if !asked {
                        report.as_before.push(item.n);
                    }
                }
                Err(why) => {
                    let stops = matches!(
                        why.reason,
                        Reason::Fenced
                            | Reason::JournalUnwritable
                            | Reason::SourceUnreadable
                            | Reason::ActOutsidePlan
                    );
                    report.left.push(why);
                    if stops {
                        break;
                    }
                }
            }
        }
        report.ledger = self.journal.ledger().clone();
        Ok(report)
    }

    /// Takes one act back: the thing is the one that was acted on, and is as the act left it. `false` where it
    /// was as before already.
    fn one(&mut self, item: &Receipted) -> Result<bool, Refusal> {
        let no = |reason, says: &str| Err(Refusal::of(reason, item.item.clone(), says));
        let Some(undo) = &item.undo else {
            return no(Reason::NoSuchAct, "nothing takes it back");
        };
        let acts = &self.hello.acts;
        let known = acts.iter().find(|a| a.action == item.action && a.kind == item.item.kind);
        let Some(row) = known.filter(|a| a.undo.as_ref() == Some(undo)) else {
            return no(Reason::NoSuchAct, "the adapter has no such undo any more");
        };
        let exposes = |a: &Act| a.action == *undo && a.kind == item.item.kind;
        let exposing = acts.iter().any(|a| exposes(a) && a.risk == Risk::Exposing);
        let identity = row.identity.clone();
        (self.may)(item, exposing)?;
        let (mut tries, mut asked) = (0, false);
        loop {
            self.claim.check(self.clock.now())?;
            let seen = self.observe(item)?;
            if identity.iter().any(|f| seen.immutable.get(f) != item.immutable.get(f)) {
                return no(Reason::IdentityChanged, "another thing has its name now");
            }
            if trace::same_for_undo(&item.before, &seen.state) && item.before != item.after {
                // An earlier run took it back and could not say so, or somebody else did.
                self.add(Event::Undone { n: item.n, state: seen.state })?;
                return Ok(asked);
            }
            if !trace::same_for_undo(&item.after, &seen.state) {
                let how = differs(&item.after, &seen.state).unwrap_or_default();
                let says = format!(
                    "it is not as the act left it, so it is left to whoever did that: {how}"
                );
                return no(Reason::StateChanged, &says);
            }
            let token = token(self.digest, item.n, undo);
            self.add(Event::UndoIntent { n: item.n, action: undo.clone(), token: token.clone() })?;
            let request = ActRequest {
                plan: self.digest.to_string(),
                n: item.n,
                item: item.item.clone(),
                action: undo.clone(),
                immutable: item.immutable.clone(),
                state: seen.state.clone(),
                token,
                fence: self.claim.fence(),
                not_after: self.claim.paper().until,
            };
            asked = true;
            match self.world.undo(&request, &handed(item)) {
                Ok(Acted::Done { item: did, action, .. })
                    if did == item.item && action == *undo =>
                {
                    let state = self.observe(item)?.state;
                    if state == item.after {
                        return no(
                            Reason::OutcomeUnknown,
                            "the adapter says it is taken back, and nothing shows it",
                        );
                    }
                    self.add(Event::Undone { n: item.n, state })?;
                    return Ok(true);
                }
                Ok(Acted::Done { item: did, action, .. }) => {
                    let says = format!("the adapter says that it did {action} to {did}");
                    self.add(Event::Outside { n: item.n, item: did, action })?;
                    return no(Reason::ActOutsidePlan, &says);
                }
                Ok(Acted::Failed { why } | Acted::Unsent { why, .. }) => {
                    if self.was_done(item)? {
                        return Ok(true);
                    }
                    self.add(Event::UndoFailed { n: item.n, why: why.clone() })?;
                    return no(Reason::ActFailed, &why);
                }
                Ok(Acted::Throttled { retry_after_ms }) => {
                    if self.was_done(item)? {
                        return Ok(true);
                    }
                    tries += 1;
                    self.add(Event::UndoFailed { n: item.n, why: "throttled".into() })?;
                    if tries > MAX_TRIES {
                        return no(Reason::Throttled, "it was asked too often, every time");
                    }
                    self.clock.wait(backoff(tries, retry_after_ms.map(Duration::from_millis)));
                }
                Ok(Acted::Unknown { why }) => return no(Reason::OutcomeUnknown, &why),
                Err(e) => {
                    return no(Reason::OutcomeUnknown, &format!("the adapter cannot {e}"));
                }
            }
        }
    }

    /// Looks at what is said not to be taken back: where it changed, it was. Where it cannot be seen, its
    /// outcome stays unknown.
    fn was_done(&mut self, item: &Receipted) -> Result<bool, Refusal> {
        let unseen = |why: Refusal| Refusal { reason: Reason::OutcomeUnknown, ..why };
        let state = self.observe(item).map_err(unseen)?.state;
        if state == item.after {
            return Ok(false);
        }
        self.add(Event::Undone { n: item.n, state })?;
        Ok(true)
    }

    fn observe(&mut self, item: &Receipted) -> Result<Resource, Refusal> {
        let no = |reason, says: &str| Err(Refusal::of(reason, item.item.clone(), says));
        match self.world.observe(&item.item).map_err(|e| no_answer(&e))? {
            Observed::Yes { resource } => Ok(*resource),
            Observed::No => no(Reason::Gone, "it is not there any more"),
            Observed::Unknown { why } => no(Reason::Unknown, &why),
        }
    }

    fn add(&mut self, what: Event) -> Result<(), Refusal> {
        self.journal.add(self.clock.now(), what)
    }
}

/// Tries of one throttled undo.
const MAX_TRIES: u32 = 8;

/// What the act gave out, and the state before it, which is known even where the act's own answer
/// was lost.
fn handed(item: &Receipted) -> BTreeMap<String, String> {
    let before = item.before.iter().map(|(k, v)| (format!("before:{k}"), v.clone()));
    before.chain(item.handed.clone()).collect()
}
