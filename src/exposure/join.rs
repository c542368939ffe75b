use super::approach::approaches;
use super::cell::Declared;
use super::configuration::{Configuration, Exposed};
use super::declared::{Declaration, declarations, without_narrower};
use super::observed::{Index, Ports, any_by_target};
use super::relations::{Relations, narrower};
use super::row::Exposure;
use super::source::{Source, sources};
use super::traffic::{Traffic, speaks, spoken_of};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, side_by_side};
use crate::observation::{Observation, Observations, State};
use crate::reach::Configured;
use crate::resolve::{Host, Resolution};
use crate::spec::Spec;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The rows, and what the join could not see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// Sorted by source (broadest first), host, address, protocol, then port.
    pub rows: Vec<Exposure>,
    /// Observations that count for nothing, hosts without an address.
    pub gaps: BTreeSet<Gap>,
    /// Hosts of a role that are not live: nothing is expected of them, and only their answers are judged.
    pub not_live: usize,
}

/// Joins what was declared, what is configured and what was observed.
///
/// Rows are made for each address of each host and each source:
/// - every service, `allow` and `forbid` of the host's roles, for the sources it names;
/// - what nobody declared (absent), for `internet`, every network and every role that is somebody's
///   source: whatever the configuration exposes or cannot rule out, and whatever was probed.
///   What is declared for a broader source is declared for the narrower one inside it, and what
///   is declared for narrower ones is taken out of the broader one's clients. What `internet` must
///   or may reach, clients inside our networks may reach too.
///   A narrower source does not repeat what a broader one was already told of.
///
/// Ports that are closed by configuration and were never probed have no row: they hold.
/// Of hosts that are not live only answers are judged: nothing is expected of them.
///
/// `only` names the hosts that have rows, by id; all have for `None`. Every other host still counts
/// as a member of its roles, so that what is said of these is the same either way.
#[must_use]
pub fn join(
    spec: &Spec,
    resolution: &Resolution,
    configuration: &dyn Configuration,
    observations: &Observations,
    only: Option<&BTreeSet<String>>,
) -> Joined {
    let sources = sources(spec, resolution, &observations.vantages);
    let index = Index::new(&sources, observations);
    let mut by_roles: BTreeMap<&[String], (Arc<[String]>, Arc<[Declaration]>)> = BTreeMap::new();
    let hosts = || resolution.hosts.values().filter(|h| only.is_none_or(|o| o.contains(&h.id)));
    for host in hosts() {
        by_roles.entry(host.roles.as_slice()).or_insert_with(|| {
            (host.roles.clone().into(), declarations(spec, &sources, &host.roles).into())
        });
    }
    let mut out = Joined { gaps: index.gaps.clone(), ..Joined::default() };
    for host in hosts() {
        if !host.live && !host.roles.is_empty() {
            out.not_live += 1;
        }
        if host.live && host.addresses.is_empty() && !host.roles.is_empty() {
            let why = "the host has no address that we can read, so nothing of it was judged";
            out.gaps.insert(Gap::new(GapKind::Inventory, &host.id, why));
        }
    }
    let hosts: Vec<&Host> = hosts().collect();
    let mut told = BTreeMap::new();
    for i in 0..sources.len() {
        if sources[i].clients.is_empty() {
            continue;
        }
        let relations = Relations::of(&sources, i);
        // Within one source no host's rows depend on another's: what broader sources were told
        // stands, and what this one is told is of use to narrower ones only.
        let parts = side_by_side(&hosts, |hosts| {
            let mut join = Join {
                sources: &sources,
                index: &index,
                configuration,
                told: &told,
                news: Vec::new(),
                rows: Vec::new(),
            };
            for host in hosts {
                if let Some((roles, declared)) = by_roles.get(host.roles.as_slice()) {
                    join.host(i, &relations, host, roles, declared);
                }
            }
            (join.rows, join.news)
        });
        configuration.forget();
        out.rows.reserve_exact(parts.iter().map(|(rows, _)| rows.len()).sum());
        for (rows, news) in parts {
            out.rows.extend(rows);
            for (key, ports) in news {
                told.entry(key).or_default().push((i, ports));
            }
        }
    }
    out
}

