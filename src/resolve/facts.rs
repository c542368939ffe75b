use super::{Host, HostOrigin, Resolution};
use crate::fact::{FactValue, Facts, Gathered, Record, SourceRead};
use crate::model::version::compare;
use crate::model::{Gap, GapKind};
use crate::snapshot::{Instance, Snapshot};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// How far ahead of ours a source's clock may be.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Most names that one note or gap lists.
const NAMED: usize = 8;

/// The source of the facts that every host of a cloud has by itself.
pub const SNAPSHOT: &str = "snapshot";

/// Finds whose record is whose, and adds what snapshot and spec say of every host by themselves.
///
/// A record is of the one host that every key of it which names any host may name: by id, declared
/// name, `Name` tag, address or private DNS name. Records of no host are noted, records of several
/// are gaps. Of one source the later record of a host stands; sources that disagree leave the fact
/// in doubt, unless one of them is stale and the other is not.
#[must_use]
pub fn facts(
    gathered: &Gathered,
    snapshot: &Snapshot,
    resolution: &Resolution,
    now: Timestamp,
) -> Facts {
    let Gathered { records, sources, gaps, max_age } = gathered;
    let mut facts = Facts {
        sources: sources.clone(),
        gaps: gaps.clone(),
        max_age: *max_age,
        ..Facts::default()
    };
    let mut candidates = built_in(snapshot, resolution, now);
    if !records.is_empty() {
        let matched = assign(records, snapshot, resolution, &mut facts);
        for source in &mut facts.sources {
            source.hosts = hosts_of(source, &matched);
        }
        for (record, host) in matched {
            for (name, value) in &record.facts {
                let value = FactValue {
                    value: value.clone(),
                    source: record.source.clone(),
                    read_at: record.read_at,
                    gathered_at: record.gathered_at,
                };
                let of_host = candidates.entry(host.into()).or_default();
                of_host.entry(name.clone()).or_default().push(value);
            }
        }
    }
    for (host, names) in candidates {
        for (name, values) in names {
            match settle(&host, &name, values, *max_age, now) {
                Ok(value) => {
                    facts.hosts.entry(host.clone()).or_default().insert(name, value);
                }
                Err(gap) => {
                    facts.doubts.entry(host.clone()).or_default().insert(name, gap);
                }
            }
        }
    }
    facts
}

type Candidates = BTreeMap<String, BTreeMap<String, Vec<FactValue>>>;

/// What is known without any source, of the hosts that a role picks.
fn built_in(snapshot: &Snapshot, resolution: &Resolution, now: Timestamp) -> Candidates {
    let instances: BTreeMap<&str, &Instance> = snapshot
        .regions
        .iter()
        .flat_map(|r| &r.instances)
        .map(|i| (i.instance_id.as_str(), i))
        .collect();
    let of_snapshot: Arc<str> = SNAPSHOT.into();
    let mut out = Candidates::new();
    for host in resolution.hosts.values().filter(|h| !h.roles.is_empty()) {
        let instance = instances.get(host.id.as_str());
        let mut known: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: Option<&String>| {
            known.extend(value.map(|v| (name.to_owned(), v.clone())));
        };
        let (source, read_at) = match &host.origin {
            HostOrigin::Cloud { account, region, vpc, image } => {
                add("account", Some(account));
                add("region", Some(region));
                add("vpc", vpc.as_ref());
                add("image", image.as_ref());
                (of_snapshot.clone(), snapshot.taken_at)
            }
            HostOrigin::Declared(place) => (place.file.clone(), now),
        };
        add("instance-type", instance.and_then(|i| i.instance_type.as_ref()));
        add("launch-time", instance.and_then(|i| i.launch_time.as_ref()));
        add("generation", host.tags.get("generation"));
        known.extend(host.tags.iter().map(|(k, v)| (format!("tag:{k}"), v.clone())));
        let value = |value| FactValue { value, source: source.clone(), read_at, gathered_at: None };
        let facts = known.into_iter().map(|(name, text)| (name, vec![value(text)]));
        out.insert(host.id.clone(), facts.collect());
    }
    out
}

/// Which record is of which host.
fn assign<'a>(
    records: &'a [Record],
    snapshot: &Snapshot,
    resolution: &'a Resolution,
    facts: &mut Facts,
) -> Vec<(&'a Record, &'a str)> {
    let names = names(snapshot, resolution);
    let mut matched = Vec::new();
    let mut strangers: BTreeMap<&Arc<str>, Vec<&str>> = BTreeMap::new();
    for record in records {
        let named = record.keys.iter().filter_map(|k| names.get(&spelt(k)));
        let hosts: Option<BTreeSet<&str>> = named.fold(None, |hosts, more| match hosts {
            None => Some(more.clone()),
            Some(hosts) => Some(hosts.intersection(more).copied().collect()),
        });
        let called = record.keys.first().map_or("a record without a name", String::as_str);
        match hosts.map(|h| h.into_iter().collect::<Vec<_>>()).as_deref() {
            None => strangers.entry(&record.source).or_default().push(called),
            Some([host]) => matched.push((record, *host)),
            Some(hosts) => {
                let which = if hosts.is_empty() {
                    format!("its names are of different hosts: {}", record.keys.join(", "))
                } else {
                    format!("`{called}` may be {}", listed(hosts, " or "))
                };
                let at =
                    if record.at.is_empty() { String::new() } else { format!(" {}", record.at) };
                let why = format!("{which}; its facts are left out until it has an instance id");
                facts.gaps.push(Gap::new(GapKind::Facts, format!("{}{at}", record.source), why));
            }
        }
    }
    for (source, called) in strangers {
        let n = called.len();
        let of = records.iter().filter(|r| r.source == *source).count();
        let verb = if n == 1 { "matches" } else { "match" };
        let text =
            format!("{source}: {n} of {of} records {verb} no host: {}", listed(&called, ", "));
        facts.notes.push(text);
    }
    matched
}

