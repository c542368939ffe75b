//! What of an account could be repaired: permissions that the spec asks for and their groups lack.

use super::absent::absent_permission;
use super::observed::{Answers, PROBE, said};
use super::opening::{Opening, Opens, add_permission};
use super::permission::Rule;
use super::place::{Place, SPEC};
use super::thing::ask;
use super::{Input, population};
use crate::cleanup::{Claim, Digest, ItemRef, Listing, OPENS, Resource, aws};
use crate::drift::{Direction, How, Line};
use crate::exposure::{self, Declared, Exposure, clients_of};
use crate::finding::{Ground, Traffic, lacking, port_pairs};
use crate::model::{AddressSet, PortSet};
use crate::observation::{Observation, State};
use crate::reach::{self, Configured, Reach};
use crate::snapshot::{CallKind, Interface, RegionView, Snapshot};
use crate::spec::{Peer, Spec};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};

/// Lists the population that [`super::list`] lists, in which the only candidates are permissions to
/// authorize: those that a declared group has and the live one lacks, and those for want of which a
/// required service is kept out.
///
/// What one would open stands in its state, so that people agree to that and an act that would open
/// anything else is left out. One that would open what the spec does not want is protected.
#[must_use]
pub fn repairs(input: &Input<'_>) -> Listing {
    let mut listing = population(input);
    for thing in &mut listing.resources {
        thing.candidate = false;
        thing.action = None;
        thing.dead.clear();
        // What is in its group is proven not to be missing: who calls that missing reads groups wrongly.
        if thing.kind == aws::PERMISSION {
            thing.live.push(there(thing, input.snapshot));
        }
    }
    let answers = Answers::new(input.observations);
    let (wanted, nothing) = (wanted(input), Spec::default());
    let mut judged = 0;
    for view in &input.snapshot.regions {
        let place = Place::new(input, view, &answers);
        for (group, rules) in &wanted {
            if judged == JUDGED {
                break;
            }
            let Some(judge) = Judge::new(input, &nothing, view, group) else { continue };
            let things = rules.iter().take(JUDGED - judged);
            let things = things.filter_map(|(rule, why)| one(&place, &judge, rule, why));
            let before = listing.resources.len();
            listing.resources.extend(things);
            judged += listing.resources.len() - before;
        }
    }
    super::finished(listing)
}

fn there(thing: &Resource, snapshot: &Snapshot) -> Claim {
    let at = |key: &str| thing.immutable.get(key).map_or("", String::as_str);
    let call = CallKind::SecurityGroups.name();
    Claim {
        kind: "in-group".into(),
        source: format!("{call} {}/{}", at("account"), at("region")),
        at: Some(snapshot.taken_at),
        record: None,
        detail: String::new(),
    }
}

/// What is left to say of a permission that its group does not have, before it is put there: who
/// carries the group, and what it would open to the internet.
///
/// `None` where nothing of it is there, or the id is none of a permission.
#[must_use]
pub fn absent_for_repair(input: &Input<'_>, item: &ItemRef) -> Option<Resource> {
    let mut thing = super::absent(input, item)?;
    let (snapshot, group) = (input.snapshot, thing.immutable.get("group")?.clone());
    let view = |v: &&RegionView| v.security_groups.iter().any(|g| g.group_id == group);
    let carried = carriers(snapshot.regions.iter().find(view)?, &group);
    let nothing = Spec::default();
    let opening = Opening::new(&nothing, snapshot, Some(carried_by(snapshot, &group)));
    thing.state.insert(CARRIED.into(), carried);
    say_opens(&mut thing, &opening, snapshot);
    Some(thing)
}

/// Most permissions that one plan judges, each by the whole account: more than any cap lets it take. The
/// next plan finds the others.
const JUDGED: usize = 200;

/// The field of the state that names the interfaces that carry the group.
const CARRIED: &str = "interfaces";
/// The field of a permission to authorize that says what it will be described as.
pub const DESCRIPTION: &str = "description";

/// Most places that are named one by one: the others are counted, with all that they open in a digest.
const NAMED: usize = 20;

