//! The only code that changes anything: acts, adapters, claims, the halt switch, the journal's file.

mod adapter;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "fleet")]
pub mod bucket;
mod claim;
mod day;
mod denied;
mod engine;
mod halt;
mod holder;
mod journal;
mod newest;
mod permit;
mod register;

pub use adapter::{Adapter, AdapterCommand, AdapterLimits};
pub(crate) use claim::unknown as claim_unknown;
pub use claim::{Claim, Claimant, without_register};
pub use day::DayBook;
pub use denied::{DeniedSetup, told as denial_told, write_denied};
pub use engine::{
    After, ApplyReport, Clock, HaltSwitch, LiveLook, Looked, Mode, NoLook, Setup, SystemClock,
    UndoReport, UndoSetup, Watch, hello, now_by, run, undo,
};
pub use halt::Switchboard;
pub use journal::{Journal, JournalFile, JournalStore};
pub use newest::NewestBook;
pub use permit::{PermitSetup, permit};
#[cfg(feature = "fleet")]
pub use register::{BucketRegister, DownRegister};
pub use register::{
    FileRegister, GitRegister, Held, Register, Swapped, disk, machine, replace_file,
};
