use super::Layer;
use super::group::Direction;
use super::index::{Index, Nic, Place, Role, Spot};
use super::peers::{self, Peers, Stands, Unseen};
use super::route::{Routes, Target};
use super::span::Stage;
use super::ways::{Start, Ways, collapse, one};
use crate::model::{AddressSet, Family, Gap, GapKind};
use crate::snapshot::CallKind;
use std::net::IpAddr;
use std::sync::Arc;

impl<'i, 'a> Ways<'i, 'a> {
    /// From an address of ours to an interface in another VPC, by its private address.
    pub(super) fn across(&self, start: &Start<'i, 'a>, nic: &Nic<'a>, to: IpAddr) -> Vec<Stage> {
        let (here, there) = (one(start.address), one(to));
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        // Another VPC's group counts while a peering is active (R4). Whether it does over a transit
        // gateway is an option of the gateway and of its attachments, for ingress alone.
        let peered = self.peered(start.place, to);
        let by = self.gateway_between(start.place, to);
        let (starts, ends) = (self.unseen_start(start), self.unseen_nic(nic));
        let counts = |peers| if peered { peers } else { Peers::Nobody };
        let behind = by.map(|id| {
            let gap = Index::not_modelled(id, "groups of VPCs behind a transit gateway");
            [Unseen { ends: (*here).clone(), place: Stands::Behind, gap }]
        });
        let ours = match &behind {
            Some(behind) => Peers::Unseen(behind),
            None => counts(peers::of(self.index, start.nic, &starts)),
        };
        let theirs = counts(peers::of(self.index, Some(nic), &ends));
        let mut stages = collapse(self.depart(start, &there, theirs, true), &there);
        stages.extend(by.and_then(|id| self.attachment_list(start.place, id)));
        let (more, vpc) = self.cross(start.place, to);
        stages.extend(more);
        stages.extend(self.wrong_vpc(vpc, nic));
        stages.push(Stage::node(Layer::Vpc, place.vpc));
        stages.extend(by.and_then(|id| self.attachment_list(place, id)));
        stages.push(Stage::node(Layer::Subnet, place.id));
        let filtered = by.is_none() || !self.holds_attachment(place);
        stages.extend(self.arrive(nic, place, &here, ours, filtered));
        // The answer needs a route of its own (R29, R30): the same stages the other way round.
        let (back, vpc) = self.cross(place, start.address);
        let lost = vpc.is_some_and(|v| v != start.place.vpc);
        stages.extend(back.into_iter().filter(|s| !matches!(s.act, super::span::Act::Node)));
        if lost {
            let why = format!("answers to {} leave for another VPC", start.address);
            stages.push(Stage::blocks(Layer::Subnet, place.id, why));
        }
        if by.is_none() || !self.holds_attachment(start.place) {
            stages.push(self.acl_reply(start.place, Direction::Egress, &there).collapse(&there));
        }
        stages
    }

    /// The transit gateway that the route to an address leads to.
    fn gateway_between(&self, place: &Place<'a>, to: IpAddr) -> Option<&'a str> {
        let table = place.routes.as_ref().ok()?;
        match Routes::new(self.index, table, Family::of(to)).lookup(to)?.target {
            Target::Transit(id) => Some(id),
            _ => None,
        }
    }

    /// From an address of ours to one of ours: inside their VPC, by what joins the two, or over the
    /// internet. With a global IPv6 address both of the latter may be there, and the route decides.
    pub(super) fn to_ours(
        &self,
        start: &Start<'i, 'a>,
        to: IpAddr,
        spot: Spot,
    ) -> (Vec<Stage>, Arc<AddressSet>) {
        let nic = &self.index.nics[spot.nic];
        let public = matches!(spot.role, Role::Public(_));
        let here = one(start.address);
        if nic.vpc == start.place.vpc && !public {
            return (self.local(start, nic, to), here);
        }
        if !Ways::is_reachable_role(spot, to) || self.joined(start.place, to).is_some() {
            return (self.across(start, nic, to), here);
        }
        let back = self.index.subnets.get(nic.subnet);
        if let Some((place, id)) = back.and_then(|p| Some((p, self.joined(p, start.address)?))) {
            let what = "a flow that comes by the internet and whose answers leave by another way";
            let mut stages = collapse(self.depart(start, &one(to), Peers::Nobody, true), &one(to));
            stages.push(self.far(Layer::RouteTable, id, what));
            stages.extend(self.arrive(nic, place, &here, Peers::Nobody, true));
            return (stages, here);
        }
        self.hairpin(start, to, spot)
    }

    /// The route of a subnet by which an IPv6 address is reached inside; `None` where the internet or
    /// nothing leads to it.
    fn joined(&self, place: &Place<'a>, to: IpAddr) -> Option<&'a str> {
        let table = place.routes.as_ref().ok().filter(|_| to.is_ipv6())?;
        let routes = Routes::new(self.index, table, Family::V6);
        let target = &routes.lookup(to)?.target;
        matches!(target, Target::Peering(_) | Target::Transit(_) | Target::Vpn(_))
            .then_some(routes.id)
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
            // An IPv6 address of ours is reached by the internet, too.
            Target::InternetGateway(id) | Target::EgressOnly(id) | Target::Nat(id)
                if AddressSet::is_outside(to) =>
            {
                let what = "a flow that goes inside and whose answers leave by the internet";
                far(Layer::RouteTable, id, what)
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

    /// The VPC on the other side of a peering, whatever its state; `None` where it is not known.
    pub(super) fn beyond(&self, place: &Place<'a>, id: &str) -> Option<&'a str> {
        let row = self.index.peerings.get(id)?;
        let sides = [&row.accepter_vpc_info, &row.requester_vpc_info];
        let [a, b] = sides.map(|side| side.vpc_id.as_deref());
        match (a?, b?) {
            (a, b) if a == place.vpc => Some(b),
            (a, b) if b == place.vpc => Some(a),
            _ => None,
        }
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