fn hosts_of(source: &SourceRead, matched: &[(&Record, &str)]) -> usize {
    let of_it = matched.iter().filter(|(r, _)| r.source == source.name);
    of_it.map(|(_, host)| host).collect::<BTreeSet<_>>().len()
}

/// Every name of every host, as [`spelt`], and the hosts that have it.
fn names<'a>(
    snapshot: &Snapshot,
    resolution: &'a Resolution,
) -> BTreeMap<String, BTreeSet<&'a str>> {
    let mut names: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut add = |name: &str, host: &'a Host| {
        names.entry(spelt(name)).or_default().insert(&host.id);
    };
    for host in resolution.hosts.values() {
        add(&host.id, host);
        host.name.iter().for_each(|n| add(n, host));
        host.addresses.iter().for_each(|a| add(&a.address.to_string(), host));
    }
    for instance in snapshot.regions.iter().flat_map(|r| &r.instances) {
        let Some(host) = resolution.hosts.get(&instance.instance_id) else { continue };
        if let Some(name) = instance.private_dns_name.as_deref().filter(|n| !n.is_empty()) {
            add(name, host);
            // What the machine itself says its name is.
            add(name.split('.').next().unwrap_or(name), host);
        }
    }
    names
}

/// One spelling for each name: names are equal whatever their case, addresses however written.
fn spelt(name: &str) -> String {
    let name = name.trim().trim_end_matches('.');
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => name.to_lowercase(),
    }
}

/// The one value that stands, or why none does.
fn settle(
    host: &str,
    fact: &str,
    values: Vec<FactValue>,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<FactValue, Gap> {
    let gap = |why| Err(Gap::new(GapKind::Facts, format!("{host} fact {fact}"), why));
    // When it was read is by our own clock.
    let ahead = |v: &FactValue| v.gathered_at.map(|at| at.duration_since(v.read_at));
    if let Some(wrong) = values.iter().find(|v| ahead(v).is_some_and(|by| by > CLOCK_SKEW)) {
        return gap(format!(
            "{} says it was gathered at {}, {} minutes after it was read: one of the clocks is wrong",
            wrong.source,
            wrong.as_of(),
            ahead(wrong).unwrap_or_default().as_mins()
        ));
    }
    let mut of_source: BTreeMap<Arc<str>, Vec<FactValue>> = BTreeMap::new();
    for value in values {
        of_source.entry(value.source.clone()).or_default().push(value);
    }
    let mut latest = Vec::new();
    for (_, mut values) in of_source {
        // Without a time a record is no later than another.
        values.sort_by_key(|v| std::cmp::Reverse(v.gathered_at));
        let newest = values[0].gathered_at;
        let timed = values.iter().all(|v| v.gathered_at.is_some());
        values.retain(|v| !timed || v.gathered_at == newest);
        latest.extend(values);
    }
    // A tag may well have no value. What a source has of anything else and leaves empty it does not know.
    let said = |v: &FactValue| !v.value.trim().is_empty() || fact.starts_with("tag:");
    if let Some(silent) = latest.first().filter(|_| !latest.iter().any(said)) {
        return gap(format!("{} gives it without a value ({})", silent.source, silent.as_of()));
    }
    latest.retain(said);
    let stale = |v: &FactValue| now.duration_since(v.as_of()) > max_age;
    if latest.iter().any(|v| !stale(v)) {
        latest.retain(|v| !stale(v));
    }
    latest.sort_by_key(|v| std::cmp::Reverse(v.as_of()));
    let first = &latest[0];
    let other = latest[1..]
        .iter()
        .find(|v| v.value != first.value && compare(&v.value, &first.value).equal() != Some(true));
    if let Some(other) = other.filter(|o| (&o.source, o.as_of()) == (&first.source, first.as_of()))
    {
        return gap(format!(
            "{} gives two, `{}` and `{}` ({}): nothing tells which is true",
            first.source,
            first.value,
            other.value,
            first.as_of()
        ));
    }
    if let Some(other) = other {
        return gap(format!(
            "`{}` says {} ({}), `{}` says {} ({}): nothing tells which is true",
            first.value,
            first.source,
            first.as_of(),
            other.value,
            other.source,
            other.as_of()
        ));
    }
    Ok(latest.swap_remove(0))
}

/// The first names of a list, and how many more there are.
fn listed(names: &[&str], between: &str) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(between);
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
