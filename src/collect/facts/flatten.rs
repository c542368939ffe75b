//! Nested values as facts with dotted names: `java.version`.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 16;

/// Most facts of one record before any is chosen.
const MAX_FACTS: usize = 100_000;

/// Adds a value under its name; an empty name adds its parts under theirs.
pub(super) fn flatten(name: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    add(name, value, 0, out);
}

fn add(name: &str, value: &Value, depth: usize, out: &mut BTreeMap<String, String>) {
    if depth > MAX_DEPTH || out.len() >= MAX_FACTS {
        return;
    }
    let inside =
        |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        // Said to be nothing: an older value of it stands no longer.
        Value::Null if !name.is_empty() => {
            out.insert(name.into(), String::new());
        }
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                add(&inside(key), value, depth + 1, out);
            }
        }
        Value::Array(items) if items.iter().all(|i| !i.is_object() && !i.is_array()) => {
            if !items.is_empty() {
                let texts: Vec<String> = items.iter().filter_map(scalar).collect();
                out.insert(name.into(), texts.join(","));
            }
        }
        Value::Array(items) => match &items[..] {
            // What Ansible's package facts look like: the name's key, then a list of one.
            [Value::Object(one)] => {
                for (key, value) in one {
                    add(&inside(key), value, depth + 1, out);
                }
            }
            _ => {
                for (i, item) in items.iter().enumerate() {
                    match item.as_object().and_then(package) {
                        Some((package, version)) => {
                            out.insert(inside(&package), version);
                        }
                        None => add(&inside(&i.to_string()), item, depth + 1, out),
                    }
                }
            }
        },
        value => out.extend(scalar(value).map(|text| (name.to_owned(), text))),
    }
}

/// Rows of a query: `QUERY.NAME` is the version where rows have both, else `QUERY.COLUMN`.
pub(in crate::collect) fn rows(
    query: &str,
    value: Option<&Value>,
    out: &mut BTreeMap<String, String>,
) {
    match value {
        Some(Value::Object(columns)) => match package(columns) {
            Some((name, version)) => {
                out.insert(format!("{query}.{name}"), version);
            }
            None => flatten(query, &Value::Object(columns.clone()), out),
        },
        Some(list @ Value::Array(items)) => match &items[..] {
            [one] => rows(query, Some(one), out),
            _ => flatten(query, list, out),
        },
        _ => {}
    }
}

/// A row that is a package: its name and its version.
pub(super) fn package(map: &Map<String, Value>) -> Option<(String, String)> {
    let of = |keys: [&str; 2]| keys.iter().find_map(|k| scalar(map.get(*k)?));
    Some((of(["name", "Name"])?, of(["version", "Version"])?))
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}
