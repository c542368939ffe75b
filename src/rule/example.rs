use super::case::Kind;
use super::facts::{Fact, Facts};
use super::file::{ExampleFile, Given, GivenFact};
use super::load::facts_of;
use super::rule::Rule;
use super::set::{Judgement, RuleSet};
use crate::exposure::{Cells, ConfiguredCell, Declared, Expects, ObservedCell};

/// What trying one example gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    pub rule: String,
    pub file: String,
    /// Line of the example.
    pub line: u64,
    /// Whether it is a counter-example.
    pub counter: bool,
    pub outcome: Outcome,
}

/// How an example went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// What was expected and what came, in words.
    Failed(String),
}

/// Tries every example and counter-example of every rule against the whole set.
///
/// An example must be taken by its own rule, not only match it: a rule that an earlier one shadows
/// fails its own examples.
#[must_use]
pub fn test(set: &RuleSet) -> Vec<Tested> {
    let mut out = Vec::new();
    for rule in set.rules() {
        let examples = rule.examples.iter().map(|e| (false, e));
        let counters = rule.counter_examples.iter().map(|e| (true, e));
        for (counter, (line, example)) in examples.chain(counters) {
            let outcome =
                if counter { refuses(set, rule, example) } else { takes(set, rule, example) };
            out.push(Tested {
                rule: rule.id.clone(),
                file: rule.file.clone(),
                line: *line,
                counter,
                outcome: outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed),
            });
        }
    }
    out
}

fn takes(set: &RuleSet, rule: &Rule, example: &ExampleFile) -> Result<(), String> {
    let facts = Example { kind: rule.kind, given: &example.given };
    let judged = judge(set, rule, example, &facts).ok_or("no rule takes it")?;
    if judged.rule.id != rule.id {
        return Err(format!("rule {} takes it", judged.rule.id));
    }
    if let Some(want) = example.severity
        && want != judged.severity
    {
        return Err(format!("severity is {}, not {want}", judged.severity));
    }
    if let Some(want) = example.confidence
        && want != judged.confidence
    {
        return Err(format!("confidence is {}, not {want}", judged.confidence));
    }
    let message = rule.message.fill(&facts);
    match &example.says {
        Some(want) if !message.contains(want.as_str()) => {
            Err(format!("the message does not say `{want}`: {message}"))
        }
        _ => Ok(()),
    }
}

fn refuses(set: &RuleSet, rule: &Rule, example: &ExampleFile) -> Result<(), String> {
    let facts = Example { kind: rule.kind, given: &example.given };
    let judged = judge(set, rule, example, &facts);
    let taken = judged.as_ref().map(|j| j.rule.id.as_str());
    if taken == Some(rule.id.as_str()) {
        return Err("the rule takes it".into());
    }
    match &example.instead {
        Some(want) if taken != Some(want.as_str()) => {
            Err(format!("{} takes it, not {want}", taken.unwrap_or("no rule")))
        }
        _ => Ok(()),
    }
}

fn judge<'a>(
    set: &'a RuleSet,
    rule: &Rule,
    example: &ExampleFile,
    facts: &dyn Facts,
) -> Option<Judgement<'a>> {
    match (rule.kind, example.given.case) {
        (Kind::Exposure, _) => set.judge_row(&cells(&example.given), facts),
        (_, Some(case)) => set.judge_case(case, facts),
        (_, None) => None,
    }
}

fn cells(given: &Given) -> Cells {
    Cells {
        declared: given.declared.unwrap_or(Declared::Required),
        configured: given.configured.unwrap_or(ConfiguredCell::Permitted),
        observed: given.observed.unwrap_or(ObservedCell::Unprobed),
        expects: given.expects.unwrap_or(Expects::Connect),
        disagreement: given.disagreement,
        covered: given.covered.unwrap_or(true),
    }
}

/// The facts of an example: those given, those its cells say, and samples for the rest.
struct Example<'a> {
    kind: Kind,
    given: &'a Given,
}

impl Facts for Example<'_> {
    fn fact(&self, name: &str) -> Option<Fact> {
        if let Some(given) = self.given.facts.get(name) {
            return Some(match given {
                GivenFact::Flag(flag) => Fact::Flag(*flag),
                GivenFact::Number(n) => Fact::Number(*n),
                GivenFact::List(list) => Fact::List(list.clone()),
                GivenFact::Text(text) => Fact::Text(text.clone()),
            });
        }
        let cells = cells(self.given);
        let cell = match name {
            "declared" => cells.declared.name(),
            "configured" => cells.configured.name(),
            "observed" => cells.observed.name(),
            "case" => self.given.case?.name(),
            _ => {
                return facts_of(self.kind)
                    .iter()
                    .find(|f| f.name == name)
                    .map(|f| f.sample.value());
            }
        };
        Some(Fact::Text(cell.into()))
    }
}
