//! A, row by row of the design's table: the variants that the other files do not have. Where
//! an act could follow, it is asked for, and the recorder sees none.

use super::apply::{BOB, CAROL, job, refused, says, two, unapproved};
use super::files::fifo;
use crate::job::{Job, trust};
use crate::stage::{ERIN, ONE, Stage, hardware, public, seal_bytes, sign};
use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::{Decision, Scope, Statement, Words};
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, PLAN};
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};

const ALICE: u8 = 21;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A job under another list of trust, which its plan pins.
fn under(list: &str) -> Job {
    let pinned = Digest::of(list.as_bytes());
    let job = Job::new(two(), &["sv-1", "sv-2"], |plan| plan.pins.trust = pinned);
    job.sim.folder.file("trust.yaml", list);
    job
}

/// Bob's yes, a little changed, signed by whoever makes signatures of it.
fn yes(job: &Job, change: impl FnOnce(&mut Words), signs: impl FnOnce(&[u8]) -> String) {
    let now = Timestamp::now();
    let mut words = Words {
        decision: Decision::Approve,
        by: "bob".into(),
        scope: Scope::All,
        at: now,
        not_after: now + HOUR * 2,
        nonce: format!("{:032x}", 7),
        comment: String::new(),
        rendered_sha256: Digest::of(b"shown"),
    };
    change(&mut words);
    let bytes = Statement::about(&job.plan, &job.digest, words).bytes().expect("strict");
    dossier::add(&job.place, Pile::Approvals, "bob", &bytes, &signs(&bytes)).expect("added");
}

/// One person's key under two names, and twice under one with another comment.
#[test]
fn a05_one_key_listed_twice_does_nothing() {
    let bob = format!("key: \"{}\"", public(BOB).trim());
    let carol = format!("key: \"{}\"", public(CAROL).trim());
    assert!(trust().contains(&bob) && trust().contains(&carol));
    refused(&under(&trust().replace(&carol, &bob)), 4, "quorum");
    let again = format!("{bob} }}, {{ key: \"{} bob@home\"", public(BOB).trim());
    let twice = under(&trust().replace(&bob, &again));
    refused(&twice, 2, "trust-invalid");
    assert!(twice.apply(&["--attached"]).0.stderr.contains("stands twice"));
}

#[test]
fn a06_an_approval_or_a_key_that_ended_does_nothing() {
    let over = unapproved(|_| {});
    yes(&over, |w| w.not_after = w.at - SignedDuration::from_secs(1), |b| sign(BOB, APPROVAL, b));
    refused(&over, 4, "expired");
    let early = unapproved(|_| {});
    yes(&early, |w| w.at += HOUR, |b| sign(BOB, APPROVAL, b));
    refused(&early, 4, "not-yet-valid");
    let key = |seed: u8| format!("key: \"{}\"", public(seed).trim());
    let windowed = |words: &str| {
        let list = [BOB, CAROL].iter().fold(trust(), |list, seed| {
            list.replace(&key(*seed), &format!("{}, {words}", key(*seed)))
        });
        under(&list)
    };
    let now = Timestamp::now();
    refused(&windowed(&format!("valid_before: {}", now - HOUR)), 4, "expired");
    refused(&windowed(&format!("valid_after: {}", now + HOUR)), 4, "not-yet-valid");
    // An author whose key ended seals nothing either.
    let ended = format!("{}, valid_before: {}", key(ALICE), now - HOUR);
    refused(&under(&trust().replace(&key(ALICE), &ended)), 4, "expired");
}

/// Of plan, approval and key whichever ends first; the plan here.
#[test]
fn a06_the_window_is_the_smallest() {
    let stage = Stage::with(ONE, |plan| plan.not_after = plan.created_at + HOUR + HOUR / 2);
    stage.yes("bob", crate::stage::BOB);
    assert_eq!(stage.approved()["not_after"], json!(stage.plan.not_after));
    assert!(stage.plan.not_after < stage.now + HOUR * 2, "sooner than the approval ends");
}

