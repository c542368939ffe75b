use super::run::Run;
use crate::cleanup::journal::{Event, Found, ItemState};
use crate::cleanup::plan::Item;
use crate::cleanup::{Observed, Reason, Refusal};
use std::collections::BTreeMap;

impl Run<'_> {
    /// Looks at everything of which an earlier run left nobody knowing whether it was done.
    ///
    /// A thing that is as it was before was not acted on: its act is asked for again, under the same
    /// token. One that has changed or is gone was. Nothing is repeated without a look.
    pub(super) fn reconcile(&mut self) -> Result<(), Refusal> {
        let open: Vec<u32> = self.journal.ledger().open().collect();
        let plan = self.approved.plan();
        // A run that was killed asks nothing any more, and what it had asked for may go on without it.
        if let (Some(until), Some(n)) = (self.claim.paper().settles, open.first())
            && self.clock.now() < until
        {
            let says = format!(
                "its run was killed, and what it began may be under way until {until}: it is looked \
                 at then, and what was done before is in the receipt"
            );
            let item = plan.items.iter().find(|i| i.n == *n).map(Item::item);
            return Err(Refusal { reason: Reason::OutcomeUnknown, item, says });
        }
        for n in open {
            let (Some(item), Some(was)) = (
                plan.items.iter().find(|i| i.n == n),
                self.journal.ledger().items.get(&n).cloned(),
            ) else {
                continue;
            };
            if was.state == ItemState::Undoing {
                let says = "an undo of it was begun: end that one first";
                return Err(Refusal::of(Reason::OutcomeUnknown, item.item(), says));
            }
            let unknown = |why: String| Refusal::of(Reason::OutcomeUnknown, item.item(), why);
            let (found, state) = match self.world.observe(&item.item()) {
                Err(e) => return Err(unknown(format!("the adapter cannot {e}"))),
                Ok(Observed::Unknown { why }) => return Err(unknown(why)),
                Ok(Observed::No) => (Found::Done, BTreeMap::new()),
                Ok(Observed::Yes { resource }) => {
                    let same = resource.immutable == item.immutable;
                    if same && resource.state == was.before {
                        (Found::NotDone, resource.state)
                    } else {
                        (Found::Done, resource.state)
                    }
                }
            };
            self.write(Event::Reconciled { n, found, state })?;
        }
        Ok(())
    }
}
