//! One rule on one subject, with evidence on both sides and the mend.

mod acl;
mod agree;
mod aws;
mod close;
mod draft;
mod evidence;
#[expect(clippy::module_inception, reason = "the module's main type")]
mod finding;
mod fingerprint;
mod ground;
mod live;
mod measure;
mod mend;
mod reconcile;
mod shell;
mod stale;
mod step;
mod terraform;
mod way;

pub use agree::agree;
pub use aws::port_pairs;
pub use close::{Need, close, close_listener};
pub use draft::{Draft, Incomplete};
pub use finding::{Evidence, Finding, FindingStatus, Mend, Side};
pub use fingerprint::fingerprint;
pub use ground::Ground;
pub use measure::{Measure, is_worse};
pub use mend::{Traffic, lacking, open};
pub use reconcile::{Permission, reconcile};
pub use stale::revoke_peer;
