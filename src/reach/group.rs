use super::index::Index;
use super::lines::Traffic;
use super::span::{Ends, Span};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use crate::snapshot::{IpPermission, SecurityGroup};
use std::sync::{Arc, OnceLock};

/// Which way a packet goes through a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Ingress => Self::Egress,
            Self::Egress => Self::Ingress,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    pub(super) const fn preposition(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

/// A security group, normalised once: permissions by direction.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) id: &'a str,
    ingress: Vec<Permission<'a>>,
    egress: Vec<Permission<'a>>,
}

/// One permission with all its peers.
#[derive(Debug)]
struct Permission<'a> {
    traffic: Traffic,
    networks: AddressSet,
    groups: Vec<&'a str>,
    prefix_lists: Vec<&'a str>,
    /// As people read it, written once: with all its peers, and with the first four of more.
    texts: [OnceLock<Arc<str>>; 2],
}

impl<'a> Group<'a> {
    /// Normalises a group. A permission that no packet can match is dropped (R9).
    pub(super) fn new(row: &'a SecurityGroup) -> Self {
        let read = |list: &'a [IpPermission]| list.iter().filter_map(permission).collect();
        Self {
            id: &row.group_id,
            ingress: read(&row.ip_permissions),
            egress: read(&row.ip_permissions_egress),
        }
    }

    fn permissions(&self, direction: Direction) -> &[Permission<'a>] {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// Protocols that a permission of this direction names; `true` where one names all.
    pub(super) fn protocols(&self, direction: Direction) -> impl Iterator<Item = Option<Protocol>> {
        self.permissions(direction).iter().map(|p| p.traffic.protocol)
    }
}

fn permission(row: &IpPermission) -> Option<Permission<'_>> {
    let traffic = Traffic::read(&row.ip_protocol, row.from_port, row.to_port)?;
    let v4 = row.ip_ranges.iter().map(|r| r.cidr_ip);
    let v6 = row.ipv6_ranges.iter().map(|r| r.cidr_ipv6);
    Some(Permission {
        traffic,
        networks: v4.chain(v6).collect(),
        groups: row.user_id_group_pairs.iter().map(|p| p.group_id.as_str()).collect(),
        prefix_lists: row.prefix_list_ids.iter().map(|p| p.prefix_list_id.as_str()).collect(),
        texts: Default::default(),
    })
}

/// What the groups of an interface let through (R1: all OR-ed, no deny). A group nobody can read may
/// let everything through; an unresolved prefix list may hold every end.
///
/// `peer_groups` are the groups of the interface at the other end, where it is one of ours and the
/// packet carries its private address (R3).
pub(super) fn spans(
    index: &Index<'_>,
    groups: &[&str],
    direction: Direction,
    protocol: Protocol,
    family: Family,
    ends: &Arc<AddressSet>,
    peer_groups: Option<&[&str]>,
) -> Vec<Span> {
    let mut rules: Vec<Rule<'_>> = Vec::new();
    for id in groups {
        let Some(group) = index.groups.get(id) else {
            let gap =
                Gap::new(GapKind::SecurityGroups, *id, "the security group is not in the snapshot");
            rules.push(Rule {
                low: 0,
                high: u16::MAX,
                yes: AddressSet::empty(),
                maybe: Some(gap),
                text: Arc::from("not in the snapshot"),
                group: id,
            });
            continue;
        };
        for permission in group.permissions(direction) {
            let Some(ports) = permission.traffic.ports_of(protocol) else { continue };
            let (yes, maybe) = permission.ends(index, family, ends, peer_groups);
            if yes.is_empty() && maybe.is_none() {
                continue;
            }
            let text = permission.text(direction, group.id, &yes);
            for &(low, high) in ports.ranges() {
                let (yes, maybe, text) = (yes.clone(), maybe.clone(), Arc::clone(&text));
                rules.push(Rule { low, high, yes, maybe, text, group: group.id });
            }
        }
    }
    sweep(&rules, groups)
}

