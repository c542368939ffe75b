use super::Role;
use crate::cleanup::Digest;
use jiff::Timestamp;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// `trust.yaml` as written; [`super::load`] makes a [`super::Trust`] of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustFile {
    pub(super) version: Spanned<u32>,
    pub(super) people: BTreeMap<String, Spanned<PersonFile>>,
    #[serde(default)]
    pub(super) workloads: BTreeMap<String, Spanned<WorkloadFile>>,
    pub(super) quorum: QuorumsFile,
    pub(super) hardware: HardwareFile,
    pub(super) approval_lasts: Spanned<String>,
    pub(super) revoked: Spanned<String>,
    #[serde(default)]
    pub(super) follows: Option<Digest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonFile {
    pub(super) team: String,
    pub(super) roles: Vec<Role>,
    #[serde(default)]
    pub(super) also: Vec<Spanned<String>>,
    pub(super) keys: Vec<Spanned<KeyFile>>,
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<CertifiedFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadFile {
    pub(super) roles: Vec<Role>,
    #[serde(default)]
    pub(super) also: Vec<Spanned<String>>,
    pub(super) keys: Vec<Spanned<KeyFile>>,
    #[serde(default)]
    pub(super) certificates: Vec<Spanned<CertifiedFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    /// One line of a `.pub` file.
    pub(super) key: String,
    #[serde(default)]
    pub(super) valid_after: Option<Timestamp>,
    #[serde(default)]
    pub(super) valid_before: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CertifiedFile {
    /// One line of the authority's `.pub` file.
    pub(super) authority: String,
    pub(super) principal: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuorumsFile {
    pub(super) reversible: Spanned<SmallFile>,
    pub(super) reversible_large: Spanned<QuorumFile>,
    pub(super) exposing: Spanned<QuorumFile>,
    pub(super) irreversible: Spanned<QuorumFile>,
    pub(super) trust_change: Spanned<QuorumFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuorumFile {
    pub(super) people: u32,
    pub(super) teams: u32,
    pub(super) hardware: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmallFile {
    pub(super) people: u32,
    pub(super) teams: u32,
    pub(super) hardware: u32,
    pub(super) up_to: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HardwareFile {
    pub(super) pin: bool,
}
