//! Places that probes are sent from. For now there is one kind: this machine.

mod local;

pub use local::local;