/// One line that applies, with the ends it lets through.
struct Rule<'a> {
    low: u16,
    high: u16,
    yes: AddressSet,
    maybe: Option<Gap>,
    text: Arc<str>,
    group: &'a str,
}

/// Unites the lines over each elementary range of ports. The stage is the first group's.
fn sweep(rules: &[Rule<'_>], groups: &[&str]) -> Vec<Span> {
    let mut starts: Vec<u32> =
        rules.iter().flat_map(|r| [u32::from(r.low), u32::from(r.high) + 1]).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut spans: Vec<Span> = Vec::new();
    for pair in starts.windows(2) {
        let (low, high) = (pair[0] as u16, (pair[1] - 1) as u16);
        let here = || rules.iter().filter(|r| r.low <= low && high <= r.high);
        let Some(first) = here().next() else { continue };
        let mut yes = first.yes.clone();
        let mut widest = first;
        for rule in here().skip(1) {
            if rule.yes.size() > widest.yes.size() {
                widest = rule;
            }
            yes = yes.union(&rule.yes);
        }
        let mut gaps: Vec<Gap> = here().filter_map(|r| r.maybe.clone()).collect();
        gaps.sort();
        gaps.dedup();
        let other = groups.first().is_some_and(|first| *first != widest.group);
        let owner = other.then(|| Arc::from(widest.group));
        let yes = Ends::of(yes);
        let maybe = if gaps.is_empty() { yes.clone() } else { Ends::All };
        let entry = Some(Arc::clone(&widest.text));
        match spans.last_mut() {
            Some(last)
                if last.high.checked_add(1) == Some(low)
                    && last.yes == yes
                    && last.entry == entry
                    && last.owner() == owner.as_ref()
                    && last.gaps() == gaps =>
            {
                last.high = high;
            }
            _ => {
                let span = Span { low, high, ..Span::whole(yes, maybe, entry, gaps) };
                spans.push(match owner {
                    Some(owner) => span.owned_by(owner),
                    None => span,
                });
            }
        }
    }
    spans
}

impl Permission<'_> {
    /// The asked ends that it lets through, and the gap where more may.
    fn ends(
        &self,
        index: &Index<'_>,
        family: Family,
        ends: &AddressSet,
        peer_groups: Option<&[&str]>,
    ) -> (AddressSet, Option<Gap>) {
        if let Some(peers) = peer_groups
            && self.groups.iter().any(|g| peers.contains(g))
        {
            return (ends.clone(), None);
        }
        let mut yes = self.networks.intersect(ends);
        let mut gap = None;
        for id in &self.prefix_lists {
            match index.prefix_list(id) {
                Some(set) => yes = yes.union(&set.of_family(family).intersect(ends)),
                None => gap = Some(index.prefix_gap(id)),
            }
        }
        (yes, gap)
    }

    /// `sg-1 ingress tcp/22 from 0.0.0.0/0`, by the peers that matter here.
    fn text(&self, direction: Direction, group: &str, yes: &AddressSet) -> Arc<str> {
        let short = !yes.is_empty();
        let write = || self.write(direction, group, short).into();
        Arc::clone(self.texts[usize::from(short)].get_or_init(write))
    }

    fn write(&self, direction: Direction, group: &str, short: bool) -> String {
        let mut peers: Vec<String> =
            self.networks.to_networks().iter().map(ToString::to_string).collect();
        peers.extend(self.groups.iter().map(ToString::to_string));
        peers.extend(self.prefix_lists.iter().map(ToString::to_string));
        let more = peers.len().saturating_sub(4);
        let short = short && more > 0;
        let shown = if short { peers[..4].join(", ") } else { peers.join(", ") };
        let tail = if short { format!(" and {more} more") } else { String::new() };
        let (name, word) = (direction.name(), direction.preposition());
        format!("{group} {name} {} {word} {shown}{tail}", self.traffic)
    }
}
