use super::After;
use super::run::Run;
use crate::cleanup::journal::Event;
use crate::cleanup::newest::Sealed;
use crate::cleanup::ramp::{Next, next, soak};
use crate::cleanup::{Guard, Reason, Refusal, watch};

impl Run<'_> {
    /// Does the next batch, if one may begin, and says what comes after it.
    pub(super) fn batch(&mut self) -> Result<After, Refusal> {
        let now = self.clock.now();
        let plan = self.approved.plan();
        let items = match next(plan, &self.limits, self.journal.ledger(), self.guards, now) {
            Next::Soak(until) => return Ok(After::Soaking(until)),
            Next::Done => {
                self.write(Event::Finished)?;
                return Ok(After::Finished);
            }
            Next::Rest(items) => {
                self.fit()?;
                if let Some(full) = self.take_day(&items)? {
                    return Ok(full);
                }
                items
            }
            Next::Batch(items) => {
                self.fit()?;
                if let Some(full) = self.take_day(&items)? {
                    return Ok(full);
                }
                let number = self.journal.ledger().batches.len() as u32 + 1;
                self.write(Event::Batch { number, items: items.clone() })?;
                items
            }
        };
        let mut acted = Vec::new();
        for n in items.iter().copied() {
            // Its stratum may be held by now.
            if self.journal.ledger().left().any(|left| left == n)
                && let Some(item) = plan.items.iter().find(|i| i.n == n)
                && self.item(item)?
            {
                acted.push(n);
            }
        }
        self.give_back_day(&items);
        // What a run before this one did of the batch rests as well.
        let ledger = self.journal.ledger();
        let whole = ledger.batches.last().into_iter().flatten().copied();
        acted.extend(whole.filter(|n| ledger.items.get(n).is_some_and(|i| i.acted_at.is_some())));
        self.healthy()?;
        // A clock that was set back shortens no rest.
        let now = self.clock.now();
        let now = self.journal.ledger().last_at.map_or(now, |last| last.max(now));
        let until = soak(plan, &self.limits, self.journal.ledger(), &acted, now);
        let batch = self.journal.ledger().batches.len() as u32;
        self.write(Event::Soak { batch, until: until.into_iter().collect() })?;
        self.anchor()?;
        Ok(match next(plan, &self.limits, self.journal.ledger(), self.guards, self.clock.now()) {
            Next::Soak(until) => After::Soaking(until),
            Next::Done => {
                self.write(Event::Finished)?;
                After::Finished
            }
            Next::Batch(_) | Next::Rest(_) => After::More,
        })
    }

    /// Whether a batch may begin at all.
    fn fit(&mut self) -> Result<(), Refusal> {
        self.may_go_on()?;
        (self.still)(self.clock.now())?;
        self.newest.stands(&Sealed::new(self.approved.plan(), self.approved.digest()))?;
        self.healthy()
    }

    /// Whether the world is well. No verdict is a stop.
    fn healthy(&mut self) -> Result<(), Refusal> {
        if !self.guards.has(Guard::Health) {
            return Ok(());
        }
        match self.world.health() {
            Ok(health) if health.healthy => self.watched(),
            Ok(health) => Err(Refusal::new(
                Reason::Unhealthy,
                format!("it says {}", health.checks.join(", ")),
            )),
            Err(e) => Err(Refusal::new(Reason::HealthUnknown, format!("the adapter cannot {e}"))),
        }
    }

    /// Whether everything that answered from outside before the first batch answers still. Once
    /// watched, always watched.
    fn watched(&mut self) -> Result<(), Refusal> {
        let before = self.journal.ledger().watched.clone();
        let Some(watch) = self.watch.as_mut() else {
            return match before {
                None => Ok(()),
                Some(_) => Err(Refusal::new(
                    Reason::HealthUnknown,
                    "an earlier batch was watched from outside, and this one is not: \
                     give the same --spec",
                )),
            };
        };
        let seen = watch.look();
        // It may have taken long, and a signal may have cut it short.
        self.may_go_on()?;
        let seen = seen.map_err(|why| Refusal::new(Reason::HealthUnknown, why))?;
        match before {
            Some(before) => watch::holds(&before, &seen),
            None => {
                let answering = watch::baseline(&seen)?;
                self.write(Event::Watched { answering })
            }
        }
    }

    fn anchor(&mut self) -> Result<(), Refusal> {
        let chain = self.journal.chain();
        self.claim.anchor(chain.records.len() as u64, &chain.head, chain.ledger.finished)
    }
}
