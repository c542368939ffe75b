//! What the ends of a flow name: addresses, resources, networks, the internet.

use super::hidden::Hidden;
use super::index::{Place, Role, Spot, may_answer};
use super::ways::{Start, Ways};
use super::{End, Layer, Query, QueryError, Reach, balancer};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use crate::snapshot::{Balancer, DbInstance, Instance, RegionView};
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

/// What a name may lead to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    Instance(&'a str),
    /// With the view it was read in.
    Balancer(&'a Balancer, usize),
    Database(&'a DbInstance),
}

/// What tells a database from others: names repeat in every account and region.
pub(super) fn database_id(view: &RegionView, db: &DbInstance) -> String {
    db.db_instance_arn.clone().unwrap_or_else(|| {
        format!("{}/{}/{}", view.account, view.region, db.db_instance_identifier)
    })
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
            let unseen = |what: &str| {
                let why = "cannot send: none of its interfaces is in the snapshot";
                QueryError::Unusable { what: what.into(), why: why.into() }
            };
            nics = match self.named(id)? {
                // What it sends to its targets is its own.
                Some(Named::Balancer(..)) => match self.nics_of(id)?.0 {
                    nics if nics.is_empty() => return Err(unseen(id)),
                    nics => nics,
                },
                named => {
                    let named = match named {
                        Some(Named::Instance(instance)) => instance,
                        _ => id,
                    };
                    let nics = self.index.nics_of_instance(named);
                    if nics.is_empty() && self.index.instances.contains_key(named) {
                        return Err(unseen(named));
                    }
                    nics
                }
            };
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

    /// Where a flow ends; `public` where its source is a public address of ours.
    ///
    /// # Errors
    /// An end that names nothing, or several things.
    pub(super) fn to(
        &self,
        query: &Query,
        from: &From<'_, 'a>,
        public: bool,
    ) -> Result<Vec<To<'a>>, QueryError> {
        let end = &query.to;
        let near = match from {
            From::Ours(start, _) => Some(start.place.vpc),
            _ => None,
        };
        Ok(match end {
            End::Internet => {
                let v6 = match query.protocol {
                    Some(Protocol::Icmpv6) => true,
                    Some(Protocol::Icmp) => false,
                    _ => matches!(from, From::Ours(s, _) if s.address.is_ipv6()),
                };
                let family = if v6 { Family::V6 } else { Family::V4 };
                vec![To::Outside(AddressSet::public().of_family(family))]
            }
            End::Network(set) if AddressSet::outside().is_superset(set) => {
                if !matches!(from, From::Ours(..)) && self.holds_ours(set) {
                    let why = "holds addresses of ours: name one of them or a resource";
                    return Err(QueryError::Unusable { what: set.to_string(), why: why.into() });
                }
                vec![To::Outside(set.clone())]
            }
            End::Network(set) => {
                let why = "is a block of private addresses: name one of them or a resource";
                return Err(QueryError::Unusable { what: set.to_string(), why: why.into() });
            }
            End::Address(address) if public && !AddressSet::outside().contains(*address) => {
                let why = format!("{address} is private: it is not routed on the internet");
                vec![To::Without(Layer::Internet, "internet".into(), why)]
            }
            End::Address(address) => vec![match self.pick_by_route(*address, near, from)? {
                Some(spot) => To::At(*address, spot),
                None => To::Nobody(*address),
            }],
            End::Resource(id) => self.to_resource(id, from, public)?,
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
    fn to_resource(
        &self,
        id: &str,
        from: &From<'_, 'a>,
        public_source: bool,
    ) -> Result<Vec<To<'a>>, QueryError> {
        let (nics, named) = self.nics_of(id)?;
        if let Some(Named::Database(db)) = named
            && !db.publicly_accessible
            && matches!(from, From::Outside(_))
        {
            // Its interface says that it is.
            let said = self.index.nics_of_database(db).into_iter();
            if let Some(gap) = said.filter_map(|n| self.index.doubtful.get(&n)).next() {
                let hidden = Hidden::of_database(id, gap.clone(), db);
                return Ok(vec![To::Unseen(Hidden { database: None, ..hidden })]);
            }
            let why = format!("{id} is not publicly accessible");
            return Ok(vec![To::Without(Layer::Internet, "internet".into(), why)]);
        }
        if nics.is_empty() {
            if let Some(Named::Instance(id)) = named
                && let Some((row, _)) = self.index.instances.get(id)
                && !may_answer(&row.state.name)
            {
                let why = format!("it is {}", row.state.name);
                return Ok(vec![To::Without(Layer::Instance, id.into(), why)]);
            }
            return Ok(vec![To::Unseen(self.unseen(id, named))]);
        }
        let families: Vec<Family> = match from {
            From::Outside(set) | From::Far(set, _) => [Family::V4, Family::V6]
                .into_iter()
                .filter(|f| !set.of_family(*f).is_empty())
                .collect(),
            From::Ours(start, _) => vec![Family::of(start.address)],
        };
        let inside = |nic: usize| match from {
            From::Ours(start, _) => !public_source && self.index.nics[nic].vpc == start.place.vpc,
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
            } else if !public && !public_source && matches!(from, From::Ours(..)) {
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
                return Ok(vec![To::Unseen(Hidden { gap, ..self.unseen(id, named) })]);
            }
            // It has a public address all the same; the interface's row is what lacks it.
            if let (From::Outside(_), Some(Named::Database(db))) = (from, named)
                && db.publicly_accessible
            {
                return Ok(vec![To::Unseen(self.unseen(id, named))]);
            }
            let nic = first.id().to_owned();
            let why = format!("{nic} has no public address: nothing on the internet leads to it");
            out.push(To::Without(Layer::Internet, "internet".into(), why));
        }
        Ok(out)
    }

    /// The interfaces of a resource, and what it is where a name may lead to it.
    pub(super) fn nics_of(&self, id: &str) -> Result<(Vec<usize>, Option<Named<'a>>), QueryError> {
        if let Some(nic) = self.index.nic_of(id) {
            return Ok((vec![nic], None));
        }
        let named = self.named(id)?;
        let nics = match named {
            Some(Named::Instance(instance)) => self.index.nics_of_instance(instance),
            Some(Named::Balancer(named, _)) => {
                let arn = named.load_balancer_arn.as_str();
                let is = |nic: &super::index::Nic<'a>| {
                    matches!(balancer::kind(&self.index, nic),
                        balancer::Kind::Balancer(Some(b), _) if b.load_balancer_arn == arn)
                };
                (0..self.index.nics.len()).filter(|n| is(&self.index.nics[*n])).collect()
            }
            Some(Named::Database(db)) => {
                let nics = self.index.nics_of_database(db);
                // Several databases share subnets and groups: which interface is whose nothing tells.
                if nics.len() == 1 { nics } else { Vec::new() }
            }
            None => self.nics_by_id(id)?,
        };
        Ok((nics, named))
    }

    /// The interfaces of what has no name but its id.
    fn nics_by_id(&self, id: &str) -> Result<Vec<usize>, QueryError> {
        let of_instance = self.index.nics_of_instance(id);
        if !of_instance.is_empty() {
            return Ok(of_instance);
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
    fn unseen(&self, id: &str, named: Option<Named<'a>>) -> Hidden<'a> {
        let gap = |kind| Gap::new(kind, id, "none of its interfaces is in the snapshot");
        match named {
            Some(Named::Database(db)) => {
                let own = self.database_gap(db).filter(|_| db.publicly_accessible);
                let several = !self.index.nics_of_database(db).is_empty();
                let gap = own.unwrap_or_else(|| match several {
                    true => {
                        Gap::new(GapKind::DbInstances, id, "which interface is its is not known")
                    }
                    false => gap(GapKind::DbInstances),
                });
                Hidden::of_database(id, gap, db)
            }
            Some(Named::Balancer(b, view)) => {
                Hidden::of_balancer(id, gap(GapKind::LoadBalancers), b, view)
            }
            Some(Named::Instance(instance)) => {
                let gap = self.index.orphan_gap(instance);
                let why = "none of its interfaces is in the snapshot";
                let gap =
                    gap.unwrap_or_else(|| Gap::new(GapKind::NetworkInterfaces, instance, why));
                Hidden::new(instance, gap)
            }
            None => Hidden::new(id, gap(GapKind::LoadBalancers)),
        }
    }

    /// What a text names: by id or ARN, or by a name that only one thing has (R37).
    ///
    /// # Errors
    /// Several things have the name: a name is no identity.
    fn named(&self, text: &str) -> Result<Option<Named<'a>>, QueryError> {
        if text.is_empty() {
            return Ok(None);
        }
        if let Some((id, _)) = self.index.instances.get_key_value(text) {
            return Ok(Some(Named::Instance(id)));
        }
        if let Some((b, view)) = self.index.balancers.get(text) {
            return Ok(Some(Named::Balancer(b, *view)));
        }
        let databases = || self.index.snapshot.regions.iter().flat_map(|v| &v.db_instances);
        let own = |d: &&DbInstance| {
            let endpoint = d.endpoint.as_ref().and_then(|e| e.address.as_deref());
            d.db_instance_arn.as_deref() == Some(text) || endpoint == Some(text)
        };
        if let Some(db) = databases().find(own) {
            return Ok(Some(Named::Database(db)));
        }
        let tagged = |i: &Instance| i.tags.iter().any(|t| t.key == "Name" && t.value == text);
        let called = |b: &Balancer| {
            b.load_balancer_name.as_deref() == Some(text) || b.dns_name.as_deref() == Some(text)
        };
        let instances = self.index.instances.iter().filter(|(_, (i, _))| tagged(i));
        let instances = instances.map(|(id, _)| (Named::Instance(id), (*id).to_owned()));
        let balancers = self.index.balancers.iter().filter(|(_, (b, _))| called(b));
        let balancers =
            balancers.map(|(arn, (b, view))| (Named::Balancer(b, *view), (*arn).to_owned()));
        let databases = self.index.snapshot.regions.iter().flat_map(|view| {
            let named = view.db_instances.iter().filter(|d| d.db_instance_identifier == text);
            named.map(move |d| (Named::Database(d), database_id(view, d)))
        });
        let all: Vec<(Named<'a>, String)> = instances.chain(balancers).chain(databases).collect();
        match all.as_slice() {
            [] => Ok(None),
            [(named, _)] => Ok(Some(*named)),
            many => {
                let of = |kind: fn(&Named<'a>) -> bool| many.iter().all(|(n, _)| kind(n));
                let what = if of(|n| matches!(n, Named::Instance(_))) {
                    "instances"
                } else if of(|n| matches!(n, Named::Balancer(..))) {
                    "load balancers"
                } else if of(|n| matches!(n, Named::Database(_))) {
                    "databases"
                } else {
                    "things"
                };
                let ids: Vec<&str> = many.iter().map(|(_, id)| id.as_str()).collect();
                let why = format!("is the name of several {what}: {}", ids.join(", "));
                Err(QueryError::Unusable { what: text.into(), why })
            }
        }
    }

    fn no_such(&self, id: &str) -> QueryError {
        let all = self.index.instances.keys().copied();
        let all = all.chain(self.index.nics.iter().map(super::index::Nic::id));
        let common = |s: &str| s.bytes().zip(id.bytes()).take_while(|(a, b)| a == b).count();
        let similar = all.max_by_key(|s| common(s)).filter(|s| common(s) >= 6).map(Into::into);
        QueryError::NoSuchResource { id: id.into(), similar, unseen: self.unread_lists() }
    }
}
