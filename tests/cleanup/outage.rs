//! Taking back in an outage: at once, whatever became of the run.

use crate::job::{BOB, Fake, Job, switch};
use crate::simworld::Sim;
use portcullis::apply::GitRegister;
use portcullis::cleanup::Guards;
use portcullis::cleanup::journal::ItemState;
use serde_json::json;
use std::process::{Child, Command};
use std::time::Duration;

/// Claims in a repository, as runs on several machines have them: no lock of the system ends with its
/// process there.
fn claim(job: &Job) -> String {
    let path = job.sim.path("elsewhere.git");
    if !path.exists() {
        let made = Command::new("git").args(["init", "-q", "--bare"]).arg(&path).status();
        assert!(made.expect("git").success());
    }
    format!("--claim=git:{}", path.display())
}

fn job() -> Job {
    let sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {});
    Job::new(sim, &["sv-1", "sv-2"], |plan| plan.limits.soak_s = vec![3600])
}

fn attached(job: &Job) -> Child {
    let words = job.apply_words(&[&claim(job), "--attached"]);
    job.sim.folder.command(&words).spawn().expect("up")
}

#[track_caller]
fn until(child: &mut Child, is: impl Fn() -> bool) {
    while !is() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn receipt(job: &Job) -> std::path::PathBuf {
    job.place.join("receipt.json")
}

fn undo(job: &Job) -> crate::common::Ran {
    undo_with(job, &[])
}

fn undo_without_claim(job: &Job) -> crate::common::Ran {
    undo_with(job, &["--without-claim", "--format=json"])
}

fn undo_with(job: &Job, more: &[&str]) -> crate::common::Ran {
    let receipt = receipt(job).display().to_string();
    let words = [&["cleanup", "undo", &receipt], more].concat();
    let mut words = job.arguments(&words);
    words.push(claim(job));
    job.sim.folder.run(&words)
}

/// The signature is the last that is written.
fn signed(job: &Job) -> bool {
    job.place.join("receipt.json.sig").exists()
}

#[test]
fn a_run_that_was_killed_in_its_rest_is_taken_back_at_once() {
    let job = job();
    let mut child = attached(&job);
    until(&mut child, || signed(&job));
    // It rests, and is alive: nobody else writes its journal.
    let ran = undo(&job);
    assert!(ran.code == Some(4) && ran.stderr.contains("claimed"), "{ran}");
    assert!(ran.stderr.contains("portcullis cleanup halt"), "{ran}");
    child.kill().expect("killed");
    // Whether or not anybody has waited for it.
    let ran = undo(&job);
    assert_eq!(ran.code, Some(0), "{ran}");
    child.wait().expect("gone");
    assert_eq!(job.state(1), ItemState::Undone);
    assert_eq!(job.sim.now()["resources"][0]["state"]["status"], "running");
}

#[test]
fn a_run_that_was_killed_in_an_act_is_taken_back_but_for_that_act() {
    let mut sim = Sim::new().fault(json!({"at": "after-act", "nth": 2, "do": "hang"}));
    sim = sim.servo("sv-1", |_| {}).servo("sv-2", |_| {});
    let job = Job::new(sim, &["sv-1", "sv-2"], |_| {});
    let mut child = attached(&job);
    until(&mut child, || job.sim.path("calls.jsonl.hung").exists());
    child.kill().expect("killed");
    child.wait().expect("gone");
    let ran = undo(&job);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(job.state(1), ItemState::Undone);
    // The act that was cut off may be under way without its run: nobody looks at it too early, halted
    // or not, and nothing else is done.
    for _ in 0..2 {
        let (ran, told) = job.apply(&[&claim(&job), "--attached"]);
        assert_eq!((ran.code, &told["reason"]), (Some(3), &json!("outcome-unknown")), "{ran}");
        assert!(told["says"].as_str().is_some_and(|s| s.contains("under way until")), "{ran}");
        assert_eq!(job.state(2), ItemState::Intent);
        let halt = ["cleanup", "halt", "--trust=trust.yaml", "--halt=halt.json", "--state=state"];
        assert_eq!(job.sim.folder.run(&halt).code, Some(0));
    }
    assert_eq!(job.sim.calls().iter().filter(|c| c.item.id == "sv-2").count(), 1);
    // Later it is looked at, and taken back as well.
    job.sim.folder.file("halt.json", switch(BOB));
    let mut world = job.sim.now();
    world["clock_offset_s"] = json!(3600);
    job.sim.folder.file("world.json", world.to_string());
    let remote = job.sim.path("elsewhere.git").display().to_string();
    let report = job.run(Guards::all(), |parts| {
        let reference = format!("refs/portcullis/claims/{}", job.digest.hex());
        let register = GitRegister::open(&job.sim.path("scratch"), &remote, &reference);
        parts.register = Box::new(register.expect("git"));
        parts.clock = Box::new(Fake::later(1));
        parts.nonce = "later".into();
    });
    report.expect("it begins");
    assert_eq!(job.state(2), ItemState::Confirmed, "it was done, and is known to be");
    assert_eq!(job.sim.calls().iter().filter(|c| c.item.id == "sv-2").count(), 1, "once");
}

/// What holds the claims may be what a cleanup took down.
#[test]
fn what_was_done_is_taken_back_where_no_claim_can_be_had() {
    let job = job();
    let (ran, _) = job.apply(&[&claim(&job), "--step"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let place = job.sim.path("elsewhere.git");
    let away = job.sim.path("away");
    std::fs::rename(&place, &away).expect("it is down");
    std::fs::write(&place, "").expect("and is not made again");
    let ran = undo(&job);
    assert!(ran.code == Some(4) && ran.stderr.contains("--without-claim"), "{ran}");
    assert_eq!(job.state(1), ItemState::Confirmed);
    let ran = undo_without_claim(&job);
    assert!(ran.code == Some(0) && ran.stderr.contains("no claim: "), "{ran}");
    assert!(ran.stdout.contains("\"claimed\":false"), "{ran}");
    assert_eq!(job.state(1), ItemState::Undone);
    // Once it answers, its claims go on from the journal, and what was taken back holds its stratum.
    std::fs::remove_file(&place).expect("up");
    std::fs::rename(&away, &place).expect("up again");
    let (ran, told) = job.apply(&[&claim(&job), "--attached"]);
    assert_eq!((ran.code, &told["held"][0]["reason"]), (Some(5), &json!("stratum-held")), "{ran}");
    assert_eq!(job.state(2), ItemState::Planned, "{ran}");
}

/// A live run's claim is no outage.
#[test]
fn without_claim_passes_over_no_claim_that_somebody_has() {
    let job = job();
    let mut child = attached(&job);
    until(&mut child, || signed(&job));
    let ran = undo_without_claim(&job);
    assert!(ran.code == Some(4) && ran.stderr.contains("claimed"), "{ran}");
    assert!(!ran.stderr.contains("no claim: "), "{ran}");
    child.kill().expect("killed");
    child.wait().expect("gone");
}
