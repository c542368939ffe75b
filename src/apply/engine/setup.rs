use super::{Clock, HaltSwitch, LiveLook, Mode, Watch};
use crate::apply::journal::JournalStore;
use crate::apply::register::Register;
use crate::apply::{DayBook, NewestBook};
use crate::cleanup::approval::Approved;
use crate::cleanup::journal::Chain;
use crate::cleanup::plan::Limits;
use crate::cleanup::receipt::Receipt;
use crate::cleanup::{Guards, Refusal, World};
use crate::model::Stop;
use jiff::{SignedDuration, Timestamp};

/// What an apply runs with.
pub struct Setup<'a> {
    pub approved: &'a Approved,
    /// The plan's, or tighter ones (`cleanup::ramp::tightened`).
    pub limits: Limits,
    pub guards: Guards,
    pub mode: Mode,
    /// Of a deletion: the quarantine that it rests on.
    pub receipt: Option<&'a Receipt>,
    pub world: &'a mut dyn World,
    pub journal: &'a mut dyn JournalStore,
    pub register: &'a mut dyn Register,
    /// What may still be done within a day.
    pub day: &'a mut DayBook,
    /// Whether another plan took the place of this one.
    pub newest: &'a mut NewestBook,
    pub halt: &'a mut dyn HaltSwitch,
    pub live: &'a mut dyn LiveLook,
    /// What must go on answering between batches, beside what the world says of itself.
    pub watch: Option<&'a mut dyn Watch>,
    /// Asked before each batch: whether approvals, denials and revocations are still what they were.
    pub still: &'a mut dyn FnMut(Timestamp) -> Result<(), Refusal>,
    /// Given what was done before an attached run rests: a run that is killed then leaves a receipt.
    pub receipted: &'a mut dyn FnMut(&Chain) -> Result<(), Refusal>,
    pub clock: &'a dyn Clock,
    /// Of the run: never used twice.
    pub nonce: String,
    /// Who applies, for people.
    pub by: String,
    /// How long a claim counts without a sign of life: longer than the longest act.
    pub lease: SignedDuration,
    /// Raised to stop before the next act.
    pub stop: Stop,
}
