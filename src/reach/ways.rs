use super::balancer::{self, Kind};
use super::bpa::{self, Use};
use super::group::{self, Direction};
use super::index::{Index, Nic, Place, Role, Spot, may_answer};
use super::peers::{self, Peers};
use super::route::{Routes, Target};
use super::span::Stage;
use super::{Layer, Options, acl};
use crate::model::{AddressSet, Family, Gap, GapKind, Protocol};
use crate::snapshot::{CallKind, Outcome};
use std::net::IpAddr;
use std::sync::Arc;

/// What every way of one question shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    pub(super) options: &'i Options,
    pub(super) protocol: Protocol,
    pub(super) family: Family,
}

/// Where a packet of ours starts: an interface, or an address in a subnet that no interface has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'i, 'a> {
    pub(super) nic: Option<&'i Nic<'a>>,
    pub(super) place: &'i Place<'a>,
    pub(super) address: IpAddr,
}

impl<'i, 'a> Ways<'i, 'a> {
    /// From outside, through the internet gateway, to an address of an interface.
    pub(super) fn from_internet(&self, nic: &Nic<'a>, ends: &Arc<AddressSet>) -> Vec<Stage> {
        let mut stages = vec![Stage::node(Layer::Internet, "internet")];
        stages.extend(self.enter(nic, ends));
        stages
    }

    /// The part of [`Ways::from_internet`] behind the internet itself.
    pub(super) fn enter(&self, nic: &Nic<'a>, ends: &Arc<AddressSet>) -> Vec<Stage> {
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        let mut stages = self.before(place, ends);
        stages.extend(self.doubt(nic));
        stages.extend(self.at(nic, place, ends, Peers::Nobody));
        stages.extend(self.behind(place, ends));
        stages
    }

    /// What stands between the internet and every interface of a subnet.
    pub(super) fn before(&self, place: &Place<'a>, ends: &AddressSet) -> Vec<Stage> {
        let mut stages: Vec<Stage> =
            bpa::stage(self.index, self.options, place, Use::Direct).into_iter().collect();
        stages.push(self.gateway(place));
        stages.push(Stage::node(Layer::Vpc, place.vpc));
        stages.extend(self.edge(place));
        stages.push(Stage::node(Layer::Subnet, place.id));
        stages.push(self.acl(place, Direction::Ingress, ends));
        stages
    }

    /// An interface whose public address something else denies.
    pub(super) fn doubt(&self, nic: &Nic<'a>) -> Option<Stage> {
        let gap = self.index.doubtful.get(&self.index.nic_of(nic.id())?)?;
        Some(Stage::unknown(Layer::NetworkInterface, nic.id(), vec![gap.clone()]))
    }

    /// The interface itself: it and its instance, which must be in use, and its groups.
    pub(super) fn at(
        &self,
        nic: &Nic<'a>,
        place: &Place<'a>,
        ends: &Arc<AddressSet>,
        peers: Peers<'_>,
    ) -> Vec<Stage> {
        let mut stages = self.hold(nic);
        stages.extend(self.guard(nic, place, ends, peers));
        stages
    }

    /// What the answer of an interface of a subnet meets on its way to the internet.
    pub(super) fn behind(&self, place: &Place<'a>, ends: &Arc<AddressSet>) -> Vec<Stage> {
        vec![self.acl_reply(place, Direction::Ingress, ends), self.way_back(place, ends)]
    }

    /// A route table of the gateway itself may send what comes in through a firewall (R36).
    fn edge(&self, place: &Place<'a>) -> Option<Stage> {
        let gateway = self.index.attached_gateway(place.vpc)?;
        let table = self.index.edge_tables.get(gateway)?;
        let routes = Routes::new(self.index, table, self.family);
        let blocks: Option<AddressSet> = place.row.map(|row| {
            let v6 = row.ipv6_cidr_block_association_set.iter().filter_map(|b| b.ipv6_cidr_block);
            row.cidr_block.into_iter().map(Into::into).chain(v6.map(Into::into)).collect()
        });
        let blocks = blocks.map(|b| b.of_family(self.family)).filter(|b| !b.is_empty());
        // A route to another subnet's addresses is none of ours.
        let ours = |network: ipnetwork::IpNetwork| {
            blocks.as_ref().is_none_or(|b| b.intersects(&[network].into_iter().collect()))
        };
        let other = routes.lines.iter().find(|l| l.target != Target::Local && ours(l.network))?;
        let what = format!("edge route table {} sends {}", routes.id, other.text());
        let gap = Index::not_modelled(gateway, what);
        Some(Stage::unknown(Layer::NotModelled, routes.id, vec![gap]))
    }

