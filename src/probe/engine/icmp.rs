use std::net::IpAddr;

/// An ICMP or ICMPv6 error that answered a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Icmp {
    pub(crate) class: IcmpClass,
    /// Who sent it; `None` when the kernel did not tell. A NAT between writes its own idea of that.
    pub(crate) from: Option<IpAddr>,
    /// Hops that it travelled, where the kernel tells.
    pub(crate) hops: Option<u8>,
}

/// What an ICMP error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IcmpClass {
    PortUnreachable,
    ProtocolUnreachable,
    Prohibited,
    HostUnreachable,
    NetworkUnreachable,
    TimeExceeded,
}

impl IcmpClass {
    /// Whether it is what a host says of a port or protocol of its own.
    pub(crate) const fn refuses(self) -> bool {
        matches!(self, Self::PortUnreachable | Self::ProtocolUnreachable)
    }

    /// Reads type and code of an ICMP error; `None` for what says nothing about the endpoint.
    pub(crate) const fn v4(kind: u8, code: u8) -> Option<Self> {
        Some(match (kind, code) {
            (3, 0 | 6 | 11) => Self::NetworkUnreachable,
            (3, 1 | 5 | 7 | 8 | 12) => Self::HostUnreachable,
            (3, 2) => Self::ProtocolUnreachable,
            (3, 3) => Self::PortUnreachable,
            (3, 9 | 10 | 13 | 14 | 15) => Self::Prohibited,
            (11, _) => Self::TimeExceeded,
            _ => return None,
        })
    }

    /// The same for ICMPv6 (RFC 4443).
    pub(crate) const fn v6(kind: u8, code: u8) -> Option<Self> {
        Some(match (kind, code) {
            (1, 0) => Self::NetworkUnreachable,
            (1, 1 | 5 | 6) => Self::Prohibited,
            (1, 2 | 3) => Self::HostUnreachable,
            (1, 4) => Self::PortUnreachable,
            (3, _) => Self::TimeExceeded,
            // "Unrecognised next header": the host has no such protocol.
            (4, 1) => Self::ProtocolUnreachable,
            _ => return None,
        })
    }

    /// What a connect's errno stands for when the error queue was lost.
    pub(crate) const fn of_errno(errno: i32) -> Option<Self> {
        Some(match errno {
            libc::ECONNREFUSED => Self::PortUnreachable,
            libc::ENOPROTOOPT => Self::ProtocolUnreachable,
            // ICMPv6 prohibited, policy and reject route.
            libc::EACCES => Self::Prohibited,
            libc::EHOSTUNREACH | libc::EHOSTDOWN => Self::HostUnreachable,
            libc::ENETUNREACH | libc::ENONET => Self::NetworkUnreachable,
            _ => return None,
        })
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::PortUnreachable => "ICMP port unreachable",
            Self::ProtocolUnreachable => "ICMP protocol unreachable",
            Self::Prohibited => "ICMP administratively prohibited",
            Self::HostUnreachable => "ICMP host unreachable",
            Self::NetworkUnreachable => "ICMP network unreachable",
            Self::TimeExceeded => "ICMP time exceeded",
        }
    }
}
