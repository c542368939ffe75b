//! The starter spec: what a snapshot has, written down so that an audit of the same snapshot has
//! nothing to find.

use crate::model::{AddressSet, Family, Gap, PortSet, PortSpec, Protocol};
use crate::reach::{ExposedEndpoint, Reach, Verdict};
use crate::resolve::{Host, HostOrigin, Resolution, resolve};
use crate::snapshot::Snapshot;
use crate::spec::{self, Source, Spec, SpecErrors};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

/// Tags that say what a host is for, best first.
const ROLE_TAGS: [&str; 8] =
    ["aws:autoscaling:groupName", "role", "Role", "service", "Service", "app", "App", "Name"];

/// More blocks than this are the internet with holes: not a network anyone would name.
const MAX_BLOCKS: usize = 64;

/// Most gaps that the head of the file lists.
const MAX_GAPS: usize = 20;

/// A role to be written.
#[derive(Debug, Default)]
struct Draft {
    /// The selector as YAML.
    select: String,
    min: Option<usize>,
    /// Port to the sources that must reach it.
    services: BTreeMap<(Protocol, u16), BTreeSet<String>>,
    /// Source and protocol to what may be reached.
    allow: BTreeMap<(String, Protocol), PortSet>,
    /// Sources that protocols without a name of their own are open to.
    others: BTreeSet<String>,
    /// Those of them that all traffic is open to.
    all: BTreeSet<String>,
    /// Whether a permission opens port 0 by itself.
    zero: bool,
}

/// What reach lists for everybody outside, by host.
type Listing<'a> = BTreeMap<&'a str, Vec<&'a ExposedEndpoint>>;

/// What is open, and to whom.
struct Open<'a, 's> {
    reach: &'a Reach<'s>,
    outside: Listing<'a>,
    /// By their addresses, and by their names.
    networks: &'a BTreeMap<AddressSet, String>,
    clients: BTreeMap<&'a str, &'a AddressSet>,
}

/// Writes the spec of what a snapshot has.
///
/// Live instances become roles by their Auto Scaling group or the tag that says what they are for,
/// interfaces of nobody that expose something by what they expose. A port that every live member
/// surely opens to a source becomes a service; all else that is open or partly open becomes a line
/// of `allow`. What is not known to be closed is written nowhere: its gap stands in the head.
///
/// # Errors
/// None that is known: the text is read back before it is handed out, and what is wrong with it
/// would be a fault of this code.
pub(super) fn starter(snapshot: &Snapshot, reach: &Reach<'_>) -> Result<String, SpecErrors> {
    let hosts = resolve(&Spec::default(), snapshot);
    let outside = reach.exposed(&AddressSet::outside());
    let mut gaps: BTreeSet<Gap> = reach.gaps().into_iter().collect();
    gaps.extend(outside.iter().flat_map(|e| e.configured.gaps().iter().cloned()));
    let gaps: Vec<Gap> = gaps.into_iter().collect();
    let networks = networks(&outside);
    let public = AddressSet::public();
    let named = networks.iter().map(|(set, name)| (name.as_str(), set));
    let open = Open {
        reach,
        outside: listing(&outside),
        networks: &networks,
        clients: named.chain([("internet", &public)]).collect(),
    };
    let mut drafts = instances(&hosts, snapshot);
    interfaces(&hosts, &open.outside, &mut drafts);
    // Selectors may pick more than those they were made of (a tag's value may hold a `*`), so
    // members are resolved as an audit will.
    let selectors = read(&write(&drafts, &networks, snapshot, &gaps))?;
    let resolution = resolve(&selectors, snapshot);
    for (role, draft) in &mut drafts {
        let members = resolution.members.get(role).into_iter().flatten();
        let members: Vec<&Host> =
            members.filter_map(|id| resolution.hosts.get(id)).filter(|h| h.live).collect();
        draft.fill(&members, &open);
    }
    let text = write(&drafts, &networks, snapshot, &gaps);
    read(&text)?;
    Ok(text)
}

fn listing(endpoints: &[ExposedEndpoint]) -> Listing<'_> {
    let mut by_host: Listing<'_> = BTreeMap::new();
    for endpoint in endpoints {
        by_host.entry(&endpoint.host).or_default().push(endpoint);
    }
    by_host
}

fn read(text: &str) -> Result<Spec, SpecErrors> {
    spec::load(&[Source::new("starter", text)])
}

