//! A13 after somebody took the no out of the folder: what an apply or a permit met is kept with the claims
//! and by the machine.

use super::apply::{CAROL, job, says, two};
use crate::job::Job;
use portcullis::cleanup::approval::Scope;
use portcullis::cleanup::denied::{Denied, SCHEMA, name};
use portcullis::dossier::Pile;
use serde_json::json;

#[track_caller]
fn denied(job: &Job, more: &[&str], says: &str) {
    let acts = job.acted().len();
    let (ran, told) = job.apply(more);
    assert_eq!(ran.code, Some(4), "{ran}");
    let text = format!("{} {}", told, ran.stderr);
    assert!(text.contains("denied-by") && text.contains(says), "{ran}");
    assert_eq!(job.acted().len(), acts);
}

fn permit(job: &Job) -> crate::common::Ran {
    let place = job.place.display().to_string();
    let words = ["cleanup", "permit", &place, "--policy=policy.yaml", "--id=sv-2", "--action=stop"];
    job.sim.folder.run(&job.arguments(&words))
}

#[test]
fn a13_a_no_that_was_met_stays_a_no() {
    let job = job();
    says(&job, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&job, &[], "carol says no");
    std::fs::remove_dir_all(job.place.join("denials")).expect("removed");
    denied(&job, &["--attached"], "plan anew");
    let ran = permit(&job);
    assert!(ran.code == Some(4) && ran.stderr.contains("denied-by"), "{ran}");
    // Only its own plan is denied.
    let other = Job::new(job.sim, &["sv-2"], |plan| plan.items[0].owner = Some("else".into()));
    assert_eq!(other.apply(&["--attached"]).0.code, Some(0));
}

#[test]
fn a13_a_no_that_a_permit_met_or_a_batch_stays_one() {
    let asked = job();
    says(&asked, Pile::Denials, "carol", CAROL, Scope::All);
    assert!(permit(&asked).stderr.contains("denied-by"));
    std::fs::remove_dir_all(asked.place.join("denials")).expect("removed");
    denied(&asked, &[], "plan anew");
    let begun = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.ramp = vec![1, 1]);
    assert_eq!(begun.apply(&["--step"]).0.code, Some(0));
    says(&begun, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&begun, &["--step"], "carol says no");
    std::fs::remove_dir_all(begun.place.join("denials")).expect("removed");
    denied(&begun, &["--step"], "plan anew");
    // What was done before can be taken back all the same.
    let receipt = begun.place.join("receipt.json").display().to_string();
    let ran = begun.sim.folder.run(&begun.arguments(&["cleanup", "undo", &receipt]));
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// Who said no, when and why stands in the journal once, however often it is met.
#[test]
fn a13_the_journal_tells_who_denied_it() {
    let asked = job();
    says(&asked, Pile::Denials, "carol", CAROL, Scope::All);
    assert!(permit(&asked).stderr.contains("denied-by"));
    tells(&asked, 1);
    let begun = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.ramp = vec![1, 1]);
    assert_eq!(begun.apply(&["--step"]).0.code, Some(0));
    says(&begun, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&begun, &["--step"], "carol says no");
    tells(&begun, 1);
    let stopped = job();
    says(&stopped, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&stopped, &[], "carol says no");
    std::fs::remove_dir_all(stopped.place.join("denials")).expect("removed");
    denied(&stopped, &["--attached"], "plan anew");
    assert!(permit(&stopped).stderr.contains("denied-by"));
    tells(&stopped, 1);
}

