use super::case::Kind;
use super::file::ExampleFile;
use super::refine::Refine;
use super::template::Template;
use super::when::When;
use crate::model::{Confidence, GapKind, Severity};
use serde::Deserialize;

/// A valid rule.
#[derive(Debug)]
pub struct Rule {
    /// Lower-case words joined by `-`; reads well after "waive".
    pub id: String,
    pub order: u32,
    pub kind: Kind,
    pub title: String,
    pub yields: Yields,
    /// For findings.
    pub severity: Severity,
    pub confidence: Confidence,
    /// For gaps.
    pub gap: Option<GapKind>,
    pub when: When,
    pub refine: Option<Refine>,
    pub adjust: Vec<Adjust>,
    pub subject: Subject,
    pub mend: Mending,
    pub message: Template,
    pub note: Option<Template>,
    pub why: String,
    /// What to do, in words.
    pub fix: String,
    /// The file it was read from.
    pub file: String,
    pub built_in: bool,
    pub(super) examples: Vec<(u64, ExampleFile)>,
    pub(super) counter_examples: Vec<(u64, ExampleFile)>,
}

/// Another severity or confidence where it applies.
#[derive(Debug)]
pub struct Adjust {
    pub when: Option<When>,
    pub refine: Option<Refine>,
    pub severity: Option<Severity>,
    pub confidence: Option<Confidence>,
    /// Why, in words.
    pub because: String,
}

/// What a match means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Yields {
    #[default]
    Finding,
    /// Something could not be judged.
    Gap,
    /// It holds.
    Ok,
}

/// Which ports a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The row's own.
    #[default]
    Ports,
    /// Every port that is declared and configured alike: for what concerns the configuration alone.
    Slice,
}

/// Which mend the configuration's path is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mending {
    #[default]
    None,
    /// Whatever blocks is to let the traffic through.
    Open,
    /// Whatever permits is to stop doing so.
    Close,
}
