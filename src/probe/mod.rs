//! Sends the probes of a survey and says what answered: the edge that touches the network.
//!
//! `schedule` decides what is sent when and what silence is worth, `engine` sends and hears,
//! `protocol` asks what answers who it is, `profile` asks the way of customers behind proxies and
//! small links.

mod engine;
mod loss;
mod map;
mod options;
mod pace;
mod profile;
mod protocol;
mod random;
mod rtt;
mod run;
mod schedule;
mod verdict;

pub use map::AddressMap;
pub use options::{DEFAULT_RATE, DEFAULT_TIMEOUT, DEFAULT_TRIES, Options, SLOW_LANE};
pub use profile::Proxy;
pub use run::run;
