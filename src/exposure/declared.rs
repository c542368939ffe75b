use super::cell::Declared;
use super::source::Source;
use crate::model::{AddressSet, Expect, Family, PortSet, Protocol};
use crate::spec::{Place, Spec};
use std::net::IpAddr;
use std::sync::Arc;

/// One declaration about the hosts of a role, for one source.
#[derive(Debug, Clone)]
pub(super) struct Declaration {
    pub(super) declared: Declared,
    /// Index of the source.
    pub(super) source: usize,
    pub(super) protocol: Protocol,
    pub(super) ports: PortSet,
    pub(super) service: Option<Arc<str>>,
    pub(super) expect: Option<Expect>,
    pub(super) place: Place,
}

/// Everything the spec says of hosts with these roles.
pub(super) fn declarations(spec: &Spec, sources: &[Source], roles: &[String]) -> Vec<Declaration> {
    let index = |name| sources.iter().position(|s| s.name == name);
    let mut out = Vec::new();
    for role in roles.iter().filter_map(|r| spec.roles.get(r)) {
        for service in &role.services {
            let name: Arc<str> = Arc::from(service.name.as_str());
            out.extend(service.from.iter().cloned().filter_map(index).map(|source| Declaration {
                declared: Declared::Required,
                source,
                protocol: service.port.protocol,
                ports: service.port.ports.clone(),
                service: Some(Arc::clone(&name)),
                expect: Some(service.expect.clone()),
                place: service.at.clone(),
            }));
        }
        for (declared, permits) in
            [(Declared::Allowed, &role.allow), (Declared::Forbidden, &role.forbid)]
        {
            for permit in permits {
                out.extend(permit.from.iter().cloned().filter_map(index).map(|source| {
                    Declaration {
                        declared,
                        source,
                        protocol: permit.port.protocol,
                        ports: permit.port.ports.clone(),
                        service: None,
                        expect: None,
                        place: permit.at.clone(),
                    }
                }));
            }
        }
    }
    out
}

/// Whether a protocol can be sent to an address: ICMP is IPv4's, ICMPv6 is IPv6's.
pub(super) fn speaks(protocol: Protocol, address: IpAddr) -> bool {
    match protocol {
        Protocol::Icmp => Family::of(address) == Family::V4,
        Protocol::Icmpv6 => Family::of(address) == Family::V6,
        _ => true,
    }
}

/// Cuts `ports` by who was declared narrower: each part with the clients that remain.
///
/// What opens tcp/22 to exactly the office is no exposure of the internet, so the office's
/// addresses are taken out of the internet's before the configuration is asked.
pub(super) fn without_narrower<'a>(
    ports: PortSet,
    from: &AddressSet,
    narrower: impl Iterator<Item = (&'a PortSet, &'a AddressSet)>,
) -> Vec<(PortSet, Option<AddressSet>)> {
    let mut pieces = vec![(ports, None::<AddressSet>)];
    for (declared, clients) in narrower {
        let mut next = Vec::with_capacity(pieces.len() + 1);
        for (ports, left) in pieces {
            let both = ports.intersect(declared);
            if both.is_empty() {
                next.push((ports, left));
                continue;
            }
            let rest = ports.subtract(declared);
            let without = left.as_ref().unwrap_or(from).subtract(clients);
            next.push((both, Some(without)));
            if !rest.is_empty() {
                next.push((rest, left));
            }
        }
        pieces = next;
    }
    pieces
}
