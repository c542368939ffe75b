use crate::cleanup::journal::{ItemState, Ledger};
use crate::cleanup::{Class, Reason, Refusal};
use jiff::Timestamp;

/// What is to come after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// The next batch may not begin before then.
    Soaking(Timestamp),
    /// The account's acts of a day are used up: the next batch may not begin before then.
    DayFull { until: Timestamp, says: String },
    /// A batch is over and the next one may begin.
    More,
    /// Nothing is left to do.
    Finished,
    /// The run stopped, for this reason.
    Stopped(Refusal),
}

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyReport {
    pub after: After,
    /// Numbers of the items that this run saw done.
    pub done: Vec<u32>,
    /// As the journal has it after the run.
    pub ledger: Ledger,
}

impl ApplyReport {
    /// Every no of the plan so far: items left out, held strata, and what stopped the run.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        let stopped = match &self.after {
            After::Stopped(why) => Some(why),
            _ => None,
        };
        let items = self.ledger.items.values().filter_map(|i| i.refusal.as_ref());
        items.chain(self.ledger.held.values()).chain(stopped)
    }

    /// The worst class of all refusals that are more than a skip; `None` where everything that was
    /// left out was protected, alive before the act, or not agreed to.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        let stopped = match &self.after {
            After::Stopped(why) => Some(why.reason.class()),
            _ => None,
        };
        stopped.or_else(|| {
            self.refusals().filter(|r| !is_skip(r.reason)).map(|r| r.reason.class()).max()
        })
    }

    /// Whether anything of the world was changed, by this run or one before.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.ledger.changed()
    }

    /// How many items are where.
    #[must_use]
    pub fn count(&self, state: ItemState) -> usize {
        self.ledger.items.values().filter(|i| i.state == state).count()
    }
}

/// Refusals of items that are part of a run that went well.
fn is_skip(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Protected | Reason::Live | Reason::LiveDescendant | Reason::NotApproved
    )
}
