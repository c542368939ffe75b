use super::register::{Register, Swapped};
use crate::cleanup::day::{DayPaper, Full, Taken};
use crate::cleanup::{Digest, Reason, Refusal};
use jiff::Timestamp;

/// Swaps that somebody else's may come before.
const TRIES: u32 = 20;

/// The acts of an account's day, in a register that every apply takes its own out of.
pub struct DayBook {
    pub register: Box<dyn Register>,
    /// The cap of the plan.
    pub most: u32,
    /// What journals beside the plan say was done: a register that was lost hides nothing of it.
    pub known: Vec<Taken>,
}

impl DayBook {
    /// Takes acts before they are done, all of them or none.
    ///
    /// # Errors
    /// [`Reason::DayCap`]; [`Reason::DayUnreadable`] where nobody can say what was done.
    pub fn take(&mut self, plan: &Digest, items: &[u32], now: Timestamp) -> Result<(), Full> {
        let (known, most) = (self.known.clone(), self.most);
        self.change(|paper| paper.take(plan, items, &known, most, now))
    }

    /// Gives back what was taken and left alone.
    ///
    /// # Errors
    /// As of [`DayBook::take`]; it then counts for a day.
    pub fn give_back(&mut self, plan: &Digest, items: &[u32]) -> Result<(), Refusal> {
        let changed = self.change(|paper| {
            paper.give_back(plan, items);
            Ok(())
        });
        changed.map_err(|full| full.refusal)
    }

    fn change(
        &mut self,
        mut how: impl FnMut(&mut DayPaper) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let unreadable = |why: String| {
            Refusal::new(Reason::DayUnreadable, format!("the acts of the day: {why}"))
        };
        for _ in 0..TRIES {
            let held = self.register.read().map_err(unreadable)?;
            let mut paper = match &held {
                Some(held) => DayPaper::read(&held.bytes)?,
                None => DayPaper::default(),
            };
            how(&mut paper)?;
            let over = held.as_ref().map(|h| h.version.as_str());
            if let Swapped::Yes { .. } =
                self.register.swap(over, &paper.bytes()).map_err(unreadable)?
            {
                return Ok(());
            }
        }
        Err(unreadable("others write all the time".into()).into())
    }
}
