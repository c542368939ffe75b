// Over 500 lines because the four questions share one memory and one way of dividing sources.

use super::class::{Classes, retarget};
use super::combine::{Decision, combine};
use super::group::Direction;
use super::index::{Index, Role, Spot};
use super::span::Stage;
use super::ways::{Start, Ways};
use super::{ClientSet, Configured, ExposedEndpoint, Layer, Options, Path, Verdict, bpa};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::{CallKind, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Sources inside one VPC that are judged one by one; beyond it only what surely blocks is said.
const MAX_LOCAL_SOURCES: usize = 256;

/// What one snapshot permits. Built once, asked often: equal questions are answered from memory.
#[derive(Debug)]
pub struct Reach<'a> {
    pub(super) index: Index<'a>,
    pub(super) options: Options,
    classes: Classes,
    memory: Mutex<Memory>,
}

/// Answers by class, source, protocol and family.
#[derive(Debug, Default)]
struct Memory {
    sources: BTreeMap<Arc<AddressSet>, u32>,
    answers: BTreeMap<(u32, u32, Protocol, Family), Arc<Answer>>,
}

/// A partition of all ports.
type Answer = [(PortSet, Decision)];

impl<'a> Reach<'a> {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, options: &Options) -> Self {
        let index = Index::new(snapshot);
        let classes = Classes::new(&index);
        Self { index, options: *options, classes, memory: Mutex::default() }
    }

    pub(super) fn ways(&self, protocol: Protocol, family: Family) -> Ways<'_, 'a> {
        Ways { index: &self.index, options: &self.options, protocol, family }
    }

    /// What is configured for one address, as a partition of `ports`: sorted, disjoint, and each
    /// part has one answer. `from` = internet is [`AddressSet::outside`]; coverage is then judged
    /// against [`AddressSet::public`]. `interface` tells equal private addresses apart.
    /// [`Configured::NotApplicable`] where no interface of the snapshot has the address.
    #[must_use]
    pub fn slices(
        &self,
        address: IpAddr,
        interface: Option<&str>,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        let wanted = interface.and_then(|id| self.index.nic_of(id));
        let spots: Vec<Spot> = self
            .index
            .spots(address)
            .iter()
            .filter(|s| interface.is_none() || wanted == Some(s.nic))
            .copied()
            .collect();
        // A public address is one interface's; a private one may stand in several VPCs.
        let public = spots.iter().find(|s| Ways::is_reachable_role(**s, address));
        let spot = match (public, spots.as_slice()) {
            (_, []) => return vec![(ports.clone(), Configured::NotApplicable)],
            (Some(spot), _) | (None, [spot]) => *spot,
            (None, [first, rest @ ..]) if rest.iter().all(|s| s.nic == first.nic) => *first,
            (None, _) => {
                let why = "several interfaces have the address: name one";
                let gap = Gap::new(GapKind::NetworkInterfaces, address.to_string(), why);
                let stage = Stage::unknown(Layer::Address, &address.to_string(), vec![gap]);
                let from = Arc::new(from.clone());
                return finish(combine(&[stage], &from, &from, ports));
            }
        };
        let mut parts = self.parts(spot, address, from, protocol, ports);
        if parts.len() == 1
            && let Some((_, part)) = parts.pop()
        {
            return part;
        }
        merge(&parts, ports)
    }

    /// The answers for the parts of `from` that come by different ways, each with its sources.
    fn parts(
        &self,
        spot: Spot,
        address: IpAddr,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(AddressSet, Vec<(PortSet, Configured)>)> {
        let family = Family::of(address);
        let from = from.of_family(family);
        let nic = &self.index.nics[spot.nic];
        let internet = is_internet(&from, family);
        let mut parts = Vec::new();
        let mut own = AddressSet::empty();
        if !internet && !matches!(spot.role, Role::Public(_)) {
            let (mut local, many) = self.local_sources(nic.vpc, &from);
            // What an interface sends to itself passes no filter: others are asked about.
            if local.iter().any(|s| s.0 != spot.nic) {
                local.retain(|s| s.0 != spot.nic);
            }
            if many {
                own = from.intersect(&self.index.vpc_blocks(nic.vpc));
                let part = self.many_local(spot, &own, protocol, family, ports);
                parts.push((own.clone(), part));
            } else {
                for source in &local {
                    let one = AddressSet::one(source.1);
                    own = own.union(&one);
                    let part = self.one_local(spot, address, *source, protocol, family, ports);
                    parts.push((one, part));
                }
            }
        }
        let rest = from.subtract(&own);
        let outside = rest.intersect(&AddressSet::outside());
        let private = rest.subtract(&AddressSet::outside());
        let reachable = Ways::is_reachable_role(spot, address);
        if !outside.is_empty() && reachable {
            let all = self.from_outside(spot, outside.clone(), protocol, family);
            let first = &self.index.nics[self.classes.first(self.classes.of(spot.nic))];
            parts.push((
                outside,
                all.iter()
                    .filter_map(|(slice, decision)| {
                        let both = slice.intersect(ports);
                        if both.is_empty() {
                            return None;
                        }
                        Some((both, retarget(decision, first, nic)))
                    })
                    .collect(),
            ));
        } else if !outside.is_empty() {
            let part = finish(blocked_at_internet(&outside, address, ports));
            parts.push((outside, part));
        }
        // Where others can come from, private sources that no packet carries are not waited for.
        let blocks = self.index.vpc_blocks(nic.vpc);
        let far = private.subtract(&blocks);
        let private = if far.is_empty() && parts.is_empty() { private } else { far };
        if !private.is_empty() && (!reachable || parts.is_empty()) {
            if reachable {
                let part = finish(blocked_at_internet(&private, address, ports));
                parts.push((private, part));
            } else {
                let ends = Arc::new(private);
                let stages = self.ways(protocol, family).from_far(nic, &ends);
                let part = finish(combine(&stages, &ends, &ends, ports));
                parts.push(((*ends).clone(), part));
            }
        }
        if parts.is_empty() {
            let ends = AddressSet::one(address);
            let part = finish(blocked_at_internet(&ends, address, ports));
            parts.push((ends, part));
        }
        parts
    }

    /// From outside to a public address, for every port; equal classes are walked once.
    fn from_outside(
        &self,
        spot: Spot,
        from: AddressSet,
        protocol: Protocol,
        family: Family,
    ) -> Arc<Answer> {
        let class = self.classes.of(spot.nic);
        let from = Arc::new(from);
        let key = {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let next = u32::try_from(memory.sources.len()).unwrap_or(u32::MAX);
            let source = *memory.sources.entry(Arc::clone(&from)).or_insert(next);
            let key = (class, source, protocol, family);
            if let Some(answer) = memory.answers.get(&key) {
                return Arc::clone(answer);
            }
            key
        };
        let first = Spot { nic: self.classes.first(class), ..spot };
        let stages = self.ways(protocol, family).from_internet(first, &from);
        let required = required(&from, family);
        let answer: Arc<Answer> = combine(&stages, &from, &required, &PortSet::all()).into();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.answers.insert(key, Arc::clone(&answer));
        answer
    }

    /// Interfaces of a VPC whose own address is in `from`; `true` where there are too many.
    fn local_sources(&self, vpc: &str, from: &AddressSet) -> (Vec<(usize, IpAddr)>, bool) {
        let mut found = Vec::new();
        for network in from.to_networks() {
            for (address, spots) in self.index.range(network) {
                for spot in spots {
                    let own = !matches!(spot.role, Role::Public(_));
                    if own && self.index.nics[spot.nic].vpc == vpc {
                        found.push((spot.nic, address));
                    }
                }
                if found.len() > MAX_LOCAL_SOURCES {
                    return (Vec::new(), true);
                }
            }
        }
        (found, false)
    }

    fn one_local(
        &self,
        spot: Spot,
        to: IpAddr,
        source: (usize, IpAddr),
        protocol: Protocol,
        family: Family,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        let (from, address) = source;
        let nic = &self.index.nics[from];
        let Some(place) = self.index.subnets.get(nic.subnet) else { return Vec::new() };
        let ways = self.ways(protocol, family);
        let start = Start { nic: Some(nic), place, address };
        let stages = ways.local(&start, &self.index.nics[spot.nic], to);
        let ends = super::ways::one(address);
        finish(combine(&stages, &ends, &ends, ports))
    }

    /// Many sources of the same VPC: what the target's own side surely blocks is blocked.
    fn many_local(
        &self,
        spot: Spot,
        from: &AddressSet,
        protocol: Protocol,
        family: Family,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        let nic = &self.index.nics[spot.nic];
        let Some(place) = self.index.subnets.get(nic.subnet) else { return Vec::new() };
        let ways = self.ways(protocol, family);
        let ends = Arc::new(from.clone());
        let groups: Vec<&str> = self.index.groups.keys().copied().collect();
        let mut stages = ways.arrive(nic, place, &ends, Some(&groups), true);
        let what = format!("more than {MAX_LOCAL_SOURCES} sources inside {}", nic.vpc);
        stages.insert(0, ways.far(Layer::Vpc, nic.vpc, &what));
        finish(combine(&stages, &ends, &ends, ports))
    }

    /// Every endpoint that some client of `from` reaches or may reach, sorted.
    #[must_use]
    pub fn exposed(&self, from: &AddressSet) -> Vec<ExposedEndpoint> {
        self.exposed_of(from, None)
    }

    /// [`Reach::exposed`] of these hosts only, by their ids; of all for `None`.
    #[must_use]
    pub fn exposed_of(
        &self,
        from: &AddressSet,
        only: Option<&BTreeSet<String>>,
    ) -> Vec<ExposedEndpoint> {
        let from = From::new(from);
        let mut out = Vec::new();
        for (address, spots) in self.index.addresses() {
            for spot in spots {
                if only.is_none_or(|o| o.contains(self.index.nics[spot.nic].host())) {
                    self.spot_rows(*spot, *address, &from, &mut out);
                }
            }
        }
        sort(&mut out);
        out
    }

    /// [`Reach::exposed`] of one address of one interface.
    #[must_use]
    pub fn exposed_at(
        &self,
        address: IpAddr,
        interface: &str,
        from: &AddressSet,
    ) -> Vec<ExposedEndpoint> {
        let from = From::new(from);
        let mut out = Vec::new();
        let nic = self.index.nic_of(interface);
        for spot in self.index.spots(address).iter().filter(|s| Some(s.nic) == nic) {
            self.spot_rows(*spot, address, &from, &mut out);
        }
        sort(&mut out);
        out
    }

    fn spot_rows(
        &self,
        spot: Spot,
        address: IpAddr,
        from: &From<'_>,
        out: &mut Vec<ExposedEndpoint>,
    ) {
        let family = Family::of(address);
        let reachable = Ways::is_reachable_role(spot, address);
        let any = if reachable { &from.outside } else { &from.private };
        if any.of_family(family).is_empty() {
            return;
        }
        for (protocol, every_other) in self.protocols(spot.nic, family) {
            self.rows(spot, address, from.all, protocol, every_other, out);
        }
    }

    fn rows(
        &self,
        spot: Spot,
        address: IpAddr,
        from: &AddressSet,
        protocol: Protocol,
        every_other_protocol: bool,
        out: &mut Vec<ExposedEndpoint>,
    ) {
        let nic = &self.index.nics[spot.nic];
        let family = Family::of(address);
        let row = |ports: PortSet, sources: AddressSet, configured: Configured| ExposedEndpoint {
            address,
            host: nic.host().into(),
            interface: nic.id().into(),
            protocol,
            every_other_protocol,
            ports,
            sources,
            configured,
        };
        let outside = from.of_family(family).intersect(&AddressSet::outside());
        if Ways::is_reachable_role(spot, address) && !outside.is_empty() {
            let internet = is_internet(&outside, family);
            let first = &self.index.nics[self.classes.first(self.classes.of(spot.nic))];
            for (ports, decision) in self.from_outside(spot, outside, protocol, family).iter() {
                if decision.verdict == Verdict::Blocked {
                    continue;
                }
                let sources = match decision.verdict {
                    Verdict::Unknown => &decision.maybe,
                    _ => &decision.yes,
                };
                let whole = internet && sources.is_superset(&required(from, family));
                let sources = if whole { whole_family(family) } else { (**sources).clone() };
                out.push(row(ports.clone(), sources, retarget(decision, first, nic)));
            }
            return;
        }
        let all = PortSet::all();
        for (ports, configured) in self.slices(address, Some(nic.id()), from, protocol, &all) {
            let sources = match &configured {
                Configured::Blocked(_) | Configured::NotApplicable => continue,
                Configured::Partly(_, clients) => clients.addresses.clone(),
                Configured::Permitted(_) | Configured::Unknown(..) => from.of_family(family),
            };
            out.push(row(ports, sources, configured));
        }
    }

    /// The protocols that can differ for an interface; `true` stands for every other number.
    pub(super) fn protocols(&self, nic: usize, family: Family) -> Vec<(Protocol, bool)> {
        let icmp = if family == Family::V4 { Protocol::Icmp } else { Protocol::Icmpv6 };
        let mut named: BTreeSet<Protocol> = [Protocol::Tcp, Protocol::Udp, icmp].into();
        let mut every = false;
        for id in &self.index.nics[nic].groups {
            match self.index.groups.get(id) {
                Some(group) => {
                    for protocol in group.protocols(Direction::Ingress) {
                        match protocol {
                            Some(protocol @ Protocol::Other(_)) => {
                                named.insert(protocol);
                            }
                            Some(_) => {}
                            None => every = true,
                        }
                    }
                }
                None => every = true,
            }
        }
        let least = (0..=u8::MAX)
            .map(Protocol::from_number)
            .find(|p| matches!(p, Protocol::Other(_)) && !named.contains(p));
        let mut out: Vec<_> = named.into_iter().map(|p| (p, false)).collect();
        if let Some(least) = least.filter(|_| every) {
            out.push((least, true));
        }
        out
    }

    /// What could not be seen and blinds more than single rows, or is covered by an assumption;
    /// sorted. Gaps of single rows stand in their [`Configured::Unknown`].
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = BTreeSet::new();
        let mut exposed: BTreeSet<usize> = BTreeSet::new();
        for (address, spots) in self.index.addresses() {
            let reachable = spots.iter().filter(|s| Ways::is_reachable_role(**s, *address));
            exposed.extend(reachable.map(|s| self.index.nics[s.nic].view));
        }
        for view in exposed {
            let usage = bpa::Use::Direct;
            let stage = bpa::stage(&self.index, &self.options, view, "", "", usage);
            gaps.extend(stage.into_iter().flat_map(|s| s.assumed));
        }
        for (view, rows) in self.index.snapshot.regions.iter().enumerate() {
            // Where anything of a network was read, interfaces may be in it.
            let seen = !rows.instances.is_empty()
                || !rows.network_interfaces.is_empty()
                || !rows.security_groups.is_empty()
                || !rows.subnets.is_empty()
                || !rows.vpcs.is_empty()
                || !rows.load_balancers.is_empty()
                || !rows.db_instances.is_empty();
            if let Some(call) = self.index.call(view, CallKind::NetworkInterfaces) {
                gaps.extend(call.gap());
            } else if seen {
                gaps.insert(self.index.gap(view, CallKind::NetworkInterfaces, "", ""));
            }
        }
        gaps.extend(self.balancers_without_interface());
        gaps.extend(self.databases_without_interface());
        gaps.extend(self.index.unseen_elastic());
        gaps.extend(self.index.delegated());
        gaps.into_iter().collect()
    }

    /// Databases that are publicly accessible and whose interface nobody listed (R32).
    fn databases_without_interface(&self) -> Vec<Gap> {
        let views = self.index.snapshot.regions.iter();
        let public = |nic: &usize| {
            let all = self.index.addresses_of(*nic);
            all.iter().any(|(address, spot)| Ways::is_reachable_role(*spot, *address))
        };
        views
            .flat_map(|v| v.db_instances.iter().filter(|d| d.publicly_accessible))
            .filter(|d| !self.index.nics_of_database(d).iter().any(public))
            .map(|d| {
                let why =
                    "it is publicly accessible and no public address of it is in the snapshot";
                Gap::new(GapKind::DbInstances, d.db_instance_identifier.as_str(), why)
            })
            .collect()
    }

    /// Internet-facing balancers whose nodes nobody listed: their addresses are not known.
    fn balancers_without_interface(&self) -> Vec<Gap> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (address, spots) in self.index.addresses() {
            for spot in spots.iter().filter(|s| Ways::is_reachable_role(**s, *address)) {
                let kind = super::balancer::kind(&self.index, &self.index.nics[spot.nic]);
                if let super::balancer::Kind::Balancer(Some(b), _) = kind {
                    seen.insert(&b.load_balancer_arn);
                }
            }
        }
        let facing = |b: &crate::snapshot::Balancer| b.scheme.as_deref() == Some("internet-facing");
        self.index
            .balancers
            .iter()
            .filter(|(arn, (b, _))| facing(b) && !seen.contains(**arn))
            .map(|(arn, _)| {
                let why = "no public address of it is in the snapshot";
                Gap::new(GapKind::LoadBalancers, *arn, why)
            })
            .collect()
    }
}

