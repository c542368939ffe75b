//! A, at the act: whatever is wrong with who agreed, the recorder sees no act.

use crate::job::Job;
use crate::simworld::Sim;
use crate::stage::{public, sign};
use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::{Decision, Scope, Statement, Words};
use portcullis::cleanup::plan::Plan;
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, DENIAL, PLAN};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// The seeds of `job`'s keys.
const ALICE: u8 = 21;
pub(crate) const BOB: u8 = 22;
pub(crate) const CAROL: u8 = 23;
const ROBOT: u8 = 24;

pub(crate) fn two() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {})
}

pub(crate) fn job() -> Job {
    Job::new(two(), &["sv-1", "sv-2"], |_| {})
}

/// Without any approval.
pub(crate) fn unapproved(change: impl FnOnce(&mut Plan)) -> Job {
    let job = Job::new(two(), &["sv-1", "sv-2"], change);
    std::fs::remove_dir_all(job.place.join("approvals")).expect("removed");
    job
}

pub(crate) fn says(job: &Job, pile: Pile, name: &str, seed: u8, scope: Scope) {
    let now = Timestamp::now();
    let decision = if pile == Pile::Approvals { Decision::Approve } else { Decision::Deny };
    let namespace = if pile == Pile::Approvals { APPROVAL } else { DENIAL };
    let words = Words {
        decision,
        by: name.into(),
        scope,
        at: now,
        not_after: now + SignedDuration::from_hours(2),
        nonce: format!("{seed:032x}"),
        comment: if decision == Decision::Deny { "it is ours".into() } else { String::new() },
        rendered_sha256: Digest::of(b"shown"),
    };
    let bytes = Statement::about(&job.plan, &job.digest, words).bytes().expect("strict");
    dossier::add(&job.place, pile, name, &bytes, &sign(seed, namespace, &bytes)).expect("added");
}

/// Apply is refused for this reason, and nothing was done.
#[track_caller]
pub(crate) fn refused(job: &Job, code: i32, reason: &str) {
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(code), "{ran}");
    let told = told["reason"] == reason || ran.stderr.contains(&format!("{reason}: "));
    assert!(told, "{reason}: {ran}");
    assert!(job.acted().is_empty(), "acts = 0: {:?}", job.acted());
    assert!(!journal_has_intent(job), "nothing was meant to be done either");
}

fn journal_has_intent(job: &Job) -> bool {
    std::fs::read_to_string(job.journal()).is_ok_and(|text| text.contains("\"intent\""))
}

fn overwrite(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).expect("written");
}

/// The control of all these: nothing wrong, and both are stopped.
#[test]
fn a00_what_was_agreed_to_is_done() {
    let job = job();
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(job.acted(), ["sv-1", "sv-2"]);
    assert!(journal_has_intent(&job), "the word that the others look for");
}

#[test]
fn a01_a_changed_plan_does_nothing() {
    let job = job();
    let path = job.place.join("plan.json");
    let mut bytes = std::fs::read(&path).expect("the plan");
    let at = bytes.windows(4).position(|w| w == b"sv-1").expect("an item") + 3;
    bytes[at] ^= 1;
    overwrite(&path, &bytes);
    refused(&job, 4, "plan-digest-mismatch");
}

#[test]
fn a02_replayed_approvals_do_nothing() {
    let (job, other) = (job(), unapproved(|plan| plan.limits.max_items_per_day = 40));
    let (from, to) = (job.place.join("approvals"), other.place.join("approvals"));
    std::fs::create_dir(&to).expect("a folder");
    for file in std::fs::read_dir(from).expect("approvals") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
    refused(&other, 4, "approval-subject-mismatch");
}

