use super::cell::Declared;
use super::source::Source;
use super::traffic::Traffic;
use crate::model::{AddressSet, Expect, PortSet, Protocols};
use crate::spec::{Place, Spec};
use std::borrow::Cow;
use std::sync::Arc;

/// One declaration about the hosts of a role, for one source.
#[derive(Debug, Clone)]
pub(super) struct Declaration {
    pub(super) declared: Declared,
    /// Index of the source.
    pub(super) source: usize,
    pub(super) protocols: Protocols,
    pub(super) ports: PortSet,
    pub(super) service: Option<Arc<str>>,
    pub(super) expect: Option<Expect>,
    pub(super) place: Place,
}

impl Declaration {
    /// Whether it speaks of traffic.
    pub(super) const fn speaks_of(&self, traffic: Traffic) -> bool {
        match traffic {
            Traffic::Of(protocol) => self.protocols.contains(protocol),
            Traffic::Unnamed(_) => self.protocols.contains_unnamed(),
        }
    }
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
                protocols: Protocols::One(service.port.protocol),
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
                        protocols: permit.protocols,
                        ports: permit.ports.clone(),
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

/// Cuts `ports` by who was declared narrower: each part with the clients that remain.
///
/// What opens tcp/22 to exactly the office is no exposure of the internet, so the office's
/// addresses are taken out of the internet's before the configuration is asked.
pub(super) fn without_narrower<'a>(
    ports: PortSet,
    from: &AddressSet,
    narrower: impl Iterator<Item = (Cow<'a, PortSet>, &'a AddressSet)>,
) -> Vec<(PortSet, Option<AddressSet>)> {
    let mut pieces = vec![(ports, None::<AddressSet>)];
    for (declared, clients) in narrower {
        let mut next = Vec::with_capacity(pieces.len() + 1);
        for (ports, left) in pieces {
            let both = ports.intersect(&declared);
            if both.is_empty() {
                next.push((ports, left));
                continue;
            }
            let rest = ports.subtract(&declared);
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
