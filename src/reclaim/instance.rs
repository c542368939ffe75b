use super::observed::PROBE;
use super::place::{Place, SPEC};
use super::service::in_service;
use super::thing::{age, ask, new, put, tags};
use super::traffic;
use crate::cleanup::Resource;
use crate::cleanup::aws as kind;
use crate::cleanup::trace::{INSTANCE_TYPE, LAUNCHED, TRANSITION};
use crate::snapshot::{CallKind, Instance, Interface};

/// Families of which no size has disks of the host's own (instance store), whose data a stop loses.
const EBS_ONLY: [&str; 67] = [
    "a1",
    "c4",
    "c5",
    "c5a",
    "c5n",
    "c6a",
    "c6g",
    "c6gn",
    "c6i",
    "c6in",
    "c7a",
    "c7g",
    "c7gn",
    "c7i",
    "c7i-flex",
    "c8g",
    "c8gn",
    "c8i",
    "c8i-flex",
    "g3",
    "g3s",
    "hpc6a",
    "hpc7a",
    "hpc7g",
    "inf1",
    "inf2",
    "m4",
    "m5",
    "m5a",
    "m5n",
    "m5zn",
    "m6a",
    "m6g",
    "m6i",
    "m6in",
    "m7a",
    "m7g",
    "m7i",
    "m7i-flex",
    "m8g",
    "m8i",
    "m8i-flex",
    "mac1",
    "mac2",
    "mac2-m2",
    "mac2-m2pro",
    "p2",
    "p3",
    "r4",
    "r5",
    "r5a",
    "r5b",
    "r5n",
    "r6a",
    "r6g",
    "r6i",
    "r6in",
    "r7a",
    "r7g",
    "r7i",
    "r7iz",
    "r8g",
    "r8i",
    "t2",
    "t3",
    "t3a",
    "t4g",
];

/// Whether a type is known to have no disks but volumes: of a family that is not known it is not.
fn keeps_its_disks(kind: Option<&str>) -> bool {
    let family = kind.and_then(|kind| kind.split_once('.')).map(|(family, _)| family);
    family.is_some_and(|family| EBS_ONLY.contains(&family))
}

/// Instances. One that runs and is of no role is a candidate to be stopped, and one that a quarantine
/// stopped to be terminated; one that would lose by a stop what no start gives back, a public address
/// that is only lent or disks of its host, to be isolated.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    let ends = ["terminated", "shutting-down"];
    let there = place.view.instances.iter().filter(|i| !ends.contains(&i.state.name.as_str()));
    out.extend(there.map(|row| instance(place, row)));
}

/// Whether every interface carries a group of quarantine, and no other.
fn isolated(place: &Place<'_>, interfaces: &[&Interface]) -> bool {
    let of_quarantine = |id: &str| {
        let mut groups = place.view.security_groups.iter().filter(|g| g.group_id == id);
        groups.any(|g| g.tags.iter().any(|tag| tag.key == kind::QUARANTINE_TAG))
    };
    let cut = |i: &&Interface| matches!(i.groups.as_slice(), [one] if of_quarantine(&one.group_id));
    !interfaces.is_empty() && interfaces.iter().all(cut)
}

