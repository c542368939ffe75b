use super::Peer;
use crate::observation::{Observations, State};
use crate::resolve::{Host, Resolution};
use crate::snapshot::Snapshot;
use crate::spec::Role;
use std::collections::{BTreeMap, BTreeSet};

/// How a host stands with what would send it traffic, best first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Healthy(String),
    InService(String),
    /// Nothing that was read sends it traffic, and nothing keeps traffic from it.
    Running,
    /// Registered somewhere, and not served from there.
    Kept,
}

/// Live hosts of the role that serve already, at most `most`, those with the best proof first.
///
/// A healthy target or a member in service is one; so is a running host that no balancer and no
/// group knows. One that a balancer or a group holds back is none.
#[must_use]
pub fn serving(
    role: &str,
    asked: &BTreeSet<String>,
    resolution: &Resolution,
    snapshot: &Snapshot,
    most: usize,
) -> Vec<Peer> {
    let standings = standings(resolution, snapshot);
    let members = resolution.members.get(role).into_iter().flatten();
    let mut found: Vec<(Standing, &String)> = members
        .filter(|id| !asked.contains(*id) && resolution.hosts.get(*id).is_some_and(|h| h.live))
        .map(|id| (standings.get(id.as_str()).cloned().unwrap_or(Standing::Running), id))
        .filter(|(standing, _)| *standing != Standing::Kept)
        .collect();
    // By kind of proof, then by id: which balancer it is must not prefer one host to another.
    found.sort_by(|a, b| (kind(&a.0), a.1).cmp(&(kind(&b.0), b.1)));
    found.truncate(most);
    found
        .into_iter()
        .map(|(standing, id)| Peer {
            host: id.clone(),
            why: match standing {
                Standing::Healthy(group) => format!("healthy in target group {group}"),
                Standing::InService(group) => format!("in service in Auto Scaling group {group}"),
                Standing::Running | Standing::Kept => "running".into(),
            },
        })
        .collect()
}

/// Keeps the peers from which a declared service answered: one that answers nothing serves nothing.
#[must_use]
pub fn answering(
    peers: Vec<Peer>,
    role: &Role,
    resolution: &Resolution,
    observations: &Observations,
) -> Vec<Peer> {
    let open: BTreeSet<_> = observations
        .rows
        .iter()
        .filter(|o| matches!(o.state, State::Open))
        .filter(|o| {
            role.services
                .iter()
                .any(|s| s.port.protocol == o.protocol && s.port.ports.contains(o.port))
        })
        .map(|o| o.address)
        .collect();
    let answers = |host: Option<&Host>| {
        host.is_some_and(|h| h.addresses.iter().any(|a| open.contains(&a.address)))
    };
    peers.into_iter().filter(|p| answers(resolution.hosts.get(&p.host))).collect()
}

const fn kind(standing: &Standing) -> u8 {
    match standing {
        Standing::Healthy(_) => 0,
        Standing::InService(_) => 1,
        Standing::Running => 2,
        Standing::Kept => 3,
    }
}

fn standings(resolution: &Resolution, snapshot: &Snapshot) -> BTreeMap<String, Standing> {
    let mut by_address = BTreeMap::new();
    for host in resolution.hosts.values() {
        by_address.extend(host.addresses.iter().map(|a| (a.address.to_string(), &host.id)));
    }
    let mut out: BTreeMap<String, Standing> = BTreeMap::new();
    let mut note = |id: &str, standing: Standing| {
        let id = by_address.get(id).map_or(id, |s| s.as_str());
        let have = out.entry(id.into()).or_insert_with(|| standing.clone());
        if kind(&standing) < kind(have) {
            *have = standing;
        }
    };
    for view in &snapshot.regions {
        for group in &view.target_groups {
            let name = group.target_group_name.as_deref().unwrap_or(&group.target_group_arn);
            for target in group.targets.iter().flatten() {
                let healthy = target.state.as_deref() == Some("healthy");
                let standing =
                    if healthy { Standing::Healthy(name.into()) } else { Standing::Kept };
                note(&target.target.id, standing);
            }
        }
        for group in &view.auto_scaling_groups {
            for member in &group.instances {
                let serves = member.lifecycle_state == "InService";
                let standing = if serves {
                    Standing::InService(group.auto_scaling_group_name.clone())
                } else {
                    Standing::Kept
                };
                note(&member.instance_id, standing);
            }
        }
    }
    out
}
