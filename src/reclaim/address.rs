use super::observed::PROBE;
use super::place::Place;
use super::thing::{condemn, new, put, tags};
use crate::cleanup::Resource;
use crate::cleanup::aws as kind;
use crate::snapshot::{Address, CallKind};

/// Elastic IP addresses. One that is associated with nothing is a candidate to be marked, and then
/// released.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    out.extend(place.view.addresses.iter().filter_map(|row| address(place, row)));
}

/// `None` for one without an allocation id, as EC2-Classic had them.
fn address(place: &Place<'_>, row: &Address) -> Option<Resource> {
    let call = CallKind::Addresses;
    let mut thing = new(place, kind::ADDRESS, row.allocation_id.as_deref()?);
    let ip = row.public_ip.map(|a| a.to_string());
    put(&mut thing.immutable, "public-ip", ip.as_deref());
    let associated =
        [&row.association_id, &row.network_interface_id, &row.instance_id].into_iter().flatten();
    let to = associated.last().map(String::as_str);
    thing.state.insert("associated-with".into(), to.unwrap_or_default().into());
    tags(place, &mut thing, call, &row.tags);

    if let Some(to) = to {
        thing.live.push(place.says(call, "associated", to));
    }
    let carrier = row.public_ip.and_then(|ip| place.uses.addresses.get(&ip));
    if let Some(carrier) = carrier {
        let id = &carrier.network_interface_id;
        thing.live.push(place.says(CallKind::NetworkInterfaces, "on-interface", id));
    }
    let nat = place.view.nat_gateways.iter().find(|n| {
        let mut all = n.nat_gateway_addresses.iter();
        all.any(|a| a.allocation_id.is_some() && a.allocation_id == row.allocation_id)
    });
    if let Some(nat) = nat {
        thing.live.push(place.says(CallKind::NatGateways, "on-nat-gateway", &nat.nat_gateway_id));
    }
    if let Some(said) = place.answers.any(row.public_ip) {
        thing.live.push(place.claim(PROBE.into(), "answers-probe", said));
    }
    thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces, CallKind::NatGateways]));
    if to.is_none() {
        let free = place.says(call, "not-associated", "associated with nothing");
        let carried =
            place.lacks(CallKind::NetworkInterfaces, "no-interface", "no interface holds it");
        let carried = carried.filter(|_| carrier.is_none());
        condemn(&mut thing, "mark", "release", [Some(free), carried].into_iter().flatten());
    }
    Some(thing)
}
