//! Osquery's log: what is there after all events of a query.

use super::flatten::{package, rows, scalar};
use super::parse::{Reader, Text};
use super::record::MAX_UNASKED;
use crate::fact::{Gathered, Record};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The events of every query, by the names of its host and the query's name, as they were logged.
#[derive(Debug, Default)]
pub(super) struct Log(BTreeMap<(Vec<String>, String), Vec<Event>>);

#[derive(Debug)]
struct Event {
    /// Where it stands, for people.
    at: String,
    read_at: Timestamp,
    when: Option<Timestamp>,
    did: Did,
}

#[derive(Debug)]
enum Did {
    /// A row went away.
    Remove(Value),
    /// A row came.
    Add(Value),
    /// These are all rows.
    Snapshot(Vec<Value>),
}

/// A row that is there, and what said so.
struct Row<'a> {
    value: &'a Value,
    event: &'a Event,
    when: Option<Timestamp>,
}

/// Whether a document is a line of the log.
pub(super) fn is_event(map: &Map<String, Value>) -> bool {
    map.contains_key("hostIdentifier")
        && ["columns", "snapshot", "diffResults"].iter().any(|field| map.contains_key(*field))
}

impl Log {
    /// Notes an event.
    pub(super) fn add(
        &mut self,
        text: &Text<'_>,
        at: &str,
        map: &Map<String, Value>,
        keys: Vec<String>,
        when: Option<Timestamp>,
    ) {
        let query = map.get("name").and_then(Value::as_str).unwrap_or("query").to_owned();
        let list = |of: Option<&Value>| match of {
            Some(Value::Array(rows)) => rows.clone(),
            Some(row @ Value::Object(_)) => vec![row.clone()],
            _ => Vec::new(),
        };
        let removed = map.get("action").and_then(Value::as_str) == Some("removed");
        let mut did = Vec::new();
        if let Some(all) = map.get("snapshot") {
            did.push(Did::Snapshot(list(Some(all))));
        }
        let changes = map.get("diffResults");
        let (gone, come) = if removed { ("columns", "") } else { ("", "columns") };
        for of in [map.get(gone), changes.and_then(|c| c.get("removed"))] {
            did.extend(list(of).into_iter().map(Did::Remove));
        }
        for of in [map.get(come), changes.and_then(|c| c.get("added"))] {
            did.extend(list(of).into_iter().map(Did::Add));
        }
        let (read_at, at) = (text.read_at, at.to_owned());
        let event = |did| Event { at: at.clone(), read_at, when, did };
        self.0.entry((keys, query)).or_default().extend(did.into_iter().map(event));
    }

    /// Adds a record for each row that is there in the end.
    pub(super) fn settle(self, reader: &Reader<'_>, out: &mut Gathered) {
        for ((keys, query), mut events) in self.0 {
            // Without a time the order of the log stands. What replaces a row has its time, and may stand
            // before it.
            if events.iter().all(|e| e.when.is_some()) {
                events.sort_by_key(|e| (e.when, !matches!(e.did, Did::Remove(_))));
            }
            let mut there: Vec<Row<'_>> = Vec::new();
            for event in &events {
                let row = |value| Row { value, event, when: event.when };
                match &event.did {
                    Did::Remove(value) => there.retain(|r| r.value != value),
                    Did::Add(value) => {
                        there.retain(|r| r.value != value);
                        there.push(row(value));
                    }
                    Did::Snapshot(values) => there = values.iter().map(row).collect(),
                }
            }
            tell(&keys, &query, there, reader, out);
        }
    }
}

/// Adds the rows that are there. What two of them give is given twice at one time, so that none wins.
fn tell(
    keys: &[String],
    query: &str,
    mut there: Vec<Row<'_>>,
    reader: &Reader<'_>,
    out: &mut Gathered,
) {
    let [first, more @ ..] = &*there else { return };
    let mut record = |row: &Row<'_>, value: &Value, all: bool| {
        let mut facts = BTreeMap::new();
        rows(query, Some(value), &mut facts);
        // Of many only what is asked for: a table of processes has thousands of rows.
        let all = all && facts.len() <= MAX_UNASKED;
        facts.retain(|name, _| all || reader.wanted.contains(name));
        if !facts.is_empty() {
            out.records.push(Record {
                source: reader.source.clone(),
                at: row.event.at.clone(),
                keys: keys.to_vec(),
                facts,
                read_at: row.event.read_at,
                gathered_at: row.when,
            });
        }
    };
    if more.is_empty() {
        return record(first, first.value, true);
    }
    let snapshot = matches!(first.event.did, Did::Snapshot(_));
    if snapshot && more.iter().all(|r| std::ptr::eq(r.event, first.event)) {
        let values = there.iter().map(|r| r.value.clone()).collect();
        record(first, &Value::Array(values), true);
    }
    let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
    for name in there.iter().flat_map(|r| names(query, r.value)) {
        if !once.insert(name.clone()) {
            twice.insert(name);
        }
    }
    let shares = |row: &Row<'_>| names(query, row.value).iter().any(|n| twice.contains(n));
    let oldest = there.iter().filter(|r| shares(r)).filter_map(|r| r.when).min();
    for row in there.iter_mut().filter(|r| shares(r)) {
        row.when = oldest;
    }
    for row in &there {
        record(row, row.value, !snapshot);
    }
}

/// The names of what a row gives.
fn names(query: &str, row: &Value) -> Vec<String> {
    let Some(columns) = row.as_object() else { return Vec::new() };
    match package(columns) {
        Some((name, _)) => vec![format!("{query}.{name}")],
        None => columns
            .iter()
            .filter(|(_, v)| scalar(v).is_some())
            .map(|(column, _)| format!("{query}.{column}"))
            .collect(),
    }
}
