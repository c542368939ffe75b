use super::{Ask, Assessment, Counted, Papers, assess};
use crate::cleanup::plan::{Item, Plan};
use crate::cleanup::{Digest, Reason, Refusal};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A plan that enough people agreed to, at the instant of its verification. Made by [`verify`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Approved {
    plan: Plan,
    digest: Digest,
    items: BTreeSet<u32>,
    not_after: Timestamp,
    counted: Vec<Counted>,
}

/// Verifies a plan's folder for an apply: everything of it, against everything that runs.
///
/// # Errors
/// The first thing that is missing or wrong.
pub fn verify(papers: &Papers, ask: &Ask<'_>) -> Result<Approved, Refusal> {
    if ask.running.is_none() {
        let says = "what would run was not compared with what the plan pins";
        return Err(Refusal::new(Reason::PolicyChanged, says));
    }
    let Assessment { plan, digest, counted, items, not_after, refusal, .. } = assess(papers, ask)?;
    match refusal {
        Some(why) => Err(why),
        None => Ok(Approved { plan, digest, items, not_after, counted }),
    }
}

impl Approved {
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether enough people agreed to exactly this item: approvals may be of some strata only.
    #[must_use]
    pub fn approved(&self, item: &Item) -> bool {
        self.items.contains(&item.n) && self.plan.items.iter().any(|own| own == item)
    }

    /// The last moment to claim it: the soonest end of plan, approvals and their keys.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The approvals that counted, by file.
    #[must_use]
    pub fn approvals(&self) -> &[Counted] {
        &self.counted
    }
}
