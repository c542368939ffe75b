use super::act::{Ended, Tried};
use super::backoff;
use super::look::{Eyes, Fit};
use super::run::Run;
use crate::cleanup::journal::Event;
use crate::cleanup::plan::Item;
use crate::cleanup::ramp::LOOKS;
use crate::cleanup::{Guard, Reason, Refusal};
use std::fmt::Write;

/// Tries of a world without the guard: a storm, and an end to it.
const STORM: u32 = 200;

impl Run<'_> {
    /// Does one item, and says whether the world was changed.
    pub(super) fn item(&mut self, item: &Item) -> Result<bool, Refusal> {
        let mut tries = 0;
        loop {
            self.may_go_on()?;
            let (act, resource, live_checked) = match self.look(item)? {
                Ok(fit) => fit,
                Err(_) if self.was_done(item)? => return Ok(true),
                Err(why) => {
                    self.leave(item, why)?;
                    return Ok(false);
                }
            };
            match self.act(item, &act, &resource, live_checked)? {
                Ended::Done => return Ok(true),
                Ended::Left => return Ok(false),
                Ended::Throttled(Tried { retry_after }) => {
                    tries += 1;
                    self.write(Event::Throttled { n: item.n, tries })?;
                    let guarded = self.guards.has(Guard::Throttle);
                    if tries > if guarded { self.limits.max_retries } else { STORM } {
                        let says = format!("it was asked {tries} times, and always too often");
                        return Err(Refusal::of(Reason::Throttled, item.item(), says));
                    }
                    if guarded {
                        self.clock.wait(backoff(tries, retry_after));
                    }
                }
            }
        }
    }

    /// Looks at an item again, in every way there is. The inner no leaves it out.
    fn look(&mut self, item: &Item) -> Result<Fit, Refusal> {
        if !self.approved.approved(item) {
            let says = "too few agreed to this item";
            return Ok(Err(Refusal::of(Reason::NotApproved, item.item(), says)));
        }
        let (hello, guards) = (&self.hello, self.guards);
        Eyes { world: self.world, live: self.live, hello, guards }.look(item)
    }

    /// Leaves an item out. One that came alive takes its stratum with it: the judgement was wrong. One that
    /// nobody could see is looked at again, a few times.
    pub(super) fn leave(&mut self, item: &Item, refusal: Refusal) -> Result<(), Refusal> {
        let refusal = match self.unseen(item, refusal)? {
            Some(refusal) => refusal,
            None => return Ok(()),
        };
        let alive = refusal.reason == Reason::CameAlive;
        let mut events = vec![Event::Skipped { n: item.n, refusal: refusal.clone() }];
        if alive {
            events.push(Event::StratumHeld { stratum: item.stratum, refusal });
        }
        self.journal.add_all(self.clock.now(), events)
    }

    /// Puts off what nobody could see: `None`, where it is looked at again by a later batch. Gives back the
    /// reason for which it is left out for good.
    pub(super) fn unseen(
        &mut self,
        item: &Item,
        mut refusal: Refusal,
    ) -> Result<Option<Refusal>, Refusal> {
        if refusal.reason != Reason::Unknown {
            return Ok(Some(refusal));
        }
        let looks = self.journal.ledger().items.get(&item.n).map_or(0, |i| i.unseen.0) + 1;
        if looks < LOOKS {
            self.write(Event::Unseen { n: item.n, refusal })?;
            return Ok(None);
        }
        let _ = write!(refusal.says, "; it was looked at {looks} times: plan anew");
        Ok(Some(refusal))
    }
}
