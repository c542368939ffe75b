//! Violations that are planted, in memory, against every guard of planning before each plan: a
//! guard that stays silent would stay silent when it matters.

mod planted;
mod violation;

use super::plan::draft;
use super::{Guards, Reason, Refusal, selector};
use jiff::Timestamp;
use planted::Planted;
use std::collections::BTreeSet;
use violation::VIOLATIONS;

/// Plants one violation after the other and says which guards were silent; empty where all spoke.
///
/// What nothing speaks against must be planned, too: guards that refuse everything prove nothing.
#[must_use]
pub fn run(guards: Guards, now: Timestamp) -> Vec<Refusal> {
    let dead = |says: String| Refusal::new(Reason::GuardDead, says);
    let world = match Planted::new(now) {
        Ok(world) => world,
        Err(says) => return vec![dead(says)],
    };
    let (plan, report) = draft(&world.input(guards));
    if plan.items.len() != 1 || !report.vetoes.is_empty() {
        let says = format!("of a world with one orphan {} items are planned", plan.items.len());
        return vec![dead(says)];
    }
    let mut silent = Vec::new();
    for violation in VIOLATIONS {
        let mut world = world.clone();
        (violation.plant)(&mut world);
        if !said(&world, guards).contains(&violation.says) {
            silent.push(dead(format!(
                "{:?} does not say {} of {}",
                violation.guard, violation.says, violation.what
            )));
        }
    }
    silent
}

/// Every reason that is given for not planning something.
fn said(world: &Planted, guards: Guards) -> BTreeSet<Reason> {
    let (plan, report) = draft(&world.input(guards));
    let held = plan.strata.iter().flat_map(|s| &s.held);
    let mut said: BTreeSet<Reason> =
        report.vetoes.iter().chain(&plan.refused).chain(held).map(|r| r.reason).collect();
    if let Err(refusal) = selector::check(&world.scope, &world.selector, guards) {
        said.insert(refusal.reason);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleanup::Guard;

    #[test]
    fn every_guard_of_planning_is_alive_and_none_is_silent_unseen() {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        assert_eq!(run(Guards::all(), now), []);
        for violation in VIOLATIONS {
            let silent = run(Guards::all().without(violation.guard), now);
            let name = format!("{:?} ", violation.guard);
            assert!(!silent.is_empty(), "{name}");
            assert!(silent.iter().all(|r| r.reason == Reason::GuardDead), "{silent:?}");
            assert!(silent.iter().any(|r| r.says.starts_with(&name)), "{name}: {silent:?}");
        }
        let planned = Guard::ALL.iter().filter(|g| **g <= Guard::Caps && **g != Guard::Spread);
        for guard in planned {
            assert!(VIOLATIONS.iter().any(|v| v.guard == *guard), "{guard:?} has no violation");
        }
    }
}
