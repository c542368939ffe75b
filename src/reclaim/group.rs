use super::place::{Place, SPEC};
use super::thing::{condemn, new, put, tags, used};
use crate::cleanup::aws as kind;
use crate::cleanup::{Claim, Resource};
use crate::drift;
use crate::snapshot::{CallKind, SecurityGroup};
use std::collections::BTreeSet;

/// What can name a group and is read by no call of ours. What runs there carries the group on an
/// interface, which is seen; what would start there tomorrow does not.
const NOT_LOOKED_AT: &str =
    "ECS services, Spot and EC2 Fleet requests, Lambda, Batch, EventBridge targets, CodeBuild";

/// Calls that a template's naming a group is read by, asked for by a cleanup alone.
const TEMPLATES: [CallKind; 3] =
    [CallKind::LaunchTemplates, CallKind::LaunchTemplateVersions, CallKind::LaunchConfigurations];

/// Security groups, with who carries and names each. One that no interface carries and nothing that
/// was read names is a candidate to be marked, and then deleted.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    out.extend(place.view.security_groups.iter().map(|row| group(place, row)));
}

fn group(place: &Place<'_>, row: &SecurityGroup) -> Resource {
    let id = row.group_id.as_str();
    let call = CallKind::SecurityGroups;
    let mut thing = new(place, kind::GROUP, id);
    put(&mut thing.immutable, "vpc", row.vpc_id.as_deref());
    put(&mut thing.immutable, "name", Some(&row.group_name));
    put(&mut thing.attributes, "vpc", row.vpc_id.as_deref());
    let permissions: Vec<String> = drift::permissions(row).into_iter().collect();
    thing.state.insert("permissions".into(), permissions.join("; "));
    tags(place, &mut thing, call, &row.tags);

    let carriers = place.uses.carriers.get(id).map_or(&[][..], Vec::as_slice);
    let names: Vec<&str> = carriers.iter().map(|i| i.network_interface_id.as_str()).collect();
    thing.state.insert("interfaces".into(), names.join(", "));
    let named = place.uses.named.get(id).cloned().unwrap_or_default();
    let named: Vec<String> = named.into_iter().collect();
    thing.state.insert("named-by".into(), named.join(", "));
    if let Some(first) = names.first() {
        let said = format!("{} interfaces carry it ({first})", names.len());
        thing.live.push(place.says(CallKind::NetworkInterfaces, "carried", said));
    }
    if let Some(first) = named.first() {
        thing.live.push(place.says(call, "named", first));
    }
    if row.group_name == "default" {
        thing.protected.push(place.says(call, "default-group", "AWS keeps every VPC's own"));
    }
    if row.tags.iter().any(|t| t.key == kind::QUARANTINE_TAG) {
        let said = "isolated instances get it";
        thing.protected.push(place.says(call, "quarantine-group", said));
    }
    if place.input.spec.groups.contains_key(id) {
        thing.live.push(place.claim(SPEC.into(), "declared", "the spec declares it"));
    }
    // References from other regions and accounts count, so these calls must be whole in all of them.
    let calls = [
        CallKind::SecurityGroups,
        CallKind::LoadBalancers,
        CallKind::ClassicLoadBalancers,
        CallKind::DbInstances,
    ];
    thing.unknown.extend(blind_anywhere(place, &calls));
    thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces]));
    if !used(&thing) && thing.protected.is_empty() {
        unused(place, &mut thing);
    }
    thing
}

/// Calls it unused, unless nobody asked what templates name: then nothing is said of it.
fn unused(place: &Place<'_>, thing: &mut Resource) {
    if !TEMPLATES.iter().any(|call| place.asked(*call)) {
        return;
    }
    thing.unknown.extend(blind_anywhere(place, &TEMPLATES));
    let carried =
        place.lacks(CallKind::NetworkInterfaces, "no-interface", "no interface carries it");
    let named = nothing_names(place, thing);
    condemn(thing, "mark", "delete", [carried, named].into_iter().flatten());
}

/// The claim that nothing names it, with what was not looked at.
fn nothing_names(place: &Place<'_>, thing: &Resource) -> Option<Claim> {
    let vpc = thing.immutable.get("vpc").map_or("", String::as_str);
    let read = |id: &str| {
        let mut views = place.input.snapshot.regions.iter();
        views.any(|v| v.vpcs.iter().any(|other| other.vpc_id == id))
    };
    // A peer's groups may name it. Such a rule lets nobody in, because nobody carries the group.
    let mut unread: BTreeSet<&str> = BTreeSet::new();
    for peering in &place.view.vpc_peering_connections {
        let sides = [&peering.requester_vpc_info, &peering.accepter_vpc_info];
        let ids: Vec<&str> = sides.iter().filter_map(|s| s.vpc_id.as_deref()).collect();
        if ids.contains(&vpc) {
            unread.extend(ids.into_iter().filter(|id| *id != vpc && !read(id)));
        }
    }
    let peers: String = unread.iter().map(|id| format!(", groups of the peer {id}")).collect();
    let said = format!(
        "no permission, launch template, launch configuration, balancer or database names it; \
         not looked at: {NOT_LOOKED_AT}{peers}"
    );
    place.lacks(CallKind::SecurityGroups, "named-by-nothing", said)
}

/// Calls of these that were not read whole in some account and region of the snapshot.
fn blind_anywhere<'a>(
    place: &'a Place<'_>,
    calls: &'a [CallKind],
) -> impl Iterator<Item = String> + 'a {
    place.input.snapshot.regions.iter().flat_map(move |view| {
        calls.iter().filter_map(move |call| {
            let outcome = place.input.snapshot.outcome(&view.account, &view.region, *call);
            let at = format!("{}/{}", view.account, view.region);
            (!outcome.is_complete()).then(|| format!("{} {at} {outcome}", call.name()))
        })
    })
}
