//! Reads the cloud into a snapshot: live through the SDKs, or from saved answers. Never changes anything.

#[cfg(feature = "aws")]
pub mod aws;
mod file;
mod policy;
pub mod saved;

pub use file::{SnapshotFile, write_snapshot};
pub use policy::policy;
