use super::Input;
use super::observed::Answers;
use super::place::Place;
use super::thing::{new, put, tags};
use crate::cleanup::{ItemRef, Resource, aws};
use crate::snapshot::CallKind;

/// The field of the state of what is not in its parent: a thing that is has no such field.
pub const PRESENT: &str = "present";

/// What a permission or a target is when its group does not have it: nothing of its own, but a place
/// where it was and can be put back. So a permission that was revoked is no thing that is gone.
///
/// `None` where the group itself is not there, or the id is none of its kind.
#[must_use]
pub fn absent(input: &Input<'_>, item: &ItemRef) -> Option<Resource> {
    let answers = Answers::new(input.observations);
    let places = input.snapshot.regions.iter().map(|view| Place::new(input, view, &answers));
    places.into_iter().find_map(|place| match item.kind.as_str() {
        aws::PERMISSION => absent_permission(&place, &item.id),
        aws::TARGET => target(&place, &item.id),
        _ => None,
    })
}

/// A permission that its group does not have, as a thing.
pub(super) fn absent_permission(place: &Place<'_>, id: &str) -> Option<Resource> {
    let (group, rule) = id.split_once('/')?;
    let [direction, protocol, from, to, peer] =
        <[&str; 5]>::try_from(rule.splitn(5, '/').collect::<Vec<_>>()).ok()?;
    let group = place.view.security_groups.iter().find(|g| g.group_id == group)?;
    let mut thing = new(place, aws::PERMISSION, id);
    for (key, value) in [
        ("group", group.group_id.as_str()),
        ("direction", direction),
        ("protocol", protocol),
        ("from", from),
        ("to", to),
        ("peer", peer),
    ] {
        put(&mut thing.immutable, key, Some(value));
    }
    put(&mut thing.attributes, "vpc", group.vpc_id.as_deref());
    let mut shield = new(place, aws::GROUP, &*group.group_id);
    tags(place, &mut shield, CallKind::SecurityGroups, &group.tags);
    thing.protected = shield.protected;
    thing.owner = shield.owner;
    thing.state.insert(PRESENT.into(), "no".into());
    Some(thing)
}

fn target(place: &Place<'_>, id: &str) -> Option<Resource> {
    let mut from_behind = id.rsplitn(3, '/');
    let (port, target, arn) = (from_behind.next()?, from_behind.next()?, from_behind.next()?);
    let group = place
        .view
        .target_groups
        .iter()
        .find(|g| g.target_group_arn == arn && !g.is_of_classic())?;
    // Of a group whose targets could not be read nothing is absent.
    group.targets.as_ref()?;
    let mut thing = new(place, aws::TARGET, id);
    for (key, value) in [("target-group", arn), ("target", target), ("port", port)] {
        put(&mut thing.immutable, key, Some(value));
    }
    thing.set = Some(arn.into());
    thing.state.insert(PRESENT.into(), "no".into());
    Some(thing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::Drifted;
    use crate::resolve;
    use crate::snapshot::Snapshot;
    use crate::spec::Spec;

    #[test]
    fn what_its_group_does_not_have_is_absent_and_what_has_no_group_is_nothing() {
        let text = include_str!("../../fixtures/incidents/tokbox-2019/snapshot.json");
        let snapshot: Snapshot = serde_json::from_str(text).expect("a snapshot");
        let spec = Spec::default();
        let input = Input {
            spec: &spec,
            snapshot: &snapshot,
            resolution: &resolve::resolve(&spec, &snapshot),
            drifted: &Drifted::default(),
            quarantined: &Default::default(),
            observations: &Default::default(),
            named: None,
        };
        let look =
            |kind: &str, id: &str| absent(&input, &ItemRef { kind: kind.into(), id: id.into() });
        let id = "sg-0videoedge1/ingress/tcp/8080/8080/192.0.2.0/24";
        let it = look(aws::PERMISSION, id).expect("a place for it");
        assert_eq!((it.id.as_str(), it.state[PRESENT].as_str()), (id, "no"));
        // The fields that a listing gives it where it is there, so that it is the same thing.
        let there = super::super::list(&input).resources;
        let other = there.iter().find(|r| r.kind == aws::PERMISSION).expect("one");
        assert_eq!(
            it.immutable.keys().collect::<Vec<_>>(),
            other.immutable.keys().collect::<Vec<_>>()
        );
        assert!(!other.state.contains_key(PRESENT));
        for (kind, id) in [
            (aws::PERMISSION, "sg-gone/ingress/tcp/8080/8080/192.0.2.0/24"),
            (aws::PERMISSION, "sg-0videoedge1"),
            (aws::TARGET, "arn:gone/i-1/80"),
            (aws::INSTANCE, "i-gone"),
        ] {
            assert_eq!(look(kind, id), None, "{id}");
        }
    }
}
