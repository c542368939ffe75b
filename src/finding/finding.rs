use crate::model::{Confidence, Severity};
use crate::reach::Hop;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One rule on one subject. Every text may hold what came from outside: renderers escape it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule's id: `declared-blocked`.
    pub rule: String,
    /// The rule's title.
    pub title: String,
    pub severity: Severity,
    pub confidence: Confidence,
    /// How bad it is beside its severity: a number in a unit of its kind, of which more is worse, at
    /// most 2^63 - 1 ([`super::Measure`]). `None` where nothing of it can be counted.
    pub measure: Option<u64>,
    /// What it is about, as waivers name it: `i-0abc tcp/8080`, `role enterprise-video`, `sg-0a1b2c`.
    pub subject: String,
    /// The source's name, where there is one.
    pub source: Option<String>,
    /// One sentence: what is wrong here.
    pub message: String,
    /// Why it matters, from the rule.
    pub why: String,
    /// Both sides: what was declared, and what the cloud or the probe says.
    pub evidence: Vec<Evidence>,
    /// The configuration's path, where one decides.
    pub path: Vec<Hop>,
    /// What would mend it, most direct first.
    pub mends: Vec<Mend>,
    /// A unified diff, for group drift.
    pub diff: Option<String>,
    /// SHA-256 in lower-case hex over rule, subject and source (never over times, counts or
    /// addresses of machines that come and go): the same finding tomorrow has the same one.
    pub fingerprint: String,
    pub status: FindingStatus,
}

/// Whether a finding counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum FindingStatus {
    Open,
    /// A baseline knows it: it was there when the baseline was written. It is shown and does not
    /// count.
    Baselined,
    /// A waiver covers it: it is shown and does not count.
    Waived {
        owner: String,
        reason: String,
        until: String,
    },
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub side: Side,
    /// What it says.
    pub text: String,
    /// Spec file, for the declared side.
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// Cloud resource id, vantage or address, for the other sides.
    pub resource: Option<String>,
}

/// Which view a piece of evidence comes from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Declared,
    Configured,
    Observed,
    Inventory,
}

/// A change that would mend a finding. Never run by Portcullis: for people to read and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mend {
    /// What it does, in words.
    pub text: String,
    /// An exact `aws` command, shell-quoted.
    pub command: Option<String>,
    /// A Terraform snippet.
    pub terraform: Option<String>,
}
