//! One record: whose it is, when it was gathered, and its facts.

use super::flatten::flatten;
use super::osquery;
use super::parse::{Reader, Text};
use crate::fact::{Gathered, Record};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Fields that name a host, whatever the tool.
const KEYS: [&str; 20] = [
    "instance_id",
    "instanceId",
    "InstanceId",
    "ansible_ec2_instance_id",
    "host",
    "hostname",
    "host_name",
    "HostName",
    "ComputerName",
    "hostIdentifier",
    "host_identifier",
    "inventory_hostname",
    "fqdn",
    "ansible_fqdn",
    "ansible_hostname",
    "private_dns_name",
    "address",
    "ip",
    "ip_address",
    "IpAddress",
];

/// Fields that say when a record was gathered.
const TIMES: [&str; 8] = [
    "gathered_at",
    "collected_at",
    "captured_at",
    "CaptureTime",
    "captureTime",
    "unixTime",
    "timestamp",
    "time",
];

/// Of these the first cannot be anything else.
const SURE_TIMES: usize = 6;

/// Of a record with more facts than this, only those asked for by name are kept: Ansible gathers
/// thousands of a host.
pub(super) const MAX_UNASKED: usize = 64;

/// What names the host of a record.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) keys: Vec<String>,
    /// Whether a field that can only mean the host is among them.
    pub(super) sure: bool,
    /// The fields that were taken for it, which are no facts.
    fields: Vec<&'static str>,
}

/// Finds what names the host; `id` and `name` only where nothing else does.
pub(super) fn names(map: &Map<String, Value>) -> Named {
    let inner = map.get("ansible_facts").and_then(Value::as_object);
    let mut named = Named::default();
    let add = |field: &'static str, from: &Map<String, Value>, named: &mut Named| {
        if let Some(key) = from.get(field).and_then(Value::as_str).filter(|k| !k.trim().is_empty())
        {
            named.keys.push(key.to_owned());
            named.fields.push(field);
        }
    };
    for from in [Some(map), inner].into_iter().flatten() {
        KEYS.iter().for_each(|field| add(field, from, &mut named));
        let default = from.get("ansible_default_ipv4").and_then(|d| d.get("address"));
        named.keys.extend(default.and_then(Value::as_str).map(str::to_owned));
    }
    named.sure = !named.keys.is_empty();
    if !named.sure {
        ["id", "name"].iter().for_each(|field| add(field, map, &mut named));
    }
    named
}

/// Adds a record; one that says that its host could not be asked is a gap.
pub(super) fn add(
    reader: &Reader<'_>,
    text: &Text<'_>,
    at: &str,
    map: &Map<String, Value>,
    named: Named,
    out: &mut Gathered,
) {
    let is = |field: &str| map.get(field) == Some(&Value::Bool(true));
    if is("unreachable") || is("failed") {
        let why = map.get("msg").and_then(Value::as_str).unwrap_or("it does not say why");
        let host = named.keys.last().map_or("a host", String::as_str);
        out.gaps.push(reader.gap(at, format!("{host} was not asked: {why}")));
        return;
    }
    let (time_field, gathered_at) = match gathered(map) {
        Ok(told) => told,
        Err(why) => {
            let host = named.keys.last().map_or("a host", String::as_str);
            out.gaps.push(reader.gap(at, format!("{host} is not believed: {why}")));
            return;
        }
    };
    if osquery::is_event(map) {
        let when = gathered_at.or(text.gathered_at);
        return reader.log.borrow_mut().add(text, at, map, named.keys, when);
    }
    let mut facts = BTreeMap::new();
    for (field, value) in map {
        let field = field.as_str();
        if named.fields.contains(&field) || time_field == Some(field) {
            continue;
        }
        let inside = matches!(field, "ansible_facts" | "facts") && value.is_object();
        flatten(if inside { "" } else { field }, value, &mut facts);
    }
    if facts.len() > MAX_UNASKED {
        facts.retain(|name, _| reader.wanted.contains(name));
    }
    out.records.push(Record {
        source: reader.source.clone(),
        at: at.into(),
        keys: named.keys,
        facts,
        read_at: text.read_at,
        gathered_at: gathered_at.or(text.gathered_at),
    });
}

/// When the record says that it was gathered, and the field that says so.
///
/// # Errors
/// A time that cannot be read: it may be of years ago.
fn gathered(map: &Map<String, Value>) -> Result<(Option<&'static str>, Option<Timestamp>), String> {
    for (n, field) in TIMES.into_iter().enumerate() {
        let Some(value) = map.get(field).filter(|v| !v.is_null() && *v != "") else { continue };
        match instant(value) {
            Some(at) => return Ok((Some(field), Some(at))),
            // The last of these names may be facts of another kind.
            None if n < SURE_TIMES => {
                return Err(format!(
                    "its {field} is {value}, which is no instant (2026-01-31T12:00:00Z, or seconds since 1970)"
                ));
            }
            None => {}
        }
    }
    let clock =
        map.get("ansible_date_time").or_else(|| map.get("ansible_facts")?.get("ansible_date_time"));
    let at = clock.and_then(|c| {
        ["iso8601", "iso8601_micro", "epoch"].iter().find_map(|k| instant(c.get(k)?))
    });
    Ok((None, at))
}

/// An instant, or seconds since 1970; without a zone it is UTC.
fn instant(value: &Value) -> Option<Timestamp> {
    let number = |seconds: f64| {
        // Beyond these it is no count of seconds: milliseconds lie past the year 9999.
        let sane = seconds.is_finite() && seconds.abs() < 253_402_200_000.0;
        sane.then(|| Timestamp::from_millisecond((seconds * 1000.0) as i64).ok()).flatten()
    };
    if let Some(seconds) = value.as_f64() {
        return number(seconds);
    }
    let text = value.as_str()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return number(seconds);
    }
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}
