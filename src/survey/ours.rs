use crate::model::AddressSet;
use crate::resolve::Resolution;
use crate::snapshot::Snapshot;
use std::net::IpAddr;

/// The addresses that the snapshot says are ours and that can be probed from outside: public
/// addresses and IPv6 of our interfaces, associated Elastic IPs, fixed addresses of balancers.
///
/// Private, loopback, link-local and multicast addresses are never among them: only `scope:` can
/// name those.
#[must_use]
pub fn ours(snapshot: &Snapshot) -> AddressSet {
    let mut found: Vec<IpAddr> = Vec::new();
    for view in &snapshot.regions {
        for interface in &view.network_interfaces {
            found.extend(interface.association.as_ref().and_then(|a| a.public_ip));
            for private in &interface.private_ip_addresses {
                found.extend(private.association.as_ref().and_then(|a| a.public_ip));
            }
            let v6 = interface.ipv6_addresses.iter().filter_map(|a| a.ipv6_address);
            found.extend(v6.map(IpAddr::V6));
        }
        found.extend(view.instances.iter().filter_map(|i| i.public_ip_address));
        // An Elastic IP that is associated with nothing answers nothing of ours.
        let held = view.addresses.iter().filter(|a| a.association_id.is_some());
        found.extend(held.filter_map(|a| a.public_ip));
        for balancer in &view.load_balancers {
            let zones = balancer.availability_zones.iter();
            let fixed = zones.flat_map(|z| &z.load_balancer_addresses);
            found.extend(fixed.filter_map(|a| a.ip_address));
        }
    }
    AddressSet::from_addresses(found).intersect(&AddressSet::outside())
}

/// Every address that is ours, whoever says so: the snapshot ([`ours`]), a host that is declared or on a
/// list, or the `scope:` of what may be probed. Who is seen as one of them looks from inside.
#[must_use]
pub fn all_ours(snapshot: &Snapshot, resolution: &Resolution, scope: &AddressSet) -> AddressSet {
    let hosts = resolution.hosts.values().flat_map(|h| h.addresses.iter().map(|a| a.address));
    ours(snapshot).union(&AddressSet::from_addresses(hosts)).union(scope)
}
