//! What the snapshot permits, from where, with the path that decides.

mod answer;
mod engine;
mod exposed;
mod options;
mod query;

pub use answer::{
    Assumption, ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Path, Verdict,
};
pub use engine::Reach;
pub use exposed::ExposedEndpoint;
pub use options::Options;
pub use query::{End, Explanation, Query, QueryError};
