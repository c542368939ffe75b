use super::After;
use super::run::Run;
use crate::cleanup::journal::ItemState;
use crate::cleanup::{Guard, Refusal};
use std::fmt::Write;

impl Run<'_> {
    /// Takes a batch's items out of the account's day, before the batch begins. What it has to wait
    /// for is no failure, as long as its own time is not over before.
    pub(super) fn take_day(&mut self, items: &[u32]) -> Result<Option<After>, Refusal> {
        if !self.guards.has(Guard::Day) {
            return Ok(None);
        }
        let Err(mut full) = self.day.take(self.approved.digest(), items, self.clock.now()) else {
            return Ok(None);
        };
        match (full.until, self.deadline()) {
            (Some(until), Some(end)) if until > end => {
                let says = &mut full.refusal.says;
                let _ = write!(says, "; there is room at {until}, and its time is over at {end}");
                Err(full.refusal)
            }
            (Some(until), _) => Ok(Some(After::DayFull { until, says: full.refusal.says })),
            (None, _) => Err(full.refusal),
        }
    }

    /// Gives back those of a batch that were left alone. Where that fails, they count for a day.
    pub(super) fn give_back_day(&mut self, items: &[u32]) {
        let ledger = self.journal.ledger();
        let left = |n: &&u32| ledger.items.get(n).is_some_and(|i| i.state == ItemState::Skipped);
        let left: Vec<u32> = items.iter().filter(left).copied().collect();
        if self.guards.has(Guard::Day) && !left.is_empty() {
            let _ = self.day.give_back(self.approved.digest(), &left);
        }
    }
}
