//! How a packet of ours leaves its VPC: by a gateway, by NAT, by an endpoint, or not at all.

use super::Layer;
use super::bpa::{self, Use};
use super::group::Direction;
use super::index::{Index, Spot, is_attached};
use super::peers::Peers;
use super::route::{Line, Routes, Target};
use super::span::{Ends, Span, Stage};
use super::ways::{Start, Ways, collapse, one};
use crate::model::{AddressSet, Protocol};
use crate::snapshot::CallKind;
use std::net::IpAddr;
use std::sync::Arc;

impl<'i, 'a> Ways<'i, 'a> {
    /// From an address of ours to ends outside.
    pub(super) fn to_internet(&self, start: &Start<'i, 'a>, ends: &Arc<AddressSet>) -> Vec<Stage> {
        let (mut stages, _) = self.leave(start, ends);
        if stages.last().is_some_and(|s| s.layer != Layer::VpcEndpoint) {
            stages.push(Stage::node(Layer::Internet, "internet"));
        }
        stages.push(self.acl_reply(start.place, Direction::Egress, ends));
        stages
    }

    /// From an address of ours to a public address of ours: out of one VPC and into another, or
    /// into the same one again. The packet carries the public address, so no group source matches (R3).
    pub(super) fn hairpin(
        &self,
        start: &Start<'i, 'a>,
        to: IpAddr,
        spot: Spot,
    ) -> (Vec<Stage>, Arc<AddressSet>) {
        let there = one(to);
        let (stages, seen) = self.leave(start, &there);
        let mut stages = collapse(stages, &there);
        let here = seen.map_or_else(|| one(start.address), one);
        // Where the address it carries outside is not known, it may be any.
        let carried = match seen {
            Some(_) => Arc::clone(&here),
            None => Arc::new(AddressSet::outside().of_family(self.family)),
        };
        stages.extend(collapse(self.enter(&self.index.nics[spot.nic], &carried), &carried));
        stages.push(self.acl_reply(start.place, Direction::Egress, &there).collapse(&there));
        (stages, here)
    }

    /// Until the packet is outside, and the address it then carries.
    fn leave(&self, start: &Start<'i, 'a>, ends: &Arc<AddressSet>) -> (Vec<Stage>, Option<IpAddr>) {
        let mut stages = self.depart(start, ends, Peers::Nobody, true);
        let place = start.place;
        let table = match &place.routes {
            Ok(table) => table,
            Err(gap) => {
                stages.push(Stage::unknown(Layer::RouteTable, place.id, vec![gap.clone()]));
                return (stages, None);
            }
        };
        let routes = Routes::new(self.index, table, self.family);
        let parts = routes.partition(ends);
        // The route that most ends take decides; ends behind gateway endpoints are reached anyway.
        let main = parts.iter().max_by_key(|(set, _)| set.size());
        if let Some((list, _)) = routes.unresolved.first() {
            let gap = self.index.prefix_gap(list);
            stages.push(Stage::unknown(Layer::RouteTable, routes.id, vec![gap]));
        }
        let Some((_, line)) = main else {
            let to = ends.to_networks().first().map(ToString::to_string).unwrap_or_default();
            let why = format!("no route to {to} in {}", routes.id);
            stages.push(Stage::blocks(Layer::Subnet, place.id, why));
            return (stages, None);
        };
        let passes =
            |l: &Line<'_>| l.target == line.target || matches!(l.target, Target::Endpoint(_));
        let lost = parts.iter().filter(|(_, l)| !passes(l)).max_by_key(|(set, _)| set.size());
        let lost = lost.map(|(_, l)| match l.target {
            Target::Blackhole(_) => format!("{}, which is a blackhole", l.text()),
            _ => format!("{}, not by {}", l.text(), line.target.id()),
        });
        let unrouted = parts.iter().fold((**ends).clone(), |left, (set, _)| left.subtract(set));
        let nowhere = unrouted.to_networks().first().map(|n| format!("no route to {n}"));
        let usable = parts.iter().filter(|(_, l)| passes(l));
        let usable = usable.fold(AddressSet::empty(), |all, (set, _)| all.union(set));
        let pass = if usable == **ends { Ends::All } else { Ends::of(usable) };
        let span = Span::whole(pass.clone(), pass, Some(line.text().into()), Vec::new());
        let span = span.cut_by(lost.or(nowhere).map(Into::into));
        let absent = Arc::from("no route");
        stages.push(Stage::filter(Layer::RouteTable, routes.id, vec![span], absent));
        let seen = match line.target {
            Target::InternetGateway(id) => {
                stages.extend(self.out_by_gateway(start, id));
                self.public_of(start)
            }
            Target::Nat(id) => {
                let (more, seen) = self.out_by_nat(start, id, ends);
                stages.extend(more);
                seen
            }
            Target::EgressOnly(id) => {
                let usage = Use::OutboundGateway;
                let view = place.view;
                stages.extend(bpa::stage(self.index, self.options, place, usage));
                let layer = Layer::EgressOnlyInternetGateway;
                stages.push(match self.index.egress_only.get(id) {
                    Some(row) if is_attached(&row.attachments, place.vpc) => Stage::node(layer, id),
                    Some(_) => Stage::blocks(layer, id, format!("not attached to {}", place.vpc)),
                    None => {
                        let kind = CallKind::EgressOnlyInternetGateways;
                        let gap = self.index.gap(view, kind, id, "it is not in the snapshot");
                        Stage::unknown(layer, id, vec![gap])
                    }
                });
                Some(start.address)
            }
            Target::Endpoint(id) => {
                let layer = Layer::VpcEndpoint;
                stages.push(match self.index.endpoints.get(id) {
                    Some(e) if e.vpc_endpoint_type.as_deref().is_none_or(|t| t == "Gateway") => {
                        let text = "the endpoint's policy lets the request through";
                        Stage::node(layer, id).assume("ENDPOINT_POLICY_ALLOWS", text, None)
                    }
                    _ => {
                        let gap =
                            Index::not_modelled(id, "an endpoint that is no gateway endpoint");
                        Stage::unknown(layer, id, vec![gap])
                    }
                });
                None
            }
            Target::Blackhole(_) => {
                let why = format!("{} is a blackhole", line.text());
                stages.push(Stage::blocks(Layer::RouteTable, routes.id, why));
                None
            }
            Target::Local => {
                let why = format!("{} belongs to the VPC", line.network);
                stages.push(Stage::blocks(Layer::Vpc, place.vpc, why));
                None
            }
            Target::Vpn(id) => {
                stages.push(self.far(Layer::VpnGateway, id, "what lies behind a VPN gateway"));
                None
            }
            Target::Peering(id) => {
                // Peering is not transitive: it leads to the peer's own blocks only (R29).
                let why = "a peering leads to no address outside the peer VPC";
                stages.push(Stage::blocks(Layer::VpcPeering, id, why));
                None
            }
            Target::Transit(id) => {
                stages.push(self.far(
                    Layer::TransitGateway,
                    id,
                    "what lies behind a transit gateway",
                ));
                None
            }
            Target::Other(id) => {
                stages.push(self.far(
                    Layer::NotModelled,
                    id,
                    "a route to an interface or appliance",
                ));
                None
            }
        };
        (stages, seen)
    }

