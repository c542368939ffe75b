//! Hosts that no cloud tells about, from the list that people already keep: JSON, NDJSON, CSV, or
//! what `ansible-inventory --list` prints.
//!
//! | form | a host is |
//! |---|---|
//! | JSON list, NDJSON | an object with `name` (or `host`, `hostname`, `id`) and `addresses` (or `address`, `ip`) |
//! | JSON object | a name to such an object, or `{"hosts": {…}}` as a spec has it |
//! | CSV | a row; the first row names the columns; several addresses are separated by spaces or `;` |
//! | Ansible | an entry of `_meta.hostvars`; its address is `addresses`, else `ansible_host`, else its name |
//!
//! `tags` is an object; every other field that is text, a number or a truth is a tag as well. Of
//! Ansible's variables those that begin with `ansible_` are none, and each group of a host is the
//! tag `group:NAME` with the value `yes`. What is nested deeper is no tag.

mod ansible;
mod csv;
mod json;
mod row;
#[cfg(test)]
mod tests;

use super::error::{Also, SpecErrors, Told};
use super::{DeclaredHost, MAX_FILE_BYTES, Place, Source, Spec};
use row::Flaw;
use std::sync::Arc;

/// Reads the hosts of one file.
///
/// # Errors
/// All that is wrong with it, each with its place. A host without an address is an error: names are
/// not looked up, and what cannot be asked would be silent for ever.
pub fn read(source: &Source) -> Result<Vec<DeclaredHost>, SpecErrors> {
    let file: Arc<str> = source.name.as_str().into();
    let (rows, mut flaws) = match text(&source.bytes) {
        Err(flaw) => (Vec::new(), vec![flaw]),
        Ok(text) => match text.trim_start().chars().next() {
            None => (Vec::new(), vec![Flaw::file("it is empty", "name a list of hosts")]),
            Some('{' | '[') => json::rows(text),
            Some(_) => csv::rows(text),
        },
    };
    let mut hosts = Vec::new();
    for row in rows {
        match row.host(&file) {
            Ok(host) => hosts.push(host),
            Err(wrong) => flaws.extend(wrong),
        }
    }
    if flaws.is_empty() && hosts.is_empty() {
        flaws.push(Flaw::file("it names no host", "an inventory of none would judge nothing"));
    }
    if flaws.is_empty() { Ok(hosts) } else { Err(told(&file, flaws)) }
}

/// Adds hosts to those that a spec declares.
///
/// # Errors
/// Every name that is declared twice, with both places.
pub fn add(spec: &mut Spec, hosts: Vec<DeclaredHost>) -> Result<(), SpecErrors> {
    let mut twice = Vec::new();
    for host in hosts {
        match spec.hosts.get(&host.name) {
            Some(first) => twice.push(Told {
                also: vec![Also { at: first.at.clone(), what: "first here".into() }],
                ..tell(
                    host.at,
                    format!("the host `{}` is declared twice", super::error::shorten(&host.name)),
                    Some(format!("it stands at {} too: keep one of the two", first.at)),
                )
            }),
            None => {
                spec.hosts.insert(host.name.clone(), host);
            }
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(SpecErrors::of(twice)) }
}

fn text(bytes: &[u8]) -> Result<&str, Flaw> {
    if bytes.len() > MAX_FILE_BYTES {
        let why = format!("it is longer than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(Flaw::file(why, "split it, and name each part"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        Flaw::at(line, 1, "it is not UTF-8 here", "save it as UTF-8")
    })
}

fn told(file: &Arc<str>, flaws: Vec<Flaw>) -> SpecErrors {
    let told = flaws.into_iter().map(|flaw| {
        let at = Place { file: file.clone(), line: flaw.line, column: flaw.column };
        tell(at, flaw.message, flaw.hint)
    });
    SpecErrors::of(told.collect())
}

/// An error without a picture of its line: lines of inventories are long, and made by programs.
fn tell(at: Place, message: String, hint: Option<String>) -> Told {
    let help = hint.as_ref().map(|h| format!("\n  = help: {h}")).unwrap_or_default();
    let place = if at.line == 0 { at.file.to_string() } else { at.to_string() };
    let picture = format!("error: {message}\n  --> {place}{help}");
    Told { at, message, hint, also: Vec::new(), picture }
}
