use super::{Need, Traffic};
use crate::model::{AddressSet, PortSet, Protocol, Protocols, with_unused_codes};
use crate::snapshot::{IpPermission, SecurityGroup};
use ipnetwork::IpNetwork;
use serde_json::json;
use std::fmt;

/// One live permission of a group for one block, with what is needed to revoke exactly it.
pub(super) struct Live<'a> {
    raw: &'a IpPermission,
    block: IpNetwork,
    /// `None` is every protocol.
    pub(super) protocol: Option<Protocol>,
    pub(super) ports: PortSet,
}

/// The ingress permissions of a group by block. Groups and prefix lists as peers are not among
/// them: what they let in is not closed by taking an address out.
pub(super) fn ingress(group: &SecurityGroup) -> impl Iterator<Item = Live<'_>> {
    group.ip_permissions.iter().flat_map(|raw| {
        let v4 = raw.ip_ranges.iter().map(|r| r.cidr_ip);
        let v6 = raw.ipv6_ranges.iter().map(|r| r.cidr_ipv6);
        let read = protocol(raw);
        v4.chain(v6).filter_map(move |block| {
            let (protocol, ports) = read.clone()?;
            Some(Live { raw, block, protocol, ports })
        })
    })
}

/// Protocol and ports of a permission (R7, R8, R9); `None` where it matches nothing.
fn protocol(raw: &IpPermission) -> Option<(Option<Protocol>, PortSet)> {
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

/// Whether another group is let in to these ports.
pub(super) fn from_groups(group: &SecurityGroup, of: Protocols, ports: &PortSet) -> bool {
    group.ip_permissions.iter().filter(|p| !p.user_id_group_pairs.is_empty()).any(|raw| {
        protocol(raw).is_some_and(|(p, all)| {
            p.is_none_or(|p| of == Protocols::One(p)) && all.is_superset(ports)
        })
    })
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
        AddressSet::from_networks([self.block])
    }

    /// Whether it lets any of the traffic in.
    pub(super) fn lets_in(&self, traffic: &Traffic<'_>) -> bool {
        self.protocol.is_none_or(|p| p == traffic.protocol)
            && self.ports.intersects(traffic.ports)
            && self.block.is_ipv4() == traffic.address.is_ipv4()
            && self.clients().intersects(traffic.clients)
    }

    /// `--ip-permissions` that names exactly this permission.
    pub(super) fn raw(&self) -> String {
        // Keys in one order, whichever way `serde_json` was built to keep them.
        let mut permission = serde_json::Map::new();
        permission.extend(self.raw.from_port.map(|p| ("FromPort".into(), p.into())));
        permission.insert("IpProtocol".into(), self.raw.ip_protocol.as_str().into());
        let block = self.block.to_string();
        if self.block.is_ipv4() {
            permission.insert("IpRanges".into(), json!([{ "CidrIp": block }]));
        } else {
            permission.insert("Ipv6Ranges".into(), json!([{ "CidrIpv6": block }]));
        }
        permission.extend(self.raw.to_port.map(|p| ("ToPort".into(), p.into())));
        json!([permission]).to_string()
    }
}

impl fmt::Display for Live<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            None => write!(f, "ingress all from {}", self.block),
            Some(protocol) => {
                let spec = crate::model::PortSpec::new(protocol, self.ports.clone());
                write!(f, "ingress {spec} from {}", self.block)
            }
        }
    }
}
