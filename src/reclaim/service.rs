use super::place::Place;
use super::thing::put;
use crate::cleanup::Resource;
use crate::snapshot::{CallKind, TargetGroup};

/// Whether none of a group's targets is healthy.
fn fails_open(group: &TargetGroup) -> bool {
    !group.targets.iter().flatten().any(|t| t.state.as_deref() == Some("healthy"))
}

/// Says where a balancer would send clients to a thing: by its id or any of its addresses.
pub(super) fn in_service(
    place: &Place<'_>,
    thing: &mut Resource,
    addresses: impl IntoIterator<Item = String>,
) {
    let id = thing.id.clone();
    let mut groups = Vec::new();
    for name in [id].into_iter().chain(addresses) {
        for (group, target) in place.uses.targets.get(&name).into_iter().flatten() {
            if group.is_of_classic() {
                let balancer = group.load_balancer_arns.first().map_or("", String::as_str);
                groups.push(balancer.to_owned());
                let said = format!("registered with {balancer}");
                let call = CallKind::ClassicLoadBalancers;
                thing.live.push(place.says(call, "in-load-balancer", said));
                continue;
            }
            let state = target.state.as_deref().unwrap_or("unknown");
            groups.push(format!("{} {state}", group.target_group_arn));
            // What is unhealthy or unused gets no clients, every other state does or will; and where nothing
            // is healthy a balancer sends them to all the same.
            let open = state == "unhealthy" && fails_open(group);
            if open || !matches!(state, "unhealthy" | "unused") {
                let how = if open { " as all are, so it gets clients" } else { "" };
                let said = format!("{state}{how} in {}", group.target_group_arn);
                thing.live.push(place.says(CallKind::TargetHealth, "in-target-group", said));
            }
        }
    }
    groups.sort();
    groups.dedup();
    put(&mut thing.state, "target-groups", Some(&groups.join(", ")));
}
