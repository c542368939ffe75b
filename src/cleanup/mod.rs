//! Cleanup that cannot be the next outage: what may be removed, who agreed, what was done.
//!
//! Everything here is pure: the edges `dossier` (a plan's folder) and `apply` (acts, claim, halt,
//! journal file) touch the world. Data goes one way:
//!
//! ```text
//! World::list ─► Listing ─► plan::draft ─► Plan ─seal─► bytes ─► approval::verify ─► Approved ─► apply
//! ```
//!
//! The words are those of product.md: a *candidate* is a thing that a cleanup could remove, a
//! *stratum* a class of candidates that could be wrong together, a *plan* a sealed list of exact
//! acts. Everything that is missing is a no.

mod act;
pub mod approval;
pub mod aws;
pub mod candidates;
pub mod claim;
pub mod day;
pub mod decommission;
pub mod denied;
pub mod disk;
pub mod evidence;
mod guard;
pub mod halt;
mod hold;
mod id;
pub mod journal;
mod memory;
pub mod names;
pub mod newest;
pub mod notice;
pub mod opt_out;
pub mod plan;
pub mod policy;
pub mod ramp;
mod reason;
pub mod receipt;
mod recheck;
mod recheck_planted;
mod resource;
pub mod selector;
pub mod selftest;
mod shape;
mod source;
pub mod stats;
mod stratum;
pub mod strict;
pub mod trace;
pub mod trust;
mod verdict;
pub mod watch;
mod world;

pub use act::{Act, Risk};
pub use decommission::{Decommission, Noted, SignedNote};
pub use guard::{Guard, Guards};
pub use id::{Digest, ItemRef, Target};
pub use memory::Memory;
pub use reason::{Class, Reason, Refusal};
pub(crate) use recheck::differs;
pub use recheck::{CONDEMNED, OPENS, ROLE, recheck, row};
pub use recheck_planted::planted;
pub use resource::{ADDRESSES, Claim, Listing, Resource, Source};
pub use shape::shape;
pub use world::{ActRequest, Acted, Health, Hello, Observed, World, WorldError};
