use super::case::{Case, Kind};
use super::embedded::FILES;
use super::error::{RuleError, RuleErrors};
use super::facts::{CASE_FACTS, EXPOSURE_FACTS, FactDoc};
use super::file::{AdjustFile, ExampleFile, RuleFile, WhenFile};
use super::refine::Refine;
use super::rule::{Adjust, Rule, Yields};
use super::set::RuleSet;
use super::template::Template;
use super::when::{CellSets, When, Words};
use crate::model::{Confidence, Severity};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;

/// Most bytes of one rule file: ours have about 2,000.
const MAX_FILE: usize = 64 * 1024;

/// Most rules of one run: each row is tried against all of them in turn.
const MAX_RULES: usize = 1000;

/// The built-in rules.
///
/// # Errors
/// Never in a released build: a test loads them.
pub fn builtin() -> Result<RuleSet, RuleErrors> {
    load(&[])
}

/// The built-in rules and those of further files, given as name and bytes.
///
/// # Errors
/// Everything wrong with them, one error a file at the least, each with its place.
pub fn load(more: &[(String, Vec<u8>)]) -> Result<RuleSet, RuleErrors> {
    let mut reader = Reader::default();
    for (name, text) in FILES {
        reader.file(name, text.as_bytes());
    }
    reader.own = true;
    for (name, bytes) in more {
        reader.file(name, bytes);
    }
    if reader.errors.is_empty() {
        return Ok(RuleSet::new(reader.rules));
    }
    reader.errors.sort();
    Err(RuleErrors(reader.errors))
}

#[derive(Default)]
struct Reader {
    rules: Vec<Rule>,
    errors: Vec<RuleError>,
    /// Whether what is read is not built in.
    own: bool,
    /// Where each id was first given.
    ids: BTreeMap<String, String>,
    /// Which rule has each order.
    orders: BTreeMap<(Kind, u32), String>,
}

