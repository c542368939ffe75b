use super::fact::Looking;
use super::{Row, What, fact, overlap, rollout};
use crate::fact::Facts;
use crate::model::Gap;
use crate::resolve::{Host, HostOrigin, Resolution, picks};
use crate::spec::{Role, Selector, Spec};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Holds the declared roles against the hosts there are and what is known of them; rows are sorted.
///
/// A host that is not live counts for nothing but for what a selector picks. Interfaces without an
/// instance belong to load balancers, databases and the like: they are judged by what they expose
/// and are not called unknown here.
#[must_use]
pub fn judge(spec: &Spec, resolution: &Resolution, facts: &Facts, now: Timestamp) -> Vec<Row> {
    let mut rows = Vec::new();
    for role in spec.roles.values() {
        count(role, resolution, &mut rows);
        empty(role, resolution, &mut rows);
        down(role, resolution, &mut rows);
        let looking = Looking { resolution, facts, now };
        fact::judge(role, looking, &mut rows);
        rollout::judge(role, looking, &mut rows);
    }
    // Without any role there is nothing to belong to, and every host would be a row.
    if !spec.roles.is_empty() {
        rows.extend(resolution.hosts.values().filter(|h| is_unknown(h)).map(|host| Row {
            what: What::Unknown { host: host.id.clone(), name: host.name.clone() },
            place: match &host.origin {
                HostOrigin::Declared(at) => Some(at.clone()),
                HostOrigin::Cloud { .. } => None,
            },
            other: None,
            gaps: Vec::new(),
        }));
    }
    overlap::find(spec, resolution, &mut rows);
    rows.sort();
    rows
}

fn is_unknown(host: &Host) -> bool {
    let interface = matches!(host.origin, HostOrigin::Cloud { .. }) && host.id.starts_with("eni-");
    host.live && host.roles.is_empty() && !interface
}

fn count(role: &Role, resolution: &Resolution, rows: &mut Vec<Row>) {
    let members = resolution.members.get(&role.name).map(Vec::as_slice).unwrap_or_default();
    let live = members.iter().filter(|id| resolution.hosts.get(*id).is_some_and(|h| h.live));
    let live = u32::try_from(live.count()).unwrap_or(u32::MAX);
    let row = |what, gaps| Row { what, place: Some(role.at.clone()), other: None, gaps };
    if let Some(min) = role.count.min.filter(|min| live < *min) {
        let gaps = gaps(&role.select, resolution);
        rows.push(row(What::TooFew { role: role.name.clone(), live, min }, gaps));
    }
    // Hosts that could not be seen cannot make too many fewer.
    if let Some(max) = role.count.max.filter(|max| live > *max) {
        rows.push(row(What::TooMany { role: role.name.clone(), live, max }, Vec::new()));
    }
}

fn empty(role: &Role, resolution: &Resolution, rows: &mut Vec<Row>) {
    let members = resolution.members.get(&role.name).map(Vec::as_slice).unwrap_or_default();
    for (i, selector) in role.select.iter().enumerate() {
        // What one selector picks is a member, so only members need a look.
        let any =
            members.iter().filter_map(|id| resolution.hosts.get(id)).any(|h| picks(selector, h));
        if !any {
            rows.push(Row {
                what: What::PicksNothing {
                    role: role.name.clone(),
                    nth: i + 1,
                    of: role.select.len(),
                },
                place: Some(role.at.clone()),
                other: None,
                gaps: gaps(std::slice::from_ref(selector), resolution),
            });
        }
    }
}

/// A role that must answer and has hosts, none of them live, is a service that is down. A `count` says
/// more precisely how many must be there, none included.
fn down(role: &Role, resolution: &Resolution, rows: &mut Vec<Row>) {
    let hosts = resolution.members.get(&role.name).map(Vec::as_slice).unwrap_or_default();
    let live = |id: &String| resolution.hosts.get(id).is_some_and(|h| h.live);
    let counted = role.count.min.is_some() || role.count.max == Some(0);
    if counted || role.services.is_empty() || hosts.is_empty() || hosts.iter().any(live) {
        return;
    }
    let mut services: Vec<String> = role.services.iter().map(|s| s.name.clone()).collect();
    services.sort();
    rows.push(Row {
        what: What::NoneLive { role: role.name.clone(), hosts: hosts.to_vec(), services },
        place: Some(role.at.clone()),
        other: None,
        gaps: gaps(&role.select, resolution),
    });
}

/// What could not be seen where these selectors look, each gap once.
fn gaps(selectors: &[Selector], resolution: &Resolution) -> Vec<Gap> {
    let gaps: BTreeSet<&Gap> = selectors.iter().flat_map(|s| resolution.hidden_from(s)).collect();
    gaps.into_iter().cloned().collect()
}