#[test]
fn a03_a04_a05_who_does_not_count_does_nothing() {
    let job = unapproved(|_| {});
    says(&job, Pile::Approvals, "alice", ALICE, Scope::All);
    refused(&job, 4, "self-approval");
    let job = unapproved(|_| {});
    says(&job, Pile::Approvals, "robot", ROBOT, Scope::All);
    refused(&job, 4, "not-an-approver");
    // Irreversible acts take two people here.
    let act = |sim: Sim| Job::of(sim, "delete", &["sv-1", "sv-2"], |_| {});
    let job = act(two());
    for end in ["json", "json.sig"] {
        std::fs::remove_file(job.place.join(format!("approvals/carol.{end}"))).expect("removed");
    }
    says(&job, Pile::Approvals, "bob", BOB, Scope::All);
    refused(&job, 4, "quorum");
}

#[test]
fn a06_expired_does_nothing() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| {
        plan.not_after = plan.created_at + SignedDuration::from_mins(1);
    });
    refused(&job, 4, "expired");
}

#[test]
fn a07_clock_skew() {
    for offset in [3 * 3600, -3 * 3600, 200] {
        let mut job = job();
        job.sim.data["clock_offset_s"] = json!(offset);
        job.sim.write();
        refused(&job, 3, "clock-skew");
    }
    let mut job = job();
    job.sim.data["clock_offset_s"] = json!(60);
    job.sim.write();
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0), "within the limit");
}

#[test]
fn a08_wrong_target() {
    for (field, value) in [("account", "222"), ("partition", "aws-cn"), ("provider", "aws")] {
        let mut job = job();
        job.sim.data["target"][field] = json!(value);
        job.sim.write();
        refused(&job, 4, "target-mismatch");
    }
    let mut job = job();
    job.sim.data["target"]["regions"] = json!(["r2"]);
    job.sim.write();
    refused(&job, 4, "target-mismatch");
}

#[test]
fn a09_revoked_between_approval_and_apply() {
    let job = job();
    job.sim.folder.file("revoked", format!("{}\n{}\n", public(BOB), public(CAROL)));
    refused(&job, 4, "key-revoked");
    std::fs::remove_file(job.sim.path("revoked")).expect("removed");
    refused(&job, 4, "revocation-unreadable");
}

/// The world's health is asked between batches: that is when the keys are found lost.
#[test]
fn a09_revoked_between_two_batches() {
    let lost = |command: &str| {
        let sim = two();
        let fault = json!({"at": "health", "do": "run",
                           "command": format!("cd '{}' && {command}", sim.path("").display())});
        let job = Job::new(sim.fault(fault), &["sv-1", "sv-2"], |_| {});
        job.sim.folder.file("lost", format!("{}\n{}\n", public(BOB), public(CAROL)));
        job
    };
    for (command, reason) in
        [("cp lost revoked", "key-revoked"), ("rm revoked", "revocation-unreadable")]
    {
        let job = lost(command);
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!(ran.code, Some(5), "one batch was done: {ran}");
        assert_eq!(told["reason"], reason, "{ran}");
        assert_eq!(job.acted(), ["sv-1"], "the next batch does not begin");
        let text = std::fs::read_to_string(job.journal()).expect("the journal");
        assert!(text.contains(reason), "the journal says why: {text}");
    }
    let job = lost("true");
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    assert_eq!(job.acted(), ["sv-1", "sv-2"], "where nobody lost one");
}

/// A no that comes while it runs.
#[test]
fn a13_denied_between_two_batches() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.limits.soak_s = vec![3600]);
    assert_eq!(job.apply(&["--step"]).0.code, Some(0));
    says(&job, Pile::Denials, "carol", CAROL, Scope::All);
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(told["reason"] == "denied-by" || ran.stderr.contains("denied-by"), "{ran}");
    assert_eq!(job.acted(), ["sv-1"]);
}

