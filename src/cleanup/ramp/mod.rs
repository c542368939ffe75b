//! Which items next: few at first, one failure domain of a set at a time, and rest in between.

use super::journal::{ItemLedger, ItemState, Ledger};
use super::plan::{Item, Limits, Plan};
use super::{Guard, Guards, Reason, Refusal};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How often a thing is looked at that nobody can see right before its act.
pub const LOOKS: u32 = 3;
/// The longest time between two such looks: what hinders them, throttling above all, is over by then or stays.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_mins(5);

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A new batch of these items, in this order.
    Batch(Vec<u32>),
    /// The batch that a run began and did not end: these items of it are left, perhaps none.
    Rest(Vec<u32>),
    /// Nothing before then.
    Soak(Timestamp),
    /// Nothing any more: whatever is left is held.
    Done,
}

/// Makes a plan's limits tighter. A flag that would loosen them is refused.
///
/// # Errors
/// [`Reason::Loosening`].
pub fn tightened(
    limits: &Limits,
    batch: Option<u32>,
    soak_s: Option<u64>,
    guards: Guards,
) -> Result<Limits, Refusal> {
    let mut limits = limits.clone();
    let floors = guards.has(Guard::Floors);
    let loosens = |what: String| Err(Refusal::new(Reason::Loosening, what));
    if let Some(batch) = batch {
        let most = limits.ramp.iter().copied().max().unwrap_or(0);
        if batch == 0 || floors && batch > most {
            return loosens(format!("a batch of {batch}: the plan allows 1 to {most} items"));
        }
        for step in &mut limits.ramp {
            *step = if floors { (*step).min(batch) } else { batch };
        }
    }
    if let Some(soak) = soak_s {
        let longest = limits.soak_s.iter().copied().max().unwrap_or(0);
        if floors && soak < longest {
            return loosens(format!("a soak of {soak} s: the plan asks for {longest} s"));
        }
        for step in &mut limits.soak_s {
            *step = soak;
        }
    }
    Ok(limits)
}

/// Says which items come next by a plan and what its journal has.
///
/// Of each stratum whose rest is over: as many items as its step of the ramp allows, never more than
/// a quarter of the stratum and at least one; of one set only members of one failure domain; those
/// that are taken back most easily first. A batch as a whole never exceeds the last step.
#[must_use]
pub fn next(plan: &Plan, limits: &Limits, ledger: &Ledger, guards: Guards, now: Timestamp) -> Next {
    let left: BTreeSet<u32> = ledger.left().collect();
    let (items, later): (Vec<&Item>, Vec<&Item>) = plan
        .items
        .iter()
        .filter(|i| left.contains(&i.n))
        .partition(|i| look_at(limits, ledger, i) <= now);
    // A batch that was cut short is no licence for another one without a rest.
    if ledger.open_batch
        && let Some(batch) = ledger.batches.last()
    {
        return rest_of(plan, limits, ledger, guards, now, (batch, &items));
    }
    let mut items = items;
    let mut soonest = later.iter().map(|i| look_at(limits, ledger, i)).min();
    if items.is_empty() {
        return soonest.map_or(Next::Done, Next::Soak);
    }
    // What could be seen goes before what could not.
    items.sort_by_key(|i| (i.risk, unseen(ledger, i).0, i.n));
    let begun = begun(plan, ledger, &items);
    if !guards.has(Guard::Ramp) {
        return Next::Batch(spread(&items, usize::MAX, guards, &BTreeMap::new(), begun));
    }
    let mut quota = BTreeMap::new();
    for item in &items {
        let Standing { step, until, used } = standing(plan, limits, ledger, item.stratum).0;
        if until > now {
            soonest = Some(soonest.map_or(until, |s| s.min(until)));
            quota.insert(item.stratum, 0);
        } else {
            let most = allowed(plan, limits, item.stratum, step);
            quota.insert(item.stratum, most.saturating_sub(used));
        }
    }
    // A plan's steps that are all zero allow nothing, which is what zero means.
    let most = limits.ramp.last().copied().unwrap_or(0) as usize;
    let batch = spread(&items, most, guards, &quota, begun);
    match (batch.is_empty(), soonest) {
        (false, _) => Next::Batch(batch),
        (true, Some(until)) => Next::Soak(until),
        (true, None) => Next::Done,
    }
}

