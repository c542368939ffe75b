//! Places where one writer wins: the paper of a claim, or the halt switch, under compare-and-swap.

#[cfg(feature = "fleet")]
mod bucket;
mod disk;
#[cfg(feature = "fleet")]
mod down;
mod file;
mod git;

#[cfg(feature = "fleet")]
pub use bucket::BucketRegister;
pub use disk::{disk, machine};
#[cfg(feature = "fleet")]
pub use down::DownRegister;
pub use file::{FileRegister, replace_file};
pub use git::GitRegister;

/// A paper and the version of it that a swap must still find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub bytes: Vec<u8>,
    pub version: String,
}

/// What became of a swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// It is in place, as this version.
    Yes { version: String },
    /// Somebody else's was there first, and still is.
    No,
}

/// One paper that many may read and one at a time may replace.
pub trait Register {
    /// What is there now; `None` where nothing ever was.
    ///
    /// # Errors
    /// What keeps it from being read, which is not the same as nothing being there.
    fn read(&mut self) -> Result<Option<Held>, String>;

    /// Writes `bytes` if what is there is still `over` (`None`: if nothing is).
    ///
    /// # Errors
    /// What keeps it from being known; the bytes may then be in place or not.
    fn swap(&mut self, over: Option<&str>, bytes: &[u8]) -> Result<Swapped, String>;

    /// Whether no other process that ever held it can be alive: true of a lock of the system that
    /// ends with its process.
    fn alone(&self) -> bool {
        false
    }
}
