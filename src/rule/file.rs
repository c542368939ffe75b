use super::case::{Case, Kind};
use super::rule::{Mending, Subject, Yields};
use super::when::Words;
use crate::exposure::{ConfiguredCell, Declared, Expects, ObservedCell};
use crate::model::{Confidence, GapKind, Severity};
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// A rule file as written; [`super::load`] makes a valid [`super::Rule`] of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) id: Spanned<String>,
    /// Rules are tried in this order; the first that matches gives the outcome.
    pub(super) order: Spanned<u32>,
    pub(super) kind: Kind,
    pub(super) title: Spanned<String>,
    #[serde(default)]
    pub(super) yields: Yields,
    pub(super) severity: Option<Severity>,
    pub(super) confidence: Option<Confidence>,
    /// For `yields: gap`.
    pub(super) gap: Option<GapKind>,
    pub(super) when: Spanned<WhenFile>,
    #[serde(rename = "if")]
    pub(super) refine: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) adjust: Vec<AdjustFile>,
    #[serde(default)]
    pub(super) subject: Subject,
    #[serde(default)]
    pub(super) mend: Mending,
    pub(super) message: Option<Spanned<String>>,
    /// For `yields: ok`: said in the report's last line, with how often.
    pub(super) note: Option<Spanned<String>>,
    pub(super) why: Spanned<String>,
    #[serde(default)]
    pub(super) fix: Option<String>,
    #[serde(default)]
    pub(super) examples: Vec<Spanned<ExampleFile>>,
    #[serde(default)]
    pub(super) counter_examples: Vec<Spanned<ExampleFile>>,
}

/// `when:` as written: cells for exposure rules, `case` for the others.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WhenFile {
    pub(super) declared: Option<Words<Declared>>,
    pub(super) configured: Option<Words<ConfiguredCell>>,
    pub(super) observed: Option<Words<ObservedCell>>,
    pub(super) expects: Option<Words<Expects>>,
    pub(super) disagreement: Option<bool>,
    pub(super) covered: Option<bool>,
    pub(super) case: Vec<Case>,
}

/// Another severity or confidence where it applies; the first that matches gives each.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdjustFile {
    #[serde(default)]
    pub(super) when: WhenFile,
    #[serde(rename = "if")]
    pub(super) refine: Option<Spanned<String>>,
    pub(super) severity: Option<Severity>,
    pub(super) confidence: Option<Confidence>,
    pub(super) because: String,
}

/// One example: a row or a case, and what the whole rule set must make of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleFile {
    pub(super) given: Given,
    /// For an example: the severity it must get.
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    #[serde(default)]
    pub(super) confidence: Option<Confidence>,
    /// For an example: text its message must contain.
    #[serde(default)]
    pub(super) says: Option<String>,
    /// For a counter-example: the rule that must take it instead.
    #[serde(default)]
    pub(super) instead: Option<String>,
}

/// Cells with defaults (required, permitted, unprobed, connect, agreeing, covered), and facts by
/// name where they differ from a documented sample.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Given {
    pub(super) declared: Option<Declared>,
    pub(super) configured: Option<ConfiguredCell>,
    pub(super) observed: Option<ObservedCell>,
    pub(super) expects: Option<Expects>,
    pub(super) disagreement: bool,
    pub(super) covered: Option<bool>,
    pub(super) case: Option<Case>,
    pub(super) facts: BTreeMap<String, GivenFact>,
}

/// A fact as an example writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum GivenFact {
    Flag(bool),
    Number(i64),
    List(Vec<String>),
    Text(String),
}