struct Join<'a> {
    sources: &'a [Source],
    index: &'a Index,
    configuration: &'a dyn Configuration,
    /// What broader sources were already told is exposed to all of their clients, by source.
    told: &'a BTreeMap<Told, Vec<(usize, PortSet)>>,
    /// What this source is told.
    news: Vec<(Told, PortSet)>,
    rows: Vec<Exposure>,
}

/// One address of one interface, in one protocol.
type Told = (IpAddr, Option<Arc<str>>, Traffic);

/// What the rows of one host, address and source have in common.
struct At<'a> {
    source: usize,
    host: &'a Host,
    id: Arc<str>,
    owner: Option<Arc<str>>,
    roles: &'a Arc<[String]>,
    address: IpAddr,
    interface: Option<Arc<str>>,
    from: &'a AddressSet,
}

/// What the spec says of a slice.
struct Saying<'a> {
    declared: Declared,
    declaration: Option<&'a Declaration>,
}

impl Join<'_> {
    fn host(
        &mut self,
        source: usize,
        relations: &Relations,
        host: &Host,
        roles: &Arc<[String]>,
        declared: &[Declaration],
    ) {
        let id: Arc<str> = Arc::from(host.id.as_str());
        let owner: Option<Arc<str>> = host.owner.as_deref().map(Arc::from);
        for (address, from) in approaches(host, &self.sources[source]) {
            let at = At {
                source,
                host,
                id: Arc::clone(&id),
                owner: owner.clone(),
                roles,
                address: address.address,
                interface: address.interface.as_deref().map(Arc::from),
                from,
            };
            let judged = self.sources[source].judged;
            let broad = declared.iter().any(|d| d.protocols.contains_unnamed());
            let exposed = if host.live && (judged || broad) {
                let clients = &self.sources[source].clients;
                self.configuration.exposed(at.address, at.interface.as_deref(), clients)
            } else {
                Vec::new()
            };
            self.declared(&at, relations, declared, &exposed);
            if judged {
                self.absent(&at, relations, declared, &exposed);
            }
        }
    }

    /// Rows of what is declared for this source, or seen from it and declared for a broader one.
    fn declared(
        &mut self,
        at: &At<'_>,
        relations: &Relations,
        declared: &[Declaration],
        exposed: &[Exposed],
    ) {
        for declaration in declared {
            let everybodys = relations.for_everybody(declaration);
            let inherited = relations.broader.contains(&declaration.source) || everybodys;
            if declaration.source != at.source && !inherited {
                continue;
            }
            let saying = Saying {
                declared: if everybodys { Declared::Allowed } else { declaration.declared },
                declaration: Some(declaration),
            };
            for traffic in spoken_of(declaration, at.address, exposed) {
                let mut ports = declaration.ports.clone();
                if !at.host.live {
                    ports = ports.intersect(&self.answering(at, traffic));
                } else if inherited {
                    // Only what this source really saw: its broader source has the row otherwise.
                    ports = ports.intersect(&self.seen(at, traffic));
                    let own =
                        declared.iter().filter(|d| d.source == at.source && d.speaks_of(traffic));
                    ports = own.fold(ports, |p, d| p.subtract(&d.ports));
                }
                if everybodys {
                    // Nothing is required of these clients: what is said to them by name goes first.
                    let nearer = declared.iter().filter(|d| {
                        d.speaks_of(traffic)
                            && (d.source == at.source || relations.broader.contains(&d.source))
                    });
                    ports = nearer.fold(ports, |p, d| p.subtract(&d.ports));
                }
                if declaration.declared == Declared::Forbidden {
                    let narrower = narrower(self.sources, relations, declared, traffic);
                    for (ports, from) in without_narrower(ports, at.from, narrower) {
                        let from = from.as_ref().unwrap_or(at.from);
                        self.ask(at, traffic, &ports, from, &saying, false);
                    }
                } else {
                    self.ask(at, traffic, &ports, at.from, &saying, false);
                }
            }
        }
    }

    /// Rows of what nobody declared: exposed, undecidable or probed.
    fn absent(
        &mut self,
        at: &At<'_>,
        relations: &Relations,
        declared: &[Declaration],
        exposed: &[Exposed],
    ) {
        let mut candidates: BTreeMap<Traffic, (PortSet, Vec<&Exposed>)> = BTreeMap::new();
        for e in exposed.iter().filter(|e| speaks(e.protocol, at.address)) {
            let entry = candidates.entry(e.traffic()).or_default();
            entry.0 = entry.0.union(&e.ports);
            entry.1.push(e);
        }
        for (protocol, _) in self.index.protocols(at.source, at.address) {
            candidates.entry(Traffic::Of(protocol)).or_default();
        }
        for (traffic, (open, parts)) in candidates {
            let seen =
                if at.host.live { self.seen(at, traffic) } else { self.answering(at, traffic) };
            let covering = declared.iter().filter(|d| {
                d.speaks_of(traffic)
                    && (d.source == at.source
                        || relations.broader.contains(&d.source)
                        || relations.for_everybody(d))
            });
            let covered = covering.fold(PortSet::empty(), |all, d| all.union(&d.ports));
            let ports = open.union(&seen).subtract(&covered);
            let mut ports = ports.subtract(&self.told(at, relations, traffic, &seen));
            // No spec can name port 0: of a permission that opens more it stands with the rest.
            let zero = PortSet::one(0);
            let alone = parts.iter().any(|p| p.ports == zero);
            let with_rest = traffic.protocol().has_ports() && !alone;
            if with_rest && !covered.is_empty() && !ports.contains(1) {
                ports = ports.subtract(&zero);
            }
            if ports.is_empty() {
                continue;
            }
            let narrower = narrower(self.sources, relations, declared, traffic).map(|(p, from)| {
                let whole = with_rest && p.contains(1);
                (if whole { Cow::Owned(p.union(&zero)) } else { p }, from)
            });
            let saying = Saying { declared: Declared::Absent, declaration: None };
            for (ports, from) in without_narrower(ports, at.from, narrower) {
                let Some(from) = from else {
                    // Nobody narrower is declared: the listing's own answers stand.
                    let mut rest = ports;
                    for part in &parts {
                        let ports = rest.intersect(&part.ports);
                        rest = rest.subtract(&part.ports);
                        self.slice(at, traffic, ports, part.configured.clone(), &saying, true);
                    }
                    self.ask(at, traffic, &rest, at.from, &saying, true);
                    continue;
                };
                self.ask(at, traffic, &ports, &from, &saying, true);
            }
        }
    }

    /// What this source saw: of protocols that nothing names there are no probes.
    fn observed(&self, at: &At<'_>, traffic: Traffic) -> Option<&Ports> {
        match traffic {
            Traffic::Of(protocol) => self.index.ports(at.source, at.address, protocol),
            Traffic::Unnamed(_) => None,
        }
    }

    /// Ports that this source saw in any state.
    fn seen(&self, at: &At<'_>, traffic: Traffic) -> PortSet {
        let ports = self.observed(at, traffic);
        ports.into_iter().flat_map(Ports::keys).map(|p| (*p, *p)).collect()
    }

    /// Ports from which something answered this source. Of a host that is not live only what shows
    /// that it answered itself counts: a firewall refuses in the name of a host that is gone, too.
    fn answering(&self, at: &At<'_>, traffic: Traffic) -> PortSet {
        let ports = self.observed(at, traffic).into_iter().flatten();
        ports
            .filter(|(_, s)| match s.state {
                State::Open | State::WrongService => true,
                State::Refused => at.host.live || any_by_target(s.state, &s.observations),
                _ => false,
            })
            .map(|(p, _)| (*p, *p))
            .collect()
    }

    /// Ports that a broader source was told of, but for those that this source has an answer from.
    fn told(
        &self,
        at: &At<'_>,
        relations: &Relations,
        traffic: Traffic,
        seen: &PortSet,
    ) -> PortSet {
        let key = (at.address, at.interface.clone(), traffic);
        let Some(told) = self.told.get(&key) else { return PortSet::empty() };
        let told = told
            .iter()
            .filter(|(source, _)| relations.broader.contains(source))
            .fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
        told.subtract(&self.answering(at, traffic).intersect(seen))
    }

    /// Asks the configuration and makes the rows of each part.
    fn ask(
        &mut self,
        at: &At<'_>,
        traffic: Traffic,
        ports: &PortSet,
        from: &AddressSet,
        saying: &Saying<'_>,
        only_news: bool,
    ) {
        if ports.is_empty() || from.is_empty() {
            return;
        }
        let (interface, protocol) = (at.interface.as_deref(), traffic.protocol());
        let slices = self.configuration.slices(at.address, interface, from, protocol, ports);
        for (ports, configured) in slices {
            self.slice(at, traffic, ports, configured, saying, only_news);
        }
    }

    /// Makes the rows of one slice: one for each observed cell, one for the rest.
    ///
    /// `only_news` leaves out what is closed and was not probed: it holds.
    fn slice(
        &mut self,
        at: &At<'_>,
        traffic: Traffic,
        ports: PortSet,
        configured: Configured,
        saying: &Saying<'_>,
        only_news: bool,
    ) {
        if ports.is_empty() {
            return;
        }
        if saying.declared == Declared::Absent && matches!(configured, Configured::Permitted(_)) {
            let key = (at.address, at.interface.clone(), traffic);
            self.news.push((key, ports.clone()));
        }
        let family = Family::of(at.address);
        let covered = !self.sources[at.source].vantages(family).is_empty();
        let blank = Exposure {
            host: Arc::clone(&at.id),
            owner: at.owner.clone(),
            roles: Arc::clone(at.roles),
            address: at.address,
            interface: at.interface.clone(),
            protocol: traffic.protocol(),
            every_other_protocol: traffic.is_unnamed(),
            ports: PortSet::empty(),
            slice: ports.clone(),
            source: self.sources[at.source].name.clone(),
            declared: saying.declared,
            service: saying.declaration.and_then(|d| d.service.clone()),
            expect: saying.declaration.and_then(|d| d.expect.clone()),
            place: saying.declaration.map(|d| d.place.clone()),
            configured,
            observed: State::Unprobed,
            confirmed: false,
            observations: Vec::new(),
            disagreement: false,
            covered,
        };
        let mut cells: BTreeMap<_, (Vec<(u16, u16)>, Vec<Arc<Observation>>)> = BTreeMap::new();
        let seen = self.observed(at, traffic);
        for (low, high) in ports.ranges() {
            for (port, seen) in seen.into_iter().flat_map(|s| s.range(*low..=*high)) {
                let by_target = any_by_target(seen.state, &seen.observations);
                let key = (seen.state, seen.confirmed, by_target, seen.disagreement);
                let cell = cells.entry(key).or_default();
                cell.0.push((*port, *port));
                cell.1.extend(seen.observations.iter().cloned());
            }
        }
        let mut rest = ports;
        let mut rows: Vec<Exposure> = Vec::with_capacity(cells.len() + 1);
        for ((observed, confirmed, _, disagreement), (ports, observations)) in cells {
            let ports: PortSet = ports.into_iter().collect();
            rest = rest.subtract(&ports);
            rows.push(Exposure {
                ports,
                observed,
                confirmed,
                disagreement,
                observations,
                ..blank.clone()
            });
        }
        // A required range is proven by a sample: what was not probed stands with what most of its
        // neighbours showed, the worse of equals. Reports say how many ports were probed.
        let home = if saying.declared == Declared::Required {
            rows.iter_mut()
                .filter(|r| r.observed != State::Unprobed)
                .max_by_key(|r| (r.ports.len(), r.observed))
        } else {
            rows.iter_mut().find(|r| r.observed == State::Unprobed)
        };
        // What is closed, or outside any cloud, and was neither declared nor probed, holds.
        let holds = only_news
            && matches!(blank.configured, Configured::Blocked(_) | Configured::NotApplicable);
        match home {
            _ if rest.is_empty() => {}
            Some(row) => row.ports = row.ports.union(&rest),
            None if holds => {}
            None => rows.push(Exposure { ports: rest, ..blank }),
        }
        rows.sort_by_key(|r| r.ports.first());
        self.rows.extend(rows);
    }
}
