use super::case::{Case, Kind};
use super::facts::Facts;
use super::rule::{Rule, Yields};
use super::when::When;
use crate::exposure::Cells;
use crate::model::{Confidence, Severity};

/// Valid rules, each kind in its order.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// Sorted by kind, then order.
    rules: Vec<Rule>,
}

/// The rule that takes a row or case, and how it judges it.
#[derive(Debug)]
pub struct Judgement<'a> {
    pub rule: &'a Rule,
    pub severity: Severity,
    pub confidence: Confidence,
    /// Expressions that gave no answer, in words: what they would have decided is taken at its worst.
    pub trouble: Vec<String>,
}

impl RuleSet {
    pub(super) fn new(mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|a, b| (a.kind, a.order, &a.id).cmp(&(b.kind, b.order, &b.id)));
        Self { rules }
    }

    /// Every rule, by kind, then order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Rules that are not built in and may let something pass: that yield nothing, or a finding below
    /// `severity`.
    pub fn lenient(&self, severity: Severity) -> impl Iterator<Item = &Rule> {
        let lowest =
            |r: &Rule| r.adjust.iter().filter_map(|a| a.severity).fold(r.severity, Ord::min);
        let lets = move |r: &&Rule| match r.yields {
            Yields::Finding => lowest(r) < severity,
            Yields::Gap => false,
            _ => true,
        };
        self.rules.iter().filter(|r| !r.built_in).filter(lets)
    }

    /// The rule with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// The first rule that takes a row with these cells and facts; `None` when no rule does.
    #[must_use]
    pub fn judge_row(&self, cells: &Cells, facts: &dyn Facts) -> Option<Judgement<'_>> {
        let matches = |when: &When| match when {
            When::Cells(sets) => sets.matches(cells),
            When::Cases(_) => false,
        };
        self.judge(Kind::Exposure, &matches, facts)
    }

    /// The first rule that takes a case; `None` when no rule does.
    #[must_use]
    pub fn judge_case(&self, case: Case, facts: &dyn Facts) -> Option<Judgement<'_>> {
        let matches = |when: &When| match when {
            When::Cells(_) => false,
            When::Cases(cases) => cases.contains(&case),
        };
        self.judge(case.kind(), &matches, facts)
    }

    fn judge(
        &self,
        kind: Kind,
        matches: &dyn Fn(&When) -> bool,
        facts: &dyn Facts,
    ) -> Option<Judgement<'_>> {
        let mut trouble = Vec::new();
        let rule =
            self.rules.iter().filter(|r| r.kind == kind && matches(&r.when)).find(|rule| {
                rule.refine.as_ref().is_none_or(|refine| {
                    refine.evaluate(facts).unwrap_or_else(|why| {
                        trouble.push(format!("`if` of rule {}: {why}", rule.id));
                        rule.yields != Yields::Ok
                    })
                })
            })?;
        let (mut severity, mut confidence) = (None, None);
        for adjust in &rule.adjust {
            let applies = adjust.when.as_ref().is_none_or(matches)
                && adjust.refine.as_ref().is_none_or(|refine| {
                    refine.evaluate(facts).unwrap_or_else(|why| {
                        trouble.push(format!("`adjust` of rule {}: {why}", rule.id));
                        adjust.severity.is_some_and(|s| s > rule.severity)
                    })
                });
            if applies {
                severity = severity.or(adjust.severity);
                confidence = confidence.or(adjust.confidence);
            }
        }
        Some(Judgement {
            rule,
            severity: severity.unwrap_or(rule.severity),
            confidence: confidence.unwrap_or(rule.confidence),
            trouble,
        })
    }
}
