use super::judged::{Context, Judged, general};
use crate::finding::{Draft, Evidence, Measure};
use crate::model::Confidence;
use crate::rule::{Case, Fact, Facts, Yields};

/// A case of a kind other than exposure, ready to be judged.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) case: Case,
    pub(super) subject: String,
    pub(super) role: Option<String>,
    pub(super) group: Option<String>,
    /// The fact that is concerned and, of one host, its value; text from outside.
    pub(super) fact: Option<(String, Option<String>)>,
    pub(super) count: usize,
    pub(super) limit: usize,
    /// How bad it is, where that can be counted.
    pub(super) measure: Option<Measure>,
    /// In words; text from outside.
    pub(super) detail: String,
    pub(super) evidence: Vec<Evidence>,
    pub(super) mends: Vec<crate::finding::Mend>,
    pub(super) diff: Option<String>,
    /// Whether something that could not be seen may undo it.
    pub(super) uncertain: bool,
}

impl Facts for Found {
    fn fact(&self, name: &str) -> Option<Fact> {
        let number = |n: usize| Some(Fact::Number(i64::try_from(n).unwrap_or(i64::MAX)));
        let text = |text: &str| Some(Fact::Text(text.into()));
        match name {
            "subject" => text(&self.subject),
            "case" => text(self.case.name()),
            "role" => text(self.role.as_deref().unwrap_or_default()),
            "group" => text(self.group.as_deref().unwrap_or_default()),
            "count" => number(self.count),
            "limit" => number(self.limit),
            "detail" => text(&self.detail),
            "fact" => text(self.fact.as_ref().map_or("", |(name, _)| name)),
            "value" => text(self.fact.as_ref().and_then(|(_, v)| v.as_deref()).unwrap_or_default()),
            _ => None,
        }
    }
}

/// Judges one case.
pub(super) fn judge(out: &mut Judged, found: Found, context: &Context<'_>) {
    let Some(judgement) = context.rules.judge_case(found.case, &found) else {
        out.ok += 1;
        return;
    };
    out.trouble(&judgement, &found.subject);
    let rule = judgement.rule;
    if rule.yields != Yields::Finding {
        out.ok += usize::from(rule.yields == Yields::Ok);
        if let (Yields::Gap, Some(kind)) = (rule.yields, rule.gap) {
            let why = rule.message.fill(&found);
            out.gaps.insert(crate::model::Gap::new(kind, &found.subject, why));
        }
        return;
    }
    let mut mends = found.mends.clone();
    mends.push(general(&judgement));
    let confidence = if found.uncertain { Confidence::Low } else { judgement.confidence };
    out.add(Draft {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        severity: judgement.severity,
        confidence,
        measure: found.measure.clone(),
        subject: found.subject.clone(),
        source: None,
        message: rule.message.fill(&found),
        why: rule.why.clone(),
        evidence: found.evidence,
        path: Vec::new(),
        mends,
        diff: found.diff,
    });
}