/// What may still be done of a batch that was begun. Whoever can write the journal can chain a batch, so
/// it is worth no more than what could begin now: no class of it that rests, none beyond its step.
fn rest_of(
    plan: &Plan,
    limits: &Limits,
    ledger: &Ledger,
    guards: Guards,
    now: Timestamp,
    (batch, items): (&[u32], &[&Item]),
) -> Next {
    let ready: Vec<&Item> =
        batch.iter().filter_map(|n| items.iter().find(|i| i.n == *n)).copied().collect();
    if !guards.has(Guard::Ramp) {
        return Next::Rest(ready.iter().map(|i| i.n).collect());
    }
    let asked = |i: &&Item| {
        let tried = ledger.items.get(&i.n).is_some_and(|it| it.token.is_some());
        batch.contains(&i.n) && tried && !ready.iter().any(|r| r.n == i.n)
    };
    let asked: Vec<&Item> = plan.items.iter().filter(asked).collect();
    let (mut quota, mut soonest) = (BTreeMap::new(), None::<Timestamp>);
    for stratum in ready.iter().map(|i| i.stratum) {
        let Standing { step, until, used } = standing(plan, limits, ledger, stratum).0;
        let done = asked.iter().filter(|i| i.stratum == stratum).count() as u32;
        let mut left = allowed(plan, limits, stratum, step).saturating_sub(used + done);
        if until > now {
            soonest = Some(soonest.map_or(until, |s| s.min(until)));
            left = 0;
        }
        quota.insert(stratum, left);
    }
    let most = limits.ramp.last().copied().unwrap_or(0) as usize;
    let begun = begun(plan, ledger, &ready);
    let may = spread(&ready, most.saturating_sub(asked.len()), guards, &quota, begun);
    match (may.is_empty(), soonest) {
        (true, Some(until)) => Next::Soak(until),
        _ => Next::Rest(may),
    }
}

/// Looks at an item before its act that saw nothing, and when the last one was.
fn unseen(ledger: &Ledger, item: &Item) -> (u32, Timestamp) {
    ledger.items.get(&item.n).map_or((0, Timestamp::MIN), |i| i.unseen)
}

/// When an item may be looked at: after a look that saw nothing not at once, if its class rests at all.
fn look_at(limits: &Limits, ledger: &Ledger, item: &Item) -> Timestamp {
    let (looks, at) = unseen(ledger, item);
    if looks == 0 {
        return Timestamp::MIN;
    }
    let step = ledger.soaks.get(&item.stratum).map_or(0, |(step, _)| *step);
    limits.rest(step, at).min(at.saturating_add(BETWEEN_LOOKS).unwrap_or(Timestamp::MAX))
}

/// Whether a job may be permitted one item more, now: permits fill the same batches, and rest as long.
///
/// # Errors
/// [`Reason::Resting`].
pub fn permits(
    plan: &Plan,
    limits: &Limits,
    ledger: &Ledger,
    item: &Item,
    now: Timestamp,
) -> Result<(), Refusal> {
    let no = |says: String| Err(Refusal::of(Reason::Resting, item.item(), says));
    let (Standing { step, until, used }, _) = standing(plan, limits, ledger, item.stratum);
    if until > now {
        return no(format!("its class rests after its last batch: ask again at {until}"));
    }
    if used >= allowed(plan, limits, item.stratum, step) {
        return no("the plan's ramp allows none of its class".into());
    }
    let strata: BTreeSet<u32> = plan.items.iter().map(|i| i.stratum).collect();
    let mut resting: Vec<Timestamp> =
        strata.into_iter().flat_map(|s| standing(plan, limits, ledger, s).1).collect();
    resting.retain(|until| *until > now);
    resting.sort();
    let most = limits.ramp.last().copied().unwrap_or(0) as usize;
    if let Some(first) = resting.len().checked_sub(most).and_then(|over| resting.get(over)) {
        let says =
            format!("{} of all classes rest, as a batch has at most: ask again at {first}", most);
        return no(says);
    }
    let left: Vec<&Item> = plan.items.iter().filter(|i| ledger.left().any(|n| n == i.n)).collect();
    if let Some(set) = &item.set
        && let Some(domain) = begun(plan, ledger, &left).get(set.as_str())
        && *domain != &item.domain
    {
        let domain = domain.as_deref().unwrap_or("none");
        return no(format!("of {set} the failure domain {domain} was begun, and is ended first"));
    }
    Ok(())
}

