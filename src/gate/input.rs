use super::{Chosen, Difference, Peer};
use crate::audit::AuditReport;
use crate::exposure::Exposure;
use crate::inventory::Row;
use crate::model::{AddressSet, Severity};
use crate::observation::Observations;
use crate::resolve::Resolution;
use crate::spec::{Role, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// What a gate is judged from.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    pub resolution: &'a Resolution,
    pub role: &'a Role,
    pub chosen: &'a [Chosen],
    /// Rows of the chosen hosts.
    pub rows: &'a [Exposure],
    /// What declared roles and the hosts there are do not agree on.
    pub inventory: &'a [Row],
    /// The audit of the chosen hosts.
    pub report: &'a AuditReport,
    pub observations: &'a Observations,
    /// Every address that is ours: a vantage that is seen as one of them looks from inside.
    pub ours: &'a AddressSet,
    pub peers: &'a [Peer],
    /// How each chosen host differs from its peers, by id.
    pub parity: &'a BTreeMap<String, Vec<Difference>>,
    /// Why nobody can tell whom they would have to be like, where that holds them: see
    /// [`super::unmeasured`].
    pub unmeasured: Option<&'a str>,
    pub options: &'a Options,
}

/// What the caller decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Findings at or above this severity hold.
    pub fail_on: Severity,
    /// Kinds of gap that do not hold, by name.
    pub allow_gaps: BTreeSet<String>,
    /// Whether every TCP port of each public address has to be looked at.
    pub sweep: bool,
    /// Whether UDP that nothing can prove passes when the configuration permits it.
    pub accept_unproven: bool,
    /// Who was asked to probe.
    pub vantages: Vec<AskedVantage>,
    /// The fingerprint of the key that asks `portcullis listen`; `None` asks none.
    pub auditor: Option<String>,
}

/// A vantage that was asked to probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedVantage {
    pub name: String,
    /// Whether it is another machine than this one.
    pub remote: bool,
    /// Whether a host is held where it told nothing of what lies in its source.
    pub required: bool,
}
