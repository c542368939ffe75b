use crate::model::{PortSet, PortSpec, Protocol};

/// TCP ports that are worth a look wherever everything is permitted: administration, databases,
/// queues, control planes and what attackers ask first.
pub const WELL_KNOWN_TCP: [u16; 48] = [
    21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 389, 443, 445, 465, 587, 636, 873, 993, 995,
    1433, 1521, 1883, 2049, 2181, 2375, 2376, 2379, 3000, 3128, 3306, 3389, 5000, 5432, 5601, 5672,
    5900, 5985, 6379, 6443, 8000, 8080, 8443, 9092, 9200, 10250, 11211, 27017,
];

/// UDP ports of the same kind.
pub const WELL_KNOWN_UDP: [u16; 12] =
    [53, 69, 111, 123, 161, 389, 500, 1194, 1900, 3478, 5060, 11211];

/// The well-known ports of a protocol; none for a protocol without ports.
#[must_use]
pub fn well_known(protocol: Protocol) -> PortSet {
    let ports: &[u16] = match protocol {
        Protocol::Tcp => &WELL_KNOWN_TCP,
        Protocol::Udp => &WELL_KNOWN_UDP,
        _ => &[],
    };
    ports.iter().map(|p| (*p, *p)).collect()
}

/// What `portcullis probe` asks where no ports are named: the well-known TCP ports.
#[must_use]
pub fn default_ports() -> Vec<PortSpec> {
    vec![PortSpec::new(Protocol::Tcp, well_known(Protocol::Tcp))]
}
