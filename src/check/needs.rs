use super::judged::Context;
use crate::exposure::clients_of;
use crate::finding::{self, Finding, Need};
use crate::model::{AddressSet, Protocols, SourceName};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the mends of a report's findings agree with each other and with what is declared.
pub fn agree(findings: &mut [Finding], context: &Context<'_>) {
    let needs = Needs::new(context);
    finding::agree(findings, context.ground, &|group| needs.of(group));
}

/// What is declared for the hosts behind each security group: what its permissions are for.
pub(super) struct Needs<'a> {
    pub(super) context: &'a Context<'a>,
    roles: BTreeMap<&'a str, BTreeSet<&'a str>>,
    clients: BTreeMap<&'a SourceName, AddressSet>,
}

impl<'a> Needs<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        let Context { spec, resolution, ground, .. } = context;
        let mut roles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // A host that is stopped needs them when it starts.
        for host in resolution.hosts.values().filter(|h| !h.roles.is_empty()) {
            let interfaces = host.addresses.iter().filter_map(|a| a.interface.as_deref());
            for group in interfaces.flat_map(|id| ground.groups_of(id)) {
                roles.entry(group).or_default().extend(host.roles.iter().map(String::as_str));
            }
        }
        let mut clients = BTreeMap::new();
        for role in spec.roles.values() {
            let services = role.services.iter().flat_map(|s| &s.from);
            for source in services.chain(role.allow.iter().flat_map(|p| &p.from)) {
                clients.entry(source).or_insert_with(|| clients_of(source, spec, resolution));
            }
        }
        Self { context, roles, clients }
    }

    /// What is required and allowed of any host of a group.
    pub(super) fn of(&self, group: &str) -> Vec<Need<'_>> {
        let roles = self.roles.get(group).into_iter().flatten();
        let mut out = Vec::new();
        for role in roles.filter_map(|r| self.context.spec.roles.get(*r)) {
            let services = role.services.iter().map(|s| {
                let protocols = Protocols::One(s.port.protocol);
                (Some(s.name.as_str()), protocols, &s.port.ports, &s.from)
            });
            let allowed = role.allow.iter().map(|p| (None, p.protocols, &p.ports, &p.from));
            for (service, protocols, ports, from) in services.chain(allowed) {
                out.extend(from.iter().filter_map(|source| {
                    let clients = self.clients.get(source)?;
                    let role = &*role.name;
                    Some(Need { protocols, ports, source, clients, service, role })
                }));
            }
        }
        out
    }
}