/// Sources, with what of them is outside and what is not.
struct From<'f> {
    all: &'f AddressSet,
    outside: AddressSet,
    private: AddressSet,
}

impl<'f> From<'f> {
    fn new(all: &'f AddressSet) -> Self {
        let outside = AddressSet::outside();
        Self { all, private: all.subtract(&outside), outside: all.intersect(&outside) }
    }
}

/// By address, protocol, interface and ports; those that stand for other protocols after the rest.
fn sort(rows: &mut [ExposedEndpoint]) {
    rows.sort_by(|a, b| {
        let key = |e: &ExposedEndpoint| (e.address, e.every_other_protocol, e.protocol);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.interface.cmp(&b.interface))
            .then_with(|| a.ports.cmp(&b.ports))
    });
}

/// Whether a source means the whole internet of a family.
pub(super) fn is_internet(from: &AddressSet, family: Family) -> bool {
    from.is_superset(&AddressSet::public().of_family(family))
}

/// The sources that must pass for *permitted*: of the internet its public part (R12).
pub(super) fn required(from: &AddressSet, family: Family) -> AddressSet {
    if is_internet(from, family) {
        AddressSet::public().of_family(family)
    } else {
        from.of_family(family)
    }
}

/// Every address of a family: how "from anywhere" is written.
fn whole_family(family: Family) -> AddressSet {
    match family {
        Family::V4 => AddressSet::all_v4(),
        Family::V6 => AddressSet::all_v6(),
    }
}

