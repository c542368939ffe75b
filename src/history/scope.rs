use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How widely a run looked: what makes two runs comparable.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// `audit`, `gate`, …
    pub command: String,
    /// The spec paths as they were named, without a leading `./`, sorted.
    pub specs: BTreeSet<String>,
    /// What else the run was narrowed to, for a command that takes it: `role=video`, `host=i-0abc`.
    pub of: BTreeSet<String>,
    /// `account/region` of every view of the snapshot.
    pub places: BTreeSet<String>,
    /// Names of the vantages that were probed from; empty where nothing was probed.
    pub vantages: BTreeSet<String>,
    /// Names of the sources of facts that were given.
    pub sources: BTreeSet<String>,
}

impl Scope {
    /// Whether a run of this scope looked at everything that one of `other` looked at.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let Self { command, specs, of, places, vantages, sources } = self;
        *command == other.command
            && *specs == other.specs
            && *of == other.of
            && places.is_superset(&other.places)
            && vantages.is_superset(&other.vantages)
            && sources.is_superset(&other.sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(specs: &[&str], places: &[&str], vantages: &[&str]) -> Scope {
        let set = |of: &[&str]| of.iter().map(|s| (*s).to_owned()).collect();
        Scope {
            command: "audit".into(),
            specs: set(specs),
            places: set(places),
            vantages: set(vantages),
            ..Scope::default()
        }
    }

    #[test]
    fn more_covers_less_and_never_another_spec() {
        let one = scope(&["spec.yaml"], &["1/a"], &[]);
        let more = scope(&["spec.yaml"], &["1/a", "1/b"], &["local"]);
        assert!(one.covers(&one) && more.covers(&one) && !one.covers(&more));
        assert!(!scope(&["other.yaml"], &["1/a", "1/b"], &["local"]).covers(&one));
        assert!(!scope(&["other.yaml", "spec.yaml"], &["1/a"], &[]).covers(&one));
        let gate = Scope { command: "gate".into(), ..more };
        assert!(!gate.covers(&one));
    }
}
