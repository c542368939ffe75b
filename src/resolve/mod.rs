//! Roles to members: selectors over the snapshot's hosts and the declared ones.

mod host;

pub use host::{Host, HostAddress, HostOrigin, Resolution};
