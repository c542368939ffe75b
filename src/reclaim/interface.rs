use super::observed::PROBE;
use super::place::Place;
use super::service::in_service;
use super::thing::{condemn, new, put, tags, used};
use crate::cleanup::aws as kind;
use crate::cleanup::{ItemRef, Resource};
use crate::snapshot::{CallKind, Interface};

/// Network interfaces. One that is attached to nothing, routed to by nothing and holds no public
/// address is a candidate to be marked, and then deleted.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    out.extend(place.view.network_interfaces.iter().map(|row| interface(place, row)));
}

fn interface(place: &Place<'_>, row: &Interface) -> Resource {
    let id = row.network_interface_id.as_str();
    let call = CallKind::NetworkInterfaces;
    let mut thing = new(place, kind::INTERFACE, id);
    let address = row.private_ip_address.map(|a| a.to_string());
    put(&mut thing.immutable, "subnet", row.subnet_id.as_deref());
    put(&mut thing.immutable, "private-ip", address.as_deref());
    put(&mut thing.attributes, "vpc", row.vpc_id.as_deref());
    thing.domain.clone_from(&row.availability_zone);
    let attachment = row.attachment.as_ref();
    let instance = attachment.and_then(|a| a.instance_id.as_deref());
    thing.state.insert("status".into(), row.status.clone().unwrap_or_default());
    put(&mut thing.state, "attachment", attachment.and_then(|a| a.attachment_id.as_deref()));
    put(&mut thing.state, "instance", instance);
    let groups: Vec<&str> = row.groups.iter().map(|g| g.group_id.as_str()).collect();
    thing.state.insert("groups".into(), groups.join(", "));
    tags(place, &mut thing, call, &row.tags);

    let second = attachment.is_some_and(|a| a.device_index.is_some_and(|n| n > 0));
    if let Some(stopped) = instance.filter(|id| second && place.is_stopped(id)) {
        // As of a volume: a job may ask to detach it.
        thing.dead.push(place.says(CallKind::Instances, "instance-stopped", stopped));
    } else if let Some(attachment) = attachment {
        let to = instance.or(row.requester_id.as_deref()).unwrap_or("a service");
        let status = attachment.status.as_deref().unwrap_or("attached");
        thing.live.push(place.says(call, "attached", format!("{status} to {to}")));
    }
    if row.requester_managed {
        let by = row.requester_id.as_deref().unwrap_or("a service");
        thing.protected.push(place.says(call, "managed", format!("{by} keeps it")));
    }
    let known = place.addresses(row);
    place.named(&mut thing, known.iter().copied());
    if let Some(said) = place.answers.any(known.iter().copied()) {
        thing.live.push(place.claim(PROBE.into(), "answers-probe", said));
    }
    if let Some(table) = place.uses.routed.get(id) {
        thing.live.push(place.says(CallKind::RouteTables, "routed", *table));
    }
    if let Some(template) = place.uses.launched.get(id) {
        thing.live.push(place.says(CallKind::LaunchTemplateVersions, "launched-with", *template));
    }
    let of = |a: &&crate::snapshot::Address| a.network_interface_id.as_deref() == Some(id);
    let held: Vec<&str> =
        place.view.addresses.iter().filter(of).filter_map(|a| a.allocation_id.as_deref()).collect();
    for address in &held {
        thing.children.push(ItemRef { kind: kind::ADDRESS.into(), id: (*address).into() });
    }
    if let Some(address) = held.first() {
        thing.live.push(place.says(CallKind::Addresses, "has-address", *address));
    }
    in_service(place, &mut thing, known.iter().map(ToString::to_string));
    let calls = [
        CallKind::RouteTables,
        CallKind::Addresses,
        CallKind::TargetGroups,
        CallKind::TargetHealth,
    ];
    thing.unknown.extend(place.blind(&calls));
    // What something leads to or names is not called dead, or a stale route would hold up everything.
    if row.status.as_deref() == Some("available") && !used(&thing) {
        if place.asked(CallKind::LaunchTemplates) {
            let templates = [CallKind::LaunchTemplates, CallKind::LaunchTemplateVersions];
            thing.unknown.extend(place.blind(&templates));
        }
        let free = place.says(call, "available", "attached to nothing");
        let routes = place.lacks(CallKind::RouteTables, "no-route", "no route leads to it");
        let addresses =
            place.lacks(CallKind::Addresses, "no-address", "it holds no Elastic IP address");
        condemn(
            &mut thing,
            "mark",
            "delete",
            [Some(free), routes, addresses].into_iter().flatten(),
        );
    }
    thing
}
