use crate::model::PortSpec;
use crate::pathproof::Trusted;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// What is answered, to whom, for how long.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// TCP and UDP ports; other protocols are left out.
    pub ports: Vec<PortSpec>,
    /// Local addresses; empty is every address of both families.
    pub bind: Vec<IpAddr>,
    pub trusted: Trusted,
    /// The addresses under which auditors know this host; empty judges by where a request arrives.
    pub addresses: BTreeSet<IpAddr>,
    /// When it ends by itself.
    pub lasts: Option<Duration>,
}
