use super::approach::approaches;
use super::cell::Declared;
use super::configuration::{Configuration, Exposed};
use super::declared::{Declaration, declarations, speaks, without_narrower};
use super::observed::{Index, Ports};
use super::row::Exposure;
use super::source::{Source, sources};
use crate::model::{AddressSet, Family, Gap, GapKind, PortSet, Protocol, SourceName, side_by_side};
use crate::observation::{Observation, Observations, State};
use crate::reach::Configured;
use crate::resolve::{Host, Resolution};
use crate::spec::Spec;
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

/// How one source lies to the others.
struct Relations {
    /// Sources that contain it.
    broader: BTreeSet<usize>,
    /// Sources that share clients with it without containing it.
    overlapping: BTreeSet<usize>,
    /// `internet`, for a source with clients inside our networks: no permission that lets everybody in
    /// keeps those out, so what is open to the internet by declaration is open to them.
    everybody: Option<usize>,
}

impl Relations {
    fn of(sources: &[Source], i: usize) -> Self {
        let (mut broader, mut overlapping) = (BTreeSet::new(), BTreeSet::new());
        for (j, other) in sources.iter().enumerate().filter(|(j, _)| *j != i) {
            if other.clients.is_superset(&sources[i].clients) {
                broader.insert(j);
            } else if other.clients.intersects(&sources[i].clients) {
                overlapping.insert(j);
            }
        }
        let internet = sources.iter().position(|s| s.name == SourceName::Internet);
        let everybody = internet.filter(|j| *j != i && !broader.contains(j));
        Self { broader, overlapping, everybody }
    }

    /// Whether it is open to this source because it is declared for everybody.
    fn for_everybody(&self, d: &Declaration) -> bool {
        self.everybody == Some(d.source)
            && matches!(d.declared, Declared::Required | Declared::Allowed)
    }
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

/// One address of one interface, in one protocol; `true` for every protocol without a row of its own.
type Told = (IpAddr, Option<Arc<str>>, Protocol, bool);

/// What the rows of one host, address and source have in common.
struct At<'a> {
    source: usize,
    host: &'a Host,
    id: Arc<str>,
    roles: &'a Arc<[String]>,
    address: IpAddr,
    interface: Option<Arc<str>>,
    from: &'a AddressSet,
}

