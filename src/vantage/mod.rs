//! Places that probes are sent from: this machine, and others that a command reaches.
//!
//! Another vantage is `portcullis probe --survey -` at the end of a command of the configuration
//! (`ssh`, `kubectl exec`, `ip netns exec`). It is given one survey and says what it saw, line by
//! line; what it says is held to what it was asked, and whatever is wrong with it is told.

mod child;
mod hear;
mod local;
mod remote;
#[cfg(test)]
mod tests;

pub use hear::Told;
pub use local::local;
pub use remote::{Remote, ask};
