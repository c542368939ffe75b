use super::combine::{Decision, combine};
use super::ends::{From, To};
use super::engine::{finish, fold, required};
use super::index::{Index, Role};
use super::span::{Stage, way};
use super::ways::{Start, Ways, one};
use super::{Configured, End, Explanation, Layer, Query, QueryError, Reach, Verdict, bpa};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::CallKind;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

impl<'a> Reach<'a> {
    /// The path of one flow and what decides it. Where an end has several addresses or interfaces,
    /// the answer is that of those that let most through.
    ///
    /// # Errors
    /// An end that names nothing, or several things.
    pub fn explain(&self, query: &Query) -> Result<Explanation, QueryError> {
        // A block of one address is that address.
        let query = &Query {
            from: query.from.clone().plain(),
            to: query.to.clone().plain(),
            ..query.clone()
        };
        let mut answer = self.answered(query)?;
        if answer.configured.verdict() != Verdict::Permitted {
            let near = self.vpc_of(&query.to);
            answer.notes = self.behind(query, &self.from(&query.from, near.as_deref())?);
        }
        Ok(answer)
    }

    /// The answer without notes.
    pub(super) fn answered(&self, query: &Query) -> Result<Explanation, QueryError> {
        let near = self.vpc_of(&query.to);
        let mut flows = Vec::new();
        let public = self.is_own_public(&query.from);
        for from in self.from(&query.from, near.as_deref())? {
            let tos = self.to(query, &from, public)?;
            flows.extend(tos.into_iter().map(|to| (from.clone(), to)));
        }
        let mut best: Option<Explanation> = None;
        for (from, to) in &flows {
            let one = self.answer(from, to, query);
            // Of ways that are closed, one that no route leads into says the least.
            let unrouted = |e: &Explanation| {
                e.configured.path().is_some_and(|p| p.decided_by().layer == Layer::Subnet)
            };
            let rank = |e: &Explanation| match e.configured.verdict() {
                Verdict::Permitted => 0,
                Verdict::Partly => 1,
                Verdict::Unknown => 2,
                Verdict::Blocked if !unrouted(e) => 3,
                Verdict::Blocked => 4,
                Verdict::NotApplicable => 5,
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
    fn answer(&self, from: &From<'_, 'a>, to: &To<'a>, query: &Query) -> Explanation {
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
        // A block means each of ours in it, as [`Reach::exposed`] asks.
        let block = match (&query.from, from, to) {
            (End::Network(_), From::Far(set, None), To::At(address, spot)) => {
                Some((set, *address, &self.index.nics[spot.nic]))
            }
            (End::Network(_), From::Outside(set), To::At(address, spot))
                if self.holds_ours(set) =>
            {
                Some((set, *address, &self.index.nics[spot.nic]))
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
            if let Some((set, address, nic)) = block.filter(|_| protocol.runs_over(family)) {
                let parts = self.slices(address, Some(nic.id()), set, protocol, &ports);
                gaps.extend(parts.iter().flat_map(|(_, c)| c.gaps().iter().cloned()));
                if parts.iter().any(|(_, c)| c.path().is_some_and(|p| !p.assumptions().is_empty()))
                    && let Some(place) = self.index.subnets.get(nic.subnet)
                {
                    let off = bpa::stage(&self.index, &self.options, place, bpa::Use::Direct);
                    gaps.extend(off.into_iter().flat_map(|stage| stage.assumed));
                }
                slices.extend(parts.into_iter().map(|(p, c)| (protocol, p, c)));
                continue;
            }
            let (stages, asked) = self.way(from, to, protocol, family);
            let needed = match from {
                From::Outside(set) => Arc::clone(&self.memory.sources(set).side(family).required),
                _ => Arc::new(required(&asked, family)),
            };
            let mut stages = way(stages);
            let mut parts: Vec<(PortSet, Decision)> = combine(&stages, &asked, &needed, &ports);
            if let (From::Outside(_), To::Unseen(hidden)) = (from, to)
                && let Some((told, way)) = self.database_parts(
                    &self.ways(protocol, family),
                    hidden,
                    (&asked, &needed),
                    &ports,
                )
            {
                (parts, stages) = (told, way);
            }
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
        Explanation { configured, slices, gaps: gaps.into_iter().collect(), notes: Vec::new() }
    }

    /// The stages between two ends, and the ends that are asked about.
    fn way(
        &self,
        from: &From<'_, 'a>,
        to: &To<'a>,
        protocol: Protocol,
        family: Family,
    ) -> (Vec<Stage>, Arc<AddressSet>) {
        let ways = self.ways(protocol, family);
        let asked = |set: &AddressSet| Arc::new(set.of_family(family));
        let has_family = match from {
            From::Outside(set) | From::Far(set, _) => !set.of_family(family).is_empty(),
            From::Ours(start, _) => Family::of(start.address) == family,
        };
        if !protocol.runs_over(family) && !matches!(to, To::Unseen(_)) {
            let why = format!("no {} packet carries {protocol}", family.name());
            let stage = Stage::blocks(Layer::Address, "source", why);
            return (vec![stage], Arc::new(AddressSet::all()));
        }
        if !has_family {
            let why = "the source has no address of the destination's family";
            let stage = Stage::blocks(Layer::Address, "source", why);
            return (vec![stage], Arc::new(AddressSet::all()));
        }
        let internet = |why: String| vec![Stage::blocks(Layer::Internet, "internet", why)];
        match (from, to) {
            (_, To::Unseen(hidden)) => {
                let ends = match from {
                    From::Outside(set) | From::Far(set, _) => asked(set),
                    From::Ours(start, _) => one(start.address),
                };
                (self.hidden(&ways, hidden, from, &ends), ends)
            }
            (From::Outside(set) | From::Far(set, _), To::Without(layer, id, why)) => {
                (vec![Stage::blocks(*layer, id, why.as_str())], asked(set))
            }
            (From::Ours(start, _), To::Without(layer, id, why)) => {
                (vec![Stage::blocks(*layer, id, why.as_str())], one(start.address))
            }
            (From::Outside(set), To::At(address, spot)) => {
                if Ways::is_reachable_role(*spot, *address) {
                    let ends = Arc::clone(&self.memory.sources(set).side(family).outside);
                    (ways.from_internet(&self.index.nics[spot.nic], &ends), ends)
                } else {
                    let why = format!("{address} is private: it is not routed on the internet");
                    (internet(why), asked(set))
                }
            }
            (From::Outside(set), To::Nobody(address)) => (self.nobody(*address), asked(set)),
            (From::Outside(set), To::Outside(to))
                if to.intersects(&AddressSet::public())
                    && super::engine::is_internet(to, family) =>
            {
                let why = "neither end is in the snapshot";
                (vec![Stage::blocks(Layer::Address, "internet", why)], asked(set))
            }
            (From::Outside(set), To::Outside(to)) => {
                let text = to.to_string();
                (vec![Stage::unknown(Layer::Address, &text, vec![nobodys(&text)])], asked(set))
            }
            (From::Far(set, gateway), To::At(address, spot)) => {
                match (spot.role, gateway) {
                    (Role::Public(_), Some(id)) => {
                        let why = format!("it has no route to {address}");
                        (vec![Stage::blocks(far_layer(id), id, why)], asked(set))
                    }
                    (Role::Public(_), None) => {
                        let why = "a private source is not routed on the internet";
                        (internet(why.into()), asked(set))
                    }
                    (_, Some(id)) => {
                        let nic = &self.index.nics[spot.nic];
                        // What comes through a gateway comes from none of the VPC's own addresses.
                        let ends = asked(&set.subtract(&self.index.vpc_blocks(nic.vpc)));
                        let mut stages = vec![self.far_gateway(id, nic.vpc)];
                        stages.extend(ways.from_far(nic, &ends));
                        (stages, ends)
                    }
                    (_, None) => {
                        let ends = asked(set);
                        (ways.from_far(&self.index.nics[spot.nic], &ends), ends)
                    }
                }
            }
            (From::Far(set, gateway), To::Nobody(address)) => {
                (self.nobody_far(gateway.as_deref(), *address), asked(set))
            }
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
                    && !ways.inside(start.place, *address)
                    && !ways.is_beyond(start.place, *address)
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
                ways.between(start, *address, *spot)
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
        if let Some(vpn) = self.index.tunnels.get(&address) {
            let own = vpn.vpn_connection_id.as_str();
            let id = vpn.vpn_gateway_id.as_deref().or(vpn.transit_gateway_id.as_deref());
            let gap = Index::not_modelled(own, "what the end of a VPN tunnel answers");
            stages.push(Stage::unknown(far_layer(id.unwrap_or(own)), id.unwrap_or(own), vec![gap]));
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
        let gaps = self.unseen_interfaces(address);
        stages.push(if gaps.is_empty() {
            let why = "nothing in the snapshot, which is whole, has this address";
            Stage::blocks(Layer::Address, &text, why)
        } else {
            Stage::unknown(Layer::Address, &text, gaps)
        });
        stages
    }

    /// Gaps that may hide who has an address.
    fn unseen_interfaces(&self, address: IpAddr) -> Vec<Gap> {
        if let Some((_, gap)) = self.index.orphan_at(address) {
            return vec![gap];
        }
        let views = 0..self.index.snapshot.regions.len();
        let kind = CallKind::NetworkInterfaces;
        views
            .filter(|v| !self.index.complete(*v, kind))
            .map(|v| self.index.gap(v, kind, "", ""))
            .chain(self.unentered())
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
        let same = self.index.subnet_holding(place.vpc, address).is_some_and(|s| s.id == place.id);
        let inside = ways.inside(place, address);
        let unseen = match same || inside {
            true => ways.unseen_inside(place, (*there).clone()),
            false => ways.unseen_beyond(place, &there),
        };
        let theirs = super::peers::of(&self.index, None, &unseen);
        let stages = ways.depart(start, &there, theirs, !same);
        let mut stages = super::ways::collapse(stages, &there);
        if same || inside {
            stages.push(self.nobody_in(place.vpc, address));
            return stages;
        }
        let (more, vpc) = ways.cross(place, address);
        stages.extend(more);
        if let Some(vpc) = vpc {
            stages.push(Stage::node(Layer::Vpc, vpc));
            stages.push(self.nobody_in(vpc, address));
        }
        stages
    }

    /// An address of a VPC that no interface has.
    fn nobody_in(&self, vpc: &str, address: IpAddr) -> Stage {
        let gaps = self.unseen_interfaces(address);
        let home = match self.index.home_of_vpc(vpc) {
            Ok(view) => view,
            Err(gap) => return Stage::unknown(Layer::Vpc, vpc, vec![gap]),
        };
        match self.index.subnet_holding(vpc, address) {
            Some(subnet) if gaps.is_empty() => {
                Stage::blocks(Layer::Subnet, subnet.id, format!("no host has {address}"))
            }
            Some(subnet) => Stage::unknown(Layer::Subnet, subnet.id, gaps),
            None if !self.index.complete(home, CallKind::Subnets) => {
                let gap = self.index.gap(home, CallKind::Subnets, vpc, "");
                Stage::unknown(Layer::Vpc, vpc, vec![gap])
            }
            None => Stage::blocks(Layer::Vpc, vpc, format!("no subnet holds {address}")),
        }
    }

    /// An address that no interface has, from beyond the VPCs.
    fn nobody_far(&self, gateway: Option<&str>, address: IpAddr) -> Vec<Stage> {
        let all = || self.index.vpcs.keys().copied().collect();
        let behind: Vec<&str> = gateway.map_or_else(all, |id| self.index.vpcs_behind(id));
        let holds = |vpc: &&str| self.index.vpc_blocks(vpc).contains(address);
        let holding: Vec<&str> = behind.iter().copied().filter(holds).collect();
        let mut stages: Vec<Stage> =
            gateway.map(|id| Stage::node(far_layer(id), id)).into_iter().collect();
        match (holding.as_slice(), gateway) {
            ([vpc], _) => {
                stages.push(Stage::node(Layer::Vpc, *vpc));
                stages.push(self.nobody_in(vpc, address));
            }
            ([], Some(id))
                if id.starts_with("vgw-")
                    && !behind.is_empty()
                    && behind.iter().all(|vpc| self.index.vpcs.contains_key(vpc)) =>
            {
                let why = format!("it has no route to {address}");
                return vec![Stage::blocks(Layer::VpnGateway, id, why)];
            }
            (_, Some(id)) => {
                let gap = Index::not_modelled(id, "what lies behind it");
                return vec![Stage::unknown(far_layer(id), id, vec![gap])];
            }
            (_, None) if AddressSet::outside().contains(address) => {
                let why = "a private source is not routed on the internet";
                return vec![Stage::blocks(Layer::Internet, "internet", why)];
            }
            ([], None) => {
                let text = address.to_string();
                return vec![Stage::unknown(Layer::Address, &text, vec![nobodys(&text)])];
            }
            (many, None) => {
                let mut all = many.iter().map(|vpc| self.nobody_in(vpc, address));
                let first = all.next();
                stages.extend(all.find(|s| s.span(0).is_some()).or(first));
            }
        }
        stages
    }

    /// The gateway that a packet comes in by: one that leads to other VPCs only is the end.
    fn far_gateway(&self, id: &str, vpc: &str) -> Stage {
        let layer = far_layer(id);
        let behind = self.index.vpcs_behind(id);
        if behind.is_empty() || behind.contains(&vpc) {
            return Stage::node(layer, id);
        }
        Stage::blocks(layer, id, format!("it leads to {}, not to {vpc}", behind.join(", ")))
    }
}

/// The gap of an address of which nobody can tell whose it is: it may be an account's or a region's
/// that was not asked for, or a service's that no account lists.
fn nobodys(address: &str) -> Gap {
    Gap::new(GapKind::Addresses, address, "no account and region that was read has it")
}

/// The kind of a gateway to beyond, by its id.
fn far_layer(id: &str) -> Layer {
    if id.starts_with("tgw-") { Layer::TransitGateway } else { Layer::VpnGateway }
}
