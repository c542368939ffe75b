//! Reads the cloud, and what was saved from it. Never changes anything.

pub mod saved;
