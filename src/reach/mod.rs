//! What the snapshot permits, from where, with the path that decides.
//!
//! A packet's way is a list of *stages* (`ways`): what stands between its ends, each letting some
//! of the ends at the other side through for each destination port, for sure or perhaps. Walking the
//! stages (`combine`) gives a three-valued verdict and the stage that decides. Everything that many
//! interfaces share is walked once a class.

mod acl;
mod answer;
mod attached;
mod back;
mod balancer;
mod behind;
mod blind;
mod bpa;
mod class;
mod combine;
mod cross;
mod ends;
mod engine;
mod explain;
mod exposed;
mod gate;
mod group;
mod hairpin;
mod hidden;
mod index;
mod leave;
mod lines;
mod listing;
mod memory;
mod nobody;
mod options;
mod orphan;
mod path;
mod peers;
mod query;
mod route;
mod sources;
mod span;
mod transit;
mod unread;
mod ways;

pub use answer::{Assumption, ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Verdict};
pub use engine::Reach;
pub use exposed::ExposedEndpoint;
pub use options::Options;
pub use path::Path;
pub use query::{End, Explanation, Note, Query, QueryError};
