use crate::model::{Gap, GapKind};
use crate::resolve::Resolution;
use crate::snapshot::{AutoScalingGroup, CallKind, Snapshot, TargetGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

/// Which hosts a gate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Ids, declared names, `Name` tags that only one host has, or addresses.
    Hosts(Vec<String>),
    /// Members of an Auto Scaling group that are not in service yet.
    AutoScalingGroup(String),
    /// Targets that are registered and not healthy yet, by ARN.
    TargetGroup(String),
}

/// One host that a gate is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chosen {
    /// As it was asked for.
    pub asked: String,
    /// Its id; or why there is none, which is a gap where not everything could be read.
    pub host: Result<String, Refusal>,
    /// Whether it entered service after it was chosen by an earlier look.
    pub entered: bool,
}

impl Chosen {
    /// Its id, or what was asked for where there is none.
    #[must_use]
    pub fn name(&self) -> String {
        self.host.clone().unwrap_or_else(|_| self.asked.clone())
    }
}

/// Why no host is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    pub why: String,
    /// Whether it may be there and could not be seen.
    pub unseen: bool,
}

/// Finds the hosts that are wanted, sorted, each once.
///
/// `before` is what earlier looks were asked for: a member of the group that was chosen once is
/// chosen until it leaves the group. One that is held and enters service nevertheless (its balancer's
/// health check passes, a hook's time ran out) would otherwise drop out of the answer unproven.
///
/// # Errors
/// A group that cannot be found, or that has no host to gate.
pub fn choose(
    wanted: &Wanted,
    before: &BTreeSet<String>,
    snapshot: &Snapshot,
    resolution: &Resolution,
) -> Result<Vec<Chosen>, Refusal> {
    let mut chosen: BTreeSet<Chosen> = BTreeSet::new();
    let found = |id: String, entered| Chosen { host: one(&id, resolution), asked: id, entered };
    match wanted {
        Wanted::Hosts(asked) => {
            chosen.extend(asked.iter().map(|a| found(a.clone(), false)));
        }
        Wanted::AutoScalingGroup(name) => {
            let members = members(auto_scaling(name, snapshot)?, before)?;
            chosen.extend(members.into_iter().map(|(id, entered)| found(id, entered)));
        }
        Wanted::TargetGroup(arn) => {
            let targets = targets(target_group(arn, snapshot)?, before)?;
            chosen.extend(targets.into_iter().map(|(id, entered)| found(id, entered)));
        }
    }
    // Two names of one host are one host.
    let mut seen = BTreeSet::new();
    Ok(chosen.into_iter().filter(|c| seen.insert(c.name())).collect())
}

fn one(asked: &str, resolution: &Resolution) -> Result<String, Refusal> {
    if resolution.hosts.contains_key(asked) {
        return Ok(asked.into());
    }
    let by_address: Vec<&String> = match asked.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            let holds =
                |h: &&crate::resolve::Host| h.addresses.iter().any(|a| a.address == address);
            resolution.hosts.values().filter(holds).map(|h| &h.id).collect()
        }
        Err(_) => {
            let named = |h: &&crate::resolve::Host| h.name.as_deref() == Some(asked);
            resolution.hosts.values().filter(named).map(|h| &h.id).collect()
        }
    };
    match by_address.as_slice() {
        [id] => Ok((*id).clone()),
        [] => {
            let nothing = "nothing that was read has this id, name or address";
            Err(match resolution.blind_places() {
                None => Refusal { why: nothing.into(), unseen: false },
                Some(blind) => {
                    let why = format!("{nothing}, and {blind} could not be read in full");
                    Refusal { why, unseen: true }
                }
            })
        }
        several => {
            let list: Vec<&str> = several.iter().take(4).map(|s| s.as_str()).collect();
            let why =
                format!("{} hosts have it: {}; name one by id", several.len(), list.join(", "));
            Err(Refusal { why, unseen: false })
        }
    }
}

