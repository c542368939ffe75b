//! An undo that opens something goes through a plan; what is beside it in the receipt does not wait.

use crate::job::Job;
use crate::simworld::Sim;
use portcullis::cleanup::journal::ItemState;
use serde_json::{Value, json};

#[test]
fn an_undo_that_the_adapter_calls_exposing_is_refused_and_the_others_go_on() {
    for (risk, undone, code) in [("exposing", json!([2]), 5), ("reversible", json!([2, 1]), 0)] {
        let mut sim =
            Sim::new().servo("sv-1", |_| {}).servo("w-1", |s| s["type"] = json!("worker"));
        let acts = sim.data["acts"].as_array_mut().expect("acts");
        acts[1]["risk"] = json!(risk);
        for (action, undo) in [("stop", "start"), ("start", "stop")] {
            acts.push(json!({"action": action, "type": "worker", "undo": undo,
                             "risk": "reversible", "identity": ["uuid"]}));
        }
        let job = Job::new(sim, &["sv-1", "w-1"], |_| {});
        let (ran, _) = job.apply(&["--attached"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        let receipt = job.place.join("receipt.json").display().to_string();
        let ran =
            job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt, "--format=json"]));
        let told: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!((ran.code, &told["undone"]), (Some(code), &undone), "{ran}");
        assert_eq!(job.state(2), ItemState::Undone);
        if code == 5 {
            assert_eq!(told["left"][0]["reason"], "exposes", "{ran}");
            assert_eq!(told["left"][0]["item"]["id"], "sv-1", "{ran}");
            assert_eq!(job.state(1), ItemState::Confirmed, "it stays as it is");
        }
    }
}

/// One id may be that of two things; nobody guesses which one is meant.
#[test]
fn an_id_of_two_things_is_refused() {
    let mut sim = Sim::new().servo("x-1", |_| {}).servo("x-1", |s| s["type"] = json!("worker"));
    for (action, undo) in [("stop", "start"), ("start", "stop")] {
        sim.data["acts"].as_array_mut().expect("acts").push(json!({
            "action": action, "type": "worker", "undo": undo, "risk": "reversible",
            "identity": ["uuid"]}));
    }
    let job = Job::new(sim, &["x-1", "x-1"], |plan| {
        plan.items[1].kind = "worker".into();
        plan.totals.by_type = [("servo".to_owned(), 1), ("worker".to_owned(), 1)].into();
    });
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let receipt = job.place.join("receipt.json").display().to_string();
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt, "--id=x-1"]));
    assert!(ran.code == Some(2) && ran.stderr.contains("servo x-1 and worker x-1"), "{ran}");
    assert_eq!(job.state(1), ItemState::Confirmed);
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt]));
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// What is taken back came to harm, or somebody wants it: the next step of a schedule does not go on with
/// others that were judged alike.
#[test]
fn what_was_taken_back_holds_its_stratum() {
    let ids = ["sv-1", "sv-2", "sv-3", "sv-4"];
    let sim = ids.iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}));
    let job = Job::new(sim, &ids, |plan| {
        let mut second = plan.strata[0].clone();
        second.n = 2;
        plan.strata.push(second);
        for item in &mut plan.items[2..] {
            item.stratum = 2;
            item.strata = vec![2];
        }
    });
    assert_eq!(job.apply(&["--step"]).0.code, Some(0));
    assert_eq!(job.acted(), ["sv-1", "sv-3"], "one of each");
    let receipt = job.place.join("receipt.json").display().to_string();
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt, "--id=sv-1"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!(job.acted(), ["sv-1", "sv-3", "sv-4"], "and no other of the first");
    assert_eq!((ran.code, &told["after"]), (Some(5), &json!("finished")), "{ran}");
    assert_eq!(told["held"][0]["stratum"], 1, "{ran}");
    assert_eq!(told["held"][0]["reason"], "stratum-held", "{ran}");
}

/// What somebody took back already is asked for nothing, and is not told as if it had been.
#[test]
fn what_is_as_before_already_is_not_told_as_started() {
    let sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {});
    let mut job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    let before = job.sim.data.clone();
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    job.sim.data = job.sim.now();
    job.sim.data["resources"][0]["state"] = before["resources"][0]["state"].clone();
    job.sim.write();
    let receipt = job.place.join("receipt.json").display().to_string();
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt]));
    assert_eq!(ran.code, Some(0), "{ran}");
    let lines: Vec<&str> = ran.stdout.lines().skip(1).map(str::trim).collect();
    let as_it_was = "1  nothing to start, it was as before already  servo sv-1";
    assert_eq!(lines, ["2  start  servo sv-2", as_it_was], "{ran}");
}
