use super::{Host, Input, Vantage, canonical, of_bytes};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of an in-toto Statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What kind of predicate ours is.
pub const PREDICATE_TYPE: &str = "urn:portcullis:gate:v1";
/// The longest attestation that is read.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The statement's own shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Statement {
    #[serde(rename = "_type")]
    pub(super) kind: String,
    pub(super) subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    pub(super) predicate_type: String,
    pub(super) predicate: Predicate,
}

/// One host: its name, and the digest of what names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) digest: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Predicate {
    pub(super) role: String,
    pub(super) hosts: Vec<Host>,
    pub(super) spec: Sha256,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) snapshot: Option<Sha256>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) config: Option<Sha256>,
    pub(super) vantages: Vec<Vantage>,
    pub(super) profiles: Vec<String>,
    pub(super) waived: Vec<String>,
    pub(super) at: Timestamp,
    pub(super) expires: Timestamp,
    pub(super) tool: Tool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sha256 {
    pub(super) sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) version: String,
}

/// The statement's canonical bytes: what is written to `FILE.json` and signed.
///
/// Everything in it is sorted, so that equal answers give equal bytes. A subject's digest is the
/// SHA-256 of the canonical JSON of `{addresses, host, role}`.
#[must_use]
pub fn statement(input: &Input<'_>) -> Vec<u8> {
    let sha256 = |digest: &str| Sha256 { sha256: digest.into() };
    let mut hosts = input.hosts.to_vec();
    for host in &mut hosts {
        host.addresses.sort();
        host.addresses.dedup();
    }
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    let mut vantages = input.vantages.to_vec();
    for vantage in &mut vantages {
        vantage.outside.sort();
    }
    vantages.sort_by(|a, b| a.name.cmp(&b.name));
    let mut profiles = input.profiles.to_vec();
    profiles.sort();
    profiles.dedup();
    let mut waived = input.waived.to_vec();
    waived.sort();
    waived.dedup();
    let statement = Statement {
        kind: STATEMENT_TYPE.into(),
        subject: hosts.iter().map(|host| subject(host, input.role)).collect(),
        predicate_type: PREDICATE_TYPE.into(),
        predicate: Predicate {
            role: input.role.into(),
            hosts,
            spec: sha256(input.spec),
            snapshot: input.snapshot.map(sha256),
            config: input.config.map(sha256),
            vantages,
            profiles,
            waived,
            at: input.at,
            expires: input.expires,
            tool: Tool { name: "portcullis".into(), version: input.version.into() },
        },
    };
    bytes(&statement)
}

pub(super) fn subject(host: &Host, role: &str) -> Subject {
    #[derive(Serialize)]
    struct Named<'a> {
        addresses: &'a [std::net::IpAddr],
        host: &'a str,
        role: &'a str,
    }
    let named = Named { addresses: &host.addresses, host: &host.host, role };
    let digest = BTreeMap::from([("sha256".to_owned(), of_bytes(&bytes(&named)))]);
    Subject { name: host.host.clone(), digest }
}

/// Canonical bytes of shapes of ours, all of which have some: texts, lists and maps of texts.
pub(super) fn bytes(value: &impl Serialize) -> Vec<u8> {
    canonical(value).unwrap_or_default()
}