/// Where a stratum is on its ramp.
struct Standing {
    step: u32,
    /// It rests until then.
    until: Timestamp,
    /// Items of its batch that jobs were permitted already.
    used: u32,
}

/// Where a stratum is by the batches of applies and by what jobs were permitted, and until when each permit
/// counts.
fn standing(
    plan: &Plan,
    limits: &Limits,
    ledger: &Ledger,
    stratum: u32,
) -> (Standing, Vec<Timestamp>) {
    let (step, until) = ledger.soaks.get(&stratum).copied().unwrap_or((0, Timestamp::MIN));
    let (mut it, mut resting) = (Standing { step, until, used: 0 }, Vec::new());
    let of = |n: u32| plan.items.iter().any(|i| i.n == n && i.stratum == stratum);
    for (_, at) in ledger.permitted.iter().filter(|(n, _)| of(*n)) {
        let until = limits.rest(it.step, *at);
        resting.push(until);
        it.used += 1;
        if it.used >= allowed(plan, limits, stratum, it.step) {
            it = Standing { step: it.step + 1, until: it.until.max(until), used: 0 };
        }
    }
    (it, resting)
}

/// How many items of a stratum its next batch may have.
fn allowed(plan: &Plan, limits: &Limits, stratum: u32, step: u32) -> u32 {
    let ramp = limits.ramp.get(step as usize).or(limits.ramp.last()).copied().unwrap_or(0);
    let population = plan.strata.iter().find(|s| s.n == stratum).map_or(0, |s| s.population);
    ramp.min((population / 4).max(1))
}

/// The failure domain that batches before have begun of a set and not ended, for each such set: a second
/// one is not touched before its end.
fn begun<'a>(
    plan: &'a Plan,
    ledger: &Ledger,
    left: &[&'a Item],
) -> BTreeMap<&'a str, &'a Option<String>> {
    let acted = |i: &&Item| {
        let begun = |it: &ItemLedger| it.acted_at.is_some() || it.state == ItemState::Permitted;
        ledger.items.get(&i.n).is_some_and(begun)
    };
    let of = |i: &'a Item| i.set.as_deref().map(|set| (set, &i.domain));
    let left: BTreeSet<_> = left.iter().filter_map(|i| of(i)).collect();
    plan.items.iter().filter(acted).filter_map(of).filter(|it| left.contains(it)).collect()
}

/// Picks items up to the quota of their strata, and of each set of one failure domain alone: the one
/// that was begun, else that of its first item.
fn spread<'a>(
    items: &[&'a Item],
    most: usize,
    guards: Guards,
    quota: &BTreeMap<u32, u32>,
    begun: BTreeMap<&'a str, &'a Option<String>>,
) -> Vec<u32> {
    let mut quota = quota.clone();
    let mut domains = begun;
    let mut batch = Vec::new();
    for item in items {
        if batch.len() >= most {
            break;
        }
        let left = quota.get(&item.stratum).copied();
        if left == Some(0) {
            continue;
        }
        if let Some(set) = &item.set
            && guards.has(Guard::Spread)
            && *domains.entry(set).or_insert(&item.domain) != &item.domain
        {
            continue;
        }
        if let Some(left) = left {
            quota.insert(item.stratum, left - 1);
        }
        batch.push(item.n);
    }
    batch
}

/// Until when the strata of a batch that ends now have to rest.
#[must_use]
pub fn soak(
    plan: &Plan,
    limits: &Limits,
    ledger: &Ledger,
    batch: &[u32],
    now: Timestamp,
) -> BTreeMap<u32, Timestamp> {
    let strata: BTreeSet<u32> =
        plan.items.iter().filter(|i| batch.contains(&i.n)).map(|i| i.stratum).collect();
    let until = |stratum: u32| {
        let step = ledger.soaks.get(&stratum).map_or(0, |(step, _)| *step);
        limits.rest(step, now)
    };
    strata.into_iter().map(|s| (s, until(s))).collect()
}

#[cfg(test)]
mod tests;
