use super::node::Span;
use super::picture;
use super::{Place, Source};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Most errors that are told one by one; the rest is counted.
pub const MAX_TOLD: usize = 200;

/// One thing wrong with a spec, by the spans of its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecError {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) also: Vec<(Span, String)>,
    pub(super) hint: Option<String>,
}

impl SpecError {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, also: Vec::new(), hint: None }
    }

    /// What to write under the offending text.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A second place that belongs to it.
    pub(super) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.also.push((span, label.into()));
        self
    }

    /// What to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// "did you mean `x`?", where something near was found.
    pub(super) fn did_you_mean(self, near: Option<&str>) -> Self {
        match near {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// One thing wrong with a spec, for machines and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Where; line and column 0 when it is the file as a whole.
    pub at: Place,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that belong to it, each with what stands there.
    pub also: Vec<Also>,
    /// The error as people read it: message, picture of the line, hint. No colour.
    #[serde(skip)]
    pub picture: String,
}

/// A second place of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Also {
    pub at: Place,
    pub what: String,
}

/// What is mostly meant.
const SPEC: &str = "the spec";

/// Everything wrong with a set of spec files, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecErrors {
    /// What cannot be used: "the spec".
    pub what: &'static str,
    /// The first [`MAX_TOLD`].
    pub told: Vec<Told>,
    /// How many more there are.
    pub more: usize,
}

impl SpecErrors {
    /// Gives every error its place and its picture.
    pub(super) fn new(mut errors: Vec<SpecError>, sources: &[Source], names: &[Arc<str>]) -> Self {
        errors.sort_by(|a, b| (a.span, &a.message).cmp(&(b.span, &b.message)));
        errors.dedup();
        let more = errors.len().saturating_sub(MAX_TOLD);
        errors.truncate(MAX_TOLD);
        let told = errors
            .into_iter()
            .map(|error| Told {
                picture: picture::draw(&error, sources, names),
                at: place(error.span, names),
                message: error.message,
                hint: error.hint,
                also: error
                    .also
                    .into_iter()
                    .map(|(span, what)| Also { at: place(span, names), what })
                    .collect(),
            })
            .collect();
        Self { what: SPEC, told, more }
    }

    /// Errors that have their places already; those past the first [`MAX_TOLD`] are counted.
    pub(super) fn of(mut told: Vec<Told>) -> Self {
        let more = told.len().saturating_sub(MAX_TOLD);
        told.truncate(MAX_TOLD);
        Self { what: SPEC, told, more }
    }

    /// The same, of something that is not the spec.
    #[must_use]
    pub fn of_what(self, what: &'static str) -> Self {
        Self { what, ..self }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.told.len() + self.more
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for told in &self.told {
            writeln!(f, "{}\n", told.picture)?;
        }
        match self.count() {
            1 => write!(f, "error: {} cannot be used: 1 error", self.what),
            n if self.more == 0 => write!(f, "error: {} cannot be used: {n} errors", self.what),
            n => write!(
                f,
                "error: {} cannot be used: {n} errors, of which the first {} are shown",
                self.what,
                self.told.len()
            ),
        }
    }
}

impl std::error::Error for SpecErrors {}

/// The place of a span.
pub(super) fn place(span: Span, names: &[Arc<str>]) -> Place {
    let file = names.get(span.file as usize).cloned().unwrap_or_else(|| Arc::from("?"));
    Place { file, line: span.line, column: span.column }
}

/// Text of a file for use inside a message: at most 60 characters, control characters escaped.
pub(super) fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == MOST {
            out.push('…');
            break;
        }
        // Bidirectional controls would reorder what the terminal shows.
        let hidden = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_files_is_short_and_harmless() {
        assert_eq!(shorten("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(shorten("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shorten(&"x".repeat(100)).chars().count(), 61);
    }
}
