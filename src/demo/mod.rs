//! Incidents replayed with real sockets on loopback.
//!
//! A [`World`] is what really answers: listeners on 127.0.x.y that play the hosts of an incident,
//! each seen from named vantages. An address map leads the probe engine from the incident's
//! addresses to them; such a map is made here and in tests, and no flag of the program makes one.

mod catalog;
mod responder;
mod world;

pub use catalog::{CATALOG, Incident, Replay, find};
pub use world::{World, WorldVantage};