fn instance(place: &Place<'_>, row: &Instance) -> Resource {
    let id = row.instance_id.as_str();
    let mut thing = new(place, kind::INSTANCE, id);
    let zone = place.uses.attached.get(id).and_then(|i| i.first()?.availability_zone.clone());
    put(&mut thing.immutable, "image", row.image_id.as_deref());
    put(&mut thing.immutable, "vpc", row.vpc_id.as_deref());
    put(&mut thing.attributes, "image", row.image_id.as_deref());
    put(&mut thing.attributes, "vpc", row.vpc_id.as_deref());
    thing.attributes.insert("age".into(), age(place, row.launch_time.as_deref()));
    thing.domain = zone;
    thing.state.insert("state".into(), row.state.name.clone());
    // One that was started, or stopped and retyped, is used by somebody, whatever it is now.
    put(&mut thing.state, INSTANCE_TYPE, row.instance_type.as_deref());
    put(&mut thing.state, LAUNCHED, row.launch_time.as_deref());
    put(&mut thing.state, TRANSITION, row.state_transition_reason.as_deref());
    if let Some(devices) = &row.block_device_mappings {
        let volumes = devices.iter().filter_map(|d| d.ebs.as_ref()?.volume_id.as_deref());
        let mut volumes: Vec<&str> = volumes.collect();
        volumes.sort_unstable();
        thing.state.insert("volumes".into(), volumes.join(", "));
    }
    let interfaces = place.uses.attached.get(id).map_or(&[][..], Vec::as_slice);
    let mut carried: Vec<String> = interfaces
        .iter()
        .map(|i| {
            let groups: Vec<&str> = i.groups.iter().map(|g| g.group_id.as_str()).collect();
            format!("{} ({})", i.network_interface_id, groups.join(" "))
        })
        .collect();
    carried.sort();
    thing.state.insert("interfaces".into(), carried.join(", "));
    tags(place, &mut thing, CallKind::Instances, &row.tags);

    let known: Vec<_> = interfaces.iter().flat_map(|i| place.addresses(i)).collect();
    place.named(&mut thing, known.iter().copied());
    if let Some(said) = place.answers.any(known.iter().copied()) {
        thing.live.push(place.claim(PROBE.into(), "answers-probe", said));
    }
    if let Some(group) = place.uses.scaling.get(id) {
        let name = &group.auto_scaling_group_name;
        thing.set = Some(name.clone());
        thing.live.push(place.says(CallKind::AutoScalingGroups, "in-auto-scaling-group", name));
    }
    if row.state.name == "running" {
        thing.live.extend(traffic::alive(place, id));
    }
    in_service(place, &mut thing, known.iter().map(ToString::to_string));
    let vias = interfaces.iter().map(|i| i.network_interface_id.as_str()).chain([id]);
    if let Some(table) = vias.into_iter().find_map(|via| place.uses.routed.get(via)) {
        thing.live.push(place.says(CallKind::RouteTables, "routed", *table));
    }
    let calls = [
        CallKind::NetworkInterfaces,
        CallKind::AutoScalingGroups,
        CallKind::TargetGroups,
        CallKind::TargetHealth,
        CallKind::ClassicLoadBalancers,
        CallKind::RouteTables,
    ];
    thing.unknown.extend(place.blind(&calls));
    let roles = place.input.resolution.hosts.get(id).map_or(&[][..], |h| h.roles.as_slice());
    let since = place.input.quarantined.get(&thing.item());
    let stopped = since.filter(|_| row.state.name == "stopped");
    let moved = stopped.and_then(|since| traffic::since(place, id, *since));
    put(&mut thing.state, "moved", moved.as_deref());
    let stopped = stopped.is_some();
    // One that was cut off runs on, and is asked for what it moves like every other.
    let cut_off = since.is_some() && row.state.name == "running" && isolated(place, interfaces);
    if (row.state.name == "running" || stopped) && roles.is_empty() {
        let spec = place.claim(SPEC.into(), "in-no-role", "no role of the spec picks it");
        let balancing = place.lacks(
            CallKind::TargetHealth,
            "in-no-target-group",
            "it is registered with no target group and no classic balancer",
        );
        let scaling = place.lacks(
            CallKind::AutoScalingGroups,
            "in-no-auto-scaling-group",
            "no Auto Scaling group has it",
        );
        let registered = place.uses.targets.contains_key(id);
        let balancing = balancing.filter(|_| !registered);
        let scaling = scaling.filter(|_| thing.set.is_none());
        let lent =
            |a: &&crate::snapshot::Association| a.public_ip.is_some() && a.allocation_id.is_none();
        let lent = interfaces.iter().any(|i| i.association.iter().any(|a| lent(&a)));
        // What a stop would lose stays where the instance is cut off instead.
        let loses = lent || !keeps_its_disks(row.instance_type.as_deref());
        let action = match (stopped || cut_off, loses) {
            (true, _) => "terminate",
            (false, true) => "isolate",
            (false, false) => "stop",
        };
        let silent = traffic::silent(place, id);
        let dead = [Some(spec), balancing, scaling, silent];
        ask(&mut thing, action, dead.into_iter().flatten());
    }
    thing
}
