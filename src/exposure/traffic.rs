use super::Exposed;
use super::declared::Declaration;
use crate::model::{Family, Protocol, Protocols};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Traffic {
    /// One protocol.
    Of(Protocol),
    /// Every protocol that the configuration names nowhere; the least of them stands for all.
    Unnamed(Protocol),
}

impl Traffic {
    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Self::Of(protocol) | Self::Unnamed(protocol) => protocol,
        }
    }

    pub(super) const fn is_unnamed(self) -> bool {
        matches!(self, Self::Unnamed(_))
    }
}

/// Whether a protocol can be sent to an address: ICMP is IPv4's, ICMPv6 is IPv6's.
pub(super) fn speaks(protocol: Protocol, address: IpAddr) -> bool {
    protocol.runs_over(Family::of(address))
}

/// What of a declaration there are rows of, at one address: of protocols that it does not name only
/// what is exposed.
pub(super) fn spoken_of(
    declaration: &Declaration,
    address: IpAddr,
    exposed: &[Exposed],
) -> BTreeSet<Traffic> {
    let named = match declaration.protocols {
        Protocols::One(protocol) => vec![protocol],
        Protocols::Others => Vec::new(),
        Protocols::All => vec![Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6],
    };
    let named = named.into_iter().filter(|p| speaks(*p, address)).map(Traffic::Of);
    let others = exposed.iter().map(Exposed::traffic).filter(|t| {
        let other = matches!(t.protocol(), Protocol::Other(_));
        declaration.protocols.contains_unnamed() && other
    });
    named.chain(others).collect()
}
