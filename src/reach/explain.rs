use super::combine::{Decision, combine};
use super::ends::{From, To};
use super::engine::{finish, fold, required};
use super::index::Role;
use super::span::{Stage, way};
use super::ways::{Start, Ways, one};
use super::{Configured, End, Explanation, Layer, Query, QueryError, Reach, Verdict};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::CallKind;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

impl<'a> Reach<'a> {
    /// The path of one flow and what decides it. Where an end has several addresses, the answer is
    /// that of the address that lets most through.
    ///
    /// # Errors
    /// An end that names nothing, or several things.
    pub fn explain(&self, query: &Query) -> Result<Explanation, QueryError> {
        let near = self.vpc_of(&query.to);
        let from = self.from(&query.from, near.as_deref())?;
        let tos = self.to(&query.to, &from)?;
        let mut best: Option<Explanation> = None;
        for to in &tos {
            let one = self.answer(&from, to, query);
            let rank = |e: &Explanation| match e.configured.verdict() {
                Verdict::Permitted => 0,
                Verdict::Partly => 1,
                Verdict::Unknown => 2,
                Verdict::Blocked => 3,
                Verdict::NotApplicable => 4,
            };
            if best.as_ref().is_none_or(|b| rank(&one) < rank(b)) {
                best = Some(one);
            }
        }
        best.ok_or_else(|| QueryError::Unusable {
            what: format!("{:?}", query.to),
            why: "has no address".into(),
        })
    }

    /// Every protocol and port that was asked for, on the way between two ends.
    fn answer(&self, from: &From<'_, 'a>, to: &To, query: &Query) -> Explanation {
        let family = match (to, from) {
            (To::At(a, _) | To::Nobody(a), _) => Family::of(*a),
            (To::Outside(set), _) => match set.first() {
                Some(a) => Family::of(a),
                None => Family::V4,
            },
            (_, From::Ours(start, _)) => Family::of(start.address),
            (_, From::Outside(set) | From::Far(set, _)) => {
                set.first().map_or(Family::V4, Family::of)
            }
        };
        let protocols: Vec<Protocol> = match query.protocol {
            Some(protocol) => vec![protocol],
            None => {
                let icmp = if family == Family::V4 { Protocol::Icmp } else { Protocol::Icmpv6 };
                vec![Protocol::Tcp, Protocol::Udp, icmp]
            }
        };
        // An interface of ours speaks the destination's family where it can.
        let own = match from {
            From::Ours(start, Some(nic)) if Family::of(start.address) != family => self
                .index
                .addresses_of(*nic)
                .into_iter()
                .find(|(a, s)| Family::of(*a) == family && !matches!(s.role, Role::Public(_)))
                .map(|(address, _)| From::Ours(Start { address, ..*start }, Some(*nic))),
            _ => None,
        };
        let from = own.as_ref().unwrap_or(from);
        let mut slices = Vec::new();
        let mut gaps: BTreeSet<Gap> = BTreeSet::new();
        // A private block means each of ours in it, as [`Reach::exposed`] asks.
        let block = match (&query.from, from, to) {
            (End::Network(_), From::Far(set, None), To::At(address, spot)) => {
                Some((set, *address, self.index.nics[spot.nic].id()))
            }
            _ => None,
        };
        for protocol in protocols {
            let ports = if query.protocol.is_some() && (protocol.has_ports() || protocol.is_icmp())
            {
                query.ports.clone()
            } else {
                PortSet::all()
            };
            if let Some((set, address, nic)) = block {
                let parts = self.slices(address, Some(nic), set, protocol, &ports);
                gaps.extend(parts.iter().flat_map(|(_, c)| c.gaps().iter().cloned()));
                slices.extend(parts.into_iter().map(|(p, c)| (protocol, p, c)));
                continue;
            }
            let (stages, asked) = self.way(from, to, protocol, family);
            let needed = required(&asked, family);
            let stages = way(stages);
            let parts: Vec<(PortSet, Decision)> =
                combine(&stages, &asked, &Arc::new(needed), &ports);
            for (_, decision) in &parts {
                gaps.extend(decision.gaps.iter().cloned());
                // An assumption stands in for a gap as long as the path gets that far.
                for stage in stages.iter().take(decision.path.hops().len()) {
                    gaps.extend(stage.assumed.iter().cloned());
                }
            }
            slices.extend(finish(parts).into_iter().map(|(p, c)| (protocol, p, c)));
        }
        let all: Vec<&Configured> = slices.iter().map(|(_, _, c)| c).collect();
        let configured = fold(&all);
        Explanation { configured, slices, gaps: gaps.into_iter().collect() }
    }

