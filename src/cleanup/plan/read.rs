use super::{Plan, SCHEMA};
use crate::cleanup::{Digest, Reason, Refusal, strict};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Reads a plan from the bytes that it was sealed as: strict JSON of a known schema, and one that
/// agrees with itself.
///
/// # Errors
/// [`Reason::NonStrictJson`], [`Reason::UnknownSchema`], or [`Reason::PlanInvalid`] for a plan whose
/// parts contradict each other.
pub fn read(bytes: &[u8]) -> Result<Plan, Refusal> {
    /// The tag alone: a later plan is told from a broken one.
    #[derive(Deserialize)]
    struct Tagged {
        schema: String,
    }
    let tagged: Tagged = strict::read(bytes)?;
    if tagged.schema != SCHEMA {
        return Err(Refusal::new(
            Reason::UnknownSchema,
            format!("its schema is {:?}, and this program knows {SCHEMA:?}", tagged.schema),
        ));
    }
    let plan: Plan = strict::read(bytes)?;
    agrees(&plan).map_err(|says| Refusal::new(Reason::PlanInvalid, says))?;
    Ok(plan)
}

/// What approvers count is what would be done.
fn agrees(plan: &Plan) -> Result<(), String> {
    let (mut by_action, mut by_type) = (BTreeMap::new(), BTreeMap::new());
    let mut seen = BTreeSet::new();
    let strata: BTreeSet<u32> = plan.strata.iter().map(|s| s.n).collect();
    if strata.len() != plan.strata.len() {
        return Err("two strata have one number".into());
    }
    for (n, item) in (1u32..).zip(&plan.items) {
        let is = item.item();
        if item.n != n {
            return Err(format!("item {is} has number {} in place {n}", item.n));
        }
        if item.id.is_empty() || item.kind.is_empty() || item.action.is_empty() {
            return Err(format!("item {n} names no thing or no act"));
        }
        if item.immutable.is_empty() {
            return Err(format!("item {is} has nothing immutable: it cannot be told from others"));
        }
        if !seen.insert(is.clone()) {
            return Err(format!("item {is} stands twice"));
        }
        if !strata.contains(&item.stratum) || item.strata.iter().any(|s| !strata.contains(s)) {
            return Err(format!("item {is} is of a stratum that the plan does not have"));
        }
        *by_action.entry(item.action.clone()).or_default() += 1;
        *by_type.entry(item.kind.clone()).or_default() += 1;
    }
    let items = plan.items.len();
    if plan.totals.items as usize != items
        || plan.totals.by_action != by_action
        || plan.totals.by_type != by_type
    {
        return Err(format!("its totals are not those of its {items} items"));
    }
    let most = plan.limits.max_items.min(plan.limits.max_items_per_day);
    if items > most as usize {
        return Err(format!("it has {items} items, and its own cap is {most}"));
    }
    for note in &plan.notes {
        let told = note.told().map_err(|why| format!("a decommission note of it: {}", why.says))?;
        if !plan.loosened.contains(&told) {
            return Err(format!("it does not say what the note {} loosened", note.digest()));
        }
    }
    if plan.not_after <= plan.not_before {
        return Err("it ends before it begins".into());
    }
    Ok(())
}

/// Reads a plan whose digest is known beforehand.
///
/// # Errors
/// [`Reason::PlanDigestMismatch`] where one bit differs, and what [`read`] says.
pub fn read_as(bytes: &[u8], digest: &Digest) -> Result<Plan, Refusal> {
    let is = Digest::of(bytes);
    if is != *digest {
        return Err(Refusal::new(
            Reason::PlanDigestMismatch,
            format!("plan.json has the digest {is}, not {digest}: these are not the sealed bytes"),
        ));
    }
    read(bytes)
}