    pub(super) fn far(&self, layer: Layer, id: &str, what: &str) -> Stage {
        Stage::unknown(layer, id, vec![Index::not_modelled(id, what)])
    }

    /// The public address of a private one, or the IPv6 address itself.
    fn public_of(&self, start: &Start<'i, 'a>) -> Option<IpAddr> {
        if start.address.is_ipv6() {
            return Some(start.address);
        }
        let nic = start.nic?;
        let at = self.index.nic_of(nic.id())?;
        self.index.public_of(at, start.address)
    }

    /// Out by the internet gateway: attached, and with a public address on the private one (R25).
    fn out_by_gateway(&self, start: &Start<'i, 'a>, id: &str) -> Vec<Stage> {
        let place = start.place;
        let layer = Layer::InternetGateway;
        let mut stages: Vec<Stage> =
            bpa::stage(self.index, self.options, place, Use::Direct).into_iter().collect();
        stages.push(match self.gateway_state(place, id) {
            Ok(true) if self.public_of(start).is_some() => Stage::node(layer, id),
            Ok(true) => {
                let why = format!("it drops {}, which has no public address", start.address);
                Stage::blocks(layer, id, why)
            }
            Ok(false) => Stage::blocks(layer, id, format!("not attached to {}", place.vpc)),
            Err(gap) => Stage::unknown(layer, id, vec![gap]),
        });
        stages
    }

    /// Out by a NAT gateway: available, in a subnet that itself leads out (R22, R26).
    fn out_by_nat(
        &self,
        start: &Start<'i, 'a>,
        id: &str,
        ends: &Arc<AddressSet>,
    ) -> (Vec<Stage>, Option<IpAddr>) {
        let layer = Layer::NatGateway;
        let Some(&(nat, _)) = self.index.nats.get(id) else {
            let kind = CallKind::NatGateways;
            // As of an internet gateway: AWS makes the route a blackhole when it goes.
            let why = "a route in force leads to it, and it is not in the snapshot";
            let gap = self.index.gap(start.place.view, kind, id, why);
            return (vec![Stage::unknown(layer, id, vec![gap])], None);
        };
        if let Some(state) = nat.state.as_deref().filter(|s| *s != "available") {
            return (vec![Stage::blocks(layer, id, format!("it is {state}"))], None);
        }
        if !matches!(self.protocol, Protocol::Tcp | Protocol::Udp | Protocol::Icmp) {
            let why = "it carries tcp, udp and icmp only";
            return (vec![Stage::blocks(layer, id, why)], None);
        }
        let public = nat.nat_gateway_addresses.iter().find_map(|a| a.public_ip);
        let place = nat.subnet_id.as_deref().and_then(|s| self.index.subnets.get(s));
        let (Some(public), Some(place)) = (public, place) else {
            return (
                vec![self.far(layer, id, "a NAT gateway without public address or subnet")],
                None,
            );
        };
        let here = one(start.address);
        let mut stages = Vec::new();
        let filtered = place.id != start.place.id;
        if filtered {
            stages.push(self.acl(place, Direction::Ingress, &here).collapse(&here));
        }
        stages.push(Stage::node(layer, id));
        stages.push(Stage::node(Layer::Subnet, place.id));
        stages.push(self.acl(place, Direction::Egress, ends));
        stages.extend(bpa::stage(self.index, self.options, place, Use::OutboundGateway));
        stages.push(self.gateway(place));
        stages.push(self.way_back(place, ends));
        stages.push(self.acl_reply(place, Direction::Egress, ends));
        if filtered {
            stages.push(self.acl_reply(place, Direction::Ingress, &here).collapse(&here));
        }
        (stages, Some(public))
    }
}