    /// The stages between two ends, and the ends that are asked about.
    fn way(
        &self,
        from: &From<'_, 'a>,
        to: &To,
        protocol: Protocol,
        family: Family,
    ) -> (Vec<Stage>, Arc<AddressSet>) {
        let ways = self.ways(protocol, family);
        let asked = |set: &AddressSet| Arc::new(set.of_family(family));
        let has_family = match from {
            From::Outside(set) | From::Far(set, _) => !set.of_family(family).is_empty(),
            From::Ours(start, _) => Family::of(start.address) == family,
        };
        if !has_family {
            let why = "the source has no address of the destination's family";
            let stage = Stage::blocks(Layer::Address, "source", why);
            return (vec![stage], Arc::new(AddressSet::all()));
        }
        let internet = |why: String| vec![Stage::blocks(Layer::Internet, "internet", why)];
        match (from, to) {
            (From::Outside(set) | From::Far(set, _), To::Unseen(id, gap)) => {
                (vec![unseen(id, gap)], asked(set))
            }
            (From::Ours(start, _), To::Unseen(id, gap)) => {
                (vec![unseen(id, gap)], one(start.address))
            }
            (From::Outside(set) | From::Far(set, _), To::Without(layer, id, why)) => {
                (vec![Stage::blocks(*layer, id, why.as_str())], asked(set))
            }
            (From::Ours(start, _), To::Without(layer, id, why)) => {
                (vec![Stage::blocks(*layer, id, why.as_str())], one(start.address))
            }
            (From::Outside(set), To::At(address, spot)) => {
                if Ways::is_reachable_role(*spot, *address) {
                    let ends = asked(&set.intersect(&AddressSet::outside()));
                    (ways.from_internet(&self.index.nics[spot.nic], &ends), ends)
                } else {
                    let why = format!("{address} is private: it is not routed on the internet");
                    (internet(why), asked(set))
                }
            }
            (From::Outside(set), To::Nobody(address)) => (self.nobody(*address), asked(set)),
            (From::Outside(set), To::Outside(_)) => {
                let why = "neither end is in the snapshot";
                (vec![Stage::blocks(Layer::Address, "internet", why)], asked(set))
            }
            (From::Far(set, gateway), To::At(address, spot)) => {
                let ends = asked(set);
                match (spot.role, gateway) {
                    (Role::Public(_), Some(id)) => {
                        let why = format!("it has no route to {address}");
                        (vec![Stage::blocks(Layer::VpnGateway, id, why)], ends)
                    }
                    (Role::Public(_), None) => {
                        (internet("a private source is not routed on the internet".into()), ends)
                    }
                    _ => {
                        let nic = &self.index.nics[spot.nic];
                        let mut stages = Vec::new();
                        if let Some(id) = gateway {
                            stages.push(Stage::node(Layer::VpnGateway, id.as_str()));
                        }
                        stages.extend(ways.from_far(nic, &ends));
                        (stages, ends)
                    }
                }
            }
            (From::Far(set, _), To::Nobody(address)) => (self.nobody(*address), asked(set)),
            (From::Far(set, _), To::Outside(_)) => {
                (internet("a private source is not routed on the internet".into()), asked(set))
            }
            (From::Ours(start, _), To::Outside(set)) => {
                let ends = asked(set);
                (ways.to_internet(start, &ends), ends)
            }
            (From::Ours(start, _), To::Nobody(address)) => {
                let ends = one(*address);
                if let Some(stages) = ways.to_amazon(start, *address) {
                    return (stages, one(start.address));
                }
                if AddressSet::outside().contains(*address)
                    && !self.index.vpc_blocks(start.place.vpc).contains(*address)
                {
                    return (ways.to_internet(start, &ends), ends);
                }
                (self.nobody_inside(&ways, start, *address), ends)
            }
            (From::Ours(start, own), To::At(address, spot)) => {
                let nic = &self.index.nics[spot.nic];
                let ends = one(start.address);
                if own.is_some_and(|o| o == spot.nic) && !matches!(spot.role, Role::Public(_)) {
                    return (vec![Stage::node(Layer::NetworkInterface, nic.id())], ends);
                }
                if nic.vpc == start.place.vpc && !matches!(spot.role, Role::Public(_)) {
                    return (ways.local(start, nic, *address), ends);
                }
                if Ways::is_reachable_role(*spot, *address) {
                    return ways.hairpin(start, *address, *spot);
                }
                (ways.across(start, nic, *address), ends)
            }
        }
    }

