//! Roles to members: selectors over the snapshot's hosts and the declared ones.

mod cloud;
mod facts;
mod host;
mod select;

pub use facts::{CLOCK_SKEW, SNAPSHOT, facts};
pub use host::{Blind, Host, HostAddress, HostOrigin, Resolution};
pub use select::picks;

use crate::model::{AddressSet, Gap};
use crate::snapshot::{CallKind, Snapshot};
use crate::spec::{DeclaredHost, Spec};

/// Finds every host and the roles it is a member of.
///
/// Hosts that are not live are members too: whoever counts or judges looks at [`Host::live`].
/// The time is linear in interfaces and in members, and for each host in the selectors that only
/// patterns, places or tags that many hosts share tell apart.
#[must_use]
pub fn resolve(spec: &Spec, snapshot: &Snapshot) -> Resolution {
    let mut hosts = cloud::hosts(snapshot);
    let outside = AddressSet::outside();
    for declared in spec.hosts.values() {
        let host = from_declared(declared, &outside);
        // A name that the cloud uses as an id must not hide the cloud's host.
        let id = if hosts.contains_key(&host.id) {
            format!("{} (declared)", host.id)
        } else {
            host.id.clone()
        };
        hosts.insert(id.clone(), Host { id, ..host });
    }
    let mut resolution = Resolution {
        hosts,
        members: Default::default(),
        blind: blind(snapshot),
        entered: snapshot.regions.iter().map(|view| view.account.clone()).collect(),
    };
    let index = select::Index::new(&resolution.hosts);
    let members: Vec<(&str, Vec<String>)> =
        spec.roles.values().map(|r| (&*r.name, index.members(&r.select))).collect();
    for (role, members) in members {
        for id in &members {
            if let Some(host) = resolution.hosts.get_mut(id) {
                host.roles.push(role.to_owned());
            }
        }
        resolution.members.insert(role.to_owned(), members);
    }
    resolution
}

fn from_declared(declared: &DeclaredHost, outside: &AddressSet) -> Host {
    let mut addresses: Vec<HostAddress> = declared
        .addresses
        .iter()
        .map(|a| HostAddress { address: *a, interface: None, public: outside.contains(*a) })
        .collect();
    addresses.sort();
    Host {
        id: declared.name.clone(),
        name: Some(declared.name.clone()),
        owner: None,
        origin: HostOrigin::Declared(declared.at.clone()),
        live: true,
        addresses,
        tags: declared.tags.clone(),
        roles: Vec::new(),
    }
}

/// Where instances or interfaces were not all read, or the account could not be entered.
fn blind(snapshot: &Snapshot) -> Vec<Blind> {
    let mut out: Vec<Blind> = Vec::new();
    let mut add = |account: &str, region: &str, gap: Option<Gap>| {
        let blind = |gap| Blind { account: account.into(), region: region.into(), gap };
        out.extend(gap.map(blind));
    };
    for view in &snapshot.regions {
        for kind in [CallKind::Instances, CallKind::NetworkInterfaces] {
            add(&view.account, &view.region, snapshot.gap(&view.account, &view.region, kind));
        }
    }
    let kinds = [CallKind::Instances, CallKind::NetworkInterfaces, CallKind::CallerIdentity];
    for call in snapshot.calls.iter().filter(|c| kinds.contains(&c.kind)) {
        add(&call.account, &call.region, call.gap());
    }
    out.sort();
    out.dedup();
    out
}

#[cfg(test)]
mod tests;
