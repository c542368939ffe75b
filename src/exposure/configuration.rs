use super::traffic::Traffic;
use crate::model::{AddressSet, Gap, PortSet, Protocol};
use crate::reach::{Configured, Reach};
use std::net::IpAddr;

/// Answers what the configuration permits: [`crate::reach`], or a stand-in in tests. Many threads
/// ask at once; an answer depends on the question only.
pub trait Configuration: Sync {
    /// Cuts `ports` into parts with one answer each, for clients in `from` sending to `address`.
    ///
    /// `from` is never empty. The parts are disjoint and together are `ports`.
    fn slices(
        &self,
        address: IpAddr,
        interface: Option<&str>,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)>;

    /// Everything at `address` that any client of `from` can reach, or that could not be ruled out.
    ///
    /// Complete: what is not listed is blocked. Sorted: what has an entry of its own by protocol
    /// and ports, then what stands for the other protocols.
    fn exposed(&self, address: IpAddr, interface: Option<&str>, from: &AddressSet) -> Vec<Exposed>;

    /// The public addresses of an interface, also those that its own row does not show.
    fn public_addresses(&self, _interface: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    /// What could not be seen and blinds more than single rows.
    fn gaps(&self) -> Vec<Gap>;

    /// Frees what was kept of answers for the same sources: others are asked about next.
    fn forget(&self) {}
}

/// One thing at an address that the configuration lets clients reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub protocol: Protocol,
    /// Stands for every protocol number that has no entry of its own; `protocol` is the least.
    pub every_other_protocol: bool,
    pub ports: PortSet,
    /// `Permitted`, `Partly` or `Unknown`.
    pub configured: Configured,
}

impl Exposed {
    pub(super) const fn traffic(&self) -> Traffic {
        if self.every_other_protocol {
            Traffic::Unnamed(self.protocol)
        } else {
            Traffic::Of(self.protocol)
        }
    }
}

impl Configuration for Reach<'_> {
    fn slices(
        &self,
        address: IpAddr,
        interface: Option<&str>,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        Reach::slices(self, address, interface, from, protocol, ports)
    }

    fn exposed(&self, address: IpAddr, interface: Option<&str>, from: &AddressSet) -> Vec<Exposed> {
        // An address without an interface is declared, not read.
        let Some(interface) = interface else { return Vec::new() };
        self.exposed_at(address, interface, from)
            .into_iter()
            .map(|e| Exposed {
                protocol: e.protocol,
                every_other_protocol: e.every_other_protocol,
                ports: e.ports,
                configured: e.configured,
            })
            .collect()
    }

    fn public_addresses(&self, interface: &str) -> Vec<IpAddr> {
        Reach::public_addresses(self, interface)
    }

    fn gaps(&self) -> Vec<Gap> {
        Reach::gaps(self)
    }

    fn forget(&self) {
        Reach::forget(self);
    }
}
