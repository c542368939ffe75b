use super::run::Run;
use crate::cleanup::journal::ItemState;
use crate::cleanup::{Guard, Refusal};

impl Run<'_> {
    /// Takes a batch's items out of the account's day, before the batch begins.
    pub(super) fn take_day(&mut self, items: &[u32]) -> Result<(), Refusal> {
        if !self.guards.has(Guard::Day) {
            return Ok(());
        }
        self.day.take(self.approved.digest(), items, self.clock.now())
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
