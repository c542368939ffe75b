use super::Configured;
use crate::model::{AddressSet, PortSet, Protocol};
use std::net::IpAddr;
use std::sync::Arc;

/// One address, protocol and set of ports that some client may reach: permitted, partly or unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedEndpoint {
    pub address: IpAddr,
    /// Host id: the instance, or the interface where no instance has it.
    pub host: Arc<str>,
    /// What the host belongs to, where it is an interface: `load balancer edge`.
    pub owner: Option<Arc<str>>,
    pub interface: Arc<str>,
    pub protocol: Protocol,
    /// Stands for every protocol number that has no row of its own; `protocol` is the least.
    pub every_other_protocol: bool,
    pub ports: PortSet,
    /// The asked sources that get through, or may where the verdict is unknown.
    pub sources: Arc<AddressSet>,
    pub configured: Configured,
}
