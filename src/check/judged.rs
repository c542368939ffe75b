use crate::finding::{Draft, Finding, Ground, Measure, Mend};
use crate::model::{Gap, GapKind};
use crate::resolve::Resolution;
use crate::rule::{Judgement, RuleSet};
use crate::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};

/// What every kind of rule may look at beside its own rows.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub rules: &'a RuleSet,
    pub spec: &'a Spec,
    pub resolution: &'a Resolution,
    /// The resources that mends speak of.
    pub ground: &'a Ground<'a>,
}

/// Rule, subject and source.
type Tuple = (String, String, Option<String>);

/// What judging gave.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// Each tuple of rule, subject and source once.
    findings: BTreeMap<Tuple, (Finding, Option<Measure>)>,
    pub gaps: BTreeSet<Gap>,
    /// What holds with a reservation, in words, and how often.
    pub notes: BTreeMap<String, usize>,
    /// Rows that hold.
    pub ok: usize,
}

/// Pieces of evidence one finding carries: more repeat each other.
const MAX_EVIDENCE: usize = 12;

impl Judged {
    /// The findings, by rule, subject and source.
    pub fn into_findings(self) -> Vec<Finding> {
        let findings = self.findings.into_values();
        findings
            .map(|(finding, measure)| Finding {
                measure: measure.as_ref().map(Measure::number),
                ..finding
            })
            .collect()
    }

    /// Adds a finding, or what it adds to one of the same tuple: other addresses of the host, other
    /// parts of the same range.
    pub(super) fn add(&mut self, draft: Draft) {
        let key = (draft.rule.clone(), draft.subject.clone(), draft.source.clone());
        let Some((old, measure)) = self.findings.get_mut(&key) else {
            let measure = draft.measure.clone();
            match draft.finish() {
                Ok(finding) => {
                    self.findings.insert(key, (finding, measure));
                }
                // A rule that cannot say what it found must not be silent about it.
                Err(lack) => {
                    let why = format!("rule {} found something it cannot report: {lack}", key.0);
                    self.gaps.insert(Gap::new(GapKind::NotJudged, key.1, why));
                }
            }
            return;
        };
        old.severity = old.severity.max(draft.severity);
        old.confidence = old.confidence.min(draft.confidence);
        *measure = match (measure.take(), draft.measure) {
            (Some(a), Some(b)) => Some(a.with(b)),
            (a, b) => a.or(b),
        };
        for evidence in draft.evidence {
            if old.evidence.len() < MAX_EVIDENCE && !old.evidence.contains(&evidence) {
                old.evidence.push(evidence);
            }
        }
        // The general way to mend it stays last.
        let general = old.mends.pop();
        for mend in draft.mends {
            if Some(&mend) != general.as_ref() && !old.mends.contains(&mend) {
                old.mends.push(mend);
            }
        }
        old.mends.extend(general);
    }

    /// Notes what a rule's expressions could not answer.
    pub(super) fn trouble(&mut self, judgement: &Judgement<'_>, subject: &str) {
        for why in &judgement.trouble {
            self.gaps.insert(Gap::new(GapKind::NotJudged, subject, why.clone()));
        }
    }

    /// Takes over what another kind of rule gave.
    pub fn merge(&mut self, other: Self) {
        let Self { findings, gaps, notes, ok } = other;
        self.findings.extend(findings);
        self.gaps.extend(gaps);
        for (note, n) in notes {
            *self.notes.entry(note).or_default() += n;
        }
        self.ok += ok;
    }
}

/// The rule's own words on what to do: the last of the mends.
pub(super) fn general(judgement: &Judgement<'_>) -> Mend {
    Mend { text: judgement.rule.fix.clone(), command: None, terraform: None }
}
