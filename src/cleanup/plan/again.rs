//! What of a plan's evidence is asked for once more right before each act.

use super::{Again, Item, Plan, PlanReport, draft::totals};
use crate::cleanup::{Claim, ItemRef, Observed, Reason, Refusal, Resource, WorldError, shape};

/// Looks at each planned thing as an apply will, and writes down which of its evidence that look shows:
/// the same must be seen again before the act. What only the listing or a job's list tells cannot be.
///
/// What cannot be looked at now is not planned: nobody knows what a look before its act would be worth.
pub fn evidence_again(
    plan: &mut Plan,
    report: &mut PlanReport,
    mut observe: impl FnMut(&ItemRef) -> Result<Observed, WorldError>,
) {
    let mut kept = Vec::new();
    for mut item in std::mem::take(&mut plan.items) {
        let (reason, says) = match observe(&item.item()) {
            Ok(Observed::Yes { resource }) => {
                item.again = again(&item, &resource);
                kept.push(item);
                continue;
            }
            Ok(Observed::No) => {
                (Reason::Conflict, "it is listed, and not there when it is asked for".to_owned())
            }
            Ok(Observed::Unknown { why }) => (Reason::Unknown, why),
            Err(e) => (Reason::Unknown, format!("the adapter cannot {e}")),
        };
        *report.refused.entry(reason).or_default() += 1;
        plan.refused.push(super::draft::visible(Refusal::of(reason, item.item(), says)));
    }
    for (item, n) in kept.iter_mut().zip(1..) {
        item.n = n;
    }
    plan.refused.sort_by(|a, b| (&a.item, a.reason).cmp(&(&b.item, b.reason)));
    plan.totals = totals(&kept);
    plan.items = kept;
}

fn again(item: &Item, now: &Resource) -> Vec<Again> {
    let shown = |claim: &&Claim| now.dead.iter().find(|c| same(c, &claim.kind, &claim.source));
    item.dead
        .iter()
        .filter_map(|claim| shown(&claim))
        .map(|claim| Again {
            kind: claim.kind.clone(),
            source: claim.source.clone(),
            shape: claim.record.as_ref().map(shape),
        })
        .collect()
}

fn same(claim: &Claim, kind: &str, source: &str) -> bool {
    claim.kind == kind && claim.source == source
}

/// The first of the evidence that a plan rests on and that a look right before the act does not show as it
/// did, in words.
#[must_use]
pub fn lost(item: &Item, now: &Resource) -> Option<String> {
    item.again.iter().find_map(|it| {
        let rests = format!("the plan rests on {} ({})", it.kind, it.source);
        let Some(claim) = now.dead.iter().find(|c| same(c, &it.kind, &it.source)) else {
            return Some(format!("{rests}, which holds no more"));
        };
        if !claim.dated() {
            return Some(format!("{rests}, and now it has no time that can be read"));
        }
        let shape = claim.record.as_ref().map(shape);
        (shape != it.shape)
            .then(|| format!("{rests}, and now it rests on a record of another shape"))
    })
}
