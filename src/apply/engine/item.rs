use super::act::{Ended, Tried};
use super::hello::no_answer;
use super::run::Run;
use super::{Looked, backoff};
use crate::cleanup::journal::Event;
use crate::cleanup::plan::Item;
use crate::cleanup::{Act, Guard, Observed, Reason, Refusal, Resource, recheck, row};

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
    #[expect(clippy::type_complexity, reason = "named once, where it is taken apart")]
    fn look(
        &mut self,
        item: &Item,
    ) -> Result<Result<(Act, Resource, Vec<String>), Refusal>, Refusal> {
        let no = |reason, says: &str| Ok(Err(Refusal::of(reason, item.item(), says)));
        if !self.approved.approved(item) {
            return no(Reason::NotApproved, "too few agreed to this item");
        }
        let act = match row(item, &self.hello) {
            Ok(act) => act.clone(),
            Err(why) if self.guards.has(Guard::Width) => return Ok(Err(why)),
            Err(_) => Act {
                action: item.action.clone(),
                kind: item.kind.clone(),
                undo: item.undo.clone(),
                risk: item.risk,
                identity: item.immutable.keys().cloned().collect(),
                precondition: false,
                changes: Vec::new(),
                rehearsed: false,
            },
        };
        let resource = match self.world.observe(&item.item()).map_err(|e| no_answer(&e))? {
            Observed::Yes { resource } => *resource,
            Observed::No => return no(Reason::Gone, "it is not there any more"),
            Observed::Unknown { why } => return no(Reason::Unknown, &why),
        };
        if let Err(why) = recheck(item, &act, &resource, self.guards) {
            return Ok(Err(why));
        }
        if self.guards.has(Guard::Descendant)
            && let Some(why) = self.descendants(item, &resource)?
        {
            return Ok(Err(why));
        }
        match self.live.look(item, &resource) {
            Looked::Alive(claim) if self.guards.has(Guard::CameAlive) => {
                let says = format!("{}, says {}", claim.kind, claim.source);
                no(Reason::CameAlive, &says)
            }
            Looked::Unknown(why) if self.guards.has(Guard::UnknownItem) => {
                no(Reason::Unknown, &why)
            }
            Looked::Silent(channels) => Ok(Ok((act, resource, channels))),
            Looked::Alive(_) | Looked::Unknown(_) => Ok(Ok((act, resource, Vec::new()))),
        }
    }

    /// Leaves an item out. One that came alive takes its stratum with it: the judgement was wrong.
    pub(super) fn leave(&mut self, item: &Item, refusal: Refusal) -> Result<(), Refusal> {
        let alive = refusal.reason == Reason::CameAlive;
        let mut events = vec![Event::Skipped { n: item.n, refusal: refusal.clone() }];
        if alive {
            events.push(Event::StratumHeld { stratum: item.stratum, refusal });
        }
        self.journal.add_all(self.clock.now(), events)
    }
}
