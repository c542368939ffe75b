//! Whether new servers may enter rotation: pass, or hold with the reasons.
//!
//! Layer 7. Pure. [`choose`] finds the hosts that were named, `peers` those of the role that
//! serve already, [`judge`] holds every host that was not proven to be what its role declares:
//! *unknown* is never *pass*.

mod answer;
mod choose;
mod input;
mod judge;
mod parity;
mod peers;
mod place;
mod sweep;
mod traits;
mod watch;

pub use answer::{Answer, HostAnswer, Peer, Proof, Reason, Swept, Verdicts};
pub use choose::{Chosen, Refusal, Wanted, choose};
pub use input::{AskedVantage, Input, Options};
pub use judge::judge;
pub use parity::{Difference, compare};
pub use peers::{answering, serving, unmeasured};
pub use place::Placed;
pub use traits::{Trait, Traits, Value, observed_traits, traits};
pub use watch::watched;

#[cfg(test)]
mod tests;
