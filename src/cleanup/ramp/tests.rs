use super::*;
use crate::cleanup::journal::tests::plan;
use crate::cleanup::journal::{Chain, read};
use crate::cleanup::{Digest, Risk};

fn empty(plan: &Plan) -> Ledger {
    let chain: Chain = read(b"", plan, &Digest::of(b"plan")).expect("an empty journal");
    chain.ledger
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Runs batches of a plan to their end as if every act went well, waiting through each rest.
fn batches(plan: &Plan, guards: Guards) -> Vec<(Vec<u32>, i64)> {
    let (mut ledger, mut now, mut seen) = (empty(plan), at(0), Vec::new());
    loop {
        match next(plan, &plan.limits, &ledger, guards, now) {
            Next::Batch(items) => {
                for (stratum, until) in soak(plan, &plan.limits, &ledger, &items, now) {
                    let step = ledger.soaks.get(&stratum).map_or(0, |s| s.0);
                    ledger.soaks.insert(stratum, (step + 1, until));
                }
                for n in &items {
                    ledger.items.remove(n);
                }
                seen.push((items, now.as_second()));
            }
            Next::Soak(until) => now = until,
            Next::Rest(_) | Next::Done => return seen,
        }
    }
}

#[test]
fn one_then_five_then_a_quarter_of_the_stratum() {
    let plan = plan(20);
    let sizes: Vec<usize> = batches(&plan, Guards::all()).iter().map(|b| b.0.len()).collect();
    assert_eq!(sizes, [1, 5, 10, 4], "40 things: a quarter is 10");
    let times: Vec<i64> = batches(&plan, Guards::all()).iter().map(|b| b.1).collect();
    assert_eq!(times, [0, 900, 4500, 8100]);
    assert_eq!(batches(&plan, Guards::none())[0].0.len(), 20, "without the ramp");
}

#[test]
fn a_small_stratum_goes_one_by_one() {
    let mut plan = plan(3);
    plan.strata[0].population = 3;
    let sizes: Vec<usize> = batches(&plan, Guards::all()).iter().map(|b| b.0.len()).collect();
    assert_eq!(sizes, [1, 1, 1]);
}

#[test]
fn zero_means_none() {
    let mut plan = plan(3);
    plan.limits.ramp = vec![0];
    assert!(batches(&plan, Guards::all()).is_empty());
    plan.limits.ramp = vec![];
    assert!(batches(&plan, Guards::all()).is_empty(), "no ramp is none");
}

#[test]
fn one_failure_domain_of_a_set_at_a_time() {
    let mut plan = plan(6);
    plan.limits.ramp = vec![25];
    for item in &mut plan.items {
        item.set = Some("zookeeper".into());
        item.domain = Some(if item.n % 2 == 0 { "zone-b" } else { "zone-a" }.into());
    }
    let only = Guards::only(Guard::Spread).with(Guard::Ramp);
    let seen: Vec<Vec<u32>> = batches(&plan, only).into_iter().map(|b| b.0).collect();
    assert_eq!(seen, [vec![1, 3, 5], vec![2, 4, 6]]);
    let at_once = batches(&plan, Guards::only(Guard::Ramp));
    assert_eq!(at_once[0].0.len(), 6, "both zones at once without the guard");
}

#[test]
fn reversible_acts_come_first() {
    let mut plan = plan(2);
    plan.items[0].risk = Risk::Irreversible;
    assert_eq!(batches(&plan, Guards::all())[0].0, [2]);
}

#[test]
fn flags_tighten_and_never_loosen() {
    let plan = plan(1);
    let tight = |batch, soak| tightened(&plan.limits, batch, soak, Guards::all());
    assert_eq!(tight(Some(3), None).expect("tighter").ramp, [1, 3, 3]);
    assert_eq!(tight(None, Some(4000)).expect("tighter").soak_s, [4000, 4000]);
    for (batch, soak) in [(Some(26), None), (Some(0), None), (None, Some(3599)), (None, Some(0))] {
        assert_eq!(tight(batch, soak).expect_err("looser").reason, Reason::Loosening);
    }
}

#[test]
fn a_batch_that_was_cut_short_is_ended_before_the_next() {
    let plan = plan(10);
    let mut ledger = empty(&plan);
    ledger.batches.push(vec![1, 2, 3]);
    ledger.open_batch = true;
    ledger.soaks.insert(1, (1, at(0)));
    ledger.items.remove(&1);
    let rest = next(&plan, &plan.limits, &ledger, Guards::all(), at(0));
    assert_eq!(rest, Next::Rest(vec![2, 3]));
}

/// Whoever can write the journal can chain a line that begins a batch of everything.
#[test]
fn a_batch_that_somebody_chained_skips_no_rest_and_no_step() {
    let plan = plan(20);
    let mut ledger = empty(&plan);
    ledger.batches.push((1..=20).collect());
    ledger.open_batch = true;
    let next = |ledger: &Ledger, guards, second| {
        super::next(&plan, &plan.limits, ledger, guards, at(second))
    };
    assert_eq!(next(&ledger, Guards::all(), 0), Next::Rest(vec![1]), "the first step is one");
    ledger.soaks.insert(1, (1, at(900)));
    assert_eq!(next(&ledger, Guards::all(), 899), Next::Soak(at(900)), "it rests");
    assert_eq!(next(&ledger, Guards::all(), 900), Next::Rest((1..=5).collect()));
    for n in 1..=5 {
        let item = ledger.items.get_mut(&n).expect("an item");
        (item.token, item.state) = (Some("t".into()), ItemState::Confirmed);
    }
    assert_eq!(next(&ledger, Guards::all(), 900), Next::Rest(vec![]), "its step is full");
    let all = next(&ledger, Guards::none(), 0);
    assert_eq!(all, Next::Rest((6..=20).collect()), "without the ramp");
}

/// Jobs ask one by one, in their own order: batches fill up, and the rest begins with their last item.
#[test]
fn permits_fill_batches_and_rest_after_them() {
    let plan = plan(20);
    let mut ledger = empty(&plan);
    let mut permitted = Vec::new();
    for second in 0..20_000 {
        for item in plan.items.iter().rev() {
            let new = !ledger.permitted.iter().any(|(n, _)| *n == item.n);
            if new && permits(&plan, &plan.limits, &ledger, item, at(second)).is_ok() {
                ledger.permitted.push((item.n, at(second)));
                permitted.push(second);
                // One a second.
                break;
            }
        }
    }
    let of = |from: usize, to: usize| permitted[from..to].to_vec();
    assert_eq!((of(0, 1), of(1, 6)), (vec![0], (900..905).collect()));
    assert_eq!(of(6, 16), (4504..4514).collect::<Vec<i64>>(), "40 things: a quarter is 10");
    assert_eq!(of(16, 20), (8113..8117).collect::<Vec<i64>>());
    let mut none = plan;
    none.limits.ramp = vec![0];
    let ledger = empty(&none);
    assert!(permits(&none, &none.limits, &ledger, &none.items[0], at(0)).is_err(), "zero is none");
}
