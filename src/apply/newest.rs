use super::register::{Register, Swapped};
use crate::cleanup::newest::{NewestPaper, Sealed};
use crate::cleanup::{Reason, Refusal};

/// Swaps that somebody else's may come before.
const TRIES: u32 = 20;

/// The newest plan of a scope, in a register beside the claims.
pub struct NewestBook {
    pub register: Box<dyn Register>,
}

impl NewestBook {
    /// Whether a plan is still the newest of its scope, and from now on known to be sealed.
    ///
    /// # Errors
    /// [`Reason::Superseded`]; [`Reason::NewestUnreadable`] where nobody can say.
    pub fn stands(&mut self, own: &Sealed) -> Result<(), Refusal> {
        let unreadable = |why: String| {
            let says = format!("the newest plan of its scope: {why}");
            Refusal::new(Reason::NewestUnreadable, says)
        };
        for _ in 0..TRIES {
            let held = self.register.read().map_err(unreadable)?;
            let found = held.as_ref().map(|h| NewestPaper::read(&h.bytes)).transpose()?;
            if !own.stands(found.as_ref().map(|p| &p.newest))? {
                return Ok(());
            }
            let over = held.as_ref().map(|h| h.version.as_str());
            let paper = NewestPaper::new(own.clone()).bytes();
            if let Swapped::Yes { .. } = self.register.swap(over, &paper).map_err(unreadable)? {
                return Ok(());
            }
        }
        Err(unreadable("others write all the time".into()))
    }
}
