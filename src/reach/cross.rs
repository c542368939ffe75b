use super::Layer;
use super::index::Nic;
use super::route::{Routes, Target};
use super::span::Stage;
use super::ways::{Start, Ways, collapse, one};
use crate::model::{Family, Gap, GapKind};
use std::net::IpAddr;

impl<'i, 'a> Ways<'i, 'a> {
    /// From an address of ours to an interface in another VPC, by its private address.
    pub(super) fn across(&self, start: &Start<'i, 'a>, nic: &Nic<'a>, to: IpAddr) -> Vec<Stage> {
        let (here, there) = (one(start.address), one(to));
        let groups = start.nic.map(|n| n.groups.as_slice());
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        // Another VPC's group counts while a peering is active (R4).
        let mut stages = collapse(self.depart(start, &there, Some(&nic.groups), true), &there);
        let (more, _) = self.cross(start, to, Some(nic));
        stages.extend(more);
        stages.push(Stage::node(Layer::Vpc, place.vpc));
        stages.push(Stage::node(Layer::Subnet, place.id));
        stages.extend(self.arrive(nic, place, &here, groups, true));
        stages
    }

    /// From one VPC towards an address in another, and the VPC it leads to, where that is known.
    pub(super) fn cross(
        &self,
        start: &Start<'i, 'a>,
        to: IpAddr,
        _nic: Option<&Nic<'a>>,
    ) -> (Vec<Stage>, Option<&'a str>) {
        let place = start.place;
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
            Target::Peering(id) => far(Layer::VpcPeering, id, "VPC peering"),
            Target::Transit(id) => far(Layer::TransitGateway, id, "a transit gateway"),
            Target::Vpn(id) => far(Layer::VpnGateway, id, "what lies behind a VPN gateway"),
            Target::Other(id) | Target::Endpoint(id) => {
                far(Layer::NotModelled, id, "a route to an interface or appliance")
            }
            Target::Blackhole(_) => {
                let why = format!("{} is a blackhole", line.text());
                (vec![Stage::blocks(Layer::RouteTable, routes.id, why)], None)
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
            Target::Local => {
                let why = format!("{to} is taken to be in {}", place.vpc);
                (vec![Stage::blocks(Layer::Vpc, place.vpc, why)], None)
            }
        }
    }
}
