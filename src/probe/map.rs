use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Real addresses to loopback sockets, for the demo and tests: packets go to the loopback socket,
/// observations carry the real address.
///
/// Without an entry an address stands for itself; with [`AddressMap::only`] it is refused instead,
/// so that a replay can never leave the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressMap {
    hosts: BTreeMap<IpAddr, IpAddr>,
    sockets: BTreeMap<(IpAddr, u16), SocketAddr>,
    only: bool,
}

impl AddressMap {
    /// Every address stands for itself.
    #[must_use]
    pub fn identity() -> Self {
        Self::default()
    }

    /// Nothing but what is mapped is ever sent to, and only to loopback.
    #[must_use]
    pub fn only() -> Self {
        Self { only: true, ..Self::default() }
    }

    /// Sends what is meant for `real` to `loopback`, same ports.
    #[must_use]
    pub fn host(mut self, real: IpAddr, loopback: IpAddr) -> Self {
        self.hosts.insert(real, loopback);
        self
    }

    /// Sends what is meant for one port of `real` to `loopback`; wins over [`AddressMap::host`].
    #[must_use]
    pub fn socket(mut self, real: IpAddr, port: u16, loopback: SocketAddr) -> Self {
        self.sockets.insert((real, port), loopback);
        self
    }

    /// Where packets for `real` and `port` go; `None` when they must not be sent.
    #[must_use]
    pub fn resolve(&self, real: IpAddr, port: u16) -> Option<SocketAddr> {
        let mapped = self
            .sockets
            .get(&(real, port))
            .copied()
            .or_else(|| self.hosts.get(&real).map(|a| SocketAddr::new(*a, port)));
        match mapped {
            Some(to) => to.ip().is_loopback().then_some(to),
            None if self.only => None,
            None => Some(SocketAddr::new(real, port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_never_leaves_loopback() {
        let real: IpAddr = "192.0.2.7".parse().expect("an address");
        let map = AddressMap::only().host(real, "127.0.0.7".parse().expect("an address"));
        assert_eq!(map.resolve(real, 22), Some("127.0.0.7:22".parse().expect("a socket")));
        assert_eq!(map.resolve("192.0.2.8".parse().expect("an address"), 22), None);
        let outside = AddressMap::only().host(real, "192.0.2.9".parse().expect("an address"));
        assert_eq!(outside.resolve(real, 22), None);
    }
}
