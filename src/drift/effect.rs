use super::difference::Odd;
use super::line::{Direction, Line, Lines, live};
use crate::exposure::Configuration;
use crate::model::{AddressSet, Family, Gap, PortSet, Protocol};
use crate::reach::{Configured, HopVerdict, Layer};
use crate::snapshot::{CallKind, Interface, SecurityGroup, Snapshot};
use crate::spec::Peer;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Tells whether a permission changes what can be reached.
pub(super) struct Effects<'a> {
    configuration: &'a dyn Configuration,
    /// Interfaces by group id.
    members: BTreeMap<&'a str, Vec<&'a Interface>>,
    groups: BTreeMap<&'a str, &'a SecurityGroup>,
    lists: BTreeMap<&'a str, AddressSet>,
    /// The blocks of each VPC.
    blocks: BTreeMap<&'a str, AddressSet>,
    /// Why who carries a group is not known in full, by group id.
    unlisted: BTreeMap<&'a str, Gap>,
    /// Groups with those that they name and that are gone.
    gone: BTreeSet<(&'a str, &'a str)>,
}

/// Who shows that a permission changes what can be reached.
#[derive(Debug, Default)]
pub(super) struct Shown<'a> {
    /// Interfaces by id.
    pub(super) by: Vec<&'a str>,
    /// Why there may be more of them.
    pub(super) unseen: Option<Gap>,
}

/// Ports with the clients that one permission lets in to them.
type Piece = (PortSet, AddressSet);

