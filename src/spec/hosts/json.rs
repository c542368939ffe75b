use super::ansible;
use super::row::{Flaw, Row};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// Names of a host's name, the best first.
pub(super) const NAMES: [&str; 4] = ["name", "host", "hostname", "id"];
/// Names of its addresses.
pub(super) const ADDRESSES: [&str; 3] = ["addresses", "address", "ip"];

/// An object's entries in their order: one that stands twice is seen, and every value has its place.
pub(super) struct Entries<'t>(pub(super) Vec<(String, &'t RawValue)>);

impl<'de: 't, 't> Deserialize<'de> for Entries<'t> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(out)
            }
        }
        from.deserialize_map(All).map(Entries)
    }
}

impl<'t> Entries<'t> {
    pub(super) fn get(&self, key: &str) -> Option<&'t RawValue> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| *v)
    }

    /// The first key that stands twice.
    pub(super) fn twice(&self) -> Option<&str> {
        let mut seen = std::collections::BTreeSet::new();
        self.0.iter().map(|(k, _)| k.as_str()).find(|k| !seen.insert(*k))
    }
}

/// Where a value stands: line and column from 1. Slices of one text are told apart by their place.
pub(super) fn place(text: &str, value: &RawValue) -> (u32, u32) {
    let offset = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.get(..offset).unwrap_or_default();
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Rows of a JSON text, or of one a line, and what is no row.
pub(super) fn rows(text: &str) -> (Vec<Row>, Vec<Flaw>) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let (mut all, mut flaws) = (Vec::new(), Vec::new());
    for value in &mut values {
        match value {
            Ok(value) => all.push(value),
            Err(e) => {
                let hint = "every record must be whole";
                flaws.push(Flaw::at(e.line(), e.column(), format!("it is no JSON: {e}"), hint));
                break;
            }
        }
    }
    let mut rows = Vec::new();
    match all.as_slice() {
        [one] if one.get().starts_with('{') => object(text, one, &mut rows, &mut flaws),
        [one] => list(text, one, &mut rows, &mut flaws),
        many => rows.extend(many.iter().map(|value| record(text, value, None))),
    }
    (rows, flaws)
}

fn list<'t>(text: &'t str, value: &'t RawValue, rows: &mut Vec<Row>, flaws: &mut Vec<Flaw>) {
    match serde_json::from_str::<Vec<&RawValue>>(value.get()) {
        Ok(items) => rows.extend(items.into_iter().map(|item| record(text, item, None))),
        Err(e) => {
            flaws.push(Flaw::at(e.line(), e.column(), e.to_string(), "write a list of hosts"))
        }
    }
}

/// One object: a host alone, hosts by name, a spec's `hosts`, or an Ansible inventory.
fn object<'t>(text: &'t str, value: &'t RawValue, rows: &mut Vec<Row>, flaws: &mut Vec<Flaw>) {
    let entries: Entries<'t> = match serde_json::from_str(value.get()) {
        Ok(entries) => entries,
        Err(e) => {
            flaws.push(Flaw::at(e.line(), e.column(), e.to_string(), "write hosts by name"));
            return;
        }
    };
    if entries.get("_meta").is_some() {
        return ansible::rows(text, &entries, rows, flaws);
    }
    if let Some(hosts) = entries.get("hosts") {
        return if hosts.get().starts_with('[') {
            list(text, hosts, rows, flaws);
        } else {
            by_name(text, hosts, rows, flaws);
        };
    }
    let alone = NAMES.iter().any(|n| entries.get(n).is_some_and(|v| v.get().starts_with('"')));
    if alone {
        rows.push(record(text, value, None));
    } else {
        by_name(text, value, rows, flaws);
    }
}

fn by_name<'t>(text: &'t str, value: &'t RawValue, rows: &mut Vec<Row>, flaws: &mut Vec<Flaw>) {
    match serde_json::from_str::<Entries<'t>>(value.get()) {
        Ok(entries) => {
            rows.extend(entries.0.iter().map(|(name, value)| record(text, value, Some(name))));
        }
        Err(e) => flaws.push(Flaw::at(e.line(), e.column(), e.to_string(), "write hosts by name")),
    }
}

/// One host. `name` is the key that it stands under.
fn record(text: &str, value: &RawValue, name: Option<&str>) -> Row {
    let (line, column) = place(text, value);
    let mut row = Row { line, column, name: name.unwrap_or_default().into(), ..Row::default() };
    let entries: Entries<'_> = match serde_json::from_str(value.get()) {
        Ok(entries) => entries,
        Err(_) => {
            row.wrong.push("it is no object".into());
            return row;
        }
    };
    if let Some(key) = entries.twice() {
        row.wrong.push(format!("`{}` stands twice", super::super::error::shorten(key)));
    }
    if name.is_none() {
        let named = NAMES.iter().find_map(|n| entries.get(n).and_then(scalar));
        row.name = named.unwrap_or_default();
    }
    for key in ADDRESSES {
        if let Some(value) = entries.get(key) {
            addresses(key, value, &mut row);
        }
    }
    for (key, value) in &entries.0 {
        match key.as_str() {
            "tags" => tags(value, &mut row),
            k if ADDRESSES.contains(&k) || NAMES.contains(&k) => {}
            _ => {
                if let Some(text) = scalar(value).filter(|t| !t.is_empty()) {
                    row.tags.entry(key.clone()).or_insert(text);
                }
            }
        }
    }
    row
}

/// One address or several.
pub(super) fn addresses(key: &str, value: &RawValue, row: &mut Row) {
    match serde_json::from_str(value.get()) {
        Ok(Value::String(text)) => row.addresses.extend(split(&text)),
        Ok(Value::Array(items)) if items.iter().all(Value::is_string) => {
            row.addresses.extend(items.iter().filter_map(Value::as_str).map(Into::into));
        }
        Ok(Value::Null) => {}
        _ => row.wrong.push(format!("`{key}` is neither an address nor a list of them")),
    }
}

/// An object of texts. It wins over fields of the same name.
pub(super) fn tags(value: &RawValue, row: &mut Row) {
    let Ok(entries) = serde_json::from_str::<Entries<'_>>(value.get()) else {
        if value.get() != "null" {
            row.wrong.push("`tags` is no object of names and values".into());
        }
        return;
    };
    for (key, value) in entries.0 {
        match scalar(value) {
            Some(text) => {
                row.tags.insert(key, text);
            }
            None => row.wrong.push(format!(
                "the tag `{}` is neither text, a number nor a truth",
                super::super::error::shorten(&key)
            )),
        }
    }
}

/// Several addresses in one text.
pub(super) fn split(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| c == ';' || c == ',' || c.is_whitespace());
    parts.filter(|p| !p.is_empty()).map(Into::into).collect()
}

/// A text, a number or a truth, as it is written.
pub(super) fn scalar(value: &RawValue) -> Option<String> {
    match serde_json::from_str(value.get()) {
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Number(_) | Value::Bool(_)) => Some(value.get().into()),
        _ => None,
    }
}
