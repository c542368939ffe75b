use super::run::Run;
use crate::cleanup::journal::{Event, token};
use crate::cleanup::plan::Item;
use crate::cleanup::{Act, ActRequest, Acted, Guard, Observed, Reason, Refusal, Resource};
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
                    self.write(Event::Unknown { n, why: says.clone() })?;
                    return Err(Refusal::of(Reason::ActOutsidePlan, item.item(), says));
                }
                self.done.push(n);
                self.write(Event::Acted { n, handed: undo })?;
                let gap = self.clock.now().duration_since(looked_at).as_millis();
                self.confirm(item, row, seen, u64::try_from(gap).unwrap_or(0))?;
                Ok(Ended::Done)
            }
            Ok(Acted::Throttled { retry_after_ms }) => {
                let retry_after = retry_after_ms.map(Duration::from_millis);
                Ok(Ended::Throttled(Tried { retry_after }))
            }
            Ok(Acted::Failed { why }) => self.failed(item, row, seen, &why),
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
                    if resource.state != seen.state {
                        let state = resource.state;
                        return self.write(Event::Confirmed { n, state, gap_ms });
                    }
                }
                Ok(Observed::Unknown { .. }) | Err(_) => {}
            }
        }
        Err(self.unknown(item, "the adapter says it is done, and nothing shows it".into()))
    }

    /// Nothing was done. Where the thing has changed, that is why; else something is wrong.
    fn failed(
        &mut self,
        item: &Item,
        row: &Act,
        seen: &Resource,
        why: &str,
    ) -> Result<Ended, Refusal> {
        let reason = match self.world.observe(&item.item()) {
            Ok(Observed::No) => Reason::Gone,
            Ok(Observed::Yes { resource }) => {
                let other = |f: &String| resource.immutable.get(f) != item.immutable.get(f);
                if row.identity.iter().any(other) {
                    Reason::IdentityChanged
                } else if resource.state != seen.state {
                    Reason::StateChanged
                } else {
                    Reason::ActFailed
                }
            }
            Ok(Observed::Unknown { .. }) | Err(_) => Reason::ActFailed,
        };
        let refusal = Refusal::of(reason, item.item(), why);
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
