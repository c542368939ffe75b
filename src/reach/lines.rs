use crate::model::{PortSet, PortSpec, Protocol, with_unused_codes};
use std::fmt;

/// The protocols and ports of a permission or an entry, normalised (R7, R8, R9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traffic {
    /// `None` is every protocol.
    pub(super) protocol: Option<Protocol>,
    pub(super) ports: PortSet,
}

impl Traffic {
    /// Of a permission or an entry: its protocol as text, and its port range or ICMP type and code.
    /// `None` where it is malformed and matches nothing.
    pub(super) fn read(protocol: &str, from: Option<i32>, to: Option<i32>) -> Option<Self> {
        if protocol == "-1" || protocol.eq_ignore_ascii_case("all") {
            return Some(Self { protocol: None, ports: PortSet::all() });
        }
        let protocol: Protocol = protocol.parse().ok()?;
        let ports = if protocol.is_icmp() {
            with_unused_codes(protocol, icmp(from, to)?)
        } else if protocol.has_ports() {
            let low = from.filter(|p| *p >= 0).unwrap_or(0);
            let high = to.filter(|p| *p >= 0).unwrap_or(i32::from(u16::MAX));
            PortSet::range(u16::try_from(low).ok()?, u16::try_from(high.min(65535)).ok()?)
        } else {
            PortSet::all()
        };
        Some(Self { protocol: Some(protocol), ports })
    }

    /// The ports it opens or closes for `protocol`.
    pub(super) fn ports_of(&self, protocol: Protocol) -> Option<&PortSet> {
        self.protocol.is_none_or(|p| p == protocol).then_some(&self.ports)
    }
}

/// A type of -1 is every type; with a code it is invalid and matches nothing. A code of -1 is every code.
fn icmp(icmp_type: Option<i32>, code: Option<i32>) -> Option<PortSet> {
    let byte = |v: Option<i32>| v.filter(|n| *n >= 0).map(u8::try_from).transpose().ok();
    match (byte(icmp_type)?, byte(code)?) {
        (None, None) => Some(PortSet::all()),
        (None, Some(_)) => None,
        (Some(t), None) => Some(PortSet::icmp_type(t)),
        (Some(t), Some(c)) => Some(PortSet::one(crate::model::icmp_key(t, c))),
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            None => f.write_str("all"),
            Some(protocol) => PortSpec::new(protocol, self.ports.clone()).fmt(f),
        }
    }
}
