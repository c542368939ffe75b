use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A signed statement that everything of a class is meant to go. It stands in the plan, so that
/// approvers see what was loosened; whoever reads it in has checked its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decommission {
    /// The class, by attribute and value. Never empty: everything is no class.
    pub stratum: BTreeMap<String, String>,
    pub reason: String,
    /// Who signed it.
    pub by: String,
    /// The last moment that it holds.
    pub until: Timestamp,
}

impl Decommission {
    /// Whether it holds now.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        !self.stratum.is_empty() && now <= self.until
    }

    /// As a plan tells it.
    #[must_use]
    pub fn told(&self) -> String {
        let class: Vec<String> = self.stratum.iter().map(|(k, v)| format!("{k}={v}")).collect();
        format!(
            "{} is decommissioned until {} by {}: {}",
            class.join(" "),
            self.until,
            self.by,
            self.reason
        )
    }
}
