//! Incidents replayed with real sockets on loopback.
//!
//! A [`World`] is what really answers: listeners on 127.0.x.y that play the hosts of an incident,
//! each seen from named vantages. An address map leads the probe engine from the incident's
//! addresses to them; such a map is made here and in tests, and no flag of the program makes one.
//!
//! A [`Fleet`] is a platform whose cleanup went wrong, and [`reaping`] plans it anew, with chosen guards:
//! the only place beside tests that switches any off.

mod catalog;
mod fleet;
pub mod reaping;
mod responder;
mod world;

pub use catalog::{CATALOG, Incident, Reaping, Replay, Replays, find};
pub use fleet::{Fleet, Reader};
pub use reaping::Reaped;
pub use world::{World, WorldVantage};
