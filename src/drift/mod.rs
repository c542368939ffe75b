//! Live security groups against declared ones, permission by permission.

use crate::exposure::Configuration;
use crate::snapshot::Snapshot;
use crate::spec::Spec;

/// What differs.
#[derive(Debug, Clone, Default)]
pub struct Drifted {}

/// Compares declared groups with live ones.
#[must_use]
pub fn compare(_spec: &Spec, _snapshot: &Snapshot, _configuration: &dyn Configuration) -> Drifted {
    Drifted {}
}
