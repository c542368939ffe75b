//! What the snapshot permits: one test a row of the semantics table, and an oracle that agrees.

mod beyond;
mod commands;
mod forms;
mod joined;
mod oracle;
mod rules;
mod unread;
mod unseen;
mod v6;
pub(crate) mod world;