/// What the spec says of a slice.
struct Saying<'a> {
    declared: Declared,
    declaration: Option<&'a Declaration>,
    /// Of every protocol that has no row of its own.
    others: bool,
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
        for (address, from) in approaches(host, &self.sources[source]) {
            let at = At {
                source,
                host,
                id: Arc::clone(&id),
                roles,
                address: address.address,
                interface: address.interface.as_deref().map(Arc::from),
                from,
            };
            self.declared(&at, relations, declared);
            if self.sources[source].judged {
                self.absent(&at, relations, declared);
            }
        }
    }

    /// Rows of what is declared for this source, or seen from it and declared for a broader one.
    fn declared(&mut self, at: &At<'_>, relations: &Relations, declared: &[Declaration]) {
        for declaration in declared.iter().filter(|d| speaks(d.protocol, at.address)) {
            let everybodys = relations.for_everybody(declaration);
            let inherited = relations.broader.contains(&declaration.source) || everybodys;
            if declaration.source != at.source && !inherited {
                continue;
            }
            let protocol = declaration.protocol;
            let mut ports = declaration.ports.clone();
            if !at.host.live {
                ports = ports.intersect(&self.answering(at, protocol));
            } else if inherited {
                // Only what this source really saw: its broader source has the row otherwise.
                ports = ports.intersect(&self.seen(at, protocol));
                let own =
                    declared.iter().filter(|d| d.source == at.source && d.protocol == protocol);
                ports = own.fold(ports, |p, d| p.subtract(&d.ports));
            }
            if everybodys {
                // Nothing is required of these clients: what is said to them by name goes first.
                let nearer = declared.iter().filter(|d| {
                    d.protocol == protocol
                        && (d.source == at.source || relations.broader.contains(&d.source))
                });
                ports = nearer.fold(ports, |p, d| p.subtract(&d.ports));
            }
            let saying = Saying {
                declared: if everybodys { Declared::Allowed } else { declaration.declared },
                declaration: Some(declaration),
                others: false,
            };
            if declaration.declared == Declared::Forbidden {
                let narrower = narrower(self.sources, relations, declared, protocol);
                for (ports, from) in without_narrower(ports, at.from, narrower) {
                    self.ask(
                        at,
                        protocol,
                        &ports,
                        from.as_ref().unwrap_or(at.from),
                        &saying,
                        false,
                    );
                }
            } else {
                self.ask(at, protocol, &ports, at.from, &saying, false);
            }
        }
    }

    /// Rows of what nobody declared: exposed, undecidable or probed.
    fn absent(&mut self, at: &At<'_>, relations: &Relations, declared: &[Declaration]) {
        let exposed = if at.host.live {
            let clients = &self.sources[at.source].clients;
            self.configuration.exposed(at.address, at.interface.as_deref(), clients)
        } else {
            Vec::new()
        };
        let mut candidates: BTreeMap<Protocol, (PortSet, Vec<&Exposed>)> = BTreeMap::new();
        for e in exposed.iter().filter(|e| speaks(e.protocol, at.address)) {
            if e.every_other_protocol {
                // No declaration speaks of them, and no probe.
                let saying = Saying { declared: Declared::Absent, declaration: None, others: true };
                let told = self.told(at, relations, e.protocol, true, &PortSet::empty());
                let ports = e.ports.subtract(&told);
                self.slice(at, e.protocol, ports, e.configured.clone(), &saying, true);
                continue;
            }
            let entry = candidates.entry(e.protocol).or_default();
            entry.0 = entry.0.union(&e.ports);
            entry.1.push(e);
        }
        for (protocol, _) in self.index.protocols(at.source, at.address) {
            candidates.entry(protocol).or_default();
        }
        for (protocol, (open, parts)) in candidates {
            let seen =
                if at.host.live { self.seen(at, protocol) } else { self.answering(at, protocol) };
            let covering = declared.iter().filter(|d| {
                d.protocol == protocol
                    && (d.source == at.source
                        || relations.broader.contains(&d.source)
                        || relations.for_everybody(d))
            });
            let ports = covering.fold(open.union(&seen), |p, d| p.subtract(&d.ports));
            let ports = ports.subtract(&self.told(at, relations, protocol, false, &seen));
            if ports.is_empty() {
                continue;
            }
            let narrower = narrower(self.sources, relations, declared, protocol);
            let saying = Saying { declared: Declared::Absent, declaration: None, others: false };
            for (ports, from) in without_narrower(ports, at.from, narrower) {
                let Some(from) = from else {
                    // Nobody narrower is declared: the listing's own answers stand.
                    let mut rest = ports;
                    for part in &parts {
                        let ports = rest.intersect(&part.ports);
                        rest = rest.subtract(&part.ports);
                        self.slice(at, protocol, ports, part.configured.clone(), &saying, true);
                    }
                    self.ask(at, protocol, &rest, at.from, &saying, true);
                    continue;
                };
                self.ask(at, protocol, &ports, &from, &saying, true);
            }
        }
    }

    /// Ports that this source saw in any state.
    fn seen(&self, at: &At<'_>, protocol: Protocol) -> PortSet {
        let ports = self.index.ports(at.source, at.address, protocol);
        ports.into_iter().flat_map(Ports::keys).map(|p| (*p, *p)).collect()
    }

    /// Ports from which something answered this source. Of a host that is not live only what shows
    /// that it answered itself counts: a firewall refuses in the name of a host that is gone, too.
    fn answering(&self, at: &At<'_>, protocol: Protocol) -> PortSet {
        let ports = self.index.ports(at.source, at.address, protocol).into_iter().flatten();
        ports
            .filter(|(_, s)| match s.state {
                State::Open | State::WrongService => true,
                State::Refused => at.host.live || s.any_by_target(),
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
        protocol: Protocol,
        others: bool,
        seen: &PortSet,
    ) -> PortSet {
        let key = (at.address, at.interface.clone(), protocol, others);
        let Some(told) = self.told.get(&key) else { return PortSet::empty() };
        let told = told
            .iter()
            .filter(|(source, _)| relations.broader.contains(source))
            .fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
        told.subtract(&self.answering(at, protocol).intersect(seen))
    }

    /// Asks the configuration and makes the rows of each part.
    fn ask(
        &mut self,
        at: &At<'_>,
        protocol: Protocol,
        ports: &PortSet,
        from: &AddressSet,
        saying: &Saying<'_>,
        only_news: bool,
    ) {
        if ports.is_empty() || from.is_empty() {
            return;
        }
        let slices =
            self.configuration.slices(at.address, at.interface.as_deref(), from, protocol, ports);
        for (ports, configured) in slices {
            self.slice(at, protocol, ports, configured, saying, only_news);
        }
    }

    /// Makes the rows of one slice: one for each observed cell, one for the rest.
    ///
    /// `only_news` leaves out what is closed and was not probed: it holds.
    fn slice(
        &mut self,
        at: &At<'_>,
        protocol: Protocol,
        ports: PortSet,
        configured: Configured,
        saying: &Saying<'_>,
        only_news: bool,
    ) {
        if ports.is_empty() {
            return;
        }
        if saying.declared == Declared::Absent && matches!(configured, Configured::Permitted(_)) {
            let key = (at.address, at.interface.clone(), protocol, saying.others);
            self.news.push((key, ports.clone()));
        }
        let family = Family::of(at.address);
        let covered = !self.sources[at.source].vantages(family).is_empty();
        let blank = Exposure {
            host: Arc::clone(&at.id),
            roles: Arc::clone(at.roles),
            address: at.address,
            interface: at.interface.clone(),
            protocol,
            every_other_protocol: saying.others,
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
        let seen = self.index.ports(at.source, at.address, protocol).filter(|_| !saying.others);
        for (low, high) in ports.ranges() {
            for (port, seen) in seen.into_iter().flat_map(|s| s.range(*low..=*high)) {
                let key = (seen.state, seen.confirmed, seen.any_by_target(), seen.disagreement);
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

/// What is declared for sources that share clients with this one without containing it.
fn narrower<'a>(
    sources: &'a [Source],
    relations: &'a Relations,
    declared: &'a [Declaration],
    protocol: Protocol,
) -> impl Iterator<Item = (&'a PortSet, &'a AddressSet)> {
    declared
        .iter()
        .filter(move |d| {
            d.protocol == protocol
                && matches!(d.declared, Declared::Required | Declared::Allowed)
                && relations.overlapping.contains(&d.source)
        })
        .map(move |d| (&d.ports, &sources[d.source].clients))
}
