//! What the snapshot permits: one test a row of the semantics table, and an oracle that agrees.

mod oracle;
mod rules;
pub(crate) mod world;
