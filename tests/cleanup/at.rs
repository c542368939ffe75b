//! A07, A08, A09 and A18 as an apply meets them: with its own clock, its own credentials, between
//! its own batches.

use crate::job::Job;
use crate::simworld::Sim;
use portcullis::cleanup::{Guard, Guards};
use serde_json::json;

fn two() -> Job {
    let sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {});
    Job::new(sim, &["sv-1", "sv-2"], |_| {})
}

#[test]
fn a07_clock_skew_at_apply() {
    for (offset, fits) in [(3 * 3600, false), (-3 * 3600, false), (150, false), (60, true)] {
        let mut job = two();
        job.sim.data["clock_offset_s"] = json!(offset);
        job.sim.write();
        let (ran, told) = job.apply(&[]);
        if fits {
            assert_eq!(ran.code, Some(0), "{offset}: {ran}");
            continue;
        }
        assert_eq!((ran.code, &told["class"]), (Some(3), &json!(17)), "{offset}: {ran}");
        assert_eq!(told["reason"], "clock-skew", "{ran}");
        assert!(
            job.sim.calls().is_empty()
                && !job.sim.path("state/claims").join(job.digest.folder()).exists()
        );
    }
    // A clock that is not told is no clock that agrees.
    let mut job = two();
    job.sim.data["clockless"] = json!(true);
    job.sim.write();
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(3), &json!("clock-skew")), "{ran}");
    assert!(job.sim.calls().is_empty());
}

#[test]
fn a08_wrong_target_at_apply() {
    for (field, value) in [
        ("account", json!("222")),
        ("partition", json!("sim-cn")),
        ("provider", json!("other")),
        ("regions", json!(["r2"])),
    ] {
        let mut job = two();
        job.sim.data["target"][field] = value;
        job.sim.write();
        let (ran, told) = job.apply(&[]);
        assert_eq!(
            (ran.code, &told["reason"]),
            (Some(4), &json!("target-mismatch")),
            "{field}: {ran}"
        );
        assert!(job.sim.calls().is_empty(), "{field}");
    }
}

#[test]
fn a09_revoked_between_batches() {
    // In one run: the revocation comes while the first batch is done.
    let mut job = two();
    let key = std::fs::read_to_string(job.sim.path("trust.yaml")).expect("trust");
    let keys: Vec<String> = key
        .lines()
        .filter(|l| l.contains("approver"))
        .filter_map(|l| l.split('"').nth(1).map(|k| format!("{k}\n")))
        .collect();
    job.sim.folder.file("revoked.new", keys.concat());
    job.sim =
        job.sim.fault(json!({"at": "after-act", "do": "run", "command": "mv revoked.new revoked"}));
    job.sim.write();
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["class"]), (Some(5), &json!(12)), "{ran}");
    assert_eq!(job.acted(), ["sv-1"], "the next batch does not begin");
    // And by steps: nothing that is not read counts.
    let job = two();
    assert_eq!(job.apply(&["--step"]).0.code, Some(0));
    std::fs::remove_file(job.sim.path("revoked")).expect("gone");
    let (ran, _) = job.apply(&["--step"]);
    assert!(ran.code == Some(4) && ran.stderr.contains("revocation-unreadable"), "{ran}");
    assert_eq!(job.acted(), ["sv-1"]);
}

#[test]
fn a18_consumed_at_apply() {
    let job = two();
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["class"]), (Some(4), &json!(15)), "{ran}");
    assert_eq!(told["reason"], "already-consumed");
    // A copy of the folder without its journal is the same plan.
    std::fs::remove_file(job.journal()).expect("gone");
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("already-consumed")), "{ran}");
    assert_eq!(job.acted().len(), 2);
}

/// Not one guard of the act is without a scenario that only it holds: the C tests name each.
#[test]
fn every_guard_of_the_act_has_its_scenario() {
    let text = include_str!("c.rs");
    for guard in [
        Guard::Identity,
        Guard::State,
        Guard::Protected,
        Guard::CameAlive,
        Guard::Role,
        Guard::Width,
        Guard::Precondition,
        Guard::Throttle,
        Guard::Floors,
        Guard::Receipt,
        Guard::Health,
        Guard::Descendant,
    ] {
        assert!(text.contains(&format!("Guard::{guard:?}")), "{guard:?}");
        assert!(Guards::only(guard).has(guard) && !Guards::none().has(guard));
    }
}
