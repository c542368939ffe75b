//! Answers that are not true: an act that was done and is said not to be, and an act of something else.
//! Only what is seen unchanged was not done.

use crate::ground::no_files;
use crate::job::{Fake, Job, Parts, stopped};
use crate::simworld::Sim;
use portcullis::apply::{After, Mode};
use portcullis::cleanup::journal::ItemState;
use portcullis::cleanup::receipt::Receipt;
use portcullis::cleanup::{Guards, Reason};
use serde_json::{Value, json};
use std::time::Duration;

fn two() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {})
}

/// A job whose first act is done and answered otherwise.
fn lied(say: &str) -> Job {
    Job::new(two().fault(json!({"at": "after-act", "do": say})), &["sv-1", "sv-2"], |_| {})
}

fn receipt(job: &Job) -> Value {
    let bytes = std::fs::read(job.place.join("receipt.json")).expect("a receipt");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn undo(job: &Job) -> crate::common::Ran {
    let receipt = job.place.join("receipt.json").display().to_string();
    job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt]))
}

fn status(job: &Job, id: &str) -> Value {
    let now = job.sim.now();
    let of = |r: &&Value| r["id"] == id;
    now["resources"].as_array().expect("a list").iter().find(of).expect("it")["state"].clone()
}

#[test]
fn what_was_done_and_called_throttled_is_done() {
    let job = lied("throttle");
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(job.acted(), ["sv-1", "sv-2"], "each once");
    assert_eq!(receipt(&job)["items"].as_array().map(Vec::len), Some(2), "both are in the receipt");
    assert_eq!(undo(&job).code, Some(0));
    assert_eq!(status(&job, "sv-1"), json!({"status": "running"}), "and both go back");
}

#[test]
fn what_was_done_and_called_failed_is_done_and_stops_the_run() {
    let job = lied("fail");
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("act-failed")), "{ran}");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("it was done")), "{ran}");
    assert_eq!((job.acted(), job.state(1)), (vec!["sv-1".to_owned()], ItemState::Confirmed));
    assert_eq!(receipt(&job)["items"][0]["item"]["id"], "sv-1");
    let ran = job.sim.folder.run(&["cleanup", "log", "explain", "sv-1"]);
    assert!(ran.stdout.contains("told to say so") && ran.stdout.contains("Done"), "{ran}");
    // The next run goes on with the rest, and all of it goes back.
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(undo(&job).code, Some(0));
    assert_eq!(status(&job, "sv-1"), json!({"status": "running"}));
}

/// Shows the thing as it was for so many looks after the act, as providers do.
fn lagging(say: &str, looks: u32) -> Job {
    let patch = |status: &str| json!({"status": status});
    let item = json!({"type": "servo", "id": "sv-1"});
    let sim = two()
        .fault(json!({"at": "after-act", "do": "patch", "item": item, "set": {"state": patch("running")}}))
        .fault(json!({"at": "after-act", "do": say}))
        .fault(json!({"at": "observe", "id": "sv-1", "nth": 2 + looks, "do": "patch", "item": item,
                      "set": {"state": patch("stopped")}}));
    Job::new(sim, &["sv-1", "sv-2"], |_| {})
}

#[test]
fn what_shows_late_is_done_as_well() {
    for (say, looks) in [("throttle", 1), ("throttle", 2), ("fail", 3)] {
        let job = lagging(say, looks);
        let report = job.with(Guards::all()).expect("it begins");
        assert_eq!(job.state(1), ItemState::Confirmed, "{say} {looks}: {:?}", report.after);
        assert_eq!(Receipt::of(&job.plan, &job.digest, &job.chain()).items[0].item.id, "sv-1");
        assert_eq!(job.acted().iter().filter(|id| *id == "sv-1").count(), 1, "{say}");
    }
}

/// Seen only after the run that gave up: the next one looks before it judges.
#[test]
fn what_shows_in_the_next_run_is_not_left_out() {
    let sim = two().fault(json!({"at": "before-act", "from": true, "do": "throttle"}));
    let mut job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    assert_eq!(stopped(&job.with(Guards::all()).expect("it begins")), Reason::Throttled);
    assert_eq!(job.state(1), ItemState::Planned);
    job.sim.data["resources"][0]["state"]["status"] = json!("stopped");
    job.sim.data["clock_offset_s"] = json!(3600);
    job.sim.write();
    job.sim.folder.file("faults.json", "[]");
    let later = |p: &mut Parts| {
        p.nonce = "two".into();
        p.clock = Box::new(Fake::later(1));
    };
    let report = job.run(Guards::all(), later).expect("it goes on");
    assert_eq!(report.after, After::Finished);
    assert_eq!((job.state(1), job.state(2)), (ItemState::Confirmed, ItemState::Confirmed));
}

/// The adapter tells what its act changes: a change of something else is somebody else's.
#[test]
fn what_changed_otherwise_is_unknown() {
    let other = json!({"at": "before-act", "do": "patch", "item": {"type": "servo", "id": "sv-1"},
                       "set": {"state": {"groups": "sg-2"}}});
    let mut sim = two().fault(other).fault(json!({"at": "before-act", "do": "fail"}));
    sim.data["acts"][0]["changes"] = json!(["status"]);
    let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(3), &json!("outcome-unknown")), "{ran}");
    assert_eq!((job.acted(), job.state(1)), (vec![], ItemState::Unknown));
}

