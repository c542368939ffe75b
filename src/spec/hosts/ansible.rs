use super::json::{Entries, addresses, place, scalar, tags};
use super::row::{Flaw, Row};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A group of an inventory.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    hosts: BTreeSet<String>,
    children: BTreeSet<String>,
}

/// Rows of what `ansible-inventory --list` prints.
pub(super) fn rows(text: &str, all: &Entries<'_>, rows: &mut Vec<Row>, flaws: &mut Vec<Flaw>) {
    const HINT: &str = "write what `ansible-inventory --list` prints";
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    let mut vars = None;
    for (name, value) in &all.0 {
        let (line, column) = place(text, value);
        let no = |why: String| Flaw::at(line as usize, column as usize, why, HINT);
        if name == "_meta" {
            let meta: Option<Entries<'_>> = serde_json::from_str(value.get()).ok();
            let found = meta.as_ref().and_then(|m| m.get("hostvars"));
            match found.map(|v| serde_json::from_str::<Entries<'_>>(v.get())) {
                Some(Ok(entries)) => vars = Some(entries.0),
                _ => flaws.push(no("`_meta` has no `hostvars`".into())),
            }
            continue;
        }
        match serde_json::from_str(value.get()) {
            Ok(group) => {
                groups.insert(name, group);
            }
            Err(e) => flaws.push(no(format!("the group `{name}` cannot be read: {e}"))),
        }
    }
    let vars = vars.unwrap_or_default();
    let known: BTreeSet<&str> = vars.iter().map(|(name, _)| name.as_str()).collect();
    // A host without variables of its own stands in groups alone.
    let bare: BTreeSet<&str> = groups.values().flat_map(|g| &g.hosts).map(String::as_str).collect();
    let bare: Vec<&str> = bare.into_iter().filter(|h| !known.contains(h)).collect();
    for (name, value) in &vars {
        let (line, column) = place(text, value);
        let mut row = Row { line, column, name: name.clone(), ..Row::default() };
        match serde_json::from_str(value.get()) {
            Ok(entries) => fill(&entries, &mut row),
            Err(_) => row.wrong.push("its variables are no object".into()),
        }
        rows.push(finish(row, &groups));
    }
    rows.extend(bare.into_iter().map(|name| {
        let row = Row { line: 1, column: 1, name: name.into(), ..Row::default() };
        finish(row, &groups)
    }));
}

fn fill(vars: &Entries<'_>, row: &mut Row) {
    match (vars.get("addresses"), vars.get("ansible_host")) {
        (Some(value), _) => addresses("addresses", value, row),
        (None, Some(value)) => addresses("ansible_host", value, row),
        (None, None) => {}
    }
    for (key, value) in &vars.0 {
        if key == "tags" {
            tags(value, row);
        } else if key != "addresses" && !key.starts_with("ansible_") {
            // Vaulted and nested variables are no tags.
            if let Some(text) = scalar(value).filter(|t| !t.is_empty()) {
                row.tags.entry(key.clone()).or_insert(text);
            }
        }
    }
}

/// Its groups, and its name where that is its address.
fn finish(mut row: Row, groups: &BTreeMap<&str, Group>) -> Row {
    if row.addresses.is_empty() && row.name.parse::<IpAddr>().is_ok() {
        row.addresses.push(row.name.clone());
    }
    for (group, _) in groups.iter().filter(|(_, g)| g.hosts.contains(&row.name)) {
        let mut open = vec![*group];
        let mut seen = BTreeSet::new();
        while let Some(group) = open.pop().filter(|g| seen.insert(*g)) {
            row.tags.insert(format!("group:{group}"), "yes".into());
            let parents = groups.iter().filter(|(_, g)| g.children.contains(group));
            open.extend(parents.map(|(name, _)| *name));
        }
    }
    row
}
