//! Which shape of document it is: records by host, a list of them, one host's facts, a log's line.

use super::parse::{Reader, Text};
use super::record::{self, Named};
use crate::fact::Gathered;
use serde_json::{Map, Value};

/// Keys under which tools put their list of records.
const LISTS: [&str; 5] = ["hosts", "records", "results", "data", "items"];

/// Adds the records of a document.
pub(super) fn read(
    reader: &Reader<'_>,
    text: &Text<'_>,
    at: &str,
    document: &Value,
    out: &mut Gathered,
) {
    match document {
        Value::Array(items) => list(reader, text, at, items, out),
        Value::Object(map) => object(reader, text, at, map, out),
        _ => {
            out.gaps.push(reader.gap(at, "it is neither a map nor a list: nothing of it was read"))
        }
    }
}

fn list(reader: &Reader<'_>, text: &Text<'_>, at: &str, items: &[Value], out: &mut Gathered) {
    let mut nameless = 0;
    for (i, item) in items.iter().enumerate() {
        let place = format!("{at}{}record {}", if at.is_empty() { "" } else { " " }, i + 1);
        let named = item.as_object().map(|map| (map, record::names(map)));
        match named {
            Some((map, named)) if !named.keys.is_empty() => {
                record::add(reader, text, &place, map, named, out);
            }
            _ => nameless += 1,
        }
    }
    if nameless > 0 {
        out.gaps.push(reader.gap(at, format!("{nameless} of {} records {NAMELESS}", items.len())));
    }
}

const NAMELESS: &str = "say of no host: give each `instance_id`, `host`, `hostname` or `address`";

fn object(
    reader: &Reader<'_>,
    text: &Text<'_>,
    at: &str,
    map: &Map<String, Value>,
    out: &mut Gathered,
) {
    // `ansible-inventory --list`.
    if let Some(Value::Object(hosts)) = map.get("_meta").and_then(|m| m.get("hostvars")) {
        return by_host(reader, text, at, hosts, out);
    }
    let mut named = record::names(map);
    named.keys.extend(text.host.map(str::to_owned));
    let facts = map.contains_key("ansible_facts") || map.keys().any(|k| k.starts_with("ansible_"));
    let failed = ["unreachable", "failed"].iter().any(|k| map.get(*k) == Some(&Value::Bool(true)));
    let all_maps = !map.is_empty() && map.values().all(Value::is_object);
    if !facts && !failed && all_maps {
        return by_host(reader, text, at, map, out);
    }
    if let Some(items) = LISTS.iter().find_map(|k| map.get(*k)?.as_array())
        && record::names(map).keys.is_empty()
    {
        return list(reader, text, at, items, out);
    }
    if let Some(Value::Object(hosts)) = LISTS.iter().find_map(|k| map.get(*k))
        && record::names(map).keys.is_empty()
    {
        return by_host(reader, text, at, hosts, out);
    }
    if named.keys.is_empty() && map.is_empty() {
        return;
    }
    if named.keys.is_empty() {
        out.gaps.push(reader.gap(at, format!("its facts {NAMELESS}")));
        return;
    }
    record::add(reader, text, at, map, named, out);
}

fn by_host(
    reader: &Reader<'_>,
    text: &Text<'_>,
    at: &str,
    hosts: &Map<String, Value>,
    out: &mut Gathered,
) {
    for (host, facts) in hosts {
        let Some(map) = facts.as_object() else {
            out.gaps.push(reader.gap(at, format!("what it says of {host} is no map of facts")));
            continue;
        };
        let mut named: Named = record::names(map);
        // The key names the host; a plain `name` beside it is a fact like any other.
        if !named.sure {
            named = Named::default();
        }
        named.keys.push(host.clone());
        record::add(reader, text, at, map, named, out);
    }
}