/// Puts what a permission opens into its state; what nobody can say is unknown.
fn say_opens(thing: &mut Resource, opening: &Opening<'_>, snapshot: &Snapshot) {
    let mut then = snapshot.clone();
    let told = match add_permission(&mut then, &thing.immutable) {
        None => Err("its group is not there".into()),
        Some(touched) => opening.told(&then, &touched, "authorize"),
    };
    let opens = match told {
        Err(why) => {
            let says = format!("unknown: {why}");
            thing.unknown.push(why);
            says
        }
        Ok(all) if all.is_empty() && thing.state.get(CARRIED).is_some_and(String::is_empty) => {
            "nothing now: no interface carries the group, and the next one will".into()
        }
        Ok(all) if all.is_empty() => "nothing to the internet".into(),
        Ok(all) if all.len() <= NAMED => all.join("; "),
        Ok(all) => {
            let digest = Digest::of(all.join("; ").as_bytes());
            format!("{}; and {} more ({digest})", all[..NAMED].join("; "), all.len() - NAMED)
        }
    };
    thing.state.insert(OPENS.into(), opens);
}

/// Why a permission is wanted: where it is declared, and what is not as it was declared.
struct Why {
    declared: String,
    lacks: String,
    description: Option<String>,
    /// What answers though it is kept out.
    answered: Option<String>,
    /// Where the group's contents are declared, without it.
    contents: Option<String>,
}

/// Permissions that are wanted and not there, by group.
fn wanted<'a>(input: &Input<'a>) -> BTreeMap<String, BTreeMap<Rule, Why>> {
    let mut out: BTreeMap<String, BTreeMap<Rule, Why>> = BTreeMap::new();
    for drift in &input.drifted.groups {
        for missing in drift.differences.iter().filter(|d| d.how == How::Missing) {
            for rule in rules_of(&missing.line) {
                let why = Why {
                    declared: format!("{} declares it for {}", drift.place, drift.group),
                    lacks: format!("{} lacks it", drift.group),
                    description: description(input.spec, &drift.group, &missing.line),
                    answered: None,
                    contents: None,
                };
                out.entry(drift.group.clone()).or_default().insert(rule, why);
            }
        }
    }
    let reach = Reach::new(input.snapshot, &reach::Options { assume_bpa_off: false });
    let joined = exposure::join(input.spec, input.resolution, &reach, input.observations, None);
    let ground = Ground::new(input.snapshot);
    for row in joined.rows.iter().filter(|r| r.declared == Declared::Required) {
        let clients = clients_of(&row.source, input.spec, input.resolution);
        let (Configured::Blocked(path) | Configured::Partly(path, _)) = &row.configured else {
            continue;
        };
        let traffic = Traffic {
            address: row.address,
            interface: row.interface.as_deref(),
            protocol: row.protocol,
            ports: &row.ports,
            clients: &clients,
            group: None,
        };
        let Some((group, blocks)) = lacking(path, &traffic, &ground) else { continue };
        for block in blocks {
            let line = Line {
                direction: Direction::Ingress,
                protocol: Some(row.protocol),
                ports: row.ports.clone(),
                peer: Peer::Block(block),
            };
            let drift = input.drifted.groups.iter().find(|g| g.group == group);
            let missing = drift.into_iter().flat_map(|g| &g.differences);
            if missing.filter(|d| d.how == How::Missing).any(|d| covers(&d.line, &line)) {
                continue;
            }
            for rule in rules_of(&line) {
                let rules = out.entry(group.to_owned()).or_default();
                rules.entry(rule).or_insert_with(|| required(row, group, input.spec));
            }
        }
    }
    out
}

/// Whether one line lets in all that another does.
fn covers(wide: &Line, narrow: &Line) -> bool {
    let peer = match (&wide.peer, &narrow.peer) {
        (Peer::Block(wide), Peer::Block(narrow)) => {
            let set = |block: &IpNetwork| AddressSet::from_networks([*block]);
            set(wide).is_superset(&set(narrow))
        }
        (wide, narrow) => wide == narrow,
    };
    peer && wide.direction == narrow.direction
        && (wide.protocol.is_none() || wide.protocol == narrow.protocol)
        && wide.ports.is_superset(&narrow.ports)
}

fn required(row: &Exposure, group: &str, spec: &Spec) -> Why {
    let service = row.service.as_deref().unwrap_or_default();
    let at = row.place.as_ref().map(ToString::to_string).unwrap_or_default();
    let open =
        |o: &&std::sync::Arc<Observation>| matches!(o.state, State::Open | State::WrongService);
    let open = row.observations.iter().find(open);
    Why {
        declared: format!("{at} requires {service} from {}", row.source),
        lacks: format!("{group} keeps it out of {}", row.subject(&row.ports)),
        description: None,
        answered: open.map(|o| said(o)),
        contents: spec.groups.get(group).map(|g| g.at.to_string()),
    }
}

