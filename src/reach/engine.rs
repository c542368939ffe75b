use super::class::Classes;
use super::combine::{Decision, combine};
use super::index::{Index, Nic, Role, Spot};
use super::memory::{Answer, Asked, Frame, Memory};
use super::nobody::{blocked_at_internet, nobodys_parts, orphan_parts};
use super::path::Rename;
use super::peers::{Peers, Stands, Unseen};
use super::span::{Stage, Way, way};
use super::ways::{Start, Ways};
use super::{ClientSet, Configured, Layer, Options, Path, Verdict};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Sources inside one VPC that are judged one by one; beyond it only what surely blocks is said.
pub(super) const MAX_LOCAL_SOURCES: usize = 256;

/// What one snapshot permits. Built once, asked often: equal questions are answered from memory.
#[derive(Debug)]
pub struct Reach<'a> {
    pub(super) index: Index<'a>,
    pub(super) options: Options,
    pub(super) classes: Classes,
    pub(super) memory: Memory<'a>,
}

impl<'a> Reach<'a> {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, options: &Options) -> Self {
        let index = Index::new(snapshot);
        let classes = Classes::new(&index);
        let memory = Memory::new(classes.len(), index.blocks());
        Self { index, options: *options, classes, memory }
    }

    /// Frees the answers that are kept in case they are asked for again.
    pub fn forget(&self) {
        self.memory.forget();
    }

    /// The public IPv4 addresses of an interface, also those that only `DescribeAddresses` or its
    /// instance tells (R24); sorted.
    #[must_use]
    pub fn public_addresses(&self, interface: &str) -> Vec<IpAddr> {
        let all = self.index.nic_of(interface).map(|nic| self.index.addresses_of(nic));
        let all = all.into_iter().flatten();
        all.filter(|(_, s)| matches!(s.role, Role::Public(_))).map(|(a, _)| a).collect()
    }

    pub(super) fn ways(&self, protocol: Protocol, family: Family) -> Ways<'_, 'a> {
        Ways { index: &self.index, options: &self.options, protocol, family }
    }

    /// What is configured for one address, as a partition of `ports`: sorted, disjoint, and each
    /// part has one answer. `from` = internet is [`AddressSet::outside`]; coverage is then judged
    /// against [`AddressSet::public`]. `interface` tells equal private addresses apart.
    /// [`Configured::NotApplicable`] where nothing of the snapshot has the address.
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
            (_, []) => {
                let orphan = self.index.orphan_at(address).filter(|_| interface.is_none());
                return match orphan {
                    Some((id, gap)) => orphan_parts(address, id, gap, from, ports),
                    None => nobodys_parts(address, from, ports),
                };
            }
            (Some(spot), _) | (None, [spot]) => *spot,
            (None, [first, rest @ ..]) if rest.iter().all(|s| s.nic == first.nic) => *first,
            (None, _) => {
                let why = "several interfaces have the address: name one";
                let gap = Gap::new(GapKind::NetworkInterfaces, address.to_string(), why);
                let stage = Stage::unknown(Layer::Address, &address.to_string(), vec![gap]);
                let from = Arc::new(from.clone());
                return finish(combine(&way([stage]), &from, &from, ports));
            }
        };
        let asked = self.memory.sources(from);
        let mut parts = self.parts(spot, address, &asked, protocol, ports);
        if parts.len() == 1
            && let Some((_, part)) = parts.pop()
        {
            return part;
        }
        merge(&parts, ports)
    }

    /// Whether sources are addresses of one interface and of nobody else.
    pub(super) fn is_itself(&self, nic: usize, from: &AddressSet) -> bool {
        let ours = |a: IpAddr| self.index.spots(a).iter().any(|s| s.nic == nic);
        if !from.first().is_some_and(ours) {
            return false;
        }
        let own = self.index.addresses_of(nic);
        let asked = own.iter().filter(|(address, _)| from.contains(*address)).count();
        from.size() == asked as u128
    }

    /// The answers for the parts of the sources that come by different ways, each with its sources.
    fn parts(
        &self,
        spot: Spot,
        address: IpAddr,
        asked: &Asked,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<Part> {
        let family = Family::of(address);
        let from = &asked.side(family).all;
        let nic = &self.index.nics[spot.nic];
        let mut parts = Vec::new();
        let mut own = AddressSet::empty();
        if !asked.side(family).everybody && !matches!(spot.role, Role::Public(_)) {
            let (mut local, many) = self.local_sources(nic.vpc, from);
            // An interface is no client of itself: others are asked about. Where it alone is, it
            // stands for one like it.
            if !self.is_itself(spot.nic, from) {
                local.retain(|s| s.0 != spot.nic);
            }
            if many {
                own = from.intersect(&self.index.vpc_blocks(nic.vpc));
                let part = self.many_local(spot, &own, protocol, family, ports);
                parts.push((Arc::new(own.clone()), part));
            } else {
                for source in &local {
                    let one = AddressSet::one(source.1);
                    own = own.union(&one);
                    let part = self.one_local(spot, address, *source, protocol, family, ports);
                    parts.push((Arc::new(one), part));
                }
            }
        }
        if !asked.side(family).everybody && matches!(spot.role, Role::Public(_)) {
            for part in self.hairpins(spot, address, asked.side(family), protocol, ports) {
                own = own.union(&part.0);
                parts.push(part);
            }
        }
        let mut near = self.index.vpc_blocks(nic.vpc);
        if !asked.side(family).everybody && !matches!(spot.role, Role::Public(_)) {
            let (peers, blocks) = self.peer_sources(nic, from, family);
            near = near.union(&blocks);
            for source in &peers {
                let one = AddressSet::one(source.1);
                own = own.union(&one);
                let part = self.one_local(spot, address, *source, protocol, family, ports);
                parts.push((Arc::new(one), part));
            }
        }
        // An IPv6 address is global wherever it stands: ours of other VPCs come by way of the internet.
        if !asked.side(family).everybody && spot.role == Role::V6 {
            let left = from.subtract(&own).intersect(&AddressSet::outside());
            let (abroad, nobodys) = self.abroad(spot, address, &left, protocol, ports);
            for part in abroad {
                own = own.union(&part.0);
                parts.push(part);
            }
            if !parts.is_empty() {
                own = own.union(&nobodys);
            }
        }
        let others;
        let rest = if own.is_empty() {
            asked
        } else {
            others = self.memory.some(&from.subtract(&own));
            &others
        };
        let outside = &rest.side(family).outside;
        let private = &rest.side(family).private;
        let reachable = Ways::is_reachable_role(spot, address);
        if !outside.is_empty() && reachable {
            let all = self.from_outside(spot, rest, protocol, family);
            let rename = self.rename(spot);
            let told = |slice: &PortSet, decision: &Decision| {
                let both = slice.intersect(ports);
                (!both.is_empty()).then(|| (both, answer(decision, rename.as_ref())))
            };
            let part = all.iter().filter_map(|(slice, decision)| told(slice, decision)).collect();
            parts.push((Arc::clone(outside), part));
        } else if !outside.is_empty() {
            let part = finish(blocked_at_internet(outside, address, ports));
            parts.push((Arc::clone(outside), part));
        }
        if !private.is_empty() {
            // Where others can come from, private sources that no packet carries are not waited for.
            let itself = self.index.addresses_of(spot.nic).into_iter().map(|(a, _)| a);
            let itself = AddressSet::from_addresses(itself);
            let far = Arc::new(private.subtract(&near).subtract(&itself));
            let private =
                if far.is_empty() && parts.is_empty() { Arc::clone(private) } else { far };
            if private.is_empty() || (reachable && !parts.is_empty()) {
            } else if reachable {
                let part = finish(blocked_at_internet(&private, address, ports));
                parts.push((private, part));
            } else {
                let way = way(self.ways(protocol, family).from_far(nic, &private));
                let part = finish(combine(&way, &private, &private, ports));
                parts.push((private, part));
            }
        }
        if parts.is_empty() {
            let ends = AddressSet::one(address);
            let part = finish(blocked_at_internet(&ends, address, ports));
            parts.push((Arc::new(ends), part));
        }
        parts
    }

    /// From outside to a public address, for every port; equal classes are walked once.
    pub(super) fn from_outside(
        &self,
        spot: Spot,
        asked: &Asked,
        protocol: Protocol,
        family: Family,
    ) -> Arc<Answer> {
        let class = self.classes.of(spot.nic);
        self.memory.answer(class, asked, protocol, family, || {
            let side = asked.side(family);
            let nic = &self.index.nics[self.classes.first(class)];
            let way = self.way_in(nic, asked, protocol, family);
            combine(&way, &side.outside, &side.required, &PortSet::all())
        })
    }

    /// The way from outside to an interface: what it shares with its subnet is made once.
    fn way_in(&self, nic: &Nic<'a>, asked: &Asked, protocol: Protocol, family: Family) -> Way {
        let ways = self.ways(protocol, family);
        let ends = &asked.side(family).outside;
        let Some(place) = self.index.subnets.get(nic.subnet) else {
            return way(ways.from_internet(nic, ends));
        };
        let frame = self.memory.frame(nic.subnet, asked, protocol, family, || {
            let before = [Stage::node(Layer::Internet, "internet")];
            let before = before.into_iter().chain(ways.before(place, ends));
            let behind = ways.behind(place, ends).into_iter();
            Frame { before: before.map(Arc::new).collect(), behind: behind.map(Arc::new).collect() }
        });
        let at = ways.doubt(nic).into_iter().chain(ways.at(nic, place, ends, Peers::Nobody));
        let at = at.map(Arc::new);
        frame.before.iter().cloned().chain(at).chain(frame.behind.iter().cloned()).collect()
    }

    /// How an answer for the interface that stands for a class is told of another one.
    pub(super) fn rename(&self, spot: Spot) -> Option<Arc<Rename>> {
        let first = &self.index.nics[self.classes.first(self.classes.of(spot.nic))];
        Rename::new(first, &self.index.nics[spot.nic])
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
        let there = &self.index.nics[spot.nic];
        let (stages, ends) = match nic.vpc == there.vpc {
            true => (ways.local(&start, there, to), super::ways::one(address)),
            false => ways.between(&start, to, spot),
        };
        finish(combine(&way(stages), &ends, &ends, ports))
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
        let what = format!("more than {MAX_LOCAL_SOURCES} sources inside {}", nic.vpc);
        let gap = Index::not_modelled(nic.vpc, what.as_str());
        let any = [Unseen { ends: from.clone(), place: Stands::In(nic.vpc), gap }];
        let mut stages = ways.arrive(nic, place, &ends, Peers::Unseen(&any), true);
        stages.insert(0, ways.far(Layer::Vpc, nic.vpc, &what));
        finish(combine(&way(stages), &ends, &ends, ports))
    }
}