#[test]
fn a09_revoked_between_two_steps() {
    for (revoked, reason) in [
        (Some(format!("{}\n{}\n", public(BOB), public(CAROL))), "key-revoked"),
        (Some("who knows\n".to_owned()), "revocation-unreadable"),
        (None, "revocation-unreadable"),
    ] {
        let job = job();
        assert_eq!(job.apply(&["--step"]).0.code, Some(0));
        assert_eq!(job.acted(), ["sv-1"]);
        match revoked {
            Some(list) => drop(job.sim.folder.file("revoked", list)),
            None => std::fs::remove_file(job.sim.path("revoked")).expect("removed"),
        }
        let (ran, told) = job.apply(&["--step"]);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(told["reason"] == reason || ran.stderr.contains(reason), "{reason}: {ran}");
        assert_eq!(job.acted(), ["sv-1"], "the next batch does not begin");
    }
}

#[test]
fn a11_a_signature_for_something_else_does_nothing() {
    for namespace in ["git", "file", PLAN] {
        let job = unapproved(|_| {});
        yes(&job, |_| {}, |bytes| sign(BOB, namespace, bytes));
        refused(&job, 4, "namespace");
    }
}

#[test]
fn a12_a_hardware_key_that_nobody_touched_does_nothing() {
    let bob = format!("key: \"{}\"", public(BOB).trim());
    let list = trust().replace(&bob, &format!("key: \"{}\"", public(ERIN).trim()));
    let with = |flags: u8, pin: bool| {
        let job = under(&list.replace("pin: false", &format!("pin: {pin}")));
        std::fs::remove_dir_all(job.place.join("approvals")).expect("removed");
        yes(&job, |_| {}, |bytes| hardware(APPROVAL, bytes, flags));
        job
    };
    refused(&with(0, false), 4, "user-presence-missing");
    refused(&with(4, false), 4, "user-presence-missing");
    refused(&with(1, true), 4, "user-presence-missing");
    let touched = with(1, false);
    assert_eq!(touched.apply(&["--attached"]).0.code, Some(0));
    assert_eq!(touched.acted(), ["sv-1", "sv-2"], "and with a touch it counts");
}

/// Each file that decides: as a link, as a pipe, and as one that anybody may write.
#[test]
fn a15_every_file_that_decides_is_a_file_of_its_owner() {
    let job = job();
    let away = job.sim.path("away");
    let folder = |name: &str| job.place.join(name);
    // Now, because the list's digest is in them: a pipe is not read for it.
    let words = job.apply_words(&["--attached"]);
    for (path, reason) in [
        (folder("plan.json"), "unsafe-path"),
        (folder("plan.json.sig"), "unsafe-path"),
        (folder("approvals/bob.json"), "unsafe-path"),
        (folder("approvals/bob.json.sig"), "unsafe-path"),
        (folder("approvals"), "unsafe-path"),
        (job.place.clone(), "unsafe-path"),
        (job.sim.path("trust.yaml"), "unsafe-path"),
        (job.sim.path("policy.yaml"), "unsafe-path"),
        (job.sim.path("revoked"), "revocation-unreadable"),
    ] {
        std::fs::rename(&path, &away).expect("moved");
        let refuses = |what: &str| {
            let ran = job.sim.folder.run(&words);
            assert_eq!(ran.code, Some(4), "{what} {}: {ran}", path.display());
            assert!(ran.stderr.contains(reason), "{what} {}: {ran}", path.display());
            assert!(job.acted().is_empty(), "acts = 0");
        };
        symlink(&away, &path).expect("a link");
        refuses("link");
        std::fs::remove_file(&path).expect("removed");
        fifo(&path);
        refuses("pipe");
        std::fs::remove_file(&path).expect("removed");
        std::fs::rename(&away, &path).expect("moved back");
        let mode = std::fs::metadata(&path).expect("there").permissions();
        let open = std::fs::Permissions::from_mode(mode.mode() | 0o002);
        std::fs::set_permissions(&path, open).expect("its mode");
        refuses("open");
        std::fs::set_permissions(&path, mode).expect("its mode");
    }
    assert_eq!(job.apply(&["--attached"]).0.code, Some(0));
    assert_eq!(job.acted(), ["sv-1", "sv-2"], "as they were, they are taken");
}

