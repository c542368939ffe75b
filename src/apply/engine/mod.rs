//! Applies a plan that people agreed to, one batch at a time.
//!
//! For each item: halt? fence? → a fresh look → the same thing, unprotected, not alive, unchanged →
//! its descendants → the outside look → intent on the disk → act → a look at what became of it →
//! outcome on the disk. Whatever is missing stops the run; whatever was begun is looked at first.

mod act;
mod backoff;
mod batch;
mod day;
mod hello;
mod item;
mod look;
mod reconcile;
mod report;
mod run;
mod seams;
mod setup;
mod undo;

pub use hello::{hello, now_by};
pub use report::{After, ApplyReport};
pub use run::{Mode, run};
pub use seams::{Clock, HaltSwitch, LiveLook, Looked, NoLook, SystemClock, Watch};
pub use setup::Setup;
pub use undo::{UndoReport, UndoSetup, undo};

use backoff::backoff;
pub(in crate::apply) use look::Eyes;
pub(in crate::apply) use run::{continues, within};
