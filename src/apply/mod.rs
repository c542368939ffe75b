//! The only code that changes anything: acts, adapters, claims, the halt switch, the journal's file.

mod adapter;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "fleet")]
pub mod bucket;
mod claim;
mod engine;
mod journal;
mod register;

pub use adapter::{Adapter, AdapterCommand, AdapterLimits};
pub use claim::{Claim, Claimant};
pub use engine::{
    After, ApplyReport, Clock, HaltSwitch, LiveLook, Looked, Mode, NoLook, Setup, SystemClock,
    hello, now_by, run,
};
pub use journal::{Journal, JournalFile, JournalStore};
#[cfg(feature = "fleet")]
pub use register::BucketRegister;
pub use register::{FileRegister, GitRegister, Held, Register, Swapped};
