//! Who is counted: persons, and never authors, workloads or those who say no.

use crate::stage::{
    AGENT, ALICE, ALICE_2, BOB, BOB_2, CAROL, DAVE, ERIN, ONE, STRANGER, Stage, TWO, sign,
};
use portcullis::cleanup::Risk;
use portcullis::cleanup::approval::Scope;
use portcullis::signature::PLAN;
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn a00_enough_people_are_enough() {
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    let missing = stage.refused(12, "quorum");
    assert!(missing["says"].as_str().is_some_and(|s| s.contains("quorum 1/2 people")), "{missing}");
    stage.yes("carol", CAROL);
    let told = stage.approved();
    assert_eq!(told["items"], json!([1, 2, 3, 4]));
    assert_eq!(told["counted"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a03_approver_is_author() {
    for seed in [ALICE, ALICE_2] {
        let stage = Stage::new(ONE);
        stage.yes("alice", seed);
        stage.refused(12, "self-approval");
        // Whoever else she calls herself.
        let stage = Stage::new(ONE);
        stage.yes("bob", seed);
        stage.refused(12, "self-approval");
    }
}

/// CI planned, because of somebody's change: that somebody is no second pair of eyes.
#[test]
fn a03_approver_is_requester() {
    let made = |requester: &str| {
        let stage = Stage::with(ONE, |plan| {
            plan.author.name = "agent".into();
            plan.author.requested_by = Some(requester.into());
        });
        let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
        stage.write(&stage.place.join("plan.json.sig"), sign(AGENT, PLAN, &bytes).as_bytes());
        stage.yes("bob", BOB_2);
        stage
    };
    made("carol").approved();
    made("bob").refused(12, "self-approval");
    // Somebody unknown could be anybody of those who approve.
    made("bob-on-the-forge").refused(12, "self-approval");
}

#[test]
fn a04_workload_approves() {
    let stage = Stage::new(ONE);
    stage.yes("agent", AGENT);
    stage.refused(12, "not-an-approver");
}

#[test]
fn a04_who_has_no_role_or_is_nobody() {
    for (name, seed) in [("dave", DAVE), ("bob", STRANGER)] {
        let stage = Stage::new(ONE);
        stage.yes(name, seed);
        stage.refused(12, "not-an-approver");
    }
}

#[test]
fn a05_one_key_counts_once() {
    let stage = Stage::new(TWO);
    for _ in 0..3 {
        stage.yes("bob", BOB);
    }
    let told = stage.refused(12, "quorum");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("1/2")), "{told}");
    // Another key of the same person.
    stage.yes("bob", BOB_2);
    let told = stage.refused(12, "quorum");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("1/2")), "{told}");
    // The same key under another name: whoever says so, it is Bob's.
    stage.yes("carol", BOB);
    stage.refused(11, "signature-invalid");
    stage.yes("carol", CAROL);
    stage.approved();
}

/// What cannot be taken back needs two teams and a hardware key, whatever the plan calls it.
#[test]
fn a12_the_quorum_is_that_of_the_worst_item() {
    for change in [
        |plan: &mut portcullis::cleanup::plan::Plan| plan.items[2].risk = Risk::Irreversible,
        |plan: &mut portcullis::cleanup::plan::Plan| plan.items[2].undo = None,
        |plan: &mut portcullis::cleanup::plan::Plan| {
            plan.phase = portcullis::cleanup::plan::Phase::Delete;
        },
    ] {
        let stage = Stage::with(ONE, change);
        stage.yes("bob", BOB);
        stage.yes("carol", CAROL);
        let told = stage.refused(12, "quorum");
        let says = told["says"].as_str().unwrap_or_default();
        assert!(says.contains("1/2 teams") && says.contains("0/1 with a hardware key"), "{says}");
        stage.yes("erin", ERIN);
        assert_eq!(stage.approved()["rule"], "irreversible");
    }
    let stage = Stage::with("{ people: 1, teams: 1, hardware: 0, up_to: 3 }", |_| {});
    stage.yes("bob", BOB);
    assert_eq!(stage.refused(12, "quorum")["rule"], "reversible_large");
    let stage = Stage::with(ONE, |plan| plan.items[0].risk = Risk::Exposing);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    assert_eq!(stage.refused(12, "quorum")["rule"], "exposing");
}

#[test]
fn a13_deny_beats_approve() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    stage.yes("erin", ERIN);
    stage.approved();
    let no = stage.no("dave", DAVE);
    let told = stage.refused(12, "denied-by");
    assert_eq!(told["says"], "dave says no: not today");
    // One that cannot be verified is still no reason to go on.
    stage.write(&no, b"{}");
    let told = stage.refused(12, "denied-by");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("cannot be verified")), "{told}");
    std::fs::remove_file(&no).expect("removed");
    stage.refused(12, "denied-by");
}

#[test]
fn a13_a_no_is_given_by_the_command() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let place = stage.place.display().to_string();
    let deny = |seed: u8, name: &str| {
        let key = stage.key_file(seed).display().to_string();
        stage.world.run(&[
            "cleanup",
            "deny",
            &place,
            "--key",
            &key,
            "--as",
            name,
            "--comment",
            "sv-3 is ours",
            "--trust=trust.yaml",
        ])
    };
    let ran = deny(BOB, "dave");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("is that of bob in the list of trust"), "{ran}");
    stage.approved();
    let ran = deny(DAVE, "dave");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(stage.refused(12, "denied-by")["says"], "dave says no: sv-3 is ours");
}

#[test]
fn a14_partial_approval() {
    let generation = |n: &str| BTreeMap::from([("host_gen".to_owned(), n.to_owned())]);
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    stage.yes_but("carol", CAROL, |said| said.scope = Scope::Strata(vec![generation("2")]));
    let told = stage.approved();
    assert_eq!(told["items"], json!([3, 4]));
    assert_eq!(told["lacking"], json!({"1": ["quorum 1/2 people"], "2": ["quorum 1/2 people"]}));
    // Two people who agree to different parts agree to nothing.
    let stage = Stage::new(TWO);
    stage.yes_but("bob", BOB, |said| said.scope = Scope::Strata(vec![generation("1")]));
    stage.yes_but("carol", CAROL, |said| said.scope = Scope::Strata(vec![generation("2")]));
    stage.refused(12, "quorum");
    // A stratum that is not there.
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.scope = Scope::Strata(vec![generation("3")]));
    stage.refused(11, "approval-subject-mismatch");
}
