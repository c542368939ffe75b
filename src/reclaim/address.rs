use super::observed::PROBE;
use super::place::Place;
use super::thing::{condemn, new, put, tags, used};
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
    let carrier = row.public_ip.and_then(|ip| place.uses.holder(ip));
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
    let allocation = |a: &&crate::snapshot::BalancerAddress| a.allocation_id == row.allocation_id;
    let balancer = place.view.load_balancers.iter().find(|b| {
        let zones = b.availability_zones.iter();
        zones.flat_map(|z| &z.load_balancer_addresses).any(|a| allocation(&a))
    });
    if let Some(balancer) = balancer {
        let arn = &balancer.load_balancer_arn;
        thing.live.push(place.says(CallKind::LoadBalancers, "on-balancer", arn));
    }
    // Whoever gets the address next would come in.
    if let Some(by) = row.public_ip.and_then(|ip| place.uses.let_in(ip)) {
        thing.protected.push(place.says(CallKind::SecurityGroups, "let-in", by));
    }
    place.named(&mut thing, row.public_ip);
    if let Some(said) = place.answers.any(row.public_ip) {
        thing.live.push(place.claim(PROBE.into(), "answers-probe", said));
    }
    let calls = [
        CallKind::NetworkInterfaces,
        CallKind::NatGateways,
        CallKind::LoadBalancers,
        CallKind::SecurityGroups,
    ];
    thing.unknown.extend(place.blind(&calls));
    if !used(&thing) {
        let said = match place.input.named {
            None => "associated with nothing; not looked at: names that lead to it".to_owned(),
            Some(led) => {
                format!("associated with nothing, and none of {} names leads to it", led.names())
            }
        };
        let free = place.says(call, "not-associated", said);
        let carried =
            place.lacks(CallKind::NetworkInterfaces, "no-interface", "no interface holds it");
        condemn(&mut thing, "mark", "release", [Some(free), carried].into_iter().flatten());
    }
    Some(thing)
}
