use crate::observation::VantageSeen;
use std::net::IpAddr;

/// This machine as a vantage, with the outside addresses that were configured for it. What is not
/// configured is filled in from STUN answers while probing; without either it stays unknown, and
/// its observations count for no source.
#[must_use]
pub fn local(name: &str, outside: &[IpAddr]) -> VantageSeen {
    VantageSeen {
        outside_v4: outside.iter().copied().find(IpAddr::is_ipv4),
        outside_v6: outside.iter().copied().find(IpAddr::is_ipv6),
        ..VantageSeen::new(name)
    }
}
