use super::place::Place;
use super::thing::{age, condemn, new, put, tags, used};
use crate::cleanup::Resource;
use crate::cleanup::aws as kind;
use crate::cleanup::trace::{ATTACHED_AT, IOPS, THROUGHPUT, VOLUME_TYPE};
use crate::snapshot::{CallKind, Volume};

/// Volumes. One that is attached to nothing, and that no instance names among its devices, is a
/// candidate for a snapshot, and then to be deleted.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    let ends = ["deleting", "deleted"];
    let there = |v: &&Volume| v.state.as_deref().is_none_or(|s| !ends.contains(&s));
    out.extend(place.view.volumes.iter().filter(there).map(|row| volume(place, row)));
}

/// What an instance boots from by convention.
const ROOTS: [&str; 3] = ["/dev/sda1", "/dev/sda", "/dev/xvda"];

/// Whether it hangs at one instance alone, which is stopped and does not boot from it.
fn loose(place: &Place<'_>, row: &Volume) -> bool {
    let [at] = row.attachments.as_slice() else { return false };
    let root = at.device.as_deref().is_none_or(|device| ROOTS.contains(&device));
    !root && at.instance_id.as_deref().is_some_and(|id| place.is_stopped(id))
}

fn volume(place: &Place<'_>, row: &Volume) -> Resource {
    let id = row.volume_id.as_str();
    let call = CallKind::Volumes;
    let mut thing = new(place, kind::VOLUME, id);
    put(&mut thing.immutable, "zone", row.availability_zone.as_deref());
    put(&mut thing.attributes, "volume-type", row.volume_type.as_deref());
    thing.attributes.insert("age".into(), age(place, row.create_time.as_deref()));
    thing.domain.clone_from(&row.availability_zone);
    thing.state.insert("state".into(), row.state.clone().unwrap_or_default());
    put(&mut thing.state, "gib", row.size.map(|s| s.to_string()).as_deref());
    put(&mut thing.state, VOLUME_TYPE, row.volume_type.as_deref());
    put(&mut thing.state, IOPS, row.iops.map(|n| n.to_string()).as_deref());
    put(&mut thing.state, THROUGHPUT, row.throughput.map(|n| n.to_string()).as_deref());
    let mut attached: Vec<String> = row
        .attachments
        .iter()
        .map(|a| {
            let part = |text: &Option<String>| text.clone().unwrap_or_default();
            format!("{} {}", part(&a.instance_id), part(&a.device))
        })
        .collect();
    attached.sort();
    thing.state.insert("attachments".into(), attached.join(", "));
    let times: Vec<&str> =
        row.attachments.iter().filter_map(|a| a.attach_time.as_deref()).collect();
    put(&mut thing.state, ATTACHED_AT, Some(&times.join(", ")));
    tags(place, &mut thing, call, &row.tags);

    if let Some(stopped) = row.attachments.first().filter(|_| loose(place, row)) {
        // Nobody calls it dead for that; whoever does, and asks to detach it, is not contradicted.
        let id = stopped.instance_id.as_deref().unwrap_or_default();
        thing.dead.push(place.says(CallKind::Instances, "instance-stopped", id));
    } else {
        if let Some(first) = attached.first() {
            thing.live.push(place.says(call, "attached", first));
        }
        if let Some(instance) = place.uses.devices.get(id) {
            thing.live.push(place.says(CallKind::Instances, "device-of", *instance));
        }
    }
    thing.unknown.extend(place.blind(&[CallKind::Instances]));
    if row.state.as_deref() == Some("available") && !used(&thing) {
        let free = place.says(call, "available", "attached to nothing");
        let devices = place
            .lacks(CallKind::Instances, "no-device", "no instance names it among its devices")
            .filter(|_| place.uses.devices_told);
        if !place.uses.devices_told {
            thing.unknown.push("the instances were read without their devices".into());
        }
        condemn(&mut thing, "snapshot", "delete", [Some(free), devices].into_iter().flatten());
    }
    thing
}
