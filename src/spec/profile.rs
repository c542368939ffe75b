use super::Place;
use crate::model::{Family, PortSet, PortSpec, Protocol};

/// A customer configuration: what a customer's network does to what they send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    pub block: Vec<PortSpec>,
    /// Empty means everything that is not blocked.
    pub allow: Vec<PortSpec>,
    /// The proxy that everything goes through, by its name in `portcullis.yaml`; a spec may not
    /// send our probes through somebody's machine.
    pub via: Option<String>,
    /// The only address family there is.
    pub family: Option<Family>,
    /// The largest packet that the link carries, in bytes, 576 to 1500.
    pub mtu: Option<u16>,
    pub at: Place,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProxyKind {
    /// `CONNECT` of HTTP/1.1 (RFC 9110, 9.3.6): TCP only.
    HttpConnect,
    /// SOCKS version 5 (RFC 1928): TCP, and UDP where the proxy offers it.
    Socks5,
}

impl Profile {
    /// The profile of a customer whom nothing hinders: what a journey is judged for where a spec
    /// declares no profile.
    #[must_use]
    pub fn open(at: Place) -> Self {
        let (block, allow) = (Vec::new(), Vec::new());
        Self { name: "open".into(), block, allow, via: None, family: None, mtu: None, at }
    }

    /// The ports of `port` that its clients get through to, as far as the spec alone can tell: a
    /// proxy of a name of its own may yet turn out to carry no UDP.
    #[must_use]
    pub fn permits(&self, port: &PortSpec) -> PortSet {
        let of = |specs: &[PortSpec]| {
            let same = specs.iter().filter(|s| s.protocol == port.protocol);
            same.fold(PortSet::empty(), |all, s| all.union(&s.ports))
        };
        let carried = match self.via.as_deref().map(ProxyKind::of_name) {
            None => true,
            Some(Some(kind)) => kind.carries(port.protocol),
            Some(None) => ProxyKind::Socks5.carries(port.protocol),
        };
        if !carried {
            return PortSet::empty();
        }
        let allowed = if self.allow.is_empty() {
            port.ports.clone()
        } else {
            port.ports.intersect(&of(&self.allow))
        };
        allowed.subtract(&of(&self.block))
    }

    /// Whether its clients' packets look on the wire like anybody's: what anybody's probe saw then
    /// holds for them too.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.via.is_none() && self.mtu.is_none()
    }

    /// Whether its clients have this address family, and can have it with their MTU: IPv6 asks for
    /// links of 1280 bytes (RFC 8200, 5).
    #[must_use]
    pub fn speaks(&self, family: Family) -> bool {
        let fits = family == Family::V4 || self.mtu.is_none_or(|mtu| mtu >= Self::LEAST_MTU_V6);
        fits && self.family.is_none_or(|only| only == family)
    }

    /// The smallest MTU of a link that carries IPv6.
    pub const LEAST_MTU_V6: u16 = 1280;
}

impl ProxyKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::HttpConnect, Self::Socks5];

    /// The word in files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HttpConnect => "http-connect",
            Self::Socks5 => "socks5",
        }
    }

    /// The kind that a proxy of this name is, where the name says it.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// Whether it can carry a protocol at all.
    #[must_use]
    pub const fn carries(self, protocol: Protocol) -> bool {
        match self {
            Self::HttpConnect => matches!(protocol, Protocol::Tcp),
            Self::Socks5 => matches!(protocol, Protocol::Tcp | Protocol::Udp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(block: &[&str], allow: &[&str], via: Option<&str>) -> Profile {
        let ports = |texts: &[&str]| texts.iter().map(|t| t.parse().expect("ports")).collect();
        let at = Place { file: "a".into(), line: 1, column: 1 };
        Profile {
            block: ports(block),
            allow: ports(allow),
            via: via.map(Into::into),
            ..Profile::open(at)
        }
    }

    #[test]
    fn what_a_customers_network_lets_through() {
        for (block, allow, via, port, left) in [
            (&[][..], &[][..], None, "udp/3478", "3478"),
            (&["udp"], &[], None, "udp/3478", "none"),
            (&["udp"], &[], None, "tcp/443", "443"),
            (&[], &["tcp/443"], None, "tcp/443-444", "443"),
            (&[], &["tcp/443"], None, "udp/443", "none"),
            (&["tcp/81"], &["tcp/80-82"], None, "tcp/80-90", "80,82"),
            (&[], &[], Some("http-connect"), "udp/443", "none"),
            (&[], &[], Some("socks5"), "udp/443", "443"),
            (&[], &[], Some("branch"), "udp/443", "443"),
            (&[], &[], Some("branch"), "icmp/echo", "none"),
        ] {
            let profile = profile(block, allow, via);
            let port = port.parse().expect("ports");
            assert_eq!(profile.permits(&port).to_string(), left, "{profile:?} {port}");
        }
    }
}
