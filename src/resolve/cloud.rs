use super::{Host, HostAddress, HostOrigin};
use crate::model::AddressSet;
use crate::snapshot::{Instance, Interface, RegionView, Snapshot, Tag, owners};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Every host of the snapshot: instances, and interfaces without an instance that we can read.
///
/// Groups and addresses belong to interfaces (R2), so an instance has the addresses of its
/// interfaces; its own two fields are used only where none of its interfaces was read. Delegated
/// prefixes are blocks, not addresses, and are not listed.
pub(super) fn hosts(snapshot: &Snapshot) -> BTreeMap<String, Host> {
    let outside = AddressSet::outside();
    let owners = owners(snapshot);
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    for view in &snapshot.regions {
        for instance in view.instances.iter().filter(|i| !i.instance_id.is_empty()) {
            let host = from_instance(view, instance);
            hosts.entry(host.id.clone()).or_insert(host);
        }
    }
    for view in &snapshot.regions {
        let elastic = elastic(view);
        for interface in &view.network_interfaces {
            let id = &interface.network_interface_id;
            let addresses = addresses(interface, elastic.get(id.as_str()), &outside);
            let instance = interface.attachment.as_ref().and_then(|a| a.instance_id.as_ref());
            match instance.and_then(|i| hosts.get_mut(i)) {
                Some(host) => host.addresses.extend(addresses),
                None => {
                    let owner = owners.get(id.as_str()).cloned();
                    let host = from_interface(view, interface, owner);
                    hosts.entry(id.clone()).or_insert(host).addresses.extend(addresses);
                }
            }
        }
    }
    for instance in snapshot.regions.iter().flat_map(|v| &v.instances) {
        if let Some(host) = hosts.get_mut(&instance.instance_id)
            && host.addresses.is_empty()
        {
            let own = |a: Option<IpAddr>, public| {
                a.map(|address| HostAddress { address, interface: None, public })
            };
            host.addresses.extend(own(instance.private_ip_address, false));
            host.addresses.extend(own(instance.public_ip_address, true));
        }
    }
    for host in hosts.values_mut() {
        host.addresses.sort();
        host.addresses.dedup();
    }
    hosts
}

fn from_instance(view: &RegionView, instance: &Instance) -> Host {
    let tags = tags(&instance.tags);
    Host {
        id: instance.instance_id.clone(),
        name: tags.get("Name").cloned(),
        owner: None,
        origin: HostOrigin::Cloud {
            account: view.account.clone(),
            region: view.region.clone(),
            vpc: instance.vpc_id.clone(),
            image: instance.image_id.clone(),
        },
        // Only a running instance answers (R34).
        live: instance.state.name == "running",
        addresses: Vec::new(),
        tags,
        roles: Vec::new(),
    }
}

fn from_interface(view: &RegionView, interface: &Interface, owner: Option<String>) -> Host {
    let tags = tags(&interface.tags);
    Host {
        id: interface.network_interface_id.clone(),
        name: tags.get("Name").cloned(),
        owner,
        origin: HostOrigin::Cloud {
            account: view.account.clone(),
            region: view.region.clone(),
            vpc: interface.vpc_id.clone(),
            image: None,
        },
        // An `available` interface is attached to nothing and answers nothing (R34).
        live: matches!(interface.status.as_deref(), Some("in-use" | "associated")),
        addresses: Vec::new(),
        tags,
        roles: Vec::new(),
    }
}

/// Elastic addresses by the interface they are associated with.
fn elastic(view: &RegionView) -> BTreeMap<&str, Vec<IpAddr>> {
    let mut out: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    for address in &view.addresses {
        if let (Some(interface), Some(ip)) = (&address.network_interface_id, address.public_ip) {
            out.entry(interface).or_default().push(ip);
        }
    }
    out
}

/// Every address of an interface: primary and secondary, associated ones, elastic ones, IPv6.
fn addresses(
    interface: &Interface,
    elastic: Option<&Vec<IpAddr>>,
    outside: &AddressSet,
) -> Vec<HostAddress> {
    let at = |address: IpAddr, public: bool| HostAddress {
        address,
        interface: Some(interface.network_interface_id.clone()),
        public,
    };
    let mut out = Vec::new();
    let associated = |a: &crate::snapshot::Association| a.public_ip.map(|ip| at(ip, true));
    out.extend(interface.private_ip_address.map(|a| at(a, false)));
    out.extend(interface.association.as_ref().and_then(associated));
    for private in &interface.private_ip_addresses {
        out.extend(private.private_ip_address.map(|a| at(a, false)));
        out.extend(private.association.as_ref().and_then(associated));
    }
    out.extend(elastic.into_iter().flatten().map(|ip| at(*ip, true)));
    for v6 in interface.ipv6_addresses.iter().filter_map(|a| a.ipv6_address) {
        // No NAT hides IPv6: a global address is reachable as it is (R28).
        out.push(at(v6.into(), outside.contains(v6.into())));
    }
    out.sort();
    out.dedup();
    out
}

fn tags(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().map(|t| (t.key.clone(), t.value.clone())).collect()
}
