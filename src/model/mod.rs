//! The words every other layer speaks: addresses, ports, protocols, gaps, severities.
//!
//! Layer 0. No I/O, no clock, no environment, no randomness: time, randomness and limits are
//! arguments wherever they matter.

mod address;
mod endpoint;
mod expect;
mod gap;
mod hidden;
mod icmp;
mod interval;
mod known;
mod port;
mod protocol;
mod protocols;
mod severity;
mod side_by_side;
mod stop;
pub mod version;

pub use address::{AddressSet, Family};
pub use endpoint::{Endpoint, PortSpec, SourceName};
pub use expect::{Expect, HttpExpect, TlsExpect};
pub use gap::{Gap, GapKind};
pub use hidden::is_hidden;
pub use icmp::with_unused_codes;
pub use interval::{Bound, IntervalSet};
pub use known::Known;
pub use port::{PortSet, icmp_key};
pub use protocol::Protocol;
pub use protocols::Protocols;
pub use severity::{Confidence, Severity};
pub use side_by_side::side_by_side;
pub use stop::Stop;
