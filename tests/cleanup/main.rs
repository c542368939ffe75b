//! The scenarios of cleanup, each by its id, against a simulated world behind the real protocol.
#![expect(clippy::disallowed_methods, reason = "tests read files and run the binary")]

#[expect(dead_code, reason = "the core's tests use the rest")]
#[path = "../core/common/mod.rs"]
mod common;

mod a;
mod answers;
mod around;
mod at;
mod b;
mod b_stages;
#[cfg(feature = "fleet")]
mod bucket;
mod c;
mod certificates;
mod d;
mod day;
mod e;
mod e07;
mod evidence;
mod fleet;
mod ground;
mod guards;
mod hardware;
mod job;
mod mutants;
mod named;
#[cfg(feature = "fleet")]
mod nats;
mod notes;
mod outage;
mod owners;
mod permits;
mod planned;
mod races;
mod seeds;
#[expect(dead_code, reason = "each part uses its own")]
mod simworld;
mod stage;
mod undo;
mod unseen;
mod watch;