    /// What stands between a subnet and an interface in it: the ACL, the interface's and its
    /// instance's state, its groups, its listeners, and the ACL for the answer.
    ///
    /// `filtered` is false inside one subnet, where no ACL is consulted (R17).
    pub(super) fn arrive(
        &self,
        nic: &Nic<'a>,
        place: &Place<'a>,
        ends: &Arc<AddressSet>,
        peers: Peers<'_>,
        filtered: bool,
    ) -> Vec<Stage> {
        let mut stages = Vec::new();
        if filtered {
            stages.push(self.acl(place, Direction::Ingress, ends));
        }
        stages.extend(self.at(nic, place, ends, peers));
        if filtered {
            stages.push(self.acl_reply(place, Direction::Ingress, ends));
        }
        stages
    }

    /// The ACL of a subnet for a request.
    pub(super) fn acl(&self, place: &Place<'a>, direction: Direction, ends: &AddressSet) -> Stage {
        match &place.acl {
            Ok(row) => acl::request(row, direction, self.protocol, self.family, ends),
            Err(gap) => Stage::unknown(Layer::NetworkAcl, place.id, vec![gap.clone()]),
        }
    }

    /// The ACL of a subnet for the answer to a request of `direction`.
    pub(super) fn acl_reply(
        &self,
        place: &Place<'a>,
        direction: Direction,
        ends: &AddressSet,
    ) -> Stage {
        match &place.acl {
            Ok(row) => acl::reply(row, direction, self.protocol, self.family, ends),
            Err(gap) => Stage::unknown(Layer::NetworkAcl, place.id, vec![gap.clone()]),
        }
    }

    /// The instance and the interface, which must be in use (R34).
    pub(super) fn hold(&self, nic: &Nic<'a>) -> Vec<Stage> {
        let mut stages = Vec::new();
        if let Some(id) = nic.instance {
            let layer = Layer::Instance;
            stages.push(match self.index.instances.get(id).map(|(i, _)| i.state.name.as_str()) {
                Some(state) if may_answer(state) => Stage::node(layer, Arc::clone(&nic.host_text)),
                Some(state) => Stage::blocks(layer, id, format!("it is {state}")),
                None => self.absent_instance(nic, id),
            });
        } else if let Some(endpoint) = self.index.endpoint_nics.get(nic.id()) {
            stages.push(Stage::node(Layer::VpcEndpoint, *endpoint));
        }
        let layer = Layer::NetworkInterface;
        stages.push(match nic.row.status.as_deref() {
            Some(status @ ("available" | "detaching")) => {
                Stage::blocks(layer, nic.id(), format!("it is {status}, attached to nothing"))
            }
            _ => Stage::node(layer, Arc::clone(&nic.id_text)),
        });
        stages
    }

    /// An instance that only its interface names: whether it runs nobody said. Saved output that
    /// never asked for instances takes it to run, and the gap is listed; where they were asked for
    /// and this one did not come, its state is unknown.
    fn absent_instance(&self, nic: &Nic<'a>, id: &str) -> Stage {
        let kind = CallKind::Instances;
        let gap = self.index.absent_gap(nic.view, id);
        match self.index.call(nic.view, kind).map(|c| &c.outcome) {
            None | Some(Outcome::Missing) => {
                let text = "the instance is not in the snapshot and taken to be running";
                Stage::node(Layer::Instance, id).assume("INSTANCE_RUNNING", text, Some(gap))
            }
            Some(_) => Stage::unknown(Layer::Instance, id, vec![gap]),
        }
    }

    /// Groups, and what an interface without groups does by its type (R14); listeners of a balancer.
    fn guard(
        &self,
        nic: &Nic<'a>,
        place: &Place<'a>,
        ends: &Arc<AddressSet>,
        peers: Peers<'_>,
    ) -> Vec<Stage> {
        match balancer::kind(self.index, nic) {
            Kind::Nat(id) => {
                vec![Stage::blocks(Layer::NatGateway, id, "it lets no unsolicited packet in")]
            }
            Kind::Opaque(what) => {
                let gap = Index::not_modelled(nic.id(), what);
                vec![Stage::unknown(Layer::NotModelled, nic.id(), vec![gap])]
            }
            Kind::Balancer(balancer, open_without_groups) => {
                let mut stages = Vec::new();
                if !nic.groups.is_empty() {
                    stages.push(self.groups(nic, Direction::Ingress, ends, peers));
                } else if !open_without_groups {
                    stages.push(self.no_groups(nic));
                }
                stages.extend(balancer::stages(self, nic, place, balancer, ends));
                stages
            }
            Kind::Plain if nic.groups.is_empty() => vec![self.no_groups(nic)],
            Kind::Plain => vec![self.groups(nic, Direction::Ingress, ends, peers)],
        }
    }

