use super::{Ask, Paper, superseded};
use crate::cleanup::day::{self, Beside, Taken};
use crate::cleanup::journal;
use crate::cleanup::plan::{Phase, Plan};
use crate::cleanup::trust::{Revoked, Trust};
use crate::cleanup::{Refusal, Target};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// How much of an account's day is spoken for, before a plan of this target and phase is sealed: acts
/// of the last day by the journals, and what other plans may still do.
///
/// Left out is what can do nothing more: what was denied, is over, was superseded by a plan of its
/// author, or will be by the one that is about to be sealed (of its scope and phase).
///
/// # Errors
/// Journals that cannot be understood.
pub fn spoken_for(
    beside: &[Beside],
    target: &Target,
    phase: Phase,
    trust: &Trust,
    revoked: &Revoked,
    now: Timestamp,
) -> Result<u32, Refusal> {
    let acts: Vec<Taken> = day::acts(beside, target, now)?;
    let mut all: BTreeSet<_> = acts.into_iter().map(|a| (a.plan, a.n)).collect();
    let siblings: Vec<Paper> = beside
        .iter()
        .map(|b| Paper {
            name: b.digest.folder(),
            bytes: b.plan.clone().unwrap_or_default(),
            signature: b.signature.clone(),
        })
        .collect();
    for folder in beside.iter().filter(|f| !f.denied) {
        let Some(plan) = day::read(folder) else { continue };
        let replaced = plan.phase == phase && plan.target.scope == target.scope;
        if replaced || !day::shared(&plan.target, target) {
            continue;
        }
        let digest = &folder.digest;
        let ask = Ask { digest, trust, revoked, running: None, now, claimed_at: None };
        if superseded::superseded(&plan, &siblings, &ask).is_err() {
            continue;
        }
        all.extend(left(&plan, folder, now)?.into_iter().map(|n| (digest.clone(), n)));
    }
    Ok(u32::try_from(all.len()).unwrap_or(u32::MAX))
}

/// Items that a plan may still act on.
fn left(plan: &Plan, folder: &Beside, now: Timestamp) -> Result<Vec<u32>, Refusal> {
    let bytes = folder.journal.as_deref().unwrap_or_default();
    let ledger = journal::read(bytes, plan, &folder.digest)?.ledger;
    let lasts =
        SignedDuration::from_secs(i64::try_from(plan.limits.deadline_s).unwrap_or(i64::MAX));
    let end = ledger.claimed_at.map_or(plan.not_after, |at| at.saturating_add(lasts).unwrap_or(at));
    if ledger.finished || now > end {
        return Ok(Vec::new());
    }
    Ok(ledger.left().collect())
}
