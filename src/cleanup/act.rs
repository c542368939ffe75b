use serde::{Deserialize, Serialize};

/// How much a wrong act costs, which decides who must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Can be taken back whole, in seconds.
    Reversible,
    /// Opens something: judged by the exposure it causes, not by its size.
    Exposing,
    /// Cannot be taken back.
    Irreversible,
}

/// One kind of act on one type of thing, as an adapter offers it. What is not in its table is never
/// asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// `stop`, `revoke-ingress`, `delete`: lower case and hyphens.
    pub action: String,
    /// The type it acts on.
    #[serde(rename = "type")]
    pub kind: String,
    /// The act that takes it back; `None` where nothing does.
    #[serde(default)]
    pub undo: Option<String>,
    pub risk: Risk,
    /// Names of the fields of [`super::Resource::immutable`] that tell this thing from another that
    /// later has its name. Never empty.
    pub identity: Vec<String>,
    /// Whether the provider itself refuses the act when the thing has changed in between.
    #[serde(default)]
    pub precondition: bool,
    /// Names of the fields of [`super::Resource::state`] that it changes, where the adapter tells them:
    /// what changed otherwise was changed by somebody else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Whether undoing it has been rehearsed; deletion of a type asks for it.
    #[serde(default)]
    pub rehearsed: bool,
}
