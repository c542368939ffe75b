//! Signs with the SSH keys people have: the edge that reads private keys and starts `ssh-keygen`.
//!
//! A plain file key signs in this process. Whatever else holds the key (an agent, a hardware key,
//! a passphrase) is asked through stock `ssh-keygen -Y sign`, which knows how.

mod auditor;
mod error;
mod file;
mod key;
mod keygen;
#[cfg(test)]
mod tests;

pub use auditor::auditor;
pub use error::SignError;
pub use file::{ready, sign_file};
