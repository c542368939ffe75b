use super::{Row, What};
use crate::model::{Expect, PortSet, Protocols, SourceName};
use crate::resolve::Resolution;
use crate::spec::{Place, Role, Spec};
use std::collections::BTreeMap;

/// Finds roles that share a host and contradict each other there.
///
/// Sharing hosts is fine: declarations add up. What cannot both hold is one role declaring or
/// allowing what the other forbids, and two services that expect different things of one port.
pub(super) fn find(spec: &Spec, resolution: &Resolution, rows: &mut Vec<Row>) {
    // Hosts by their set of roles: sets are few where hosts are many.
    let mut sets: BTreeMap<&[String], (&str, usize)> = BTreeMap::new();
    for host in resolution.hosts.values().filter(|h| h.roles.len() > 1) {
        sets.entry(&host.roles).or_insert((&host.id, 0)).1 += 1;
    }
    let mut pairs: BTreeMap<(&str, &str), (&str, usize)> = BTreeMap::new();
    for (roles, (host, hosts)) in sets {
        for (i, a) in roles.iter().enumerate() {
            for b in &roles[i + 1..] {
                let pair = pairs.entry((a.min(b), a.max(b))).or_insert((host, 0));
                pair.0 = pair.0.min(host);
                pair.1 += hosts;
            }
        }
    }
    for ((a, b), (host, hosts)) in pairs {
        let (Some(a), Some(b)) = (spec.roles.get(a), spec.roles.get(b)) else { continue };
        for clash in clashes(a, b) {
            rows.push(Row {
                what: What::Overlap {
                    roles: [a.name.clone(), b.name.clone()],
                    about: clash.about,
                    why: clash.why,
                    host: host.into(),
                    hosts,
                },
                place: Some(clash.places.0),
                other: Some(clash.places.1),
                gaps: Vec::new(),
            });
        }
    }
}

/// A line of a role that speaks of ports and sources.
struct Line<'a> {
    what: String,
    protocols: Protocols,
    ports: &'a PortSet,
    from: &'a [SourceName],
    forbids: bool,
    expect: Option<&'a Expect>,
    at: &'a Place,
}

struct Clash {
    about: String,
    why: String,
    places: (Place, Place),
}

fn lines(role: &Role) -> Vec<Line<'_>> {
    let services = role.services.iter().map(|s| Line {
        what: format!("service {}", s.name),
        protocols: Protocols::One(s.port.protocol),
        ports: &s.port.ports,
        from: &s.from,
        forbids: false,
        expect: Some(&s.expect),
        at: &s.at,
    });
    let permits = |forbids: bool| {
        let list = if forbids { &role.forbid } else { &role.allow };
        list.iter().map(move |p| Line {
            what: "allow".into(),
            protocols: p.protocols,
            ports: &p.ports,
            from: &p.from,
            forbids,
            expect: None,
            at: &p.at,
        })
    };
    services.chain(permits(false)).chain(permits(true)).collect()
}

fn clashes(a: &Role, b: &Role) -> Vec<Clash> {
    let (ours, theirs) = (lines(a), lines(b));
    let mut out = Vec::new();
    for x in &ours {
        for y in &theirs {
            let source = x.from.iter().find(|s| y.from.contains(s));
            let ports = x.ports.intersect(y.ports);
            let Some(source) = source.filter(|_| !ports.is_empty()) else { continue };
            let Some(protocols) = x.protocols.intersect(y.protocols) else { continue };
            let why = if x.forbids != y.forbids {
                let (role, line, other) = if x.forbids { (b, y, a) } else { (a, x, b) };
                format!("{} of {} declares what {} forbids", line.what, role.name, other.name)
            } else if matches!((x.expect, y.expect), (Some(x), Some(y)) if x != y) {
                format!(
                    "{} of {} and {} of {} expect different things",
                    x.what, a.name, y.what, b.name
                )
            } else {
                continue;
            };
            out.push(Clash {
                about: format!("{} from {source}", protocols.with(&ports)),
                why,
                places: (x.at.clone(), y.at.clone()),
            });
        }
    }
    out
}
