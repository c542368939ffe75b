use super::difference::{Odd, OddWhy};
use super::line::{Direction, live};
use crate::snapshot::{CallKind, GroupPair, SecurityGroup, Snapshot};
use std::collections::BTreeSet;

/// Finds live permissions that match nothing: by their form (R9), or because their peer is gone (R4).
///
/// A peer counts as gone where the peering is, or where the group should be in the same listing and
/// that listing is complete.
pub(super) fn find(snapshot: &Snapshot) -> Vec<Odd> {
    let mut out = Vec::new();
    for view in &snapshot.regions {
        let complete =
            snapshot.outcome(&view.account, &view.region, CallKind::SecurityGroups).is_complete();
        let known: BTreeSet<&str> =
            view.security_groups.iter().map(|g| g.group_id.as_str()).collect();
        let region = format!("{}/{}", view.account, view.region);
        for group in &view.security_groups {
            for invalid in if may_be_invalid(group) { live(group).1 } else { Vec::new() } {
                let way = match invalid.direction {
                    Direction::Ingress => "ingress",
                    Direction::Egress => "egress",
                };
                out.push(Odd {
                    group: group.group_id.clone(),
                    permission: way.into(),
                    peer: None,
                    why: OddWhy::Invalid(invalid.what),
                    region: region.clone(),
                });
            }
            for (direction, way, list) in [
                (Direction::Ingress, "ingress from", &group.ip_permissions),
                (Direction::Egress, "egress to", &group.ip_permissions_egress),
            ] {
                for pair in list.iter().flat_map(|p| &p.user_id_group_pairs) {
                    if let Some(why) = stale(pair, group, complete, &known) {
                        out.push(Odd {
                            group: group.group_id.clone(),
                            permission: format!("{way} {}", pair.group_id),
                            peer: Some((direction, pair.group_id.clone())),
                            why: OddWhy::Stale(why),
                            region: region.clone(),
                        });
                    }
                }
            }
        }
    }
    out.sort();
    out.dedup();
    out
}

/// Whether a group has anything that could match nothing: most have not, and there are many.
fn may_be_invalid(group: &SecurityGroup) -> bool {
    let lists = group.ip_permissions.iter().chain(&group.ip_permissions_egress);
    lists.into_iter().any(|p| !matches!(p.ip_protocol.as_str(), "tcp" | "udp" | "-1"))
}

fn stale(
    pair: &GroupPair,
    group: &SecurityGroup,
    complete: bool,
    known: &BTreeSet<&str>,
) -> Option<String> {
    match pair.peering_status.as_deref() {
        Some(status @ ("deleted" | "expired" | "failed" | "rejected")) => {
            return Some(format!("the peering that it comes by is {status}"));
        }
        Some(_) => return None,
        None if pair.vpc_peering_connection_id.is_some() => return None,
        None => {}
    }
    let ours = pair.user_id.is_none() || pair.user_id == group.owner_id;
    (complete && ours && !known.contains(pair.group_id.as_str()))
        .then(|| format!("the group {} is gone", pair.group_id))
}
