use super::index::Index;
use super::lines::Traffic;
use super::peers::Peers;
use super::span::{Ends, Span};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use crate::snapshot::{GroupPair, IpPermission, SecurityGroup};
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
    pub(super) vpc: Option<&'a str>,
    ingress: Vec<Permission<'a>>,
    egress: Vec<Permission<'a>>,
}

/// One permission with all its peers.
#[derive(Debug)]
struct Permission<'a> {
    traffic: Traffic,
    networks: AddressSet,
    groups: Vec<&'a GroupPair>,
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
            vpc: row.vpc_id.as_deref(),
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
        groups: row.user_id_group_pairs.iter().collect(),
        prefix_lists: row.prefix_list_ids.iter().map(|p| p.prefix_list_id.as_str()).collect(),
        texts: Default::default(),
    })
}

/// What the groups of an interface let through (R1: all OR-ed, no deny). A group nobody can read may
/// let everything through; an unresolved prefix list may hold every end, and an interface that nobody
/// saw may carry any group of its VPC.
pub(super) fn spans(
    index: &Index<'_>,
    groups: &[&str],
    direction: Direction,
    protocol: Protocol,
    family: Family,
    ends: &Arc<AddressSet>,
    peers: Peers<'_>,
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
                maybe: (**ends).clone(),
                gaps: vec![gap],
                text: Arc::from("not in the snapshot"),
                group: id,
            });
            continue;
        };
        for permission in group.permissions(direction) {
            let Some(ports) = permission.traffic.ports_of(protocol) else { continue };
            let Passing { yes, maybe, gaps } = permission.ends(index, group, family, ends, peers);
            if yes.is_empty() && gaps.is_empty() {
                continue;
            }
            let text = permission.text(direction, group.id, &yes);
            for &(low, high) in ports.ranges() {
                let (yes, maybe, text) = (yes.clone(), maybe.clone(), Arc::clone(&text));
                let gaps = gaps.clone();
                rules.push(Rule { low, high, yes, maybe, gaps, text, group: group.id });
            }
        }
    }
    sweep(&rules, groups, ends)
}

/// One line that applies, with the ends it lets through.
struct Rule<'a> {
    low: u16,
    high: u16,
    yes: AddressSet,
    /// Those that it may let through besides, and why that is not known.
    maybe: AddressSet,
    gaps: Vec<Gap>,
    text: Arc<str>,
    group: &'a str,
}

/// The ends that a permission lets through, those that it may besides, and why.
#[derive(Debug, Default)]
struct Passing {
    yes: AddressSet,
    maybe: AddressSet,
    gaps: Vec<Gap>,
}

/// Unites the lines over each elementary range of ports. The stage is the first group's.
fn sweep(rules: &[Rule<'_>], groups: &[&str], ends: &AddressSet) -> Vec<Span> {
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
        let mut gaps: Vec<Gap> = here().flat_map(|r| r.gaps.iter().cloned()).collect();
        gaps.sort();
        gaps.dedup();
        let other = groups.first().is_some_and(|first| *first != widest.group);
        let owner = other.then(|| Arc::from(widest.group));
        let maybe = (!gaps.is_empty()).then(|| {
            let maybe = here().fold(yes.clone(), |all, r| all.union(&r.maybe));
            if maybe == *ends { Ends::All } else { Ends::of(maybe) }
        });
        let yes = Ends::of(yes);
        let maybe = maybe.unwrap_or_else(|| yes.clone());
        let entry = Some(Arc::clone(&widest.text));
        match spans.last_mut() {
            Some(last)
                if last.high.checked_add(1) == Some(low)
                    && last.yes == yes
                    && last.maybe == maybe
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
    /// The asked ends that it lets through, and those that it may.
    fn ends(
        &self,
        index: &Index<'_>,
        own: &Group<'_>,
        family: Family,
        ends: &AddressSet,
        peers: Peers<'_>,
    ) -> Passing {
        let mut out = Passing::default();
        if let Peers::Of(peers) = peers
            && self.groups.iter().any(|g| peers.contains(&g.group_id.as_str()))
        {
            out.yes = ends.clone();
            return out;
        }
        out.yes = self.networks.intersect(ends);
        for id in &self.prefix_lists {
            match index.prefix_list(id) {
                Some(set) => out.yes = out.yes.union(&set.of_family(family).intersect(ends)),
                None if !index.list_may_hold(id, family) => {}
                None => {
                    out.maybe = ends.clone();
                    out.gaps.push(index.prefix_gap(id));
                }
            }
        }
        if let Peers::Unseen(unseen) = peers {
            for unseen in unseen {
                let here = unseen.ends.intersect(ends);
                let carried = |pair: &&GroupPair| unseen.may_carry(index, own.vpc, pair);
                if !here.is_empty() && self.groups.iter().any(carried) {
                    out.maybe = out.maybe.union(&here);
                    out.gaps.push(unseen.gap.clone());
                }
            }
        }
        out
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
        peers.extend(self.groups.iter().map(|g| g.group_id.clone()));
        peers.extend(self.prefix_lists.iter().map(ToString::to_string));
        let more = peers.len().saturating_sub(4);
        let short = short && more > 0;
        let shown = if short { peers[..4].join(", ") } else { peers.join(", ") };
        let tail = if short { format!(" and {more} more") } else { String::new() };
        let (name, word) = (direction.name(), direction.preposition());
        format!("{group} {name} {} {word} {shown}{tail}", self.traffic)
    }
}