/// Sources, and their answers by port.
pub(super) type Part = (Arc<AddressSet>, Vec<(PortSet, Configured)>);

/// The answer of a decision made for one interface of a class, told of another one. Everything is
/// shared; what names the interface is written when it is read.
pub(super) fn answer(decision: &Decision, rename: Option<&Arc<Rename>>) -> Configured {
    match rename {
        None => decision.configured(),
        Some(rename) => decision.along(Arc::new(decision.path.renamed(rename))),
    }
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
pub(super) fn whole_family(family: Family) -> AddressSet {
    match family {
        Family::V4 => AddressSet::all_v4(),
        Family::V6 => AddressSet::all_v6(),
    }
}

/// Decisions as answers, by port.
pub(super) fn finish(decisions: Vec<(PortSet, Decision)>) -> Vec<(PortSet, Configured)> {
    let mut out: Vec<_> = decisions.into_iter().map(|(p, d)| (p, d.configured())).collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// Joins the answers for different sources: what differs is *partly*, for the sources that pass.
fn merge(parts: &[Part], ports: &PortSet) -> Vec<(PortSet, Configured)> {
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
    // What keeps some out opens nothing to the others.
    let path = match (limiting, find(Verdict::Permitted).or_else(|| find(Verdict::Partly))) {
        (
            Configured::Blocked(_),
            Some(Configured::Permitted(open) | Configured::Partly(open, _)),
        ) => Arc::new(path.beside(open)),
        _ => path,
    };
    let mut clients = ClientSet { addresses: AddressSet::empty(), ports: PortSet::all() };
    for configured in all {
        if let Configured::Partly(_, some) = configured {
            clients.addresses = clients.addresses.union(&some.addresses);
            clients.ports = clients.ports.intersect(&some.ports);
        } else if let Configured::Permitted(path) = configured {
            clients.ports = clients.ports.intersect(&path.client_ports());
        }
    }
    Configured::Partly(path, Arc::new(clients))
}
