//! Continues an Auto Scaling lifecycle action: the edge that may tell Auto Scaling that an instance
//! which passed its gate may go into service, and that one which is waited for needs more time.
//!
//! It has no way to abandon an action, because that terminates the instance: what is withheld stays
//! as it is until somebody continues it or the hook's own time is over.

#[cfg(feature = "aws")]
mod client;
mod error;
#[cfg(feature = "aws")]
mod hook;
mod policy;
#[cfg(all(test, feature = "aws"))]
mod tests;

pub use error::LifecycleError;
#[cfg(feature = "aws")]
pub use hook::{Hook, Settings};
pub use policy::policy;
