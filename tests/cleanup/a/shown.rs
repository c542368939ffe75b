//! `cleanup approve`: what was shown is what is agreed to.

use crate::common::Ran;
use crate::stage::{AGENT, ALICE, BOB, CAROL, DAVE, ONE, STRANGER, Stage, refused, seal_bytes};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::Statement;
use serde_json::json;
use std::path::Path;

pub(super) fn approve(stage: &Stage, place: &Path, confirm: &str) -> Ran {
    approve_as(stage, place, confirm, CAROL, "carol", &[])
}

fn approve_as(
    stage: &Stage,
    place: &Path,
    confirm: &str,
    seed: u8,
    name: &str,
    more: &[&str],
) -> Ran {
    let (key, place) = (stage.key_file(seed).display().to_string(), place.display().to_string());
    let mut arguments = vec!["cleanup", "approve", &place, "--key", &key, "--as", name];
    arguments.extend(["--trust=trust.yaml", "--confirm", confirm]);
    arguments.extend(more);
    stage.world.run(&arguments)
}

#[test]
fn a19_what_was_shown_is_what_was_agreed_to() {
    let stage = Stage::new(ONE);
    for wrong in ["3 items in 111", "4 items in 222", "4 items", "yes", ""] {
        let ran = approve(&stage, &stage.place, wrong);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("that is not what the plan acts on"), "{ran}");
    }
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
    // No terminal, no count.
    let key = stage.key_file(CAROL).display().to_string();
    let place = stage.place.display().to_string();
    let ran = stage.world.run(&[
        "cleanup",
        "approve",
        &place,
        "--key",
        &key,
        "--as",
        "carol",
        "--trust=trust.yaml",
    ]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("this is no terminal"), "{ran}");
    for flag in ["--yes", "-y", "--force"] {
        let ran = approve_as(&stage, &stage.place, "4 items in 111", CAROL, "carol", &[flag]);
        assert_eq!(ran.code, Some(2), "{ran}");
    }

    let ran = approve(&stage, &stage.place, "4 items in 111");
    assert_eq!(ran.code, Some(0), "{ran}");
    for n in 1..=4 {
        assert!(ran.stdout.contains(&format!("sv-{n}")), "{ran}");
    }
    let told = stage.approved();
    assert_eq!(told["counted"][0]["person"], "carol");
    // The digest of exactly what stood there.
    let made = std::fs::read(stage.place.join("approvals/carol.json")).expect("an approval");
    let made = Statement::read(&made).expect("strict");
    let shown = ran.stdout.split("\napproved by").next().expect("the plan");
    assert_eq!(made.predicate.rendered_sha256, Digest::of(shown.as_bytes()));
    assert_eq!(made.predicate.totals, stage.plan.totals);
}

#[test]
fn a19_an_unknown_schema_cannot_be_approved() {
    let stage = Stage::new(ONE);
    let sealed =
        String::from_utf8(std::fs::read(stage.place.join("plan.json")).expect("it")).expect("text");
    let later = sealed.replacen("cleanup-plan/v1", "cleanup-plan/v2", 1);
    let (_, place) = seal_bytes(&stage.world, later.as_bytes(), ALICE);
    let ran = approve(&stage, &place, "4 items in 111");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("unknown-schema"), "{ran}");
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "unknown-schema");
    // Nor a plan whose totals are not those of its items: the count would be of something else.
    let (_, place) = seal_bytes(
        &stage.world,
        sealed.replacen("\"items\": 4", "\"items\": 3", 1).as_bytes(),
        ALICE,
    );
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "plan-invalid");
}

/// What nobody reads any more was not shown.
#[test]
fn a19_a_closed_pipe_is_no_screen() {
    let stage = Stage::new(ONE);
    let key = stage.key_file(CAROL).display().to_string();
    let place = stage.place.display().to_string();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ran = stage
        .world
        .command(&[
            "cleanup",
            "approve",
            &place,
            "--key",
            &key,
            "--as",
            "carol",
            "--trust=trust.yaml",
            "--confirm",
            "4 items in 111",
        ])
        .stdout(writer)
        .output()
        .expect("it runs");
    assert_eq!(ran.status.code(), Some(2));
    let words = String::from_utf8(ran.stderr).expect("text");
    assert!(words.contains("what was not shown cannot be approved"), "{words}");
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
}

#[test]
fn a19_what_would_not_count_is_not_written() {
    let stage = Stage::new(ONE);
    let all = "4 items in 111";
    for (seed, name, why) in [
        (ALICE, "alice", "self-approval"),
        (AGENT, "agent", "not-an-approver"),
        (DAVE, "dave", "not-an-approver"),
        (STRANGER, "bob", "not-an-approver"),
        (BOB, "carol", "signature-invalid"),
    ] {
        let ran = approve_as(&stage, &stage.place, all, seed, name, &[]);
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains(why), "{ran}");
    }
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
    // Scoped: its own count.
    let scoped = ["--strata=host_gen=2"];
    let ran = approve_as(&stage, &stage.place, all, BOB, "bob", &scoped);
    assert_eq!(ran.code, Some(4), "{ran}");
    let ran = approve_as(&stage, &stage.place, "2 items in 111", BOB, "bob", &scoped);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(stage.approved()["items"], json!([3, 4]));
    let ran =
        approve_as(&stage, &stage.place, "2 items in 111", BOB, "bob", &["--strata=host_gen=7"]);
    assert!(ran.stderr.contains("it has no stratum host_gen=7"), "{ran}");
}