    /// An address that no interface has, from outside.
    fn nobody(&self, address: IpAddr) -> Vec<Stage> {
        let text = address.to_string();
        if !AddressSet::outside().contains(address) {
            let why = format!("{address} is private: it is not routed on the internet");
            return vec![Stage::blocks(Layer::Internet, "internet", why)];
        }
        let mut stages = vec![Stage::node(Layer::Internet, "internet")];
        if let Some(nat) = self.index.nat_addresses.get(&address) {
            let why = "it lets no unsolicited packet in";
            stages.push(Stage::blocks(Layer::NatGateway, nat, why));
            return stages;
        }
        if let Some(elastic) = self.index.elastic.get(&address) {
            let id = elastic.allocation_id.as_deref().unwrap_or(&text);
            let used = elastic.association_id.is_some()
                || elastic.network_interface_id.is_some()
                || elastic.instance_id.is_some();
            if !used {
                stages.push(Stage::blocks(Layer::Address, id, "it is associated with nothing"));
                return stages;
            }
            let why = "the interface of the elastic address is not in the snapshot";
            let gap = Gap::new(GapKind::NetworkInterfaces, id, why);
            stages.push(Stage::unknown(Layer::Address, id, vec![gap]));
            return stages;
        }
        let gaps = self.unseen_interfaces();
        if gaps.is_empty() {
            let why = "nothing in the snapshot has this address";
            stages.push(Stage::blocks(Layer::Address, &text, why));
        } else {
            stages.push(Stage::unknown(Layer::Address, &text, gaps));
        }
        stages
    }

    /// Gaps that may hide who has an address.
    fn unseen_interfaces(&self) -> Vec<Gap> {
        let views = 0..self.index.snapshot.regions.len();
        let kind = CallKind::NetworkInterfaces;
        views
            .filter(|v| !self.index.complete(*v, kind))
            .map(|v| self.index.gap(v, kind, "", ""))
            .collect()
    }

    /// A private address that no interface has, from one of ours.
    fn nobody_inside(
        &self,
        ways: &Ways<'_, 'a>,
        start: &Start<'_, 'a>,
        address: IpAddr,
    ) -> Vec<Stage> {
        let there = one(address);
        let place = start.place;
        let inside = |vpc: &str| -> Stage {
            let gaps = self.unseen_interfaces();
            match self.index.subnet_holding(vpc, address) {
                Some(subnet) if gaps.is_empty() => {
                    Stage::blocks(Layer::Subnet, subnet.id, format!("no host has {address}"))
                }
                Some(subnet) => Stage::unknown(Layer::Subnet, subnet.id, gaps),
                None => match self.index.view_of_vpc(vpc) {
                    Some(view) if !self.index.complete(view, CallKind::Subnets) => {
                        let gap = self.index.gap(view, CallKind::Subnets, vpc, "");
                        Stage::unknown(Layer::Vpc, vpc, vec![gap])
                    }
                    _ => Stage::blocks(Layer::Vpc, vpc, format!("no subnet holds {address}")),
                },
            }
        };
        let same = self.index.subnet_holding(place.vpc, address).is_some_and(|s| s.id == place.id);
        let stages = ways.depart(start, &there, None, !same);
        let mut stages = super::ways::collapse(stages, &there);
        if same || self.index.vpc_blocks(place.vpc).contains(address) {
            stages.push(inside(place.vpc));
            return stages;
        }
        let (more, vpc) = ways.cross(place, address);
        stages.extend(more);
        if let Some(vpc) = vpc {
            stages.push(Stage::node(Layer::Vpc, vpc));
            stages.push(inside(vpc));
        }
        stages
    }
}

/// What stands for a resource whose addresses are not known.
fn unseen(id: &str, gap: &Gap) -> Stage {
    let layer = match gap.kind {
        GapKind::NetworkInterfaces => Layer::Instance,
        GapKind::DbInstances => Layer::Address,
        _ => Layer::LoadBalancer,
    };
    Stage::unknown(layer, id, vec![gap.clone()])
}
