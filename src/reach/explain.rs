// Over 500 lines because every pair of ends that a flow can have stands in one table.

use super::combine::{Decision, combine};
use super::engine::{finish, fold, required};
use super::index::{Place, Role, Spot};
use super::span::{Stage, way};
use super::ways::{Start, Ways, one};
use super::{Configured, End, Explanation, Layer, Query, QueryError, Reach, Verdict, balancer};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::CallKind;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Where a flow begins.
#[derive(Debug, Clone)]
enum From<'i, 'a> {
    /// Addresses that are not ours.
    Outside(AddressSet),
    /// One of our addresses, or one in a subnet of ours that nobody has.
    Ours(Start<'i, 'a>, Option<usize>),
    /// Private addresses that lie in no VPC of the snapshot, or behind the named gateway.
    Far(AddressSet, Option<String>),
}

/// Where a flow ends.
#[derive(Debug, Clone)]
enum To {
    At(IpAddr, Spot),
    /// No interface has it.
    Nobody(IpAddr),
    Outside(AddressSet),
    /// A resource whose addresses are not known, and why.
    Unseen(String, Gap),
    /// A resource that has no address of the kind asked for.
    Without(Layer, String, String),
}

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

    /// The VPC that an end lies in, to tell equal private addresses apart.
    fn vpc_of(&self, end: &End) -> Option<String> {
        let nic = match end {
            End::Resource(id) => {
                self.index.nic_of(id).or_else(|| self.index.nics_of_instance(id).first().copied())
            }
            End::Address(a) => match self.index.spots(*a) {
                [spot] => Some(spot.nic),
                _ => None,
            },
            _ => None,
        };
        nic.map(|n| self.index.nics[n].vpc.to_owned())
    }

    fn from(&self, end: &End, near: Option<&str>) -> Result<From<'_, 'a>, QueryError> {
        match end {
            End::Internet => Ok(From::Outside(AddressSet::outside())),
            End::Network(set) if set.intersects(&AddressSet::outside()) => {
                Ok(From::Outside(set.intersect(&AddressSet::outside())))
            }
            End::Network(set) => Ok(From::Far(set.clone(), None)),
            End::Address(address) => self.from_address(*address, near),
            End::Resource(id) => self.from_resource(id),
        }
    }

    fn from_address(
        &self,
        address: IpAddr,
        near: Option<&str>,
    ) -> Result<From<'_, 'a>, QueryError> {
        let spots = self.pick(address, near)?;
        if let Some(spot) = spots {
            let own = match spot.role {
                Role::Public(private) => private,
                Role::Private | Role::V6 => address,
            };
            return self.start(spot.nic, own);
        }
        if AddressSet::outside().contains(address) {
            return Ok(From::Outside(AddressSet::one(address)));
        }
        let holding: Vec<&Place<'a>> = self
            .index
            .vpcs
            .keys()
            .filter_map(|vpc| self.index.subnet_holding(vpc, address))
            .collect();
        let near_one = holding.iter().find(|p| Some(p.vpc) == near);
        match (near_one, holding.as_slice()) {
            (Some(place), _) | (None, [place]) => {
                Ok(From::Ours(Start { nic: None, place, address }, None))
            }
            (None, []) => Ok(From::Far(AddressSet::one(address), None)),
            (None, many) => {
                let candidates = many.iter().map(|p| format!("{} in {}", p.id, p.vpc)).collect();
                Err(QueryError::Ambiguous { address, candidates })
            }
        }
    }

    fn start(&self, nic: usize, address: IpAddr) -> Result<From<'_, 'a>, QueryError> {
        let row = &self.index.nics[nic];
        let Some(place) = self.index.subnets.get(row.subnet) else {
            let what = row.id().to_owned();
            return Err(QueryError::Unusable { what, why: "lies in no known subnet".into() });
        };
        Ok(From::Ours(Start { nic: Some(row), place, address }, Some(nic)))
    }

    fn from_resource(&self, id: &str) -> Result<From<'_, 'a>, QueryError> {
        if id.starts_with("vgw-") {
            return Ok(From::Far(AddressSet::all_v4(), Some(id.into())));
        }
        if id.starts_with("vpc-") && self.index.view_of_vpc(id).is_some() {
            return Ok(From::Far(self.index.vpc_blocks(id), None));
        }
        let nic =
            self.index.nic_of(id).or_else(|| self.index.nics_of_instance(id).first().copied());
        let nic = match (nic, self.instance_named(id)?) {
            (Some(nic), _) => Some(nic),
            (None, Some(named)) => self.index.nics_of_instance(named).first().copied(),
            (None, None) => None,
        }
        .ok_or_else(|| self.no_such(id))?;
        let row = self.index.nics[nic].row;
        let v6 = row.ipv6_addresses.iter().filter_map(|a| a.ipv6_address.map(IpAddr::from));
        let address = row.private_ip_address.or_else(|| v6.into_iter().next());
        match address {
            Some(address) => self.start(nic, address),
            None => Err(QueryError::Unusable { what: id.into(), why: "has no address".into() }),
        }
    }

    /// The one interface that has an address; an error where several have it.
    fn pick(&self, address: IpAddr, near: Option<&str>) -> Result<Option<Spot>, QueryError> {
        let delegate = [self.index.delegate(address)];
        let spots = match (self.index.spots(address), &delegate) {
            ([], [Some(spot)]) => std::slice::from_ref(spot),
            (spots, _) => spots,
        };
        if let Some(public) = spots.iter().find(|s| Ways::is_reachable_role(**s, address)) {
            return Ok(Some(*public));
        }
        let mut nics: Vec<Spot> = spots.to_vec();
        nics.dedup_by_key(|s| s.nic);
        if nics.len() > 1
            && let Some(near) = near
        {
            let same: Vec<Spot> =
                nics.iter().filter(|s| self.index.nics[s.nic].vpc == near).copied().collect();
            if same.len() == 1 {
                return Ok(same.first().copied());
            }
        }
        if nics.len() > 1 {
            let name = |s: &Spot| {
                let nic = &self.index.nics[s.nic];
                format!("{} in {}", nic.id(), nic.vpc)
            };
            let candidates = nics.iter().map(name).collect();
            return Err(QueryError::Ambiguous { address, candidates });
        }
        Ok(nics.first().copied())
    }

    fn to(&self, end: &End, from: &From<'_, 'a>) -> Result<Vec<To>, QueryError> {
        let near = match from {
            From::Ours(start, _) => Some(start.place.vpc),
            _ => None,
        };
        Ok(match end {
            End::Internet => {
                let v6 = matches!(from, From::Ours(s, _) if s.address.is_ipv6());
                let family = if v6 { Family::V6 } else { Family::V4 };
                vec![To::Outside(AddressSet::public().of_family(family))]
            }
            End::Network(set) if AddressSet::outside().is_superset(set) => {
                vec![To::Outside(set.clone())]
            }
            End::Network(set) => {
                let why = "is a block of private addresses: name one of them or a resource";
                return Err(QueryError::Unusable { what: set.to_string(), why: why.into() });
            }
            End::Address(address) => vec![match self.pick(*address, near)? {
                Some(spot) => To::At(*address, spot),
                None => To::Nobody(*address),
            }],
            End::Resource(id) => self.to_resource(id, from)?,
        })
    }

    /// The addresses of a resource that a packet from `from` would be sent to.
    fn to_resource(&self, id: &str, from: &From<'_, 'a>) -> Result<Vec<To>, QueryError> {
        let nics = self.nics_of(id)?;
        if let Some(db) = self.database(id)
            && !db.publicly_accessible
            && matches!(from, From::Outside(_))
        {
            let why = format!("{id} is not publicly accessible");
            return Ok(vec![To::Without(Layer::Internet, "internet".into(), why)]);
        }
        if nics.is_empty() {
            let why = "none of its interfaces is in the snapshot";
            let kind = match id {
                _ if self.database(id).is_some() => GapKind::DbInstances,
                _ if id.starts_with("i-") => GapKind::NetworkInterfaces,
                _ => GapKind::LoadBalancers,
            };
            return Ok(vec![To::Unseen(id.into(), Gap::new(kind, id, why))]);
        }
        let families: Vec<Family> = match from {
            From::Outside(set) | From::Far(set, _) => [Family::V4, Family::V6]
                .into_iter()
                .filter(|f| !set.of_family(*f).is_empty())
                .collect(),
            From::Ours(start, _) => vec![Family::of(start.address)],
        };
        let inside = |nic: usize| match from {
            From::Ours(start, _) => self.index.nics[nic].vpc == start.place.vpc,
            From::Far(..) => true,
            From::Outside(_) => false,
        };
        let mut out = Vec::new();
        let mut far = Vec::new();
        for (address, spot) in nics.iter().flat_map(|n| self.index.addresses_of(*n)) {
            if !families.contains(&Family::of(address)) {
                continue;
            }
            let public = matches!(spot.role, Role::Public(_));
            let fits =
                if inside(spot.nic) { !public } else { Ways::is_reachable_role(spot, address) };
            if fits {
                out.push(To::At(address, spot));
            } else if !public && matches!(from, From::Ours(..)) {
                far.push(To::At(address, spot));
            }
        }
        // Another VPC's host is asked at its private address too: a peering may lead there.
        out.extend(far);
        if out.is_empty() {
            let first = &self.index.nics[nics[0]];
            let facing = matches!(balancer::kind(&self.index, first),
                balancer::Kind::Balancer(Some(b), _) if b.scheme.as_deref() == Some("internet-facing"));
            if facing {
                let why = "no public address of it is in the snapshot";
                let gap = Gap::new(GapKind::LoadBalancers, id, why);
                return Ok(vec![To::Unseen(id.into(), gap)]);
            }
            let nic = first.id().to_owned();
            let why = format!("{nic} has no public address: nothing on the internet leads to it");
            out.push(To::Without(Layer::Internet, "internet".into(), why));
        }
        Ok(out)
    }

    fn nics_of(&self, id: &str) -> Result<Vec<usize>, QueryError> {
        if let Some(nic) = self.index.nic_of(id) {
            return Ok(vec![nic]);
        }
        if let Some(named) = self.instance_named(id)? {
            return Ok(self.index.nics_of_instance(named));
        }
        let of_instance = self.index.nics_of_instance(id);
        if !of_instance.is_empty() || self.index.instances.contains_key(id) {
            return Ok(of_instance);
        }
        let named = self.index.balancers.iter().find(|(arn, (b, _))| {
            **arn == id
                || b.load_balancer_name.as_deref() == Some(id)
                || b.dns_name.as_deref() == Some(id)
        });
        if let Some((arn, _)) = named {
            let is = |nic: &super::index::Nic<'a>| {
                matches!(balancer::kind(&self.index, nic),
                    balancer::Kind::Balancer(Some(b), _) if b.load_balancer_arn == **arn)
            };
            return Ok((0..self.index.nics.len()).filter(|n| is(&self.index.nics[*n])).collect());
        }
        if let Some(db) = self.database(id) {
            let nics = self.index.nics_of_database(db);
            // Several databases share subnets and groups: which interface is whose nothing tells.
            return Ok(if nics.len() == 1 { nics } else { Vec::new() });
        }
        if let Some(endpoint) = self.index.endpoints.get(id) {
            let nics = endpoint.network_interface_ids.iter();
            return Ok(nics.filter_map(|n| self.index.nic_of(n)).collect());
        }
        if let Some((nat, _)) = self.index.nats.get(id) {
            let nics = nat.nat_gateway_addresses.iter();
            let nics = nics.filter_map(|a| a.network_interface_id.as_deref());
            return Ok(nics.filter_map(|n| self.index.nic_of(n)).collect());
        }
        Err(self.no_such(id))
    }

    fn database(&self, id: &str) -> Option<&'a crate::snapshot::DbInstance> {
        let views = self.index.snapshot.regions.iter();
        views
            .flat_map(|v| &v.db_instances)
            .find(|d| d.db_instance_identifier == id || d.db_instance_arn.as_deref() == Some(id))
    }

    /// The one instance with a `Name` tag, where no resource has it as its id (R37).
    ///
    /// # Errors
    /// Several instances have the name: a name is no identity.
    fn instance_named(&self, name: &str) -> Result<Option<&'a str>, QueryError> {
        if name.is_empty() || self.index.instances.contains_key(name) {
            return Ok(None);
        }
        let has = |i: &crate::snapshot::Instance| {
            i.tags.iter().any(|t| t.key == "Name" && t.value == name)
        };
        let named: Vec<&'a str> =
            self.index.instances.iter().filter(|(_, i)| has(i)).map(|(id, _)| *id).collect();
        if named.len() > 1 {
            let why = format!("is the name of several instances: {}", named.join(", "));
            return Err(QueryError::Unusable { what: name.into(), why });
        }
        Ok(named.first().copied())
    }

    fn no_such(&self, id: &str) -> QueryError {
        let all = self.index.instances.keys().copied();
        let all = all.chain(self.index.nics.iter().map(super::index::Nic::id));
        let common = |s: &str| s.bytes().zip(id.bytes()).take_while(|(a, b)| a == b).count();
        let similar = all.max_by_key(|s| common(s)).filter(|s| common(s) >= 6).map(Into::into);
        QueryError::NoSuchResource { id: id.into(), similar }
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
