//! Reads the cloud into a snapshot, live through the SDKs or from saved answers, and facts of hosts from
//! where people keep them. Never changes anything.

#[cfg(feature = "aws")]
pub mod aws;
mod classic;
pub mod facts;
mod file;
mod policy;
pub mod saved;

pub use file::{SnapshotFile, write_snapshot};
pub use policy::policy;
