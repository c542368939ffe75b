use crate::model::{AddressSet, Family, PortSet, PortSpec, Protocol, icmp_key, with_unused_codes};
use crate::snapshot::{IpPermission, SecurityGroup};
use crate::spec::{DeclaredGroup, DeclaredPermission, Peer};
use ipnetwork::IpNetwork;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which way a permission lets traffic through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    Ingress,
    Egress,
}

/// One permission, normalised: one direction, one protocol, its ports, one peer (R10).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub direction: Direction,
    /// `None` is every protocol; ports are then all (D3).
    pub protocol: Option<Protocol>,
    pub ports: PortSet,
    pub peer: Peer,
}

/// Permissions with how they are written: a set, in whatever order they were written (D4).
pub(super) type Lines = BTreeMap<Line, Written>;

/// What a line's own form does not keep of the permissions that are it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) description: Option<String>,
    /// Their ports to the letter, several where packets do not tell them apart: `0-65535` beside
    /// `1-65535`, echo of any code beside code 0. The API revokes only what is named as it stands.
    pub(super) ports: Vec<PortSet>,
}

fn put(lines: &mut Lines, line: Line, ports: PortSet, description: Option<&str>) {
    let written = lines.entry(line).or_default();
    written.description = description.map(str::to_owned);
    if !written.ports.contains(&ports) {
        written.ports.push(ports);
    }
}

impl Line {
    fn new(direction: Direction, protocol: Option<Protocol>, ports: PortSet, peer: Peer) -> Self {
        let ports = match protocol {
            None => PortSet::all(),
            // Port 0 carries nothing, so `all ports` with and without it are the same packets.
            Some(p) if p.has_ports() && ports == PortSet::range(1, 65535) => PortSet::all(),
            // Any code of echo and code 0 are the same packets (R9).
            Some(p) => with_unused_codes(p, ports),
        };
        Self { direction, protocol, ports, peer }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (direction, word) = match self.direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        match self.protocol {
            None => write!(f, "{direction} all {word} ")?,
            Some(protocol) => {
                let spec = PortSpec::new(protocol, self.ports.clone());
                write!(f, "{direction} {spec} {word} ")?;
            }
        }
        match &self.peer {
            Peer::Block(block) => write!(f, "{block}"),
            Peer::Group(id) | Peer::PrefixList(id) => f.write_str(id),
        }
    }
}

/// The lines of a declared group.
pub(super) fn declared(group: &DeclaredGroup) -> Lines {
    let mut out = Lines::new();
    for (direction, list) in
        [(Direction::Ingress, &group.ingress), (Direction::Egress, &group.egress)]
    {
        for DeclaredPermission { port, peers, description, .. } in list {
            for peer in peers {
                let (protocol, ports) = match port {
                    None => (None, PortSet::all()),
                    Some(spec) => (Some(spec.protocol), spec.ports.clone()),
                };
                let line = Line::new(direction, protocol, ports.clone(), peer.clone());
                put(&mut out, line, ports, description.as_deref());
            }
        }
    }
    out
}

/// A live permission that matches no packet, by its own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) direction: Direction,
    /// In words.
    pub(super) what: String,
}

/// The lines of a live group, and what of it matches nothing (R7, R8, R9).
pub(super) fn live(group: &SecurityGroup) -> (Lines, Vec<Invalid>) {
    let (mut lines, mut invalid) = (Lines::new(), Vec::new());
    for (direction, list) in [
        (Direction::Ingress, &group.ip_permissions),
        (Direction::Egress, &group.ip_permissions_egress),
    ] {
        for raw in list {
            let (protocol, ports) = match traffic(raw) {
                Ok(traffic) => traffic,
                Err(what) => {
                    invalid.push(Invalid { direction, what });
                    continue;
                }
            };
            for (peer, description) in peers(raw) {
                if let (Some(protocol), Peer::Block(block)) = (protocol, &peer)
                    && let Some(family) = unspoken(protocol, *block)
                {
                    let word = if direction == Direction::Ingress { "from" } else { "to" };
                    let spec = PortSpec::new(protocol, ports.clone());
                    let why = format!("no {} packet carries {protocol}", family.name());
                    let what = format!("{spec} {word} {block} matches nothing: {why}");
                    invalid.push(Invalid { direction, what });
                    continue;
                }
                let line = Line::new(direction, protocol, ports.clone(), peer);
                put(&mut lines, line, ports.clone(), description);
            }
        }
    }
    (lines, invalid)
}

