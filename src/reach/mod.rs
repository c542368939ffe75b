//! What the snapshot permits, from where, with the path that decides.

mod answer;

pub use answer::{
    Assumption, ClientSet, Configured, Decider, Hop, HopVerdict, Layer, Path, Verdict,
};
