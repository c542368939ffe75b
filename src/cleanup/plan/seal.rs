//! A plan's bytes, which are its identity.

use super::Plan;
use crate::cleanup::Digest;
use serde::Serialize;
use std::collections::BTreeMap;

/// A plan as it is stored, and the digest of that. The same plan has the same bytes.
#[must_use]
pub fn seal(plan: &Plan) -> (Vec<u8>, Digest) {
    let bytes = json(plan);
    let digest = Digest::of(&bytes);
    (bytes, digest)
}

/// The digest of a thing's state: of its map as JSON without spaces, keys in the order of their bytes.
#[must_use]
pub fn state_digest(state: &BTreeMap<String, String>) -> Digest {
    Digest::of(&serde_json::to_vec(state).unwrap_or_default())
}

/// Readable JSON with a line break at its end.
pub(in crate::cleanup) fn json(value: &impl Serialize) -> Vec<u8> {
    // Maps are sorted, keys are text and numbers are whole: there is nothing that could fail.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