#[test]
fn a10_changed_policy_or_trust_does_nothing() {
    let changed = job();
    changed.sim.folder.file("policy.yaml", "# looser caps\n");
    refused(&changed, 4, "policy-changed");
    // The proposer's own list, with its own digest: not the one that is pinned.
    let changed = job();
    let pinned = Digest::of(&std::fs::read(changed.sim.path("trust.yaml")).expect("trust"));
    let text = std::fs::read_to_string(changed.sim.path("trust.yaml")).expect("trust");
    changed.sim.folder.file("trust.yaml", text + "# mine\n");
    refused(&changed, 4, "trust-changed");
    let mut words = changed.apply_words(&["--attached"]);
    for word in &mut words {
        if word.starts_with("--trust-digest") {
            *word = format!("--trust-digest={pinned}");
        }
    }
    let ran = changed.sim.folder.run(&words);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("trust-changed"), "{ran}");
    // And one that nothing pins is not used at all.
    let unpinned = job();
    let mut words = unpinned.apply_words(&["--attached"]);
    words.retain(|w| !w.starts_with("--trust-digest"));
    let ran = unpinned.sim.folder.run(&words);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("nothing pins it"), "{ran}");
    assert!(changed.acted().is_empty() && unpinned.acted().is_empty());
}

#[test]
fn a13_a_no_does_nothing() {
    let job = job();
    says(&job, Pile::Denials, "alice", ALICE, Scope::All);
    refused(&job, 4, "denied-by");
}

#[test]
fn a14_what_nobody_agreed_to_is_left() {
    let generation = |n: &str| BTreeMap::from([("host_gen".to_owned(), n.to_owned())]);
    let job = unapproved(|plan| {
        let mut second = plan.strata[0].clone();
        second.n = 2;
        plan.strata[0].key = generation("1");
        second.key = generation("2");
        plan.strata.push(second);
        plan.items[1].stratum = 2;
        plan.items[1].strata = vec![2];
    });
    says(&job, Pile::Approvals, "bob", BOB, Scope::Strata(vec![generation("2")]));
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(job.acted(), ["sv-2"]);
    assert_eq!(told["items"][0]["reason"], "not-approved", "{ran}");
}

#[test]
fn a15_a_link_does_nothing() {
    let job = job();
    let (path, away) = (job.place.join("plan.json"), job.sim.path("away"));
    std::fs::rename(&path, &away).expect("moved");
    std::os::unix::fs::symlink(&away, &path).expect("a link");
    refused(&job, 4, "unsafe-path");
}

#[test]
fn a17_a_superseded_plan_does_nothing() {
    let job = job();
    let mut newer = job.plan.clone();
    newer.created_at += SignedDuration::from_mins(5);
    crate::job::seal(&job.sim, &newer);
    refused(&job, 4, "superseded");
}

#[test]
fn a18_consumed() {
    let job = job();
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert_eq!((&told["class"], &told["reason"]), (&json!(15), &json!("already-consumed")));
    assert_eq!(job.acted().len(), 2, "acts = 0 the second time");
    // A second run with a checkout of before: the claim remembers what the journal does not.
    std::fs::remove_file(job.journal()).expect("removed");
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert_eq!(job.acted().len(), 2, "acts = 0 from a second checkout");
}

/// The seal of a plan is its author's, at the act too.
#[test]
fn a01_another_s_seal_does_nothing() {
    let job = job();
    let bytes = std::fs::read(job.place.join("plan.json")).expect("the plan");
    overwrite(&job.place.join("plan.json.sig"), sign(ROBOT, PLAN, &bytes).as_bytes());
    refused(&job, 4, "signature-invalid");
}

/// Whoever seals a plan writes its limits too: they are the pinned policy's, or it is none of its plans.
#[test]
fn a10_limits_that_are_not_the_policy_s_do_nothing() {
    let loosened: [fn(&mut Plan); 4] = [
        |plan| plan.limits.ramp = vec![50],
        |plan| plan.limits.max_items_per_day = 1000,
        |plan| plan.not_after += SignedDuration::from_hours(48),
        |plan| plan.pins.places.halt = Some("halt.json".into()),
    ];
    for change in loosened {
        let mut caps = None;
        let job = Job::new(two(), &["sv-1", "sv-2"], |plan| {
            let text = crate::job::policy(&plan.limits, &plan.pins.places);
            plan.pins.policy = Digest::of(text.as_bytes());
            caps = Some(text);
            change(plan);
        });
        job.sim.folder.file("policy.yaml", caps.expect("the policy"));
        refused(&job, 4, "policy-changed");
    }
}