/// Roles of live instances.
fn instances(hosts: &Resolution, snapshot: &Snapshot) -> BTreeMap<String, Draft> {
    // By what selects, so that two tags of one value are two roles.
    let mut groups: BTreeMap<(String, String), usize> = BTreeMap::new();
    for host in hosts.hosts.values().filter(|h| h.live && !is_interface(h)) {
        let tag = ROLE_TAGS.iter().find_map(|key| {
            let value = host.tags.get(*key).filter(|v| !v.trim().is_empty())?;
            Some(((*key).to_owned(), value.clone()))
        });
        *groups.entry(tag.unwrap_or_else(|| (String::new(), host.id.clone()))).or_default() += 1;
    }
    // A group that scales in is not missing hosts until it is below its own minimum.
    let mut least: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    for group in snapshot.regions.iter().flat_map(|v| &v.auto_scaling_groups) {
        let min = usize::try_from(group.min_size).ok();
        least.entry(&group.auto_scaling_group_name).or_insert(min);
    }
    let (mut drafts, mut next) = (BTreeMap::new(), BTreeMap::new());
    for ((key, value), live) in groups {
        let select = if key.is_empty() {
            format!("{{ names: [{}] }}", quoted(&value))
        } else {
            format!("{{ tags: {{ {}: {} }} }}", quoted(&key), quoted(&value))
        };
        let least = least.get(value.as_str()).filter(|_| key == ROLE_TAGS[0]).copied().flatten();
        let min = Some(least.unwrap_or(live).min(live)).filter(|min| *min > 0);
        let name = unique(&value, &drafts, &mut next);
        drafts.insert(name, Draft { select, min, ..Draft::default() });
    }
    drafts
}

/// Roles of interfaces without an instance that expose something: one for each way of exposing.
fn interfaces(hosts: &Resolution, by_host: &Listing<'_>, drafts: &mut BTreeMap<String, Draft>) {
    let mut alike: BTreeMap<Vec<(String, String)>, Vec<&str>> = BTreeMap::new();
    for host in hosts.hosts.values().filter(|h| h.live && is_interface(h)) {
        let Some(endpoints) = by_host.get(host.id.as_str()) else { continue };
        let mut ways: Vec<(String, String)> = endpoints
            .iter()
            .map(|e| {
                let port = PortSpec::new(e.protocol, e.ports.clone()).to_string();
                (port, e.sources.to_string())
            })
            .collect();
        ways.sort();
        ways.dedup();
        alike.entry(ways).or_default().push(&host.id);
    }
    let mut next = BTreeMap::new();
    for ids in alike.into_values() {
        let ids: Vec<String> = ids.into_iter().map(quoted).collect();
        let select = format!("{{ names: [{}] }}", ids.join(", "));
        let name = unique("interfaces", drafts, &mut next);
        drafts.insert(name, Draft { select, ..Draft::default() });
    }
}

fn is_interface(host: &Host) -> bool {
    matches!(host.origin, HostOrigin::Cloud { .. }) && host.id.starts_with("eni-")
}

impl Draft {
    fn fill(&mut self, members: &[&Host], open: &Open<'_, '_>) {
        for endpoint in members.iter().flat_map(|h| open.to_outside(h)) {
            // What is not known to be open is not said to be meant: its gap stands in the head.
            if endpoint.configured.verdict() == Verdict::Unknown {
                continue;
            }
            let source = open.networks.get(&*endpoint.sources).map_or("internet", String::as_str);
            if endpoint.every_other_protocol {
                self.others.insert(source.into());
                continue;
            }
            self.zero |= endpoint.protocol.has_ports() && endpoint.ports == PortSet::one(0);
            let ports = self.allow.entry((source.into(), endpoint.protocol)).or_default();
            *ports = ports.union(&endpoint.ports);
        }
        self.broad(members);
        for ((source, protocol), ports) in &mut self.allow {
            if !protocol.has_ports() {
                continue;
            }
            let common = open.common(members, source, *protocol, ports);
            for (port, _) in common.ranges().iter().filter(|(low, high)| low == high && *low > 0) {
                self.services.entry((*protocol, *port)).or_default().insert(source.clone());
                *ports = ports.subtract(&PortSet::one(*port));
            }
        }
        // Port 0 cannot be written; nothing listens there.
        self.allow.retain(|(_, protocol), ports| {
            if protocol.has_ports() && !ports.is_all() {
                *ports = ports.subtract(&PortSet::one(0));
            }
            !ports.is_empty()
        });
    }

