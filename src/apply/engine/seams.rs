use crate::cleanup::halt::Halted;
use crate::cleanup::plan::Item;
use crate::cleanup::watch::Watched;
use crate::cleanup::{Claim, Digest, Resource};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

/// What time it is, and waiting.
pub trait Clock {
    fn now(&self) -> Timestamp;

    /// Waits by a clock that nobody sets.
    fn wait(&self, how_long: Duration);
}

/// The machine's.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, how_long: Duration) {
        std::thread::sleep(how_long);
    }
}

/// The switch that must be readable and say run. It is asked before each act.
pub trait HaltSwitch {
    /// Whether to go on. `known` are halts that were seen before: each wants its signed lifting.
    ///
    /// # Errors
    /// A halt, and everything that keeps the switch from being understood.
    fn look(&mut self, known: &BTreeSet<Digest>, now: Timestamp) -> Result<(), Halted>;
}

/// What is declared, asked from outside between batches.
pub trait Watch {
    /// Asks all of it, now.
    ///
    /// # Errors
    /// What keeps it from being asked.
    fn look(&mut self) -> Result<Watched, String>;
}

/// A look of our own at a thing, from outside, a moment before the act.
pub trait LiveLook {
    fn look(&mut self, item: &Item, now: &Resource) -> Looked;
}

/// What a look saw. Silence proves no death: it only fails to prove life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It lives.
    Alive(Claim),
    /// Nothing answered on these channels; none, where there was nothing to ask.
    Silent(Vec<String>),
    /// It could not be looked at.
    Unknown(String),
}

/// Has nothing to ask.
pub struct NoLook;

impl LiveLook for NoLook {
    fn look(&mut self, _: &Item, _: &Resource) -> Looked {
        Looked::Silent(Vec::new())
    }
}