/// Swapped after it was verified, while it runs: what goes on is the plan that was verified, and the
/// next batch looks again.
#[test]
fn a15_a_file_swapped_between_two_batches() {
    for (command, reason) in [
        ("mv plan.json was && sed s/sv-2/sv-live/ was > plan.json", "plan-digest-mismatch"),
        ("mv plan.json was && ln -s was plan.json", "unsafe-path"),
        ("mv approvals was", "quorum"),
        (
            "mv approvals/bob.json was && cp was approvals/bob.json && chmod 666 approvals/bob.json",
            "unsafe-path",
        ),
    ] {
        let sim = two();
        let root = sim.path("cleanup").display().to_string();
        let fault = json!({"at": "health", "do": "run",
                           "command": format!("cd '{root}'/sha256-* && {command}")});
        let job = Job::new(sim.fault(fault), &["sv-1", "sv-2"], |_| {});
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!(ran.code, Some(5), "{command}: {ran}");
        assert_eq!(told["reason"], reason, "{command}: {ran}");
        assert_eq!(job.acted(), ["sv-1"], "{command}: the next batch does not begin");
    }
}

/// What two readers could read differently is neither shown nor done.
#[test]
fn a16_two_readers_see_nothing_and_do_nothing() {
    let stage = Stage::new(ONE);
    let job = job();
    for (from, to) in [
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"id\": \"sv-9\","),
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"note\": 1,"),
        ("\"n\": 1,", "\"n\": 1.0,"),
        ("\"n\": 1,", "\"n\": 1e0,"),
        ("\"n\": 1,", "\"n\": NaN,"),
        ("\"id\": \"sv-1\",", "\"id\": 1.5,"),
        ("\"population\": 400", "\"population\": 9007199254740993"),
        ("\"id\": \"sv-1\"", "\"id\": \"sv\u{202e}-1\""),
        ("\"id\": \"sv-1\"", "\"id\": \"sv\\u2066-1\""),
        ("\"id\": \"sv-1\"", "\"id\": \"sv-1\\u001b[2J\""),
        ("{", "\u{feff}{"),
    ] {
        let changed = |place: &std::path::Path| {
            let sealed = std::fs::read_to_string(place.join("plan.json")).expect("the plan");
            let changed = sealed.replacen(from, to, 1);
            assert_ne!(changed, sealed, "{from}");
            changed
        };
        let (_, place) = seal_bytes(&stage.world, changed(&stage.place).as_bytes(), 1);
        let ran = stage.world.run(&["cleanup", "show", &place.display().to_string()]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{to}: {ran}");
        assert!(ran.stderr.contains("non-strict-json"), "{to}: {ran}");
        assert!(!ran.stderr.contains(['\u{202e}', '\u{1b}']), "{:?}", ran.stderr);

        let (_, place) = seal_bytes(&job.sim.folder, changed(&job.place).as_bytes(), ALICE);
        let mut words = job.apply_words(&["--attached"]);
        words[2] = place.display().to_string();
        let ran = job.sim.folder.run(&words);
        assert_eq!(ran.code, Some(4), "{to}: {ran}");
        assert!(ran.stderr.contains("non-strict-json"), "{to}: {ran}");
        assert!(job.acted().is_empty(), "acts = 0");
    }
}

/// A schema that this program does not know is not applied either.
#[test]
fn a19_an_unknown_schema_does_nothing() {
    let job = job();
    let sealed = std::fs::read_to_string(job.place.join("plan.json")).expect("the plan");
    let later = sealed.replacen("cleanup-plan/v1", "cleanup-plan/v2", 1);
    assert_ne!(later, sealed);
    let (_, place) = seal_bytes(&job.sim.folder, later.as_bytes(), ALICE);
    let mut words = job.apply_words(&["--attached"]);
    words[2] = place.display().to_string();
    let ran = job.sim.folder.run(&words);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("unknown-schema"), "{ran}");
    assert!(job.acted().is_empty(), "acts = 0");
}

/// The three ways in which a yes says what was shown: its count, its totals, its schema.
#[test]
fn a19_a_yes_to_something_else_does_nothing() {
    let job = unapproved(|_| {});
    says(&job, Pile::Approvals, "bob", BOB, Scope::All);
    let path = job.place.join("approvals/bob.json");
    let said = std::fs::read_to_string(&path).expect("the approval");
    for (from, to, reason) in [
        ("\"items\": 2", "\"items\": 1", "approval-subject-mismatch"),
        ("cleanup-plan/v1", "cleanup-plan/v2", "unknown-schema"),
    ] {
        let changed = said.replacen(from, to, 1);
        assert_ne!(changed, said, "{from}: {said}");
        std::fs::remove_dir_all(job.place.join("approvals")).expect("removed");
        let bytes = changed.as_bytes();
        dossier::add(&job.place, Pile::Approvals, "bob", bytes, &sign(BOB, APPROVAL, bytes))
            .expect("added");
        refused(&job, 4, reason);
    }
}
