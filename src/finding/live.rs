use super::{Ground, Need, Traffic};
use crate::model::{AddressSet, Family, PortSet, Protocol, Protocols, with_unused_codes};
use crate::snapshot::{IpPermission, SecurityGroup};
use ipnetwork::IpNetwork;
use serde_json::json;
use std::fmt;

/// One live permission of a group for one block or list of them, with what is needed to revoke exactly it.
pub(super) struct Live<'a> {
    raw: &'a IpPermission,
    peer: Peer<'a>,
    clients: AddressSet,
    /// `None` is every protocol.
    pub(super) protocol: Option<Protocol>,
    pub(super) ports: PortSet,
}

/// Whom a permission names.
enum Peer<'a> {
    Block(IpNetwork),
    List(&'a str),
}

/// The ingress permissions of a group by block and by prefix list that could be read. Groups as peers are
/// not among them: what they let in is not closed by taking an address out.
pub(super) fn ingress<'a>(
    group: &'a SecurityGroup,
    ground: &Ground<'_>,
) -> impl Iterator<Item = Live<'a>> {
    group.ip_permissions.iter().flat_map(move |raw| {
        let v4 = raw.ip_ranges.iter().map(|r| r.cidr_ip);
        let v6 = raw.ipv6_ranges.iter().map(|r| r.cidr_ipv6);
        let blocks =
            v4.chain(v6).map(|block| (Peer::Block(block), AddressSet::from_networks([block])));
        let lists = raw.prefix_list_ids.iter().filter_map(move |list| {
            let id = list.prefix_list_id.as_str();
            Some((Peer::List(id), ground.list(id)?))
        });
        let read = protocol(raw);
        blocks.chain(lists).filter_map(move |(peer, clients)| {
            let (protocol, ports) = read.clone()?;
            Some(Live { raw, peer, clients, protocol, ports })
        })
    })
}

/// Protocol and ports of a permission (R7, R8, R9); `None` where it matches nothing.
pub(super) fn protocol(raw: &IpPermission) -> Option<(Option<Protocol>, PortSet)> {
    if raw.ip_protocol == "-1" {
        return Some((None, PortSet::all()));
    }
    let protocol: Protocol = raw.ip_protocol.parse().ok()?;
    let (from, to) = (raw.from_port.unwrap_or(-1), raw.to_port.unwrap_or(-1));
    if protocol.is_icmp() {
        let ports = match (u8::try_from(from), u8::try_from(to)) {
            (Ok(t), Ok(c)) => PortSet::one(crate::model::icmp_key(t, c)),
            (Ok(t), Err(_)) => PortSet::icmp_type(t),
            (Err(_), Err(_)) => PortSet::all(),
            (Err(_), Ok(_)) => return None,
        };
        return Some((Some(protocol), with_unused_codes(protocol, ports)));
    }
    if !protocol.has_ports() {
        return Some((Some(protocol), PortSet::all()));
    }
    let low = u16::try_from(from.max(0)).ok()?;
    let high = if to < 0 { u16::MAX } else { u16::try_from(to).ok()? };
    Some((Some(protocol), PortSet::range(low, high)))
}

/// The clients that no permission for a group lets in to these ports, because they do not carry it.
pub(super) fn not_by_groups(
    group: &SecurityGroup,
    (of, ports): (Protocols, &PortSet),
    clients: AddressSet,
    ground: &Ground<'_>,
) -> AddressSet {
    let passing = group.ip_permissions.iter().filter(|raw| {
        protocol(raw).is_some_and(|(p, all)| {
            p.is_none_or(|p| of == Protocols::One(p)) && all.is_superset(ports)
        })
    });
    passing
        .flat_map(|raw| &raw.user_id_group_pairs)
        .fold(clients, |left, peer| ground.without_carriers(&left, &peer.group_id))
}

impl Live<'_> {
    /// The protocols, ports and clients of a need that it lets in; `None` for none.
    pub(super) fn serves(&self, need: &Need<'_>) -> Option<(Protocols, PortSet, AddressSet)> {
        let protocols = need.protocols.intersect(self.protocols())?;
        let ports = self.ports.intersect(need.ports);
        let clients = self.clients().intersect(need.clients);
        (!ports.is_empty() && !clients.is_empty()).then_some((protocols, ports, clients))
    }

    /// Whether it lets all of these in, from its clients.
    pub(super) fn passes(&self, protocols: Protocols, ports: &PortSet) -> bool {
        let passes = protocols.intersect(self.protocols()) == Some(protocols);
        passes && self.ports.is_superset(ports)
    }

    fn protocols(&self) -> Protocols {
        self.protocol.map_or(Protocols::All, Protocols::One)
    }

    pub(super) fn clients(&self) -> AddressSet {
        self.clients.clone()
    }

    /// Whether it lets any of the traffic in.
    pub(super) fn lets_in(&self, traffic: &Traffic<'_>) -> bool {
        self.protocol.is_none_or(|p| p == traffic.protocol)
            && self.ports.intersects(traffic.ports)
            && self.clients.of_family(Family::of(traffic.address)).intersects(traffic.clients)
    }

    /// `--ip-permissions` that names exactly this permission.
    pub(super) fn raw(&self) -> String {
        // Keys in one order, whichever way `serde_json` was built to keep them.
        let mut permission = serde_json::Map::new();
        permission.extend(self.raw.from_port.map(|p| ("FromPort".into(), p.into())));
        permission.insert("IpProtocol".into(), self.raw.ip_protocol.as_str().into());
        let (key, peer) = match &self.peer {
            Peer::Block(block) if block.is_ipv4() => {
                ("IpRanges", json!([{ "CidrIp": block.to_string() }]))
            }
            Peer::Block(block) => ("Ipv6Ranges", json!([{ "CidrIpv6": block.to_string() }])),
            Peer::List(id) => ("PrefixListIds", json!([{ "PrefixListId": id }])),
        };
        permission.insert(key.into(), peer);
        permission.extend(self.raw.to_port.map(|p| ("ToPort".into(), p.into())));
        json!([permission]).to_string()
    }
}

impl fmt::Display for Live<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            None => f.write_str("ingress all from ")?,
            Some(protocol) => {
                let spec = crate::model::PortSpec::new(protocol, self.ports.clone());
                write!(f, "ingress {spec} from ")?;
            }
        }
        match &self.peer {
            Peer::Block(block) => write!(f, "{block}"),
            Peer::List(id) => f.write_str(id),
        }
    }
}
