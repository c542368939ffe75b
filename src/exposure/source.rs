use crate::model::{AddressSet, Family, SourceName};
use crate::observation::VantageSeen;
use crate::resolve::{Host, Resolution};
use crate::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One source of the spec, with the addresses that stand for it.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) name: SourceName,
    /// Addresses its clients send from, as the configuration sees them.
    pub(super) clients: AddressSet,
    /// Addresses that prove a vantage to lie in it: the clients' own, and the public ones they
    /// appear under.
    pub(super) located: AddressSet,
    /// Those of `clients` that are outside every network of ours.
    pub(super) outside: AddressSet,
    /// Those of `clients` that are not.
    pub(super) inside: AddressSet,
    /// Whether what was not declared for it is judged.
    pub(super) judged: bool,
    /// Vantages that lie in it, by family.
    pub(super) vantages_v4: BTreeSet<String>,
    pub(super) vantages_v6: BTreeSet<String>,
}

impl Source {
    fn new(name: SourceName, clients: AddressSet, located: AddressSet, judged: bool) -> Self {
        let all_outside = AddressSet::outside();
        let outside = clients.intersect(&all_outside);
        let inside = clients.subtract(&all_outside);
        let (vantages_v4, vantages_v6) = Default::default();
        Self { name, clients, located, outside, inside, judged, vantages_v4, vantages_v6 }
    }

    /// The vantages that lie in it and probe in this family.
    pub(super) fn vantages(&self, family: Family) -> &BTreeSet<String> {
        match family {
            Family::V4 => &self.vantages_v4,
            Family::V6 => &self.vantages_v6,
        }
    }
}

/// The addresses that clients of one source send from, which a permission for it lets in.
#[must_use]
pub fn clients_of(source: &SourceName, spec: &Spec, resolution: &Resolution) -> AddressSet {
    match source {
        SourceName::Internet => AddressSet::outside(),
        SourceName::Network(name) => {
            spec.networks.get(name).map(|n| n.addresses.clone()).unwrap_or_default()
        }
        SourceName::Role(name) => {
            let members = resolution.members.get(name).into_iter().flatten();
            let hosts = members.filter_map(|id| resolution.hosts.get(id)).filter(|h| h.live);
            AddressSet::from_addresses(hosts.flat_map(sends_from))
        }
    }
}

/// The private addresses of a host, because that is what a group as source matches (R3); all it has
/// where it has no private one.
fn sends_from(host: &Host) -> Vec<IpAddr> {
    let any = host.addresses.iter().any(|a| !a.public);
    host.addresses.iter().filter(|a| !any || !a.public).map(|a| a.address).collect()
}

/// Every source, broadest first, so that what a broad one says is known when a narrow one is judged.
///
/// `internet` and every network are judged for what nobody declared; of the roles those that the
/// spec names as somebody's source.
pub(super) fn sources(
    spec: &Spec,
    resolution: &Resolution,
    vantages: &[VantageSeen],
) -> Vec<Source> {
    let mut named: BTreeSet<&SourceName> = BTreeSet::new();
    for role in spec.roles.values() {
        named.extend(role.services.iter().flat_map(|s| &s.from));
        named.extend(role.allow.iter().chain(&role.forbid).flat_map(|p| &p.from));
    }
    let of = |name: &SourceName| clients_of(name, spec, resolution);
    let internet = of(&SourceName::Internet);
    let mut out = vec![Source::new(SourceName::Internet, internet.clone(), internet, true)];
    // A host that is down sends nothing: its address among a network's does not decide for the others.
    let down = resolution.hosts.values().filter(|h| !h.live);
    let idle = AddressSet::from_addresses(down.flat_map(sends_from));
    for network in spec.networks.keys() {
        let name = SourceName::Network(network.clone());
        let all = of(&name);
        out.push(Source::new(name, all.subtract(&idle), all, true));
    }
    for role in spec.roles.keys() {
        let name = SourceName::Role(role.clone());
        let members = resolution.members.get(role).into_iter().flatten();
        let hosts = members.filter_map(|id| resolution.hosts.get(id)).filter(|h| h.live);
        let located = hosts.flat_map(|h| h.addresses.iter().map(|a| a.address));
        let located = AddressSet::from_addresses(located);
        let judged = named.contains(&name);
        let clients = of(&name);
        out.push(Source::new(name, clients, located, judged));
    }
    // A stable sort: sources of one size stay in order of kind and name.
    out.sort_by_key(|s| std::cmp::Reverse(s.clients.size()));
    let mut located: BTreeMap<(usize, Family), BTreeSet<String>> = BTreeMap::new();
    for vantage in vantages {
        for (family, address) in
            [(Family::V4, vantage.outside_v4), (Family::V6, vantage.outside_v6)]
        {
            for i in address.into_iter().flat_map(|a| narrowest(&out, a)) {
                located.entry((i, family)).or_default().insert(vantage.name.clone());
            }
        }
    }
    for ((i, family), names) in located {
        match family {
            Family::V4 => out[i].vantages_v4 = names,
            Family::V6 => out[i].vantages_v6 = names,
        }
    }
    out
}

/// The narrowest sources that contain `address`: several only where they are equally wide.
pub(super) fn narrowest(sources: &[Source], address: IpAddr) -> Vec<usize> {
    let holding = || sources.iter().enumerate().filter(|(_, s)| s.located.contains(address));
    let least = holding().map(|(_, s)| s.located.size()).min();
    holding().filter(|(_, s)| Some(s.located.size()) == least).map(|(i, _)| i).collect()
}