/// Said to be done, and nothing shows it but a change of something else.
#[test]
fn another_change_is_no_act_that_was_seen_done() {
    for (changes, state) in
        [(json!(["status"]), ItemState::Unknown), (json!([]), ItemState::Confirmed)]
    {
        let other = json!({"at": "after-act", "do": "patch", "item": {"type": "servo", "id": "sv-1"},
                           "set": {"state": {"status": "running", "groups": "sg-2"}}});
        let mut sim = two().fault(other);
        sim.data["acts"][0]["changes"] = changes;
        let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!(job.state(1), state, "{ran}");
        assert_eq!(told["reason"] == "outcome-unknown", state == ItemState::Unknown, "{ran}");
    }
}

/// What cannot be looked at after such an answer is not known to be undone.
#[test]
fn what_cannot_be_seen_after_it_is_unknown() {
    for say in ["throttle", "fail"] {
        let sim = two()
            .fault(json!({"at": "after-act", "do": say}))
            .fault(json!({"at": "observe", "id": "sv-1", "nth": 2, "from": true, "do": "unknown"}));
        let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!((ran.code, &told["reason"]), (Some(3), &json!("outcome-unknown")), "{ran}");
        assert_eq!(job.state(1), ItemState::Unknown, "{say}");
        job.sim.folder.file("faults.json", "[]");
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
        assert_eq!(receipt(&job)["items"].as_array().map(Vec::len), Some(2), "{say}");
    }
}

/// Killed between such an answer and the line that tells what was seen.
#[test]
fn killed_after_an_answer_that_was_not_true() {
    for say in ["throttle", "fail"] {
        let sim = two()
            .fault(json!({"at": "after-act", "do": say}))
            .fault(json!({"at": "observe", "id": "sv-1", "nth": 2, "do": "hang"}));
        let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
        if no_files(job.sim.folder.folder()) {
            return;
        }
        let words = job.apply_words(&["--attached"]);
        let mut child = job.sim.folder.command(&words).spawn().expect("up");
        while !job.sim.path("calls.jsonl.hung").exists() {
            assert!(child.try_wait().expect("its state").is_none(), "{say}: it ended before");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("killed");
        child.wait().expect("gone");
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
        assert_eq!(job.acted(), ["sv-1", "sv-2"], "{say}: each once");
        let ran = job.sim.folder.run(&[
            "cleanup",
            "log",
            "verify",
            &job.place.display().to_string(),
            "--state=state",
        ]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(undo(&job).code, Some(0));
    }
}

/// An undo is answered by the same adapters.
#[test]
fn what_was_taken_back_and_is_said_not_to_be_is_taken_back() {
    for say in ["throttle", "fail"] {
        let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
        assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
        let faults = json!([{"at": "after-undo", "do": say}]);
        job.sim.folder.file("faults.json", faults.to_string());
        let ran = undo(&job);
        assert_eq!(ran.code, Some(0), "{say}: {ran}");
        assert_eq!((job.state(1), job.state(2)), (ItemState::Undone, ItemState::Undone), "{say}");
    }
}

/// A person started it first: there is nothing left to take back, and nothing to look at.
#[test]
fn what_somebody_took_back_by_hand_is_taken_back() {
    let mut job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    let mut now = job.sim.now();
    now["resources"][0]["state"]["status"] = json!("running");
    now["resources"][1]["state"]["size"] = json!("xl");
    job.sim.data = now;
    job.sim.write();
    let ran = undo(&job);
    assert_eq!(ran.code, Some(5), "{ran}");
    assert_eq!(job.state(1), ItemState::Undone, "{ran}");
    assert!(ran.stdout.contains("size was nothing and is \"xl\""), "{ran}");
}

/// The adapter stops a live servo in the place of a dead one.
fn wider() -> Job {
    let sim = two().servo("sv-9", |_| {}).fault(json!({
        "at": "before-act", "from": true, "do": "wider", "item": {"type": "servo", "id": "sv-9"},
    }));
    Job::new(sim, &["sv-1", "sv-2"], |_| {})
}

#[test]
fn an_adapter_that_did_something_else_is_asked_for_nothing_more() {
    let job = wider();
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("act-outside-plan")), "{ran}");
    for mode in ["--step", "--attached"] {
        let (ran, told) = job.apply(&[mode]);
        assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("act-outside-plan")), "{ran}");
        assert!(told["says"].as_str().is_some_and(|s| s.contains("plan anew")), "{ran}");
        assert_eq!(told["outside"][0]["item"]["id"], "sv-9", "{ran}");
    }
    assert_eq!(job.sim.calls().len(), 1, "one victim, not one for each step");
    assert_eq!(receipt(&job)["outside"][0]["item"]["id"], "sv-9");
    let ran = job.sim.folder.run(&["cleanup", "log", "explain", "sv-9"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("did stop to servo sv-9"), "{ran}");
    // A job of its own is permitted nothing of it either.
    let place = job.place.display().to_string();
    let words = ["cleanup", "permit", &place, "--policy=policy.yaml", "--id=sv-2", "--action=stop"];
    let ran = job.sim.folder.run(&job.arguments(&words));
    assert!(ran.code == Some(4) && ran.stderr.contains("act-outside-plan"), "{ran}");
}

/// The same in this process: what the journal tells stops whoever goes on with it.
#[test]
fn an_act_outside_of_the_plan_outlives_its_run() {
    let job = wider();
    let report = job.run(Guards::all(), |p| p.mode = Mode::Step).expect("it begins");
    assert_eq!(stopped(&report), Reason::ActOutsidePlan);
    assert_eq!(report.ledger.outside[0].item.id, "sv-9");
    let report = job.run(Guards::all(), |p| p.nonce = "two".into()).expect("it begins");
    assert_eq!(stopped(&report), Reason::ActOutsidePlan);
    assert!(report.ledger.items[&1].refusal.is_none() && report.done.is_empty());
    assert_eq!(job.sim.calls().len(), 1, "it was not asked again");
}