    fn no_groups(&self, nic: &Nic<'a>) -> Stage {
        Stage::unknown(Layer::SecurityGroup, nic.id(), vec![groups_gap(self.index, nic)])
    }

    /// The groups of an interface, as one stage: they are OR-ed (R1).
    pub(super) fn groups(
        &self,
        nic: &Nic<'a>,
        direction: Direction,
        ends: &Arc<AddressSet>,
        peers: Peers<'_>,
    ) -> Stage {
        let (protocol, family) = (self.protocol, self.family);
        let spans = group::spans(self.index, &nic.groups, direction, protocol, family, ends, peers);
        let id = nic.groups.first().copied().unwrap_or_default();
        let absent = format!(
            "no {} permission in {} on {}",
            direction.name(),
            nic.groups.join(", "),
            nic.id()
        );
        Stage::filter(Layer::SecurityGroup, id, spans, absent.into())
    }

    /// To a service of Amazon's own on the link: no group and no ACL filters it (R39).
    pub(super) fn to_amazon(&self, start: &Start<'i, 'a>, to: IpAddr) -> Option<Vec<Stage>> {
        const LINK: [&str; 10] = [
            "169.254.169.123",
            "169.254.169.250",
            "169.254.169.251",
            "169.254.169.253",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "fd00:ec2::123",
            "fd00:ec2::253",
            "fd00:ec2::254",
        ];
        let place = start.place;
        let block = self.index.vpcs.get(place.vpc).and_then(|v| v.cidr_block);
        let resolver = block.map(|b| IpAddr::V4((u32::from(b.network()) + 2).into()));
        let link = LINK.iter().any(|a| a.parse() == Ok(to));
        if !link && resolver != Some(to) {
            return None;
        }
        let mut stages = start.nic.map(|nic| self.hold(nic)).unwrap_or_default();
        let text = "neither groups nor network ACLs filter Amazon's own services on the link";
        let vpc = Stage::node(Layer::Vpc, place.vpc);
        stages.push(vpc.assume("AMAZON_SERVICE_NOT_FILTERED", text, None));
        Some(stages)
    }

    /// What a packet of ours meets until it leaves its subnet for `ends`.
    pub(super) fn depart(
        &self,
        start: &Start<'i, 'a>,
        ends: &Arc<AddressSet>,
        peers: Peers<'_>,
        filtered: bool,
    ) -> Vec<Stage> {
        let mut stages = Vec::new();
        if let Some(nic) = start.nic {
            stages.extend(self.hold(nic));
            if peers::lacks_groups(self.index, nic) {
                stages.push(self.no_groups(nic));
            } else if !nic.groups.is_empty() {
                stages.push(self.groups(nic, Direction::Egress, ends, peers));
            }
        }
        if filtered {
            stages.push(Stage::node(Layer::Subnet, start.place.id));
            stages.push(self.acl(start.place, Direction::Egress, ends));
            stages.push(Stage::node(Layer::Vpc, start.place.vpc));
        }
        stages
    }

    /// Inside one VPC, from an address to an interface.
    pub(super) fn local(&self, start: &Start<'i, 'a>, nic: &Nic<'a>, to: IpAddr) -> Vec<Stage> {
        let (here, there) = (one(start.address), one(to));
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        let (starts, ends) = (self.unseen_start(start), self.unseen_nic(nic));
        let ours = peers::of(self.index, start.nic, &starts);
        let theirs = peers::of(self.index, Some(nic), &ends);
        let filtered = nic.subnet != start.place.id;
        let mut stages = collapse(self.depart(start, &there, theirs, filtered), &there);
        if filtered {
            stages.extend(self.local_route(start.place, to));
            stages.push(Stage::node(Layer::Subnet, place.id));
        }
        stages.extend(self.arrive(nic, place, &here, ours, filtered));
        if filtered {
            stages.extend(self.local_route(place, start.address));
            let back = self.acl_reply(start.place, Direction::Egress, &there);
            stages.push(back.collapse(&there));
        }
        stages
    }