impl<'a> Effects<'a> {
    /// `odd` is what of the live permissions matches nothing.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        odd: &'a [Odd],
        configuration: &'a dyn Configuration,
    ) -> Self {
        let mut out = Self {
            configuration,
            members: BTreeMap::new(),
            groups: BTreeMap::new(),
            lists: BTreeMap::new(),
            blocks: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            gone: odd.iter().filter_map(|o| Some((&*o.group, &*o.peer.as_ref()?.1))).collect(),
        };
        for view in &snapshot.regions {
            let unlisted = snapshot.gap(&view.account, &view.region, CallKind::NetworkInterfaces);
            for interface in &view.network_interfaces {
                for group in &interface.groups {
                    out.members.entry(&group.group_id).or_default().push(interface);
                }
            }
            for group in &view.security_groups {
                out.groups.insert(&group.group_id, group);
                out.unlisted.extend(unlisted.clone().map(|gap| (&*group.group_id, gap)));
            }
            for vpc in &view.vpcs {
                out.blocks.insert(&vpc.vpc_id, AddressSet::from_networks(vpc.blocks()));
            }
            for list in &view.prefix_lists {
                if let Some(networks) = list.networks() {
                    out.lists.insert(&list.prefix_list_id, AddressSet::from_networks(networks));
                }
            }
        }
        out
    }

    /// The interfaces through which a permission that is on one side only changes what can be reached.
    ///
    /// It does where some interface of the group has it from no other permission (of the side that
    /// lacks it, or of the interface's other groups), and every other layer of the path lets the
    /// traffic through. What cannot be decided counts as a change. Egress changes nothing that can
    /// be reached: groups are stateful, answers pass (R13).
    pub(super) fn changes(
        &self,
        group: &str,
        line: &Line,
        others: &Lines,
        extra: bool,
    ) -> Shown<'a> {
        if line.direction == Direction::Egress {
            return Shown::default();
        }
        let unseen = self.unlisted.get(group).cloned();
        let members = self.members.get(group).into_iter().flatten();
        let Some(clients) = self.clients(group, &line.peer) else {
            // A prefix list nobody could read, a group of which nobody knows who carries it.
            let by = members.map(|i| i.network_interface_id.as_str()).collect();
            return Shown { by, unseen };
        };
        let mut out = Shown { by: Vec::new(), unseen };
        let protocols = match line.protocol {
            Some(protocol) => vec![protocol],
            None => vec![Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Icmpv6],
        };
        for interface in members {
            for protocol in &protocols {
                let mut pieces = vec![(line.ports.clone(), clients.clone())];
                self.subtract(&mut pieces, group, others, *protocol);
                for other in interface.groups.iter().filter(|g| g.group_id != group) {
                    if let Some(other) = self.groups.get(other.group_id.as_str()) {
                        self.subtract(&mut pieces, &other.group_id, &live(other).0, *protocol);
                    }
                }
                if self.reaches(interface, *protocol, &pieces, extra) {
                    out.by.push(interface.network_interface_id.as_str());
                    break;
                }
            }
        }
        out
    }

    /// Takes out of `pieces` what these lines of a group let in anyway.
    fn subtract(&self, pieces: &mut Vec<Piece>, group: &str, lines: &Lines, protocol: Protocol) {
        let ingress = lines.keys().filter(|l| l.direction == Direction::Ingress);
        for line in ingress.filter(|l| l.protocol.is_none_or(|p| p == protocol)) {
            let Some(clients) = self.clients(group, &line.peer) else { continue };
            let mut next = Vec::with_capacity(pieces.len());
            for (ports, from) in pieces.drain(..) {
                let both = ports.intersect(&line.ports);
                let rest = ports.subtract(&line.ports);
                let left = from.subtract(&clients);
                if !both.is_empty() && !left.is_empty() {
                    next.push((both, left));
                }
                if !rest.is_empty() {
                    next.push((rest, from));
                }
            }
            *pieces = next;
        }
    }

    fn reaches(
        &self,
        interface: &Interface,
        protocol: Protocol,
        pieces: &[Piece],
        extra: bool,
    ) -> bool {
        let outside = AddressSet::outside();
        let vpc = interface.vpc_id.as_deref().unwrap_or_default();
        let inside = self.blocks.get(vpc).cloned().unwrap_or_default();
        for (address, public) in self.addresses(interface) {
            let fits = match protocol {
                Protocol::Icmp => address.is_ipv4(),
                Protocol::Icmpv6 => address.is_ipv6(),
                _ => true,
            };
            for (ports, clients) in pieces.iter().filter(|_| fits) {
                let clients = clients.of_family(Family::of(address));
                // Asked together, clients of the VPC would be passed over for those beyond it.
                let from = match public {
                    true => vec![clients.intersect(&outside)],
                    false => {
                        let private = clients.subtract(&outside);
                        vec![private.intersect(&inside), private.subtract(&inside)]
                    }
                };
                let id = Some(interface.network_interface_id.as_str());
                for from in from.iter().filter(|from| !from.is_empty()) {
                    let slices = self.configuration.slices(address, id, from, protocol, ports);
                    if slices.iter().any(|(_, c)| if extra { opens(c) } else { closes(c) }) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The addresses of an interface, each with whether clients outside use it.
    fn addresses(&self, interface: &Interface) -> BTreeSet<(IpAddr, bool)> {
        let more = interface.private_ip_addresses.iter();
        let public = more.clone().map(|p| &p.association).chain([&interface.association]);
        let public = public.filter_map(|a| a.as_ref()?.public_ip);
        let known = self.configuration.public_addresses(&interface.network_interface_id);
        let own = more.filter_map(|p| p.private_ip_address).chain(interface.private_ip_address);
        let v6 = interface.ipv6_addresses.iter().filter_map(|a| a.ipv6_address).map(IpAddr::V6);
        let public = public.chain(known).chain(v6.clone()).map(|a| (a, true));
        public.chain(own.chain(v6).map(|a| (a, false))).collect()
    }

    /// Addresses that a peer stands for in a permission of a group; `None` where they could not be read, all
    /// of them. A group stands for the private addresses of its interfaces (R3); one that is gone for none.
    fn clients(&self, group: &str, peer: &Peer) -> Option<AddressSet> {
        match peer {
            Peer::Block(block) => Some(AddressSet::from_networks([*block])),
            Peer::PrefixList(id) => self.lists.get(id.as_str()).cloned(),
            Peer::Group(id) if self.gone.contains(&(group, id.as_str())) => {
                Some(AddressSet::default())
            }
            Peer::Group(id) if self.unlisted.contains_key(id.as_str()) => None,
            Peer::Group(id) if !self.groups.contains_key(id.as_str()) => None,
            Peer::Group(id) => {
                let members = self.members.get(id.as_str()).into_iter().flatten();
                let private = members.flat_map(|i| {
                    let v4 = i.private_ip_addresses.iter().filter_map(|a| a.private_ip_address);
                    let v6 = i.ipv6_addresses.iter().filter_map(|a| a.ipv6_address).map(IpAddr::V6);
                    v4.chain(i.private_ip_address).chain(v6)
                });
                Some(AddressSet::from_addresses(private))
            }
        }
    }
}

/// Whether a permission that is there lets something through.
fn opens(configured: &Configured) -> bool {
    !matches!(configured, Configured::Blocked(_) | Configured::NotApplicable)
}

/// Whether nothing but groups keeps a permission that is not there from letting something through.
fn closes(configured: &Configured) -> bool {
    match configured {
        Configured::Blocked(path) => path
            .hops()
            .iter()
            .filter(|h| h.verdict == HopVerdict::Blocks)
            .all(|h| h.layer == Layer::SecurityGroup),
        Configured::Partly(..) | Configured::Unknown(..) => true,
        Configured::Permitted(_) | Configured::NotApplicable => false,
    }
}