/// What a group was declared to say of a permission.
fn description(spec: &Spec, group: &str, line: &Line) -> Option<String> {
    let group = spec.groups.get(group)?;
    let list = match line.direction {
        Direction::Ingress => &group.ingress,
        Direction::Egress => &group.egress,
    };
    let same = list.iter().find(|p| {
        let (protocol, ports) = p
            .port
            .as_ref()
            .map_or((None, PortSet::all()), |port| (Some(port.protocol), port.ports.clone()));
        p.peers.contains(&line.peer)
            && protocol == line.protocol
            && (ports == line.ports || line.ports.is_superset(&ports))
    });
    same?.description.clone()
}

/// A line as permissions that the API takes, one for each range of its ports.
fn rules_of(line: &Line) -> Vec<Rule> {
    let (protocol, pairs) = match line.protocol {
        None => ("-1".to_owned(), vec![None]),
        Some(p) => (p.to_string(), port_pairs(p, &line.ports)),
    };
    let peer = match &line.peer {
        Peer::Block(block) => block.to_string(),
        Peer::Group(id) | Peer::PrefixList(id) => id.clone(),
    };
    let rule = |pair: Option<(i32, i32)>| {
        let (from, to) = pair.unwrap_or((-1, -1));
        let direction = match line.direction {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        };
        let (protocol, peer) = (protocol.clone(), peer.clone());
        Rule { direction, protocol, from, to, peer, description: None }
    };
    pairs.into_iter().map(rule).collect()
}

/// What the permissions of one group are judged by.
struct Judge<'a> {
    group: &'a str,
    /// Against what is wanted, and against nothing: all that it opens.
    spec: Opening<'a>,
    internet: Opening<'a>,
    carriers: String,
}

impl<'a> Judge<'a> {
    /// `None` where the view has no such group.
    fn new(
        input: &Input<'a>,
        nothing: &'a Spec,
        view: &RegionView,
        group: &'a str,
    ) -> Option<Self> {
        view.security_groups.iter().find(|g| g.group_id == group)?;
        let hosts = carried_by(input.snapshot, group);
        let internet = Opening::new(nothing, input.snapshot, Some(hosts.clone()));
        let spec = Opening::new(input.spec, input.snapshot, Some(hosts));
        Some(Self { group, spec, internet, carriers: carriers(view, group) })
    }
}

/// One permission that is wanted, as a thing: as [`super::absent`] shows it, with what it opens.
fn one(place: &Place<'_>, judge: &Judge<'_>, rule: &Rule, why: &Why) -> Option<Resource> {
    let snapshot = place.input.snapshot;
    let mut thing = absent_permission(place, &rule.id(judge.group))?;
    thing.state.insert(CARRIED.into(), judge.carriers.clone());
    say_opens(&mut thing, &judge.internet, snapshot);
    thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces]));
    thing.live.extend(
        why.answered.iter().map(|said| place.claim(PROBE.into(), "answers-probe", said.clone())),
    );
    let mut then = snapshot.clone();
    let touched = add_permission(&mut then, &thing.immutable)?;
    match judge.spec.judge(&then, &touched, "authorize") {
        Ok(()) => {}
        Err(Opens::Unwanted(says)) => {
            thing.protected.push(place.claim(SPEC.into(), "exposes", says));
        }
        Err(Opens::Unknown(says)) => thing.unknown.push(says),
    }
    if let Some(at) = &why.contents {
        let says =
            format!("{at} declares what {} holds, and not this: declare it there", judge.group);
        thing.protected.push(place.claim(SPEC.into(), "declared-contents", says));
    }
    if let Some(words) = &why.description {
        thing.immutable.insert(DESCRIPTION.into(), words.clone());
    }
    let declared = place.claim(SPEC.into(), "declared", why.declared.clone());
    let lacks = place.lacks(CallKind::SecurityGroups, "not-in-group", why.lacks.clone());
    ask(&mut thing, "authorize", [Some(declared), lacks].into_iter().flatten());
    Some(thing)
}

/// The instances and interfaces that carry a group, as hosts are called.
fn carried_by(snapshot: &Snapshot, group: &str) -> BTreeSet<String> {
    let all = snapshot.regions.iter().flat_map(|v| &v.network_interfaces);
    all.filter(|i| carries(i, group))
        .map(|i| {
            let instance = i.attachment.as_ref().and_then(|a| a.instance_id.as_ref());
            instance.unwrap_or(&i.network_interface_id).clone()
        })
        .collect()
}

fn carries(interface: &Interface, group: &str) -> bool {
    interface.groups.iter().any(|g| g.group_id == group)
}

/// The interfaces that carry a group, in words.
fn carriers(view: &RegionView, group: &str) -> String {
    let all = view.network_interfaces.iter().filter(|i| carries(i, group));
    let names: BTreeSet<&str> = all.map(|i| i.network_interface_id.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