/// What a live group lets through, a line each permission and peer; the group itself is called so,
/// so that two groups of the same contents have the same lines.
#[must_use]
pub fn permissions(group: &SecurityGroup) -> BTreeSet<String> {
    let (lines, invalid) = live(group);
    let itself = |line: &Line| matches!(&line.peer, Peer::Group(id) if *id == group.group_id);
    let said = lines.keys().map(|line| {
        let said = line.to_string();
        if itself(line) { said.replace(&group.group_id, "the group itself") } else { said }
    });
    said.chain(invalid.into_iter().map(|i| i.what)).collect()
}

/// One permission of a live group for one of its peers, as differences of groups name it; `None` where
/// it matches nothing by its own form.
#[must_use]
pub fn line_of(direction: Direction, raw: &IpPermission, peer: Peer) -> Option<Line> {
    let (protocol, ports) = traffic(raw).ok()?;
    Some(Line::new(direction, protocol, ports, peer))
}

fn peers(raw: &IpPermission) -> impl Iterator<Item = (Peer, Option<&str>)> {
    let v4 = raw.ip_ranges.iter().map(|r| (Peer::Block(r.cidr_ip), r.description.as_deref()));
    let v6 = raw.ipv6_ranges.iter().map(|r| (Peer::Block(r.cidr_ipv6), r.description.as_deref()));
    let groups = raw
        .user_id_group_pairs
        .iter()
        .map(|p| (Peer::Group(p.group_id.clone()), p.description.as_deref()));
    let lists = raw
        .prefix_list_ids
        .iter()
        .map(|p| (Peer::PrefixList(p.prefix_list_id.clone()), p.description.as_deref()));
    v4.chain(v6).chain(groups).chain(lists)
}

/// The family of a block whose packets never carry a protocol.
fn unspoken(protocol: Protocol, block: IpNetwork) -> Option<Family> {
    let family = Family::of(block.ip());
    (!protocol.runs_over(family)).then_some(family)
}

/// Protocol and ports of a live permission; an error says why it matches nothing.
fn traffic(raw: &IpPermission) -> Result<(Option<Protocol>, PortSet), String> {
    if raw.ip_protocol == "-1" || raw.ip_protocol.eq_ignore_ascii_case("all") {
        return Ok((None, PortSet::all()));
    }
    let Ok(protocol) = raw.ip_protocol.parse::<Protocol>() else {
        return Err(format!("`{}` is no protocol", raw.ip_protocol));
    };
    let (from, to) = (raw.from_port.unwrap_or(-1), raw.to_port.unwrap_or(-1));
    if protocol.is_icmp() {
        let byte = |n: i32| u8::try_from(n).ok();
        return match (byte(from), byte(to)) {
            (Some(kind), Some(code)) => Ok((Some(protocol), PortSet::one(icmp_key(kind, code)))),
            (Some(kind), None) => Ok((Some(protocol), PortSet::icmp_type(kind))),
            (None, None) => Ok((Some(protocol), PortSet::all())),
            (None, Some(code)) => {
                Err(format!("{protocol} of any type with code {code} matches nothing"))
            }
        };
    }
    if !protocol.has_ports() {
        return Ok((Some(protocol), PortSet::all()));
    }
    let low = u16::try_from(from.max(0)).unwrap_or(u16::MAX);
    let high = if to < 0 { u16::MAX } else { u16::try_from(to).unwrap_or(u16::MAX) };
    if low > high {
        return Err(format!("{protocol} ports {low} to {high} hold no port"));
    }
    Ok((Some(protocol), PortSet::range(low, high)))
}

/// What AWS gives every new group: all egress. Not declaring `egress` at all is not drift (D6).
pub(super) fn is_default_egress(line: &Line) -> bool {
    let everywhere = match &line.peer {
        Peer::Block(block) => {
            let set = AddressSet::from_networks([*block]);
            set == AddressSet::all_v4() || set == AddressSet::all_v6()
        }
        Peer::Group(_) | Peer::PrefixList(_) => false,
    };
    line.direction == Direction::Egress && line.protocol.is_none() && everywhere
}