/// A private address is never routed on the internet, and no private source gets through it (R25).
pub(super) fn blocked_at_internet(
    ends: &AddressSet,
    address: IpAddr,
    ports: &PortSet,
) -> Vec<(PortSet, Decision)> {
    let why = if AddressSet::outside().contains(address) && ends.intersects(&AddressSet::outside())
    {
        format!("{address} is an address inside a VPC: it is not routed on the internet")
    } else if AddressSet::outside().contains(address) {
        "a private source is not routed on the internet".into()
    } else {
        format!("{address} is private: it is not routed on the internet")
    };
    let ends = Arc::new(ends.clone());
    combine(&[Stage::blocks(Layer::Internet, "internet", why)], &ends, &ends, ports)
}

/// Decisions as answers, by port.
pub(super) fn finish(decisions: Vec<(PortSet, Decision)>) -> Vec<(PortSet, Configured)> {
    let mut out: Vec<_> = decisions.into_iter().map(|(p, d)| (p, d.configured())).collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// Joins the answers for different sources: what differs is *partly*, for the sources that pass.
pub(super) fn merge(
    parts: &[(AddressSet, Vec<(PortSet, Configured)>)],
    ports: &PortSet,
) -> Vec<(PortSet, Configured)> {
    let mut cells: Vec<(PortSet, Vec<(&AddressSet, &Configured)>)> =
        vec![(ports.clone(), Vec::new())];
    for (sources, part) in parts {
        let mut next = Vec::new();
        for (have, all) in &cells {
            for (slice, configured) in part {
                let both = have.intersect(slice);
                if !both.is_empty() {
                    let mut all = all.clone();
                    all.push((sources, configured));
                    next.push((both, all));
                }
            }
        }
        cells = next;
    }
    let join = |all: &[(&AddressSet, &Configured)]| {
        let answers: Vec<&Configured> = all.iter().map(|(_, c)| *c).collect();
        match fold(&answers) {
            Configured::Partly(path, clients) => {
                let whole = all.iter().filter(|(_, c)| c.verdict() == Verdict::Permitted);
                let addresses =
                    whole.fold(clients.addresses.clone(), |set, (sources, _)| set.union(sources));
                let ports = clients.ports.clone();
                Configured::Partly(path, Arc::new(ClientSet { addresses, ports }))
            }
            other => other,
        }
    };
    let mut out: Vec<_> = cells.into_iter().map(|(p, all)| (p, join(&all))).collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// One answer for several sources.
pub(super) fn fold(all: &[&Configured]) -> Configured {
    let find = |v: Verdict| all.iter().find(|c| c.verdict() == v);
    if let Some(Configured::Unknown(path, _)) = find(Verdict::Unknown) {
        let gaps: BTreeSet<Gap> = all.iter().flat_map(|c| c.gaps().iter().cloned()).collect();
        return Configured::Unknown(Arc::clone(path), gaps.into_iter().collect());
    }
    let first = all.first().map_or(Configured::NotApplicable, |c| (*c).clone());
    if all.iter().all(|c| c.verdict() == first.verdict()) && first.verdict() != Verdict::Partly {
        return first;
    }
    let limiting = find(Verdict::Blocked).or_else(|| find(Verdict::Partly)).unwrap_or(&all[0]);
    let path: Arc<Path> = match limiting {
        Configured::Permitted(p)
        | Configured::Partly(p, _)
        | Configured::Blocked(p)
        | Configured::Unknown(p, _) => Arc::clone(p),
        Configured::NotApplicable => return Configured::NotApplicable,
    };
    let mut clients = ClientSet { addresses: AddressSet::empty(), ports: PortSet::all() };
    for configured in all {
        if let Configured::Partly(_, some) = configured {
            clients.addresses = clients.addresses.union(&some.addresses);
            clients.ports = clients.ports.intersect(&some.ports);
        }
    }
    Configured::Partly(path, Arc::new(clients))
}
