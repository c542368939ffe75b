use crate::cleanup::{Claim, Resource};
use serde_json::Value;
use std::collections::BTreeMap;

/// In place of what looks like a secret.
const REDACTED: &str = "(redacted)";

/// Parts of names whose values are kept from others. `key` alone is none: many things have keys.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "privatekey",
    "apikey",
    "accesskey",
    "authorization",
    "bearer",
    "cookie",
    "sessionid",
    "connectionstring",
    "userdata",
];

/// Whether a field of this name may hold a secret.
#[must_use]
pub fn looks_secret(name: &str) -> bool {
    // `API-Key`, `api_key` and `apiKey` are one.
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.iter().any(|part| plain.contains(part))
}

/// A text without the secrets that show in it, as far as they can be told.
#[must_use]
pub fn hidden(said: &str) -> String {
    let mut said = said.to_owned();
    text(&mut said);
    said
}

/// A thing as it was seen, without what looks like a secret.
pub(super) fn redacted(resource: &Resource) -> Resource {
    let mut out = resource.clone();
    for map in [&mut out.immutable, &mut out.attributes, &mut out.state] {
        fields(map);
    }
    for list in [&mut out.dead, &mut out.live, &mut out.protected] {
        list.iter_mut().for_each(claim);
    }
    out.unknown.iter_mut().for_each(text);
    out
}

fn fields(map: &mut BTreeMap<String, String>) {
    for (name, value) in map {
        if looks_secret(name) {
            REDACTED.clone_into(value);
        } else {
            text(value);
        }
    }
}

fn claim(claim: &mut Claim) {
    text(&mut claim.detail);
    if let Some(record) = &mut claim.record {
        record_of(record);
    }
}

/// What lies below a name that looks secret goes whole.
fn record_of(value: &mut Value) {
    match value {
        Value::String(it) => text(it),
        Value::Array(list) => list.iter_mut().for_each(record_of),
        Value::Object(map) => {
            for (name, value) in map {
                if looks_secret(name) {
                    *value = REDACTED.into();
                } else {
                    record_of(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Secrets that stand in a text whatever its name: private keys, and passwords in addresses.
fn text(value: &mut String) {
    if value.contains("-----BEGIN") && value.contains("PRIVATE KEY") {
        REDACTED.clone_into(value);
        return;
    }
    let Some(scheme) = value.find("://") else { return };
    let authority = scheme + 3;
    let end = value[authority..].find(['/', ' ', '?', '#']).map_or(value.len(), |e| authority + e);
    if let Some(at) = value[authority..end].rfind('@')
        && value[authority..authority + at].contains(':')
    {
        value.replace_range(authority..authority + at, REDACTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_that_hold_secrets() {
        for name in ["db_password", "API-Key", "apiKey", "AccessToken", "x.Client.Secret", "PWD"] {
            assert!(looks_secret(name), "{name}");
        }
        for name in ["host_gen", "key_name", "author", "keys", "monkey", "region"] {
            assert!(!looks_secret(name), "{name}");
        }
        for (said, kept) in [
            ("postgres://app:hunter2@db/x", "postgres://(redacted)@db/x"),
            ("see https://wiki/a@b:c", "see https://wiki/a@b:c"),
            ("https://alice@forge", "https://alice@forge"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3", "(redacted)"),
            ("stopped", "stopped"),
        ] {
            let mut it = said.to_owned();
            text(&mut it);
            assert_eq!(it, kept);
        }
        let mut record = serde_json::json!({"host": "h", "env": [{"TOKEN": {"a": "hunter2"}}]});
        record_of(&mut record);
        assert_eq!(record, serde_json::json!({"host": "h", "env": [{"TOKEN": "(redacted)"}]}));
    }
}
