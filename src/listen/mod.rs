//! Answers signed requests on the ports of a host whose application has not started: the edge that
//! listens for `portcullis listen`.
//!
//! Whoever is not a trusted auditor gets nothing: no datagram back, no banner, a connection that
//! closes. What strangers can make it do is bounded: signatures checked a second, connections open,
//! nonces remembered, bytes the kernel keeps for a port.

mod bind;
mod bound;
mod datagram;
mod guard;
mod options;
mod run;
mod stop;
mod stream;
mod sys;

pub use bound::{Reason, Unbound};
pub use options::Options;
pub use run::{Event, Listener, Summary};