#[track_caller]
fn tells(job: &Job, times: usize) {
    let ran = job.sim.folder.run(&["cleanup", "log", "explain", "sv-2"]);
    let by = |line: &&str| line.contains("carol denied the plan at 20");
    let lines: Vec<&str> = ran.stdout.lines().filter(by).collect();
    assert_eq!((ran.code, lines.len()), (Some(0), times), "{ran}");
    assert!(lines.iter().all(|line| line.contains("it is ours")), "{ran}");
    let place = job.place.display().to_string();
    let ran = job.sim.folder.run(&["cleanup", "log", "verify", &place, "--state=state"]);
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// A no that comes while a run rests stops it, and stands in its journal.
#[test]
fn a13_a_no_that_comes_in_a_rest_stands_in_the_journal() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| {
        (plan.limits.ramp, plan.limits.soak_s) = (vec![1, 1], vec![2]);
    });
    let words = job.apply_words(&["--attached"]);
    let mut child = job.sim.folder.command(&words).spawn().expect("up");
    while job.acted().is_empty() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    says(&job, Pile::Denials, "carol", CAROL, Scope::All);
    assert_eq!(child.wait().expect("its end").code(), Some(5));
    assert_eq!(job.acted().len(), 1);
    tells(&job, 1);
}

/// Two machines that share the register of claims alone.
#[test]
fn a13_another_machine_s_no_counts() {
    let job = job();
    let claim = bare(&job, "claims.git");
    says(&job, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&job, &[&claim], "carol says no");
    std::fs::remove_dir_all(job.place.join("denials")).expect("removed");
    std::fs::remove_dir_all(job.sim.path("state")).expect("the other machine");
    denied(&job, &[&claim], "plan anew");
}

fn bare(job: &Job, name: &str) -> String {
    let remote = job.sim.path(name);
    let made =
        std::process::Command::new("git").args(["init", "-q", "--bare"]).arg(&remote).status();
    assert!(made.expect("git").success());
    format!("--claim=git:{}", remote.display())
}

/// Whoever brings another place of claims brings no other machine.
#[test]
fn a13_the_machine_knows_it_whatever_claims_it_is_given() {
    let job = job();
    let (one, other) = (bare(&job, "one.git"), bare(&job, "other.git"));
    says(&job, Pile::Denials, "carol", CAROL, Scope::All);
    denied(&job, &[&one], "carol says no");
    std::fs::remove_dir_all(job.place.join("denials")).expect("removed");
    denied(&job, &[&other], "plan anew");
}

/// A no that another machine met stops a run that has begun, too.
#[test]
fn a13_a_no_that_is_met_elsewhere_stops_the_next_batch() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| {
        (plan.limits.ramp, plan.limits.soak_s) = (vec![1, 1], vec![2]);
    });
    let words = job.apply_words(&["--attached"]);
    let mut child = job.sim.folder.command(&words).spawn().expect("up");
    while job.acted().is_empty() {
        assert!(child.try_wait().expect("its state").is_none(), "it ended before");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let no = Denied {
        schema: SCHEMA.into(),
        plan: job.digest.clone(),
        by: "carol".into(),
        at: jiff::Timestamp::now(),
        comment: "it is ours".into(),
    };
    let place = job.sim.path("state/denied").join(name(&job.digest));
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
    std::fs::write(&place, no.bytes()).expect("written");
    assert_eq!(child.wait().expect("its end").code(), Some(5));
    assert_eq!(job.acted().len(), 1);
    tells(&job, 1);
}

/// A place that cannot be read may hold a no.
#[test]
fn a13_a_place_that_cannot_be_read_may_hold_a_no() {
    let job = job();
    let place = job.sim.path("state/denied").join(name(&job.digest));
    std::fs::create_dir_all(&place).expect("a folder in the place of the paper");
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(job.acted().is_empty());
    let ran = permit(&job);
    assert_eq!(ran.code, Some(4), "{ran}");
}

/// What nobody signed is found out and removed: it is remembered by nobody.
#[test]
fn a13_what_cannot_be_verified_is_not_remembered() {
    let job = job();
    let folder = job.place.join("denials");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(folder.join("dave.json"), "{}").expect("written");
    denied(&job, &[], "cannot be verified");
    std::fs::remove_dir_all(folder).expect("removed");
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
}

#[test]
fn a13_a_paper_that_cannot_be_read_may_be_a_no() {
    let job = job();
    let place = job.sim.path("state/denied").join(name(&job.digest));
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
    std::fs::write(&place, "{}").expect("written");
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("denials-unreadable")), "{ran}");
    assert!(job.acted().is_empty());
}