    /// Says with one word what is open in every protocol, and no more than is open.
    fn broad(&mut self, members: &[&Host]) {
        let families: BTreeSet<Family> = members
            .iter()
            .flat_map(|h| &h.addresses)
            .filter(|a| a.public)
            .map(|a| Family::of(a.address))
            .collect();
        let mut named = vec![Protocol::Tcp, Protocol::Udp];
        named.extend(families.contains(&Family::V4).then_some(Protocol::Icmp));
        named.extend(families.contains(&Family::V6).then_some(Protocol::Icmpv6));
        let ports = |source: &str, protocol| {
            self.allow.get(&(source.to_owned(), protocol)).cloned().unwrap_or_default()
        };
        // What is open to everybody is listed for nobody else.
        let open = |source: &&String| {
            named.iter().all(|p| ports(source, *p).union(&ports("internet", *p)).is_all())
        };
        self.all = self.others.iter().filter(open).cloned().collect();
        self.allow.retain(|(source, protocol), _| {
            let other = matches!(protocol, Protocol::Other(_)) && self.others.contains(source);
            !other && !self.all.contains(source)
        });
    }
}

impl Open<'_, '_> {
    /// What some clients outside reach of a host.
    fn to_outside(&self, host: &Host) -> impl Iterator<Item = &ExposedEndpoint> {
        self.outside.get(host.id.as_str()).into_iter().flatten().copied()
    }

    /// Those of `ports` that every member surely opens to all of a source, at every address they would use.
    fn common(
        &self,
        members: &[&Host],
        source: &str,
        protocol: Protocol,
        ports: &PortSet,
    ) -> PortSet {
        let Some(clients) = self.clients.get(source) else { return PortSet::empty() };
        if source == "internet" {
            let sure = |host: &Host, address, clients: &AddressSet| {
                let sure = |e: &&ExposedEndpoint| e.configured.verdict() == Verdict::Permitted;
                opened(self.to_outside(host).filter(sure), address, protocol, clients)
            };
            return shared(members, clients, ports, &sure);
        }
        // What is open to all of a network is listed as open to these of everybody outside, for sure or
        // perhaps. That is known already, and mostly says that nothing is common to all.
        let ports = shared(members, clients, ports, &|host, address, clients| {
            opened(self.to_outside(host), address, protocol, clients)
        });
        // Asked again for the network, because what is open to part of the internet may be open to all
        // of it.
        shared(members, clients, &ports, &|host, address, to| {
            let own = host.addresses.iter().filter(|a| a.address == address);
            let rows: Vec<ExposedEndpoint> = own
                .filter_map(|a| a.interface.as_deref())
                .flat_map(|interface| self.reach.exposed_at(address, interface, clients))
                .filter(|e| e.configured.verdict() == Verdict::Permitted)
                .collect();
            opened(rows.iter(), address, protocol, to)
        })
    }
}

/// Those of `ports` that `opened` gives for every member at every address that these clients use.
fn shared(
    members: &[&Host],
    clients: &AddressSet,
    ports: &PortSet,
    opened: &dyn Fn(&Host, IpAddr, &AddressSet) -> PortSet,
) -> PortSet {
    let mut shared = if members.is_empty() { PortSet::empty() } else { ports.clone() };
    for host in members {
        let mut any = false;
        for address in host.addresses.iter().filter(|a| a.public).map(|a| a.address) {
            // Whatever the rest opens changes nothing any more.
            if shared.is_empty() {
                return shared;
            }
            let clients = clients.of_family(Family::of(address));
            if clients.is_empty() {
                continue;
            }
            any = true;
            shared = shared.intersect(&opened(host, address, &clients));
        }
        // A host that these clients cannot even address opens nothing to them.
        if !any {
            return PortSet::empty();
        }
    }
    shared
}

/// The ports at an address that are open to all of `clients`.
fn opened<'a>(
    endpoints: impl Iterator<Item = &'a ExposedEndpoint>,
    address: IpAddr,
    protocol: Protocol,
    clients: &AddressSet,
) -> PortSet {
    endpoints
        .filter(|e| {
            e.address == address && e.protocol == protocol && e.sources.is_superset(clients)
        })
        .fold(PortSet::empty(), |ports, e| ports.union(&e.ports))
}

/// A name for every set of clients that is not the internet.
fn networks(exposed: &[ExposedEndpoint]) -> BTreeMap<AddressSet, String> {
    let public = AddressSet::public();
    let sets: BTreeSet<&AddressSet> = exposed
        .iter()
        .filter(|e| {
            let everyone = public.of_family(Family::of(e.address));
            let known = e.configured.verdict() != Verdict::Unknown;
            known && !e.sources.is_superset(&everyone) && !e.sources.is_empty()
        })
        .map(|e| &*e.sources)
        .collect();
    let named = sets.into_iter().filter(|set| set.to_networks().len() <= MAX_BLOCKS);
    named.enumerate().map(|(i, s)| (s.clone(), format!("clients-{}", i + 1))).collect()
}

