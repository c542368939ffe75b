use crate::cleanup::{Memory, Reason, Refusal};
use std::collections::BTreeMap;

/// What a draft came to, beside the plan: what was not planned, and why.
#[must_use = "an unread report is not actionable"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanReport {
    /// Why nothing is planned at all. Where there is any, the plan has no item and is not to be
    /// sealed.
    pub vetoes: Vec<Refusal>,
    /// Things that were listed.
    pub population: u32,
    /// Of them, things that the job calls dead.
    pub candidates: u32,
    /// Refused candidates, by reason.
    pub refused: BTreeMap<Reason, u32>,
    /// Attributes that make no strata because they have too many values.
    pub dropped: Vec<String>,
    /// Whether the classifier was shown to be wrong: a class was held by its controls or numbers.
    pub alarms: Vec<Refusal>,
    /// What the next run needs to know; `None` where this one is no measure for it.
    pub learned: Option<Memory>,
}

impl PlanReport {
    /// The gravest of what speaks against planning, vetoes before alarms; `None` where the plan is
    /// fit to be sealed and nothing was alarming.
    #[must_use]
    pub fn worst(&self) -> Option<&Refusal> {
        let rank = |refusal: &&Refusal| std::cmp::Reverse(refusal.reason.class());
        // Sources before judgements: what was read wrongly was judged wrongly.
        self.vetoes.iter().min_by_key(rank).or_else(|| self.alarms.first())
    }
}
