//! A17 where the newer plan is not beside the older one: what an apply saw is kept with the claims.

use crate::job::{Job, seal};
use crate::simworld::Sim;
use jiff::SignedDuration;
use portcullis::cleanup::newest::name;
use serde_json::json;

fn job() -> Job {
    let sim = ["sv-1", "sv-2", "sv-3"].iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}));
    Job::new(sim, &["sv-1", "sv-2"], |_| {})
}

/// Carries a plan's folder out of the sight of those beside it.
fn carried(mut job: Job) -> Job {
    let away = job.sim.path("elsewhere/cleanup");
    std::fs::create_dir_all(&away).expect("a folder");
    let place = away.join(job.digest.folder());
    std::fs::rename(&job.place, &place).expect("moved");
    job.place = place;
    job
}

#[track_caller]
fn superseded(job: &Job, more: &[&str]) {
    let acts = job.acted().len();
    let (ran, told) = job.apply(more);
    assert_eq!(ran.code, Some(4), "{ran}");
    let said = told["reason"] == "superseded" || ran.stderr.contains("superseded");
    assert!(said, "{ran}");
    assert_eq!(job.acted().len(), acts);
}

#[test]
fn a17_what_was_refused_beside_a_newer_one_is_refused_elsewhere() {
    let job = job();
    let mut newer = job.plan.clone();
    newer.created_at += SignedDuration::from_mins(5);
    seal(&job.sim, &newer);
    superseded(&job, &[]);
    superseded(&carried(job), &[]);
}

/// The newer plan is applied, and the older one has never been beside it.
#[test]
fn a17_an_older_plan_elsewhere_ends_with_the_newer_one_s_first_step() {
    let old = carried(job());
    assert_eq!(old.apply(&[]).0.code, Some(0), "it is the newest");
    assert_eq!(old.acted(), ["sv-1"]);
    let (place, digest) = (old.place, old.digest);
    let mut sim = old.sim;
    sim.data = sim.now();
    let mut job = Job::new(sim, &["sv-3"], |plan| plan.created_at += SignedDuration::from_mins(5));
    assert_eq!(job.apply(&[]).0.code, Some(0));
    assert_eq!(job.acted(), ["sv-1", "sv-3"]);
    (job.place, job.digest) = (place, digest);
    superseded(&job, &[]);
    let place = job.place.display().to_string();
    let words = ["cleanup", "permit", &place, "--policy=policy.yaml", "--id=sv-2", "--action=stop"];
    let ran = job.sim.folder.run(&job.arguments(&words));
    assert!(ran.code == Some(4) && ran.stderr.contains("superseded"), "{ran}");
}

/// Two machines that share the register of claims alone.
#[test]
fn a17_another_machine_s_newer_plan_counts() {
    let world = crate::common::World::new();
    let remote = world.folder().join("claims.git");
    let made =
        std::process::Command::new("git").args(["init", "-q", "--bare"]).arg(&remote).status();
    assert!(made.expect("git").success());
    let claim = format!("--claim=git:{}", remote.display());
    let old = carried(job());
    let (place, digest) = (old.place, old.digest);
    let mut job = Job::new(old.sim, &["sv-3"], |p| p.created_at += SignedDuration::from_mins(5));
    assert_eq!(job.apply(&[&claim]).0.code, Some(0));
    std::fs::remove_dir_all(&job.place).expect("on the other machine");
    let _ = std::fs::remove_dir_all(job.sim.path("state"));
    (job.place, job.digest) = (place, digest);
    let (ran, _) = job.apply(&[&claim]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert_eq!(job.acted(), ["sv-3"]);
}

#[test]
fn a17_where_nobody_can_say_what_is_newest_nothing_is_done() {
    let job = job();
    let place = job.sim.path("state/newest").join(name(&job.plan));
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
    for text in ["", "{}", "[1"] {
        std::fs::write(&place, text).expect("written");
        let (ran, told) = job.apply(&[]);
        let said = (&told["class"], &told["reason"]);
        assert_eq!(said, (&json!(11), &json!("newest-unreadable")), "{ran}");
        assert_eq!(ran.code, Some(4), "{ran}");
    }
    assert!(job.acted().is_empty());
}

/// One of a time to come could be superseded by nothing.
#[test]
fn a17_a_plan_of_a_time_to_come_is_none() {
    let sim = Sim::new().servo("sv-1", |_| {});
    let job = Job::new(sim, &["sv-1"], |plan| plan.created_at += SignedDuration::from_hours(48));
    let (ran, _) = job.apply(&[]);
    assert!(ran.code == Some(4) && ran.stderr.contains("not-yet-valid"), "{ran}");
    assert!(job.acted().is_empty());
}
