//! B05 and B14: scenarios of a rollout, over all its batches, in a world that feels what is done to it.

use crate::job::{Job, stopped};
use crate::simworld::Sim;
use portcullis::apply::Mode;
use portcullis::cleanup::journal::ItemState;
use portcullis::cleanup::{Guard, Guards, Reason};
use serde_json::{Value, json};

const SECONDS: [&str; 6] = ["sv-2-1", "sv-2-2", "sv-2-3", "sv-2-4", "sv-2-5", "sv-2-6"];
/// Of the previous generation: in use, and wrongly called dead.
const FIRSTS: [&str; 6] = ["sv-1-1", "sv-1-2", "sv-1-3", "sv-1-4", "sv-1-5", "sv-1-6"];

/// Twelve servos of two generations and three strata, two of which fill the first three stages.
fn canary() -> Job {
    let all: Vec<&str> = SECONDS.into_iter().chain(FIRSTS).collect();
    let mut sim = all.iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}));
    sim.data["in_use"] = json!(FIRSTS);
    sim.data["feels"] = json!(FIRSTS);
    Job::new(sim, &all, |plan| {
        let stratum = |n: u32, key: &str, value: &str| {
            let mut it = plan.strata[0].clone();
            it.n = n;
            it.key = [(key.to_owned(), value.to_owned())].into();
            it
        };
        plan.strata = vec![
            stratum(1, "host_gen", "2"),
            stratum(2, "region", "r2"),
            stratum(3, "host_gen", "1"),
        ];
        for item in &mut plan.items {
            item.stratum = match item.n {
                1..=5 => 1,
                6 => 2,
                _ => 3,
            };
            item.strata = vec![item.stratum];
        }
        plan.limits.ramp = vec![1, 2, 2];
    })
}

fn batches(job: &Job) -> Vec<Vec<u32>> {
    job.chain().ledger.batches
}

#[test]
fn b05_canary_without_coverage() {
    // Three stages went well and had nothing of the first generation: it begins anew with one.
    let job = canary();
    job.with(Guards::only(Guard::Ramp)).expect("it begins");
    assert_eq!(batches(&job)[..3], [vec![1, 6], vec![2, 3], vec![4, 5]], "stages 1 to 3");
    assert_eq!(batches(&job)[3..], [vec![7], vec![8, 9], vec![10, 11], vec![12]]);

    // A step at a time, as cron takes them: the one that reaches it hits one.
    let job = canary();
    for hit in [0, 0, 0, 1] {
        job.run(Guards::only(Guard::Ramp), |p| p.mode = Mode::Step).expect("it begins");
        assert_eq!(job.sim.live_hit().len(), hit);
    }

    // So there is somebody to say stop.
    for guards in [Guards::only(Guard::Ramp).with(Guard::Health), Guards::all()] {
        let job = canary();
        let report = job.with(guards).expect("it begins");
        assert_eq!(stopped(&report), Reason::Unhealthy);
        assert_eq!(job.sim.live_hit(), ["sv-1-1"], "one, and it can be taken back");
        assert_eq!(job.state(7), ItemState::Confirmed);
    }

    // Without it all of them are hit before anybody is asked how it went.
    for guards in [Guards::none(), Guards::only(Guard::Health), Guards::all().without(Guard::Ramp)]
    {
        let job = canary();
        job.run(guards, |p| p.mode = Mode::Step).expect("it begins");
        assert_eq!(job.sim.live_hit(), FIRSTS, "{guards:?}");
        assert_eq!(batches(&job).len(), 1);
    }
}

const SET: [(&str, &str); 4] = [("zk-1", "a"), ("zk-2", "b"), ("zk-3", "a"), ("zk-4", "b")];

/// A replicated set over two failure domains, its members planned in no order of them, and one servo that
/// is of no set.
fn replicated(feels: Value) -> Job {
    let mut sim = SET.iter().fold(Sim::new(), |sim, (id, zone)| {
        sim.servo(id, |s| {
            s["set"] = json!("zookeeper");
            s["domain"] = json!(zone);
        })
    });
    sim = sim.servo("sv-5", |_| {});
    sim.data["in_use"] = json!(["zk-1", "zk-2", "zk-3", "zk-4"]);
    sim.data["feels"] = feels;
    Job::new(sim, &["zk-1", "zk-2", "zk-3", "zk-4", "sv-5"], |_| {})
}

#[test]
fn b14_one_failure_domain_of_a_set_at_a_time() {
    // Nobody feels anything: every batch to the end is of one domain.
    let job = replicated(json!([]));
    job.with(Guards::only(Guard::Spread)).expect("it begins");
    assert_eq!(batches(&job), [vec![1, 3, 5], vec![2, 4]]);
    let job = replicated(json!([]));
    job.with(Guards::only(Guard::Spread).with(Guard::Ramp)).expect("it begins");
    assert_eq!(batches(&job), [vec![1], vec![3, 5], vec![2, 4]], "with the ramp");
    let job = replicated(json!([]));
    job.with(Guards::only(Guard::Ramp)).expect("it begins");
    assert_eq!(batches(&job), [vec![1], vec![2, 3, 4, 5]], "the ramp alone mixes them");

    // The set misses its first domain: the second one stays.
    let zone_a = json!(["zk-1", "zk-3"]);
    for guards in
        [Guards::only(Guard::Spread).with(Guard::Health), Guards::all().without(Guard::Ramp)]
    {
        let job = replicated(zone_a.clone());
        let report = job.with(guards).expect("it begins");
        assert_eq!(stopped(&report), Reason::Unhealthy);
        assert_eq!(job.sim.live_hit(), ["zk-1", "zk-3"], "{guards:?}");
    }
    let job = replicated(json!(["zk-3"]));
    let report = job.with(Guards::all()).expect("it begins");
    assert_eq!(stopped(&report), Reason::Unhealthy);
    assert_eq!(job.sim.live_hit(), ["zk-1", "zk-3"], "with all of them, in its second batch");

    // Without it the set is gone in both domains before anybody is asked.
    for guards in [Guards::none(), Guards::only(Guard::Health)] {
        let job = replicated(zone_a.clone());
        job.with(guards).expect("it begins");
        assert_eq!(job.sim.live_hit(), ["zk-1", "zk-2", "zk-3", "zk-4"], "{guards:?}");
    }
    let job = replicated(json!(["zk-3"]));
    job.with(Guards::all().without(Guard::Spread)).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["zk-1", "zk-2", "zk-3", "zk-4"], "nor does the ramp hold it");
}
