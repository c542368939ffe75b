use super::place::Place;
use super::thing::{ask, new, put};
use crate::cleanup::aws as kind;
use crate::cleanup::{Claim, Resource};
use crate::snapshot::{CallKind, RegionView, TargetGroup, TargetHealth};
use std::net::IpAddr;

/// Targets of balancers, but for instances of classic ones, which are no targets. One whose instance or interface is gone and which gets no clients is a
/// candidate to be deregistered.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    for group in place.view.target_groups.iter().filter(|g| !g.is_of_classic()) {
        let targets = group.targets.iter().flatten();
        out.extend(targets.map(|row| target(place, group, row)));
    }
}

fn target(place: &Place<'_>, group: &TargetGroup, row: &TargetHealth) -> Resource {
    let call = CallKind::TargetHealth;
    let (arn, id) = (group.target_group_arn.as_str(), row.target.id.as_str());
    let port = row.target.port.map(|p| p.to_string()).unwrap_or_default();
    let mut thing = new(place, kind::TARGET, format!("{arn}/{id}/{port}"));
    for (key, value) in [("target-group", arn), ("target", id), ("port", &port)] {
        put(&mut thing.immutable, key, Some(value));
    }
    put(&mut thing.immutable, "zone", row.target.availability_zone.as_deref());
    put(&mut thing.attributes, "vpc", group.vpc_id.as_deref());
    thing.domain.clone_from(&row.target.availability_zone);
    thing.set = Some(arn.into());
    let health = row.state.as_deref().unwrap_or("unknown");
    thing.state.insert("health".into(), health.into());
    if !matches!(health, "unhealthy" | "unused") {
        thing.live.push(place.says(call, "gets-clients", health));
    }
    let backing = match group.target_type.as_deref() {
        Some("instance") => {
            thing.unknown.extend(place.blind(&[CallKind::Instances]));
            let there = place.uses.instances.get(id).filter(|i| i.state.name != "terminated");
            if let Some(there) = there {
                let said = format!("{id} is {}", there.state.name);
                thing.live.push(place.says(CallKind::Instances, "instance-there", said));
            }
            there.is_none().then(|| gone(place, CallKind::Instances, "no-instance", id)).flatten()
        }
        Some("ip") => {
            thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces]));
            by_address(place, &mut thing, group, id)
        }
        // A function or a balancer: nothing was read that could say that it is gone.
        _ => None,
    };
    if let Some(backing) = backing {
        let idle = place.says(call, "gets-no-clients", health);
        let idle = Some(idle).filter(|_| thing.live.is_empty());
        ask(&mut thing, "deregister", [Some(backing), idle].into_iter().flatten());
    }
    thing
}

/// An address counts as gone only where the group's own VPC would have it.
fn by_address(
    place: &Place<'_>,
    thing: &mut Resource,
    group: &TargetGroup,
    id: &str,
) -> Option<Claim> {
    let address: IpAddr = id.parse().ok()?;
    if let Some(interface) = place.uses.holder(address) {
        let said = &interface.network_interface_id;
        thing.live.push(place.says(CallKind::NetworkInterfaces, "interface-there", said));
        return None;
    }
    let vpc = group.vpc_id.as_deref()?;
    within(place.view, vpc, address)
        .then(|| gone(place, CallKind::NetworkInterfaces, "no-interface", id))
        .flatten()
}

fn gone(place: &Place<'_>, call: CallKind, kind: &str, id: &str) -> Option<Claim> {
    place.lacks(call, kind, format!("{id} is not there"))
}

fn within(view: &RegionView, vpc: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let vpc = view.vpcs.iter().find(|v| v.vpc_id == vpc);
    vpc.is_some_and(|v| {
        let more = v.cidr_block_association_set.iter().filter_map(|a| a.cidr_block);
        v.cidr_block.into_iter().chain(more).any(|block| block.contains(address))
    })
}
