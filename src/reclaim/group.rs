use super::place::{Place, SPEC};
use super::thing::{new, put, tags};
use crate::cleanup::Resource;
use crate::cleanup::aws as kind;
use crate::drift;
use crate::snapshot::{CallKind, SecurityGroup};

/// Security groups, with who carries and names each. None is a candidate to be deleted: a launch
/// template may name it, nobody refuses the deletion then, and templates are not read yet.
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
    let default = row.group_name == "default";
    if default {
        thing.protected.push(place.says(call, "default-group", "AWS keeps every VPC's own"));
    }
    if place.input.spec.groups.contains_key(id) {
        thing.live.push(place.claim(SPEC.into(), "declared", "the spec declares it"));
    }
    // References from other regions and accounts count, so these calls must be whole in all of them.
    for view in &place.input.snapshot.regions {
        for call in [CallKind::SecurityGroups, CallKind::LoadBalancers, CallKind::DbInstances] {
            let outcome = place.input.snapshot.outcome(&view.account, &view.region, call);
            if !outcome.is_complete() {
                let at = format!("{}/{}", view.account, view.region);
                thing.unknown.push(format!("{} {at} {outcome}", call.operation()));
            }
        }
    }
    thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces]));
    thing
}
