use crate::exposure::{Configuration, Joined};
use crate::fact::Facts;
use crate::inventory::Row;
use crate::model::{Gap, Severity};
use crate::observation::Observations;
use crate::resolve::Resolution;
use crate::rule::RuleSet;
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Everything an audit is made of. Nothing else decides: equal inputs give equal reports.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    /// [`Snapshot::empty`] without a cloud.
    pub snapshot: &'a Snapshot,
    pub resolution: &'a Resolution,
    /// What the snapshot permits: a [`crate::reach::Reach`].
    pub reach: &'a dyn Configuration,
    pub observations: &'a Observations,
    /// What is known of each host: of `resolve::facts`.
    pub facts: &'a Facts,
    pub rules: &'a RuleSet,
    /// What earlier steps could not do: a stale snapshot, refused targets.
    pub gaps: &'a [Gap],
    pub options: &'a Options,
    pub now: Timestamp,
}

/// What came of joining, and what is judged.
pub struct Met {
    /// Declared × configured × observed.
    pub joined: Joined,
    /// What declared roles and the hosts there are do not agree on.
    pub inventory: Vec<Row>,
}

/// What the caller decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Findings at or above this severity fail the run.
    pub fail_on: Severity,
    /// Kinds of gap that are accepted, by name.
    pub allow_gaps: BTreeSet<String>,
    /// Severities by rule id that stand over the rules' own.
    pub severities: BTreeMap<String, Severity>,
    /// Host ids: only these are probed and have their exposures judged; `None` takes all. What is
    /// said of them is the same either way.
    pub only: Option<BTreeSet<String>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            fail_on: Severity::Low,
            allow_gaps: BTreeSet::new(),
            severities: BTreeMap::new(),
            only: None,
        }
    }
}
