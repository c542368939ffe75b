use crate::model::{AddressSet, PortSet, Protocol};
use crate::reach::Configured;
use std::net::IpAddr;

/// Answers what the configuration permits: [`crate::reach`], or a stand-in in tests.
pub trait Configuration {
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

    /// Everything that any client of `from` can reach, or that could not be ruled out.
    ///
    /// Complete: what is not listed is blocked. In no particular order.
    fn exposed(&self, from: &AddressSet) -> Vec<Exposed>;
}

/// One thing that the configuration lets clients reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub address: IpAddr,
    pub interface: Option<String>,
    pub protocol: Protocol,
    pub ports: PortSet,
    /// `Permitted`, `Partly` or `Unknown`.
    pub configured: Configured,
}