    /// From private addresses beyond the VPC: a VPN, a transit gateway, a line of one's own. What
    /// the near side surely blocks is blocked; the far side is not modelled.
    pub(super) fn from_far(&self, nic: &Nic<'a>, ends: &Arc<AddressSet>) -> Vec<Stage> {
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            let gap = Gap::new(GapKind::Subnets, nic.id(), "its subnet is not known");
            return vec![Stage::unknown(Layer::Subnet, nic.subnet, vec![gap])];
        };
        let mut stages =
            vec![Stage::node(Layer::Vpc, place.vpc), Stage::node(Layer::Subnet, place.id)];
        let inner = ends.intersect(&self.index.vpc_blocks(place.vpc));
        let mut unseen = self.unseen_inside(place, inner);
        unseen.extend(self.unseen_beyond(place, ends));
        let theirs = peers::of(self.index, None, &unseen);
        stages.extend(self.arrive(nic, place, ends, theirs, true));
        let layer = Layer::RouteTable;
        stages.push(match &place.routes {
            Err(gap) => Stage::unknown(layer, place.id, vec![gap.clone()]),
            Ok(table) => {
                let routes = Routes::new(self.index, table, self.family);
                let inner = self.index.vpc_blocks(place.vpc);
                let far: Vec<_> = routes
                    .partition(&ends.subtract(&inner))
                    .into_iter()
                    .filter(|(_, l)| leads_to_private(&l.target))
                    .collect();
                match far.first() {
                    Some((_, line)) => {
                        self.far(layer, routes.id, &format!("{} leads beyond the VPC", line.text()))
                    }
                    None if routes.unresolved.is_empty() && ends.intersect(&inner).is_empty() => {
                        Stage::blocks(layer, routes.id, "no route back to the source")
                    }
                    None if routes.unresolved.is_empty() => Stage::node(layer, routes.id),
                    None => self.far(layer, routes.id, "routes to unresolved prefix lists"),
                }
            }
        });
        stages
    }

    /// Whether an address belongs to the VPC of a subnet: by its blocks, or by the local route where
    /// nobody read these.
    pub(super) fn inside(&self, place: &Place<'a>, address: IpAddr) -> bool {
        let local = |table| {
            let routes = Routes::new(self.index, table, Family::of(address));
            routes.lookup(address).is_some_and(|line| line.target == Target::Local)
        };
        self.index.vpc_blocks(place.vpc).contains(address)
            || place.routes.as_ref().is_ok_and(|table| local(table))
    }

    /// A route inside the VPC that is more specific than the local one leads through a middlebox (R36).
    fn local_route(&self, place: &Place<'a>, to: IpAddr) -> Option<Stage> {
        let table = match &place.routes {
            Ok(table) => table,
            // Every table has the local route; only a middlebox could change it.
            Err(_) => return None,
        };
        let routes = Routes::new(self.index, table, Family::of(to));
        let line = routes.lookup(to)?;
        (line.target != Target::Local).then(|| {
            let gap = Index::not_modelled(routes.id, format!("{} inside the VPC", line.text()));
            Stage::unknown(Layer::RouteTable, routes.id, vec![gap])
        })
    }

    /// The role an address must have to be reached from outside.
    pub(super) fn is_reachable_role(spot: Spot, address: IpAddr) -> bool {
        match spot.role {
            Role::Public(_) => true,
            Role::V6 => AddressSet::is_outside(address),
            Role::Private => false,
        }
    }
}

/// Whether a route may carry answers to private addresses: gateways to the internet drop them (R25).
pub(super) fn leads_to_private(target: &Target<'_>) -> bool {
    !matches!(
        target,
        Target::Blackhole(_)
            | Target::Local
            | Target::InternetGateway(_)
            | Target::EgressOnly(_)
            | Target::Nat(_)
    )
}

/// The gap of an interface that must have groups and shows none.
pub(super) fn groups_gap(index: &Index<'_>, nic: &Nic<'_>) -> Gap {
    let kind = CallKind::NetworkInterfaces;
    if !index.complete(nic.view, kind) {
        return index.gap(nic.view, kind, nic.id(), "");
    }
    Gap::new(GapKind::SecurityGroups, nic.id(), "its groups are not in the snapshot")
}

/// One address as a set.
pub(super) fn one(address: IpAddr) -> Arc<AddressSet> {
    Arc::new(AddressSet::one(address))
}

/// Collapses every stage: the other end is one address.
pub(super) fn collapse(stages: Vec<Stage>, ends: &AddressSet) -> Vec<Stage> {
    stages.into_iter().map(|s| s.collapse(ends)).collect()
}
