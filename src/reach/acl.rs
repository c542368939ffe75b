use super::Layer;
use super::combine::ephemeral;
use super::group::Direction;
use super::lines::Traffic;
use super::span::{Act, Ends, Span, Stage};
use crate::model::{AddressSet, Family, PortSet, Protocol, icmp_key};
use crate::snapshot::{Acl, AclEntry};
use ipnetwork::IpNetwork;
use std::sync::Arc;

/// The last entry of every list: what nothing else matched is denied.
const IMPLICIT: &str = "rule * deny, no entry matches";

/// What a network ACL lets through for one protocol: entries of the family sorted by rule number,
/// first match wins, implicit deny last (R15, R19).
pub(super) fn spans(
    acl: &Acl,
    direction: Direction,
    protocol: Protocol,
    family: Family,
    ends: &AddressSet,
) -> Vec<Span> {
    let lines = lines(acl, direction, protocol, family);
    let mut starts: Vec<u32> = vec![0, 1 << 16];
    for line in &lines {
        for &(low, high) in line.ports.ranges() {
            starts.extend([u32::from(low), u32::from(high) + 1]);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let mut spans: Vec<Span> = Vec::new();
    for pair in starts.windows(2) {
        let (low, high) = (pair[0] as u16, (pair[1] - 1) as u16);
        let Matched { passed, deciding, denying } = first_match(&lines, low, ends);
        let yes = if passed == *ends { Ends::All } else { Ends::of(passed) };
        let entry = Some(deciding);
        let cut = denying.filter(|_| yes != Ends::None);
        match spans.last_mut() {
            Some(last)
                if last.high.checked_add(1) == Some(low)
                    && last.yes == yes
                    && last.entry == entry
                    && last.cut() == cut.as_ref() =>
            {
                last.high = high;
            }
            _ => {
                let maybe = yes.clone();
                let span = Span { low, high, ..Span::whole(yes, maybe, entry, Vec::new()) };
                spans.push(span.cut_by(cut));
            }
        }
    }
    spans
}

/// The stage of an ACL for a request.
pub(super) fn request(
    acl: &Acl,
    direction: Direction,
    protocol: Protocol,
    family: Family,
    ends: &AddressSet,
) -> Stage {
    let mut spans = spans(acl, direction, protocol, family, ends);
    for span in &mut spans {
        if span.yes == Ends::None {
            // The entry that denies is the answer: it stands as the decider of an empty span.
            let decider = super::Decider {
                layer: Layer::NetworkAcl,
                id: acl.network_acl_id.as_str().into(),
                entry: span.entry.as_ref().map(|e| format!("{} {e}", direction.name()).into()),
            };
            *span = span.clone().with(Vec::new(), Some(decider), Vec::new());
        }
        let told = |line: &Arc<str>| -> Arc<str> { format!("{} {line}", direction.name()).into() };
        span.entry = span.entry.as_ref().map(told);
        let cut = span.cut().map(told);
        *span = span.clone().cut_by(cut);
    }
    Stage::filter(Layer::NetworkAcl, &acl.network_acl_id, spans, Arc::from(IMPLICIT))
}

/// The stage of an ACL for the answer (R16): it goes the other way, to the client's port.
pub(super) fn reply(
    acl: &Acl,
    direction: Direction,
    protocol: Protocol,
    family: Family,
    ends: &AddressSet,
) -> Stage {
    let way = direction.other();
    let id = &acl.network_acl_id;
    let lines = lines(acl, way, protocol, family);
    // What denies is told by its number, where it has one.
    let absent = |denying: Option<&Arc<str>>| -> Arc<str> {
        let line = denying.map_or(IMPLICIT, |line| line);
        format!("{} denies every answer ({line})", way.name()).into()
    };
    match protocol {
        Protocol::Tcp | Protocol::Udp => {
            let mut pieces: Vec<(AddressSet, PortSet)> = Vec::new();
            // What lets most client ports' answers through, and what keeps most of them in.
            let (mut lets, mut keeps): (Option<Told>, Option<Told>) = (None, None);
            for (low, high) in ranges(&lines, &PortSet::all()) {
                let Matched { passed, deciding, denying } = first_match(&lines, low, ends);
                // Told of is what keeps usual clients from an answer.
                let size = PortSet::range(low, high).intersect(ephemeral()).len();
                let wins = |best: &Option<Told>| size > best.as_ref().map_or(0, |(size, _)| *size);
                if passed != *ends && wins(&keeps) {
                    let implicit = || Arc::from(IMPLICIT);
                    keeps = Some((size, denying.unwrap_or_else(implicit)));
                }
                if !passed.is_empty() && wins(&lets) {
                    lets = Some((size, deciding));
                }
                if !passed.is_empty() {
                    add(&mut pieces, &passed, &PortSet::range(low, high));
                }
            }
            let some = pieces.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
            let absent = match some.is_empty() || some.intersects(ephemeral()) {
                true => absent(keeps.as_ref().map(|(_, line)| line)),
                false => format!(
                    "{} lets answers out to client ports {some} only, below those that clients use",
                    way.name()
                )
                .into(),
            };
            let pieces = pieces
                .into_iter()
                .map(|(set, ports)| (if set == *ends { Ends::All } else { Ends::of(set) }, ports))
                .collect();
            let mut entry = format!("{} of answers to client ports", way.name());
            if let Some((_, keeps)) = keeps {
                let lets = lets.map(|(_, lets)| format!("{lets}; ")).unwrap_or_default();
                entry = format!("{entry}: {lets}{keeps}");
            }
            let entry: Arc<str> = entry.into();
            let stage = Stage::new(Layer::NetworkAcl, id.as_str(), Act::Reply(pieces, Some(entry)));
            Stage { absent, ..stage }
        }
        Protocol::Icmp | Protocol::Icmpv6 => {
            // Only an echo is answered; everything else is one way.
            let (echo, answer) = if protocol == Protocol::Icmp { (8, 0) } else { (128, 129) };
            let Matched { passed, deciding, denying } =
                first_match(&lines, icmp_key(answer, 0), ends);
            let absent = absent(denying.as_ref());
            if passed == *ends {
                let whole = Span::whole(Ends::All, Ends::All, Some(deciding), Vec::new());
                return Stage::filter(Layer::NetworkAcl, id, vec![whole], absent);
            }
            let (low, high) = (icmp_key(echo, 0), icmp_key(echo, 255));
            let mut spans = vec![
                Span { high: low - 1, ..Span::whole(Ends::All, Ends::All, None, Vec::new()) },
                Span { low: high + 1, ..Span::whole(Ends::All, Ends::All, None, Vec::new()) },
            ];
            if !passed.is_empty() {
                let yes = Ends::of(passed);
                let whole = Span::whole(yes.clone(), yes, Some(deciding), Vec::new());
                spans.insert(1, Span { low, high, ..whole });
            }
            Stage::filter(Layer::NetworkAcl, id, spans, absent)
        }
        Protocol::Other(_) => {
            let Matched { passed, deciding, denying } = first_match(&lines, 0, ends);
            let absent = absent(denying.as_ref());
            let yes = Ends::of(passed);
            let spans = match yes {
                Ends::None => Vec::new(),
                yes => vec![Span::whole(yes.clone(), yes, Some(deciding), Vec::new())],
            };
            Stage::filter(Layer::NetworkAcl, id, spans, absent)
        }
    }
}

/// How many client ports a line decides for, and the line.
type Told = (u32, Arc<str>);

/// An entry that can match.
struct Line {
    ports: PortSet,
    ends: AddressSet,
    allow: bool,
    text: Arc<str>,
}

fn lines(acl: &Acl, direction: Direction, protocol: Protocol, family: Family) -> Vec<Line> {
    let mut entries: Vec<&AclEntry> =
        acl.entries.iter().filter(|e| e.egress == (direction == Direction::Egress)).collect();
    entries.sort_by_key(|e| e.rule_number);
    entries.into_iter().filter_map(|e| line(e, protocol, family)).collect()
}

fn line(entry: &AclEntry, protocol: Protocol, family: Family) -> Option<Line> {
    let network: IpNetwork = match family {
        Family::V4 => entry.cidr_block?.into(),
        Family::V6 => entry.ipv6_cidr_block?.into(),
    };
    let (from, to) = match (&entry.icmp_type_code, &entry.port_range) {
        (Some(icmp), _) if protocol.is_icmp() => (icmp.icmp_type, icmp.code),
        (_, Some(range)) if !protocol.is_icmp() => (range.from, range.to),
        _ => (None, None),
    };
    let traffic = Traffic::read(&entry.protocol, from, to)?;
    let ports = traffic.ports_of(protocol)?.clone();
    let (number, action) = (entry.rule_number, &entry.rule_action);
    let text = if number == 32767 {
        Arc::from(IMPLICIT)
    } else {
        format!("rule {number} {action} {traffic} {network}").into()
    };
    Some(Line { ports, ends: [network].into_iter().collect(), allow: action == "allow", text })
}

/// What a list does with one port.
struct Matched {
    /// The ends that it passes for.
    passed: AddressSet,
    /// The text of the entry that decides for most ends; one that allows before one that denies.
    deciding: Arc<str>,
    /// The text of the numbered entry that denies most ends.
    denying: Option<Arc<str>>,
}

fn first_match(lines: &[Line], port: u16, ends: &AddressSet) -> Matched {
    let mut left = ends.clone();
    let mut passed = AddressSet::empty();
    let mut deciding: Option<(u128, bool, Arc<str>)> = None;
    let mut denying: Option<(u128, Arc<str>)> = None;
    for line in lines.iter().filter(|l| l.ports.contains(port)) {
        let hit = left.intersect(&line.ends);
        if hit.is_empty() {
            continue;
        }
        left = left.subtract(&hit);
        let size = hit.size();
        if line.allow {
            passed = passed.union(&hit);
        } else if *line.text != *IMPLICIT && denying.as_ref().is_none_or(|(s, _)| size > *s) {
            denying = Some((size, Arc::clone(&line.text)));
        }
        // What allows is named before what denies: a stage that passes shows why.
        let better =
            deciding.as_ref().is_none_or(|(s, allow, _)| (line.allow, size) > (*allow, *s));
        if better {
            deciding = Some((size, line.allow, Arc::clone(&line.text)));
        }
        if left.is_empty() {
            break;
        }
    }
    Matched {
        passed,
        deciding: deciding.map_or_else(|| Arc::from(IMPLICIT), |(_, _, text)| text),
        denying: denying.map(|(_, text)| text),
    }
}

/// `within`, cut where any line begins or ends.
fn ranges(lines: &[Line], within: &PortSet) -> Vec<(u16, u16)> {
    let mut starts: Vec<u32> = Vec::new();
    for line in lines {
        for &(low, high) in line.ports.ranges() {
            starts.extend([u32::from(low), u32::from(high) + 1]);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    let mut out = Vec::new();
    for &(low, high) in within.ranges() {
        let mut from = u32::from(low);
        for &start in starts.iter().filter(|s| **s > u32::from(low) && **s <= u32::from(high)) {
            out.push((from as u16, (start - 1) as u16));
            from = start;
        }
        out.push((from as u16, high));
    }
    out
}

/// Adds ports for a set to disjoint pieces.
fn add(pieces: &mut Vec<(AddressSet, PortSet)>, set: &AddressSet, ports: &PortSet) {
    let mut left = set.clone();
    let mut next = Vec::new();
    for (have, had) in pieces.drain(..) {
        let both = have.intersect(&left);
        let rest = have.subtract(&left);
        left = left.subtract(&both);
        if !both.is_empty() {
            next.push((both, had.union(ports)));
        }
        if !rest.is_empty() {
            next.push((rest, had));
        }
    }
    if !left.is_empty() {
        next.push((left, ports.clone()));
    }
    *pieces = next;
}
