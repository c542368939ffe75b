//! What the ends of a flow name: addresses, resources, networks, the internet.

use super::hidden::Hidden;
use super::index::{Place, Role, Spot};
use super::ways::{Start, Ways};
use super::{End, Layer, QueryError, Reach, balancer};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use std::net::IpAddr;

/// Where a flow begins.
#[derive(Debug, Clone)]
pub(super) enum From<'i, 'a> {
    /// Addresses that are not ours.
    Outside(AddressSet),
    /// One of our addresses, or one in a subnet of ours that nobody has.
    Ours(Start<'i, 'a>, Option<usize>),
    /// Private addresses that lie in no VPC of the snapshot, or behind the named gateway.
    Far(AddressSet, Option<String>),
}

/// Where a flow ends.
#[derive(Debug, Clone)]
pub(super) enum To<'a> {
    At(IpAddr, Spot),
    /// No interface has it.
    Nobody(IpAddr),
    Outside(AddressSet),
    /// A resource whose addresses are not known.
    Unseen(Hidden<'a>),
    /// A resource that has no address of the kind asked for.
    Without(Layer, String, String),
}

impl<'a> Reach<'a> {
    /// The VPC that an end lies in, to tell equal private addresses apart.
    pub(super) fn vpc_of(&self, end: &End) -> Option<String> {
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

    /// Where a flow begins: an instance may send by each of its interfaces.
    pub(super) fn from(
        &self,
        end: &End,
        near: Option<&str>,
    ) -> Result<Vec<From<'_, 'a>>, QueryError> {
        Ok(vec![match end {
            End::Internet => From::Outside(AddressSet::outside()),
            End::Network(set) if set.intersects(&AddressSet::outside()) => {
                From::Outside(set.intersect(&AddressSet::outside()))
            }
            End::Network(set) => From::Far(set.clone(), None),
            End::Address(address) => self.from_address(*address, near)?,
            End::Resource(id) => return self.from_resource(id),
        }])
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

    fn from_resource(&self, id: &str) -> Result<Vec<From<'_, 'a>>, QueryError> {
        if id.starts_with("vgw-") || id.starts_with("tgw-") {
            return Ok(vec![From::Far(AddressSet::all_v4(), Some(id.into()))]);
        }
        if id.starts_with("vpc-") && self.index.view_of_vpc(id).is_some() {
            return Ok(vec![From::Far(self.index.vpc_blocks(id), None)]);
        }
        let mut nics: Vec<usize> = self.index.nic_of(id).into_iter().collect();
        if nics.is_empty() {
            nics = self.index.nics_of_instance(self.instance_named(id)?.unwrap_or(id));
        }
        if nics.is_empty() {
            return Err(self.no_such(id));
        }
        let starts: Vec<_> = nics
            .into_iter()
            .filter_map(|nic| {
                let row = self.index.nics[nic].row;
                let v6 = row.ipv6_addresses.iter().filter_map(|a| a.ipv6_address);
                let v6 = v6.map(IpAddr::from).next();
                Some(self.start(nic, row.private_ip_address.or(v6)?))
            })
            .collect::<Result<_, _>>()?;
        if starts.is_empty() {
            return Err(QueryError::Unusable { what: id.into(), why: "has no address".into() });
        }
        Ok(starts)
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

    pub(super) fn to(&self, end: &End, from: &From<'_, 'a>) -> Result<Vec<To<'a>>, QueryError> {
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
            End::Address(address) => vec![match self.pick_by_route(*address, near, from)? {
                Some(spot) => To::At(*address, spot),
                None => To::Nobody(*address),
            }],
            End::Resource(id) => self.to_resource(id, from)?,
        })
    }

    /// As [`Reach::pick`]; of equal addresses in several VPCs the one that the source's route leads to.
    fn pick_by_route(
        &self,
        address: IpAddr,
        near: Option<&str>,
        from: &From<'_, 'a>,
    ) -> Result<Option<Spot>, QueryError> {
        let picked = self.pick(address, near);
        if let (Err(QueryError::Ambiguous { .. }), From::Ours(start, _)) = (&picked, from) {
            let ways = self.ways(Protocol::Tcp, Family::of(address));
            if let (_, Some(vpc)) = ways.cross(start.place, address) {
                return self.pick(address, Some(vpc));
            }
        }
        picked
    }

    /// The addresses of a resource that a packet from `from` would be sent to.
    fn to_resource(&self, id: &str, from: &From<'_, 'a>) -> Result<Vec<To<'a>>, QueryError> {
        let nics = self.nics_of(id)?;
        if let Some(db) = self.database(id)
            && !db.publicly_accessible
            && matches!(from, From::Outside(_))
        {
            let why = format!("{id} is not publicly accessible");
            return Ok(vec![To::Without(Layer::Internet, "internet".into(), why)]);
        }
        if nics.is_empty() {
            return Ok(vec![To::Unseen(self.unseen(id))]);
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
                return Ok(vec![To::Unseen(Hidden { gap, ..self.unseen(id) })]);
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
        if let Some((named, _)) = self.balancer(id) {
            let arn = named.load_balancer_arn.as_str();
            let is = |nic: &super::index::Nic<'a>| {
                matches!(balancer::kind(&self.index, nic),
                    balancer::Kind::Balancer(Some(b), _) if b.load_balancer_arn == arn)
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

    /// What is known of a resource of which no interface is in the snapshot.
    fn unseen(&self, id: &str) -> Hidden<'a> {
        let gap = |kind| Gap::new(kind, id, "none of its interfaces is in the snapshot");
        match (self.database(id), self.balancer(id)) {
            (Some(db), _) => Hidden::of_database(id, gap(GapKind::DbInstances), db),
            (None, Some((b, view))) => {
                Hidden::of_balancer(id, gap(GapKind::LoadBalancers), b, view)
            }
            _ if id.starts_with("i-") => Hidden::new(id, gap(GapKind::NetworkInterfaces)),
            _ => Hidden::new(id, gap(GapKind::LoadBalancers)),
        }
    }

    /// A balancer by its ARN, its name or its DNS name, with the view it was read in.
    fn balancer(&self, id: &str) -> Option<(&'a crate::snapshot::Balancer, usize)> {
        let is = |b: &crate::snapshot::Balancer| {
            b.load_balancer_name.as_deref() == Some(id) || b.dns_name.as_deref() == Some(id)
        };
        let by_arn = self.index.balancers.get(id).copied();
        by_arn.or_else(|| self.index.balancers.values().copied().find(|(b, _)| is(b)))
    }

    /// A database by its name, its ARN or the name of its endpoint.
    fn database(&self, id: &str) -> Option<&'a crate::snapshot::DbInstance> {
        let views = self.index.snapshot.regions.iter();
        views.flat_map(|v| &v.db_instances).find(|d| {
            let endpoint = d.endpoint.as_ref().and_then(|e| e.address.as_deref());
            d.db_instance_identifier == id
                || d.db_instance_arn.as_deref() == Some(id)
                || endpoint == Some(id)
        })
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