impl Reader {
    fn file(&mut self, file: &str, bytes: &[u8]) {
        let mut whole = |cannot: String| {
            self.errors.push(RuleError { file: file.into(), line: 0, column: 0, cannot });
        };
        if bytes.len() > MAX_FILE {
            return whole(format!("read a rule of {} bytes: the limit is {MAX_FILE}", bytes.len()));
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return whole("read it as text: it is not UTF-8".into());
        };
        if self.rules.len() >= MAX_RULES {
            return whole(format!("load more than {MAX_RULES} rules"));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_events: 20_000, max_depth: 32 },
            with_snippet: false,
        };
        let read: RuleFile = match serde_saphyr::from_str_with_options(text, options) {
            Ok(read) => read,
            Err(error) => {
                let place = error.location().unwrap_or(Location::UNKNOWN);
                let text = error.without_snippet().to_string();
                let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                // The library ends its messages with the place, which stands at the front already.
                let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(m, _)| m);
                let cannot = if text.starts_with("read `") || text.starts_with("use ") {
                    text.to_owned()
                } else {
                    format!("read the rule: {text}")
                };
                let (line, column) = (place.line(), place.column());
                self.errors.push(RuleError { file: file.into(), line, column, cannot });
                return;
            }
        };
        if let Some(rule) = self.rule(file, read) {
            self.rules.push(rule);
        }
    }

    fn rule(&mut self, file: &str, read: RuleFile) -> Option<Rule> {
        let before = self.errors.len();
        let known = facts_of(read.kind);
        let id = read.id.value.clone();
        let tidy = !id.is_empty()
            && id.len() <= 64
            && id.split('-').all(|w| {
                !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            });
        if !tidy {
            self.at(
                file,
                read.id.defined,
                format!("use the id `{id}`: write lower-case words joined by `-`"),
            );
        }
        if let Some(first) = self.ids.get(&id) {
            let cannot = format!("use the id `{id}` twice: it is a rule of {first}");
            self.at(file, read.id.defined, cannot);
        } else {
            self.ids.insert(id.clone(), file.into());
        }
        if let Some(other) = self.orders.get(&(read.kind, read.order.value)) {
            let cannot = format!(
                "use order {}: {other} has it, and the first that matches must be certain",
                read.order.value
            );
            self.at(file, read.order.defined, cannot);
        } else {
            self.orders.insert((read.kind, read.order.value), id.clone());
        }
        for (text, what) in [(&read.title, "title"), (&read.why, "why")] {
            if text.value.trim().is_empty() {
                self.at(file, text.defined, format!("use an empty {what}"));
            }
        }
        let when = self.when(file, &read.when.value, read.kind, read.when.defined);
        let refine = read.refine.as_ref().and_then(|r| self.refine(file, r, known));
        let adjust =
            read.adjust.into_iter().map(|a| self.adjust(file, a, read.kind, &read.when)).collect();
        let message = match &read.message {
            Some(text) => self.template(file, text, known),
            None => Template::default(),
        };
        let note = read.note.as_ref().map(|n| self.template(file, n, known));
        let place = read.id.defined;
        match read.yields {
            Yields::Finding => {
                for (given, what) in [
                    (read.severity.is_some(), "severity"),
                    (read.confidence.is_some(), "confidence"),
                    (read.message.is_some(), "message"),
                    (read.fix.is_some(), "fix"),
                ] {
                    if !given {
                        self.at(file, place, format!("make findings without `{what}`"));
                    }
                }
            }
            Yields::Gap if read.gap.is_none() => {
                self.at(file, place, "make gaps without `gap`: name its kind".into());
            }
            Yields::Gap | Yields::Ok => {}
        }
        if read.examples.is_empty() || read.counter_examples.is_empty() {
            self.at(file, place, "load a rule without `examples` and `counter_examples`".into());
        }
        for example in read.examples.iter().chain(&read.counter_examples) {
            for name in example.value.given.facts.keys() {
                if !known.iter().any(|f| f.name == name) {
                    self.at(file, example.defined, super::template::unknown(name, known));
                }
            }
            if example.value.given.case.is_some() == (read.kind == Kind::Exposure) {
                let cannot = format!(
                    "try a rule of kind {} with this example: give {}",
                    read.kind.name(),
                    if read.kind == Kind::Exposure { "cells and no case" } else { "a case" }
                );
                self.at(file, example.defined, cannot);
            }
        }
        if self.errors.len() > before {
            return None;
        }
        let lines = |list: Vec<Spanned<ExampleFile>>| {
            list.into_iter().map(|e| (e.defined.line(), e.value)).collect()
        };
        Some(Rule {
            id,
            order: read.order.value,
            kind: read.kind,
            title: read.title.value.trim().into(),
            yields: read.yields,
            severity: read.severity.unwrap_or(Severity::Info),
            confidence: read.confidence.unwrap_or(Confidence::High),
            gap: read.gap,
            when: when?,
            refine,
            adjust,
            subject: read.subject,
            mend: read.mend,
            message,
            note,
            why: flow(&read.why.value),
            fix: flow(&read.fix.unwrap_or_default()),
            file: file.into(),
            built_in: !self.own,
            examples: lines(read.examples),
            counter_examples: lines(read.counter_examples),
        })
    }

    fn when(&mut self, file: &str, read: &WhenFile, kind: Kind, place: Location) -> Option<When> {
        if kind == Kind::Exposure {
            if !read.case.is_empty() {
                self.at(file, place, "use `case` in a rule of kind exposure: it has cells".into());
                return None;
            }
            return Some(When::Cells(CellSets {
                declared: bits(read.declared),
                configured: bits(read.configured),
                observed: bits(read.observed),
                expects: bits(read.expects),
                disagreement: read.disagreement,
                covered: read.covered,
            }));
        }
        let cells = read.declared.is_some()
            || read.configured.is_some()
            || read.observed.is_some()
            || read.expects.is_some()
            || read.disagreement.is_some()
            || read.covered.is_some();
        if cells || read.case.is_empty() {
            let cannot = format!("match a rule of kind {}: `when` takes `case: […]`", kind.name());
            self.at(file, place, cannot);
            return None;
        }
        if let Some(case) = read.case.iter().find(|c| c.kind() != kind) {
            let known: Vec<&str> =
                Case::ALL.iter().filter(|c| c.kind() == kind).map(|c| c.name()).collect();
            let cannot = format!(
                "use case {} in a rule of kind {}: use {}",
                case.name(),
                kind.name(),
                known.join(", ")
            );
            self.at(file, place, cannot);
            return None;
        }
        Some(When::Cases(read.case.iter().copied().collect()))
    }

    fn adjust(
        &mut self,
        file: &str,
        read: AdjustFile,
        kind: Kind,
        when: &Spanned<WhenFile>,
    ) -> Adjust {
        let place = read.refine.as_ref().map_or(when.defined, |r| r.defined);
        if read.severity.is_none() && read.confidence.is_none() {
            self.at(file, place, "adjust nothing: give `severity` or `confidence`".into());
        }
        let only_if = kind != Kind::Exposure && read.when.case.is_empty();
        Adjust {
            when: if only_if { None } else { self.when(file, &read.when, kind, place) },
            refine: read.refine.as_ref().and_then(|r| self.refine(file, r, facts_of(kind))),
            severity: read.severity,
            confidence: read.confidence,
            because: read.because,
        }
    }

    fn refine(
        &mut self,
        file: &str,
        source: &Spanned<String>,
        known: &[FactDoc],
    ) -> Option<Refine> {
        match Refine::compile(source.value.trim(), known) {
            Ok(refine) => Some(refine),
            Err(cannot) => {
                self.at(file, source.defined, cannot);
                None
            }
        }
    }

    fn template(&mut self, file: &str, text: &Spanned<String>, known: &[FactDoc]) -> Template {
        match Template::read(text.value.trim(), known) {
            Ok(template) => template,
            Err(cannot) => {
                self.at(file, text.defined, cannot);
                Template::default()
            }
        }
    }

    fn at(&mut self, file: &str, place: Location, cannot: String) {
        let (line, column) = (place.line(), place.column());
        self.errors.push(RuleError { file: file.into(), line, column, cannot });
    }
}

/// The facts that rules of a kind may name.
pub(super) const fn facts_of(kind: Kind) -> &'static [FactDoc] {
    match kind {
        Kind::Exposure => EXPOSURE_FACTS,
        Kind::Inventory | Kind::Journey | Kind::Drift | Kind::Group | Kind::Waiver => CASE_FACTS,
    }
}

fn bits<T: super::when::Word>(words: Option<Words<T>>) -> u16 {
    words.unwrap_or_default().0
}

/// One paragraph: line breaks of the file are not those of the screen.
fn flow(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
