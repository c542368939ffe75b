use super::Layer;
use super::group::Direction;
use super::index::{Nic, Place, Role, Spot};
use super::peers::{self, Peers, Stands, Unseen};
use super::route::{Routes, Target};
use super::span::Stage;
use super::ways::{Start, Ways, collapse, leads_to_private, one};
use crate::model::{AddressSet, Family, Gap, GapKind};
use crate::snapshot::CallKind;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

impl<'i, 'a> Ways<'i, 'a> {
    /// From an address of ours to an interface in another VPC, or to a public address of one, and
    /// the address that the packet carries. Nothing translates IPv6, so its route alone tells
    /// whether it goes to the other VPC itself or by way of the internet.
    pub(super) fn between(
        &self,
        start: &Start<'i, 'a>,
        to: IpAddr,
        spot: Spot,
    ) -> (Vec<Stage>, Arc<AddressSet>) {
        let routed = spot.role == Role::V6 && self.stays_private(start.place, to);
        if Ways::is_reachable_role(spot, to) && !routed {
            return self.hairpin(start, to, spot);
        }
        (self.across(start, &self.index.nics[spot.nic], to), one(start.address))
    }

    /// Whether the route to an address leads to anything but the internet.
    fn stays_private(&self, place: &Place<'a>, to: IpAddr) -> bool {
        place.routes.as_ref().is_ok_and(|table| {
            let routes = Routes::new(self.index, table, Family::of(to));
            routes.lookup(to).is_some_and(|line| leads_to_private(&line.target))
        })
    }

    /// Whether an IPv6 address is one of another VPC that a route leads to.
    pub(super) fn is_beyond(&self, place: &Place<'a>, to: IpAddr) -> bool {
        to.is_ipv6()
            && self.index.vpcs.keys().any(|vpc| self.index.vpc_blocks(vpc).contains(to))
            && self.stays_private(place, to)
    }

