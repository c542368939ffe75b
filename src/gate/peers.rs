use super::Peer;
use crate::observation::{Observations, State};
use crate::resolve::Resolution;
use crate::snapshot::Snapshot;
use crate::spec::{Role, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How a host stands with what would send it traffic; where several things say it, the first of these
/// counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Healthy(String),
    /// A balancer's health check fails or was not passed yet, or it drains: nothing sends it new clients,
    /// whatever its Auto Scaling group says.
    HeldBack,
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
        .filter(|(standing, _)| !matches!(standing, Standing::HeldBack | Standing::Kept))
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
                Standing::Running | Standing::HeldBack | Standing::Kept => "running".into(),
            },
        })
        .collect()
}

/// Keeps the peers from which the most declared services answered: one that answers nothing serves
/// nothing, and one that answers less than another is no measure for a new host. Where nothing
/// answered, those stay of which no service was seen not to answer: nothing could be asked of them.
#[must_use]
pub fn answering(
    peers: Vec<Peer>,
    role: &Role,
    resolution: &Resolution,
    observations: &Observations,
) -> Vec<Peer> {
    let mut seen: BTreeMap<IpAddr, Answers<'_>> = BTreeMap::new();
    for row in &observations.rows {
        let of = |s: &&Service| s.port.protocol == row.protocol && s.port.ports.contains(row.port);
        let services = role.services.iter().filter(of).map(|s| s.name.as_str());
        let at = seen.entry(row.address).or_default();
        match row.state {
            State::Open => at.open.extend(services),
            State::Unproven | State::Failed | State::Unprobed => {}
            _ => at.quiet.extend(services),
        }
    }
    let of = |peer: &Peer| -> Answers<'_> {
        let host = resolution.hosts.get(&peer.host);
        let addresses = host.into_iter().flat_map(|h| &h.addresses);
        let mut all = Answers::default();
        for at in addresses.filter_map(|a| seen.get(&a.address)) {
            all.open.extend(&at.open);
            all.quiet.extend(&at.quiet);
        }
        all
    };
    let most = peers.iter().map(|p| of(p).open.len()).max().unwrap_or(0);
    let measures =
        |answers: Answers<'_>| answers.open.len() == most && (most > 0 || answers.quiet.is_empty());
    peers.into_iter().filter(|p| measures(of(p))).collect()
}

/// Services that were seen to answer at an address, and not to.
#[derive(Default)]
struct Answers<'a> {
    open: BTreeSet<&'a str>,
    quiet: BTreeSet<&'a str>,
}

/// Why nobody can tell whom a new host would have to be like; `None` where somebody can, also where no
/// host of the role serves yet.
///
/// `asked` of the `serving` hosts of [`serving`] were asked; `peers` are what [`answering`] left of those.
#[must_use]
pub fn unmeasured(
    role: &str,
    asked: usize,
    serving: usize,
    peers: &[Peer],
    resolution: &Resolution,
) -> Option<String> {
    if !peers.is_empty() {
        return None;
    }
    if asked > 0 {
        return Some(match (asked, serving) {
            (1, 1) => "the one host that serves already does not answer".into(),
            (1, n) if n > 1 => {
                format!(
                    "the one that was asked of {n} hosts that serve already does not answer: --peers asks more"
                )
            }
            (asked, n) if n > asked => {
                format!(
                    "none of the {asked} that were asked of {n} hosts that serve already answers: --peers asks more"
                )
            }
            (asked, _) => format!("none of the {asked} hosts that serve already answers"),
        });
    }
    let blind = resolution.blind_places()?;
    Some(format!("no host of role {role} was seen to serve, and {blind} could not be read in full"))
}

const fn kind(standing: &Standing) -> u8 {
    match standing {
        Standing::Healthy(_) => 0,
        Standing::HeldBack => 1,
        Standing::InService(_) => 2,
        Standing::Running => 3,
        Standing::Kept => 4,
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
            // How the instances of a classic balancer fare nobody asked: that says nothing.
            for target in group.targets.iter().flatten().filter(|_| !group.is_of_classic()) {
                let standing = match target.state.as_deref() {
                    Some("healthy") => Standing::Healthy(name.into()),
                    // Its group is not asked for by any listener, or nobody read how it is: that
                    // keeps nothing from it that others send.
                    None | Some("unused" | "unavailable") => Standing::Kept,
                    Some(_) => Standing::HeldBack,
                };
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
