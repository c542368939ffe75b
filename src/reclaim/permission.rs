use super::observed::PROBE;
use super::place::{Place, SPEC};
use super::still::CHANGES_NOTHING;
use super::thing::{ask, new, put};
use crate::cleanup::Resource;
use crate::cleanup::aws as kind;
use crate::drift::{Direction, How, Line, line_of};
use crate::snapshot::{CallKind, IpPermission, SecurityGroup};
use crate::spec::Peer;

/// One permission of a group for one peer, in the API's own terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// `ingress` or `egress`.
    pub direction: &'static str,
    /// A name, a number or `-1`.
    pub protocol: String,
    /// First and last port, or ICMP type and code; -1 where the API has none.
    pub from: i32,
    pub to: i32,
    /// A block, a group's id or a prefix list's.
    pub peer: String,
    pub description: Option<String>,
}

impl Rule {
    /// The id of a group's rule: it says all of the rule, so that another is never meant.
    #[must_use]
    pub fn id(&self, group: &str) -> String {
        let Self { direction, protocol, from, to, peer, .. } = self;
        format!("{group}/{direction}/{protocol}/{from}/{to}/{peer}")
    }
}

/// Every rule of a group, with its line where it matches anything.
pub fn rules(group: &SecurityGroup) -> Vec<(Rule, Option<Line>)> {
    let mut out = Vec::new();
    let sides = [
        (Direction::Ingress, "ingress", &group.ip_permissions),
        (Direction::Egress, "egress", &group.ip_permissions_egress),
    ];
    for (direction, word, list) in sides {
        for raw in list {
            for (peer, description) in peers(raw) {
                let name = match &peer {
                    Peer::Block(block) => block.to_string(),
                    Peer::Group(id) | Peer::PrefixList(id) => id.clone(),
                };
                let rule = Rule {
                    direction: word,
                    protocol: raw.ip_protocol.clone(),
                    from: raw.from_port.unwrap_or(-1),
                    to: raw.to_port.unwrap_or(-1),
                    peer: name,
                    description,
                };
                out.push((rule, line_of(direction, raw, peer)));
            }
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn peers(raw: &IpPermission) -> Vec<(Peer, Option<String>)> {
    let v4 = raw.ip_ranges.iter().map(|r| (Peer::Block(r.cidr_ip), r.description.clone()));
    let v6 = raw.ipv6_ranges.iter().map(|r| (Peer::Block(r.cidr_ipv6), r.description.clone()));
    let pairs = raw.user_id_group_pairs.iter();
    let groups = pairs.map(|p| (Peer::Group(p.group_id.clone()), p.description.clone()));
    let lists = raw.prefix_list_ids.iter();
    let lists = lists.map(|p| (Peer::PrefixList(p.prefix_list_id.clone()), p.description.clone()));
    v4.chain(v6).chain(groups).chain(lists).collect()
}

/// Permissions. One that a declared group has and the spec does not declare is a candidate to be
/// revoked; where it lets in what nothing else lets in, the spec alone speaks against it.
pub(super) fn list(place: &Place<'_>, out: &mut Vec<Resource>) {
    for group in &place.view.security_groups {
        for (rule, line) in rules(group) {
            out.push(permission(place, group, &rule, line.as_ref()));
        }
    }
}

fn permission(
    place: &Place<'_>,
    group: &SecurityGroup,
    rule: &Rule,
    line: Option<&Line>,
) -> Resource {
    let id = group.group_id.as_str();
    let call = CallKind::SecurityGroups;
    let mut thing = new(place, kind::PERMISSION, rule.id(id));
    let (from, to) = (rule.from.to_string(), rule.to.to_string());
    for (key, value) in [
        ("group", id),
        ("direction", rule.direction),
        ("protocol", &rule.protocol),
        ("from", &from),
        ("to", &to),
        ("peer", &rule.peer),
    ] {
        put(&mut thing.immutable, key, Some(value));
    }
    put(&mut thing.attributes, "vpc", group.vpc_id.as_deref());
    put(&mut thing.state, "description", rule.description.as_deref());
    let carriers = place.uses.carriers.get(id).map_or(&[][..], Vec::as_slice);
    let mut carried: Vec<&str> = carriers.iter().map(|i| i.network_interface_id.as_str()).collect();
    carried.sort_unstable();
    thing.state.insert("interfaces".into(), carried.join(", "));
    thing.unknown.extend(place.blind(&[CallKind::NetworkInterfaces]));
    // The group's own protection covers what it lets through.
    let mut shield = new(place, kind::GROUP, id);
    super::thing::tags(place, &mut shield, call, &group.tags);
    thing.protected = shield.protected;
    thing.owner = shield.owner;

    let Some(line) = line else { return thing };
    let known = carriers.iter().flat_map(|i| place.addresses(i));
    if line.direction == Direction::Ingress
        && let Some(said) = place.answers.on(known, line.protocol, &line.ports)
    {
        thing.live.push(place.claim(PROBE.into(), "answers-probe", said));
    }
    let drift = place.input.drifted.groups.iter().find(|g| g.group == id);
    let extra = drift.into_iter().flat_map(|g| &g.differences);
    let extra = extra.into_iter().find(|d| d.how == How::Extra && d.line == *line);
    if let Some(extra) = extra {
        let at = drift.map(|g| g.place.to_string()).unwrap_or_default();
        let spec = place.claim(SPEC.into(), "not-declared", format!("{at} does not declare it"));
        let unused = place
            .lacks(CallKind::NetworkInterfaces, "no-interface", "no interface carries its group")
            .filter(|_| carriers.is_empty());
        let same = (!extra.exposes).then(|| {
            place.says(call, CHANGES_NOTHING, "nothing that can be reached differs by it")
        });
        ask(&mut thing, "revoke", [Some(spec), unused, same].into_iter().flatten());
    }
    thing
}