    /// From an address of ours to an interface in another VPC, by its private address.
    pub(super) fn across(&self, start: &Start<'i, 'a>, nic: &Nic<'a>, to: IpAddr) -> Vec<Stage> {
        let (here, there) = (one(start.address), one(to));
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        // Another VPC's group counts while a peering is active (R4), and through a transit gateway that is
        // told to where something comes in, never where it goes out.
        let peered = self.peered(start.place, to);
        let (starts, ends) = (self.unseen_start(start), self.unseen_nic(nic));
        let referred = self.referred(start, nic, to);
        let place_of = |from: &'i Nic<'a>| match peers::lacks_groups(self.index, from) {
            true => Stands::Behind,
            false => Stands::With(&from.groups),
        };
        let doubt: Vec<Unseen<'_>> = match (&referred, start.nic) {
            (Err(gap), Some(from)) => {
                let ends = AddressSet::one(start.address);
                vec![Unseen { ends, place: place_of(from), gap: gap.clone() }]
            }
            _ => Vec::new(),
        };
        let of_source = || peers::of(self.index, start.nic, &starts);
        let (ours, theirs) = match referred {
            _ if peered => (of_source(), peers::of(self.index, Some(nic), &ends)),
            Ok(true) => (of_source(), Peers::Nobody),
            Ok(false) => (Peers::Nobody, Peers::Nobody),
            Err(_) => (Peers::Unseen(&doubt), Peers::Nobody),
        };
        let mut stages = collapse(self.depart(start, &there, theirs, true), &there);
        let gate = self.gate_in(start.place, to);
        stages.extend(gate.map(|gate| self.acl(gate, Direction::Ingress, &here)));
        let (more, vpc) = self.cross(start.place, to);
        stages.extend(more);
        stages.extend(self.wrong_vpc(vpc, nic));
        stages.push(Stage::node(Layer::Vpc, place.vpc));
        stages.extend(self.pass(
            self.gate_out(start.place, place, to),
            place,
            |gate| self.acl(gate, Direction::Egress, &there).collapse(&there),
            || self.acl(place, Direction::Ingress, &here),
        ));
        stages.extend(self.at(nic, place, &here, ours));
        stages.push(self.acl_reply(place, Direction::Ingress, &here));
        // The answer needs a route of its own (R29, R30): the same stages the other way round.
        let gate = self.gate_in(place, start.address);
        let gate = gate.map(|gate| self.acl_reply(gate, Direction::Egress, &there));
        stages.extend(gate.map(|stage| stage.collapse(&there)));
        let (back, vpc) = self.cross(place, start.address);
        let lost = vpc.is_some_and(|v| v != start.place.vpc);
        stages.extend(back.into_iter().filter(|s| !matches!(s.act, super::span::Act::Node)));
        if lost {
            let why = format!("answers to {} leave for another VPC", start.address);
            stages.push(Stage::blocks(Layer::Subnet, place.id, why));
        }
        let home = self.pass(
            self.gate_out(place, start.place, start.address),
            start.place,
            |gate| self.acl_reply(gate, Direction::Ingress, &here),
            || self.acl_reply(start.place, Direction::Egress, &there).collapse(&there),
        );
        stages.extend(home.into_iter().filter(|s| !matches!(s.act, super::span::Act::Node)));
        stages
    }

    /// Whether the route to an address leads through a peering within one region: only there do
    /// groups of the other VPC count.
    fn peered(&self, place: &Place<'a>, to: IpAddr) -> bool {
        place.routes.as_ref().is_ok_and(|table| {
            let routes = Routes::new(self.index, table, Family::of(to));
            let Some(Target::Peering(id)) = routes.lookup(to).map(|l| &l.target) else {
                return false;
            };
            let regions = self.index.peerings.get(id).and_then(|p| {
                let (a, b) = (&p.accepter_vpc_info.region, &p.requester_vpc_info.region);
                Some((a.as_deref()?, b.as_deref()?))
            });
            regions.is_none_or(|(a, b)| a == b)
        })
    }

    /// Whether groups count on the way through one transit gateway. A second one behind it carries none.
    ///
    /// # Errors
    /// The gap that leaves it open.
    fn referred(&self, start: &Start<'i, 'a>, nic: &Nic<'a>, to: IpAddr) -> Result<bool, Gap> {
        let table = start.place.routes.as_ref().map_err(Clone::clone)?;
        let routes = Routes::new(self.index, table, Family::of(to));
        let Some(Target::Transit(gateway)) = routes.lookup(to).map(|l| &l.target) else {
            return Ok(false);
        };
        if self.index.attached_vpc(nic.vpc, gateway).is_none() {
            return Ok(false);
        }
        self.index.groups_count(gateway, &[start.place.vpc, nic.vpc]).ok_or_else(|| {
            let why = "SecurityGroupReferencingSupport of it or of an attachment is not in the snapshot: whether groups of one VPC count in another is not known";
            Gap::new(GapKind::TransitGateways, *gateway, why)
        })
    }

    /// A route that leads to another VPC than the interface's: equal addresses stand in several.
    fn wrong_vpc(&self, vpc: Option<&str>, nic: &Nic<'a>) -> Option<Stage> {
        let vpc = vpc.filter(|v| *v != nic.vpc)?;
        let why = format!("the route leads to {vpc}, not to {}", nic.vpc);
        Some(Stage::blocks(Layer::Vpc, vpc, why))
    }

    /// From a subnet towards an address in another VPC, and the VPC it leads to, where that is known.
    pub(super) fn cross(&self, place: &Place<'a>, to: IpAddr) -> (Vec<Stage>, Option<&'a str>) {
        let table = match &place.routes {
            Ok(table) => table,
            Err(gap) => {
                return (
                    vec![Stage::unknown(Layer::RouteTable, place.id, vec![gap.clone()])],
                    None,
                );
            }
        };
        let routes = Routes::new(self.index, table, Family::of(to));
        if let Some((list, _)) = routes.unresolved.first() {
            let gap = self.index.prefix_gap(list);
            return (vec![Stage::unknown(Layer::RouteTable, routes.id, vec![gap])], None);
        }
        let Some(line) = routes.lookup(to) else {
            let why = format!("no route to {to} in {}", routes.id);
            return (vec![Stage::blocks(Layer::Subnet, place.id, why)], None);
        };
        let far = |layer, id: &str, what: &str| (vec![self.far(layer, id, what)], None);
        match line.target {
            Target::Peering(id) => self.peering(place, id),
            Target::Transit(id) => self.transit(place, id, to),
            Target::Vpn(id) => far(Layer::VpnGateway, id, "what lies behind a VPN gateway"),
            Target::Other(id) | Target::Endpoint(id) => {
                far(Layer::NotModelled, id, "a route to an interface or appliance")
            }
            Target::Blackhole(_) => {
                let why = format!("{} is a blackhole", line.text());
                (vec![Stage::blocks(Layer::RouteTable, routes.id, why)], None)
            }
            Target::InternetGateway(_) | Target::EgressOnly(_)
                if AddressSet::outside().contains(to) =>
            {
                far(Layer::RouteTable, routes.id, "answers by another way than the request's")
            }
            Target::InternetGateway(id) | Target::EgressOnly(id) | Target::Nat(id) => {
                let why = format!("it does not carry packets to the private address {to}");
                let layer = match line.target {
                    Target::Nat(_) => Layer::NatGateway,
                    Target::EgressOnly(_) => Layer::EgressOnlyInternetGateway,
                    _ => Layer::InternetGateway,
                };
                (vec![Stage::blocks(layer, id, why)], None)
            }
            Target::Local => (Vec::new(), Some(place.vpc)),
        }
    }

    /// The VPC at the other side of a peering, in whatever state; of one that AWS lists no more the only
    /// VPC that has any of these addresses.
    pub(super) fn peer(&self, place: &Place<'a>, id: &str, ends: &AddressSet) -> Option<&'a str> {
        if !id.starts_with("pcx-") {
            return None;
        }
        if let Some(row) = self.index.peerings.get(id) {
            let sides = [&row.accepter_vpc_info, &row.requester_vpc_info];
            let [a, b] = sides.map(|side| side.vpc_id.as_deref());
            return if a == Some(place.vpc) { b } else { a.filter(|_| b == Some(place.vpc)) };
        }
        let blocks = ends.to_networks().into_iter();
        let spots = blocks.flat_map(|n| self.index.range(n)).flat_map(|(_, spots)| spots);
        let own = spots.filter(|s| !matches!(s.role, Role::Public(_)));
        let vpcs: BTreeSet<&str> = own.map(|s| self.index.nics[s.nic].vpc).collect();
        vpcs.first().copied().filter(|_| vpcs.len() == 1)
    }

    /// Through a peering: active, and only to the VPC on its other side (R29).
    pub(super) fn peering(&self, place: &Place<'a>, id: &'a str) -> (Vec<Stage>, Option<&'a str>) {
        let layer = Layer::VpcPeering;
        let Some(row) = self.index.peerings.get(id) else {
            let kind = CallKind::VpcPeeringConnections;
            let gap = self.index.gap(place.view, kind, id, "the peering is not in the snapshot");
            return (vec![Stage::unknown(layer, id, vec![gap])], None);
        };
        if row.status.code != "active" {
            return (vec![Stage::blocks(layer, id, format!("it is {}", row.status.code))], None);
        }
        let ends =
            (row.accepter_vpc_info.vpc_id.as_deref(), row.requester_vpc_info.vpc_id.as_deref());
        match ends {
            (Some(a), Some(b)) if a == place.vpc => (vec![Stage::node(layer, id)], Some(b)),
            (Some(a), Some(b)) if b == place.vpc => (vec![Stage::node(layer, id)], Some(a)),
            (None, _) | (_, None) => {
                let gap =
                    Gap::new(GapKind::VpcPeerings, id, "the VPC at its other side is not known");
                (vec![Stage::unknown(layer, id, vec![gap])], None)
            }
            _ => (vec![Stage::blocks(layer, id, format!("it does not join {}", place.vpc))], None),
        }
    }
}