/// A role's name made of text from outside, unlike every other and unlike any network's. `next` has the
/// numbers of a name's next likes: those before them are taken.
fn unique(
    text: &str,
    drafts: &BTreeMap<String, Draft>,
    next: &mut BTreeMap<String, usize>,
) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut name: String = text.chars().take(100).map(|c| if fits(c) { c } else { '-' }).collect();
    let reserved = ["internet", "any", "all", "self"].contains(&name.as_str());
    if reserved || name.starts_with("clients-") || name.trim_matches('-').is_empty() {
        name = format!("role-{name}");
    }
    let taken = |name: &str| drafts.contains_key(name);
    if !taken(&name) {
        return name;
    }
    let number = next.entry(name.clone()).or_insert(2);
    loop {
        let numbered = format!("{name}-{number}");
        *number += 1;
        if !taken(&numbered) {
            return numbered;
        }
    }
}

/// A YAML string in double quotes, which are JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write(
    drafts: &BTreeMap<String, Draft>,
    networks: &BTreeMap<AddressSet, String>,
    snapshot: &Snapshot,
    gaps: &[Gap],
) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = head(&mut out, snapshot, gaps);
    let _ = write_networks(&mut out, networks);
    let _ = write_roles(&mut out, drafts);
    out
}

fn head(out: &mut String, snapshot: &Snapshot, gaps: &[Gap]) -> std::fmt::Result {
    writeln!(
        out,
        "# Written by `portcullis init` from the snapshot of {}.\n\
         # It says what is configured, not what is right: an audit of that snapshot finds nothing,\n\
         # but for permissions that name what is gone or can match nothing (`permission-stale`,\n\
         # `permission-invalid`): those are for their group, and no spec can declare them.\n\
         # Read every line: delete what should not be open, move what must work from `allow` to\n\
         # `services`, and say with `expect:` what each service must prove to be.\n\
         # Until something probes it, an audit says of every service that it was not probed: the gap\n\
         # `vantage`, and exit code 3 unless `--allow-gaps=vantage` accepts it.",
        snapshot.taken_at
    )?;
    for gap in gaps.iter().take(MAX_GAPS) {
        // A comment ends with its line, whatever the text holds.
        let text: String =
            gap.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(out, "# Not seen: {text}")?;
    }
    if gaps.len() > MAX_GAPS {
        writeln!(out, "# Not seen: {} more", gaps.len() - MAX_GAPS)?;
    }
    writeln!(out, "version: 1")
}

fn write_networks(out: &mut String, networks: &BTreeMap<AddressSet, String>) -> std::fmt::Result {
    if networks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n# Who else gets in: give them the names that people use.\nnetworks:")?;
    let mut by_name: Vec<(&String, &AddressSet)> = networks.iter().map(|(a, n)| (n, a)).collect();
    by_name.sort_by_key(|(name, _)| (name.len(), *name));
    for (name, addresses) in by_name {
        let blocks: Vec<String> =
            addresses.to_networks().iter().map(|b| quoted(&b.to_string())).collect();
        writeln!(out, "  {name}: [{}]", blocks.join(", "))?;
    }
    Ok(())
}

fn write_roles(out: &mut String, drafts: &BTreeMap<String, Draft>) -> std::fmt::Result {
    if drafts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nroles:")?;
    for (name, draft) in drafts {
        writeln!(out, "  {}:\n    select: {}", quoted(name), draft.select)?;
        if let Some(min) = draft.min {
            writeln!(out, "    count: {{ min: {min} }}")?;
        }
        if !draft.services.is_empty() {
            writeln!(out, "    services:")?;
        }
        for ((protocol, port), sources) in &draft.services {
            let from: Vec<&str> = sources.iter().map(String::as_str).collect();
            writeln!(
                out,
                "      {protocol}-{port}: {{ port: {protocol}/{port}, from: [{}] }}",
                from.join(", ")
            )?;
        }
        let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for ((source, protocol), ports) in &draft.allow {
            let port = PortSpec::new(*protocol, ports.clone()).to_string();
            lines.entry(port).or_default().push(source);
        }
        for source in &draft.others {
            let word = if draft.all.contains(source) { "all" } else { "other" };
            lines.entry(word.into()).or_default().push(source);
        }
        if draft.zero {
            writeln!(
                out,
                "    # Open too, and not written: port 0, which no spec can name. An audit finds it."
            )?;
        }
        if !lines.is_empty() {
            writeln!(out, "    allow:")?;
        }
        for (port, sources) in lines {
            writeln!(out, "      - {{ port: {}, from: [{}] }}", quoted(&port), sources.join(", "))?;
        }
    }
    Ok(())
}
