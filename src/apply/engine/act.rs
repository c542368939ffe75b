use super::hello::no_answer;
use super::run::Run;
use crate::cleanup::journal::{Event, Found, token};
use crate::cleanup::plan::Item;
use crate::cleanup::{Act, ActRequest, Acted, Guard, Observed, Reason, Refusal, Resource, differs};
use std::collections::BTreeMap;
use std::time::Duration;

/// What became of one try.
pub(super) enum Ended {
    Done,
    /// Nothing was changed, and the item is left out.
    Left,
    Throttled(Tried),
}

/// A try that the world refused as too often.
pub(super) struct Tried {
    pub(super) retry_after: Option<Duration>,
}

/// How a thing is that was said not to be acted on.
enum Left {
    AsBefore,
    /// Another thing of its name, which nobody acted on.
    Another,
    /// The act was done, and is in the journal.
    Done,
}

/// Whether a state changed as the act changes it: in one of the fields that its adapter names, or in any.
fn changed_by(
    row: &Act,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> bool {
    let changed = |field: &String| before.get(field) != after.get(field);
    before != after && (row.changes.is_empty() || row.changes.iter().any(changed))
}

/// How often an act that was said to be done is looked for: what providers show lags.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl Run<'_> {
    /// Asks for one act, once: intent on the disk before it, its outcome after it.
    pub(super) fn act(
        &mut self,
        item: &Item,
        row: &Act,
        seen: &Resource,
        live_checked: Vec<String>,
    ) -> Result<Ended, Refusal> {
        let looked_at = self.clock.now();
        let request = self.request(item, seen);
        let (n, action) = (item.n, item.action.clone());
        self.journal.add_all(
            looked_at,
            vec![
                Event::Rechecked { n, state: seen.state.clone(), live_checked },
                Event::Intent { n, item: item.item(), action, token: request.token.clone() },
            ],
        )?;
        match self.world.act(&request) {
            Ok(Acted::Done { item: did, action, undo }) => {
                if self.guards.has(Guard::Width)
                    && (did != request.item || action != request.action)
                {
                    let says = format!("the adapter says that it did {action} to {did}");
                    self.write(Event::Outside { n, item: did, action })?;
                    return Err(Refusal::of(Reason::ActOutsidePlan, item.item(), says));
                }
                self.done.push(n);
                self.write(Event::Acted { n, handed: undo })?;
                let gap = self.clock.now().duration_since(looked_at).as_millis();
                self.confirm(item, row, seen, u64::try_from(gap).unwrap_or(0))?;
                Ok(Ended::Done)
            }
            Ok(Acted::Throttled { retry_after_ms }) => {
                let says = "the adapter says that it was asked too often";
                match self.disowned(item, row, seen, says, 1)? {
                    Left::Done => Ok(Ended::Done),
                    Left::Another => self.failed(item, Reason::IdentityChanged, says),
                    Left::AsBefore => {
                        let retry_after = retry_after_ms.map(Duration::from_millis);
                        Ok(Ended::Throttled(Tried { retry_after }))
                    }
                }
            }
            Ok(Acted::Failed { why }) => {
                let says = format!("the adapter says that it failed: {why}");
                match self.disowned(item, row, seen, &says, LOOKS)? {
                    Left::Done => {
                        let says = format!("{says}; and it was done, and is in the receipt");
                        Err(Refusal::of(Reason::ActFailed, item.item(), says))
                    }
                    Left::Another => self.failed(item, Reason::IdentityChanged, &why),
                    Left::AsBefore => self.failed(item, Reason::ActFailed, &why),
                }
            }
            Ok(Acted::Unsent { why, unread }) => {
                let reason = self.unfit(item, row, seen, unread);
                self.failed(item, reason, &why)
            }
            Ok(Acted::Unknown { why }) => Err(self.unknown(item, why)),
            Err(e) => Err(self.unknown(item, format!("the adapter cannot {e}"))),
        }
    }

    fn request(&self, item: &Item, seen: &Resource) -> ActRequest {
        let bound = self.guards.has(Guard::Precondition);
        let digest = self.approved.digest();
        ActRequest {
            plan: digest.to_string(),
            n: item.n,
            item: item.item(),
            action: item.action.clone(),
            immutable: if bound { item.immutable.clone() } else { BTreeMap::new() },
            state: if bound { seen.state.clone() } else { BTreeMap::new() },
            token: token(digest, item.n, &item.action),
            fence: self.claim.fence(),
            not_after: self.claim.paper().until,
        }
    }

    /// Looks at what became of the thing.
    fn confirm(
        &mut self,
        item: &Item,
        row: &Act,
        seen: &Resource,
        gap_ms: u64,
    ) -> Result<(), Refusal> {
        let n = item.n;
        for look in 0..LOOKS {
            if look > 0 {
                self.clock.wait(BETWEEN_LOOKS);
            }
            match self.world.observe(&item.item()) {
                Ok(Observed::No) if row.undo.is_some() => {
                    self.write(Event::Confirmed { n, state: BTreeMap::new(), gap_ms })?;
                    let says = format!("{} is undone by nothing now: it is gone", item.action);
                    let action = format!("{} and removal", item.action);
                    self.write(Event::Outside { n, item: item.item(), action })?;
                    return Err(Refusal::of(Reason::ActOutsidePlan, item.item(), says));
                }
                Ok(Observed::No) => {
                    return self.write(Event::Confirmed { n, state: BTreeMap::new(), gap_ms });
                }
                Ok(Observed::Yes { resource }) => {
                    let other = self.guards.has(Guard::Precondition)
                        && row
                            .identity
                            .iter()
                            .any(|f| resource.immutable.get(f) != item.immutable.get(f));
                    if other {
                        let state = resource.state;
                        self.write(Event::Confirmed { n, state, gap_ms })?;
                        let says = format!(
                            "it became another thing in the {gap_ms} ms between look and act: \
                             look at it"
                        );
                        let why = Refusal::of(Reason::IdentityChanged, item.item(), says);
                        let stratum = item.stratum;
                        self.write(Event::StratumHeld { stratum, refusal: why.clone() })?;
                        return Err(why);
                    }
                    // Where the adapter tells what the act changes, any other change is somebody else's.
                    if changed_by(row, &seen.state, &resource.state) {
                        let state = resource.state;
                        return self.write(Event::Confirmed { n, state, gap_ms });
                    }
                }
                Ok(Observed::Unknown { .. }) | Err(_) => {}
            }
        }
        Err(self.unknown(item, "the adapter says it is done, and nothing shows it".into()))
    }

    /// Looks at a thing whose act, says the adapter, was not done: that is believed only of one that is
    /// seen unchanged. What providers show lags, so it is seen so in every one of `looks`.
    fn disowned(
        &mut self,
        item: &Item,
        row: &Act,
        seen: &Resource,
        says: &str,
        looks: u32,
    ) -> Result<Left, Refusal> {
        let (mut left, mut unseen) = (None, String::new());
        for look in 0..LOOKS {
            if look > 0 {
                self.clock.wait(BETWEEN_LOOKS);
            }
            match self.world.observe(&item.item()) {
                Ok(Observed::No) if row.undo.is_none() => {
                    return self.done_after_all(item, says, BTreeMap::new());
                }
                Ok(Observed::No) => return Err(self.unknown(item, format!("{says}; it is gone"))),
                Ok(Observed::Yes { resource }) => {
                    let was = |f: &String| resource.immutable.get(f) == item.immutable.get(f);
                    let same = row.identity.iter().all(was);
                    if resource.state == seen.state {
                        left = Some(if same { Left::AsBefore } else { Left::Another });
                        if look + 1 >= looks {
                            break;
                        }
                        continue;
                    }
                    let (before, after) = (&seen.state, &resource.state);
                    if same && changed_by(row, before, after) {
                        return self.done_after_all(item, says, resource.state);
                    }
                    let how = differs(before, after).unwrap_or_default();
                    return Err(self.unknown(item, format!("{says}; {how}")));
                }
                Ok(Observed::Unknown { why }) => (left, unseen) = (None, why),
                Err(e) => (left, unseen) = (None, format!("the adapter cannot {e}")),
            }
        }
        let unseen = format!("{says}, and it could not be looked at: {unseen}");
        left.ok_or_else(|| self.unknown(item, unseen))
    }

    /// It was done, whatever was said of it: it can be taken back.
    fn done_after_all(
        &mut self,
        item: &Item,
        says: &str,
        state: BTreeMap<String, String>,
    ) -> Result<Left, Refusal> {
        let n = item.n;
        let unknown = Event::Unknown { n, why: says.to_owned() };
        let found = Event::Reconciled { n, found: Found::Done, state };
        self.journal.add_all(self.clock.now(), vec![unknown, found])?;
        self.done.push(n);
        Ok(Left::Done)
    }

    /// Looks at a thing that was asked for before and said not to be done, and that is now not fit to be
    /// acted on: where it has changed since, what showed it unchanged lagged.
    pub(super) fn was_done(&mut self, item: &Item) -> Result<bool, Refusal> {
        let Some(was) = self.journal.ledger().items.get(&item.n) else { return Ok(false) };
        if was.token.is_none() {
            return Ok(false);
        }
        let before = was.before.clone();
        let state = match self.world.observe(&item.item()).map_err(|e| no_answer(&e))? {
            Observed::No => BTreeMap::new(),
            Observed::Yes { resource } if resource.state != before => resource.state,
            // What is another thing by now, or cannot be seen, is told of by the look before the act.
            Observed::Yes { .. } | Observed::Unknown { .. } => return Ok(false),
        };
        self.write(Event::Reconciled { n: item.n, found: Found::Done, state })?;
        self.done.push(item.n);
        Ok(true)
    }

    /// Why an act was not even asked of the provider.
    fn unfit(&mut self, item: &Item, row: &Act, seen: &Resource, unread: bool) -> Reason {
        match self.world.observe(&item.item()) {
            Ok(Observed::No) => Reason::Gone,
            Ok(Observed::Yes { resource }) => {
                let other = |f: &String| resource.immutable.get(f) != item.immutable.get(f);
                if row.identity.iter().any(other) {
                    Reason::IdentityChanged
                } else if resource.state != seen.state {
                    Reason::StateChanged
                } else if unread {
                    Reason::Unknown
                } else {
                    Reason::ActFailed
                }
            }
            Ok(Observed::Unknown { .. }) | Err(_) if unread => Reason::Unknown,
            Ok(Observed::Unknown { .. }) | Err(_) => Reason::ActFailed,
        }
    }

    /// It was not done, and is left out. Where nothing says why, something is wrong.
    fn failed(&mut self, item: &Item, reason: Reason, why: &str) -> Result<Ended, Refusal> {
        let Some(refusal) = self.unseen(item, Refusal::of(reason, item.item(), why))? else {
            return Ok(Ended::Left);
        };
        self.write(Event::Failed { n: item.n, refusal: refusal.clone() })?;
        if reason == Reason::ActFailed { Err(refusal) } else { Ok(Ended::Left) }
    }

    /// Whether it was done nobody knows: nothing else is done before somebody has looked.
    fn unknown(&mut self, item: &Item, why: String) -> Refusal {
        match self.write(Event::Unknown { n: item.n, why: why.clone() }) {
            Err(worse) => worse,
            Ok(()) => Refusal::of(Reason::OutcomeUnknown, item.item(), why),
        }
    }
}