fn auto_scaling<'a>(name: &str, snapshot: &'a Snapshot) -> Result<&'a AutoScalingGroup, Refusal> {
    let is = |g: &&AutoScalingGroup| {
        g.auto_scaling_group_name == name || g.auto_scaling_group_arn.as_deref() == Some(name)
    };
    let mut found = snapshot.regions.iter().flat_map(|r| &r.auto_scaling_groups).filter(is);
    let group = found
        .next()
        .ok_or_else(|| absent("Auto Scaling group", name, CallKind::AutoScalingGroups, snapshot))?;
    if found.next().is_some() {
        let why = format!("several Auto Scaling groups are called {name}: name one by its ARN");
        return Err(Refusal { why, unseen: false });
    }
    Ok(group)
}

/// Members that have not entered service (launching, warmed, or stood by), and those of `before` that
/// entered it since.
fn members(
    group: &AutoScalingGroup,
    before: &BTreeSet<String>,
) -> Result<BTreeMap<String, bool>, Refusal> {
    let name = &group.auto_scaling_group_name;
    // Those of a warm pool have the same states after `Warmed:`.
    let leaves = |state: &str| {
        let state = state.strip_prefix("Warmed:").unwrap_or(state);
        ["Terminat", "Detach"].iter().any(|l| state.starts_with(l))
    };
    let waits = |state: &str| {
        ["Pending", "Warmed", "Standby", "EnteringStandby"].iter().any(|w| state.starts_with(w))
    };
    let there = group.instances.iter().filter(|i| !leaves(&i.lifecycle_state));
    let of = there.map(|i| (i.instance_id.clone(), waits(&i.lifecycle_state)));
    chosen(of, before).ok_or_else(|| Refusal {
        why: match group.instances.len() {
            0 => format!("Auto Scaling group {name} has no instance"),
            n => format!(
                "none of the {n} instances of Auto Scaling group {name} waits to enter service"
            ),
        },
        unseen: false,
    })
}

/// Those that wait, and those of `before`, with whether they wait no longer; `None` if there is none.
fn chosen(
    of: impl Iterator<Item = (String, bool)>,
    before: &BTreeSet<String>,
) -> Option<BTreeMap<String, bool>> {
    let mut out = BTreeMap::new();
    for (id, waits) in of.filter(|(id, waits)| *waits || before.contains(id)) {
        // One that is registered with several ports waits with any of them.
        *out.entry(id).or_insert(true) &= !waits;
    }
    Some(out).filter(|out| !out.is_empty())
}

fn target_group<'a>(arn: &str, snapshot: &'a Snapshot) -> Result<&'a TargetGroup, Refusal> {
    let mut groups = snapshot.regions.iter().flat_map(|r| &r.target_groups);
    groups
        .find(|g| g.target_group_arn == arn)
        .ok_or_else(|| absent("target group", arn, CallKind::TargetGroups, snapshot))
}

/// Registered targets that get no traffic yet, and those of `before` that do since.
fn targets(
    group: &TargetGroup,
    before: &BTreeSet<String>,
) -> Result<BTreeMap<String, bool>, Refusal> {
    let name = group.target_group_name.as_deref().unwrap_or(&group.target_group_arn);
    let Some(targets) = &group.targets else {
        let why = format!("the targets of target group {name} could not be read");
        return Err(Refusal { why, unseen: true });
    };
    // `unhealthy.draining` may come back without anybody registering it again.
    let there = targets.iter().filter(|t| t.state.as_deref() != Some("draining"));
    let of = there.map(|t| (t.target.id.clone(), t.state.as_deref() != Some("healthy")));
    chosen(of, before).ok_or_else(|| Refusal {
        why: match targets.len() {
            0 => format!("target group {name} has no target"),
            n => format!(
                "each of the {n} targets of target group {name} is healthy or draining already"
            ),
        },
        unseen: false,
    })
}

fn absent(what: &str, name: &str, kind: CallKind, snapshot: &Snapshot) -> Refusal {
    let entered = snapshot.calls.iter().filter_map(|c| c.gap());
    let views = snapshot.regions.iter();
    let gaps: Vec<Gap> = views
        .filter_map(|v| snapshot.gap(&v.account, &v.region, kind))
        .chain(entered.filter(|g| g.kind == kind.gap() || g.kind == GapKind::Account))
        .collect();
    match gaps.first() {
        Some(gap) => Refusal { why: format!("no {what} {name} was read, and {gap}"), unseen: true },
        None => Refusal { why: format!("no {what} {name} was read"), unseen: false },
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
