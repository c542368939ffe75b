//! The bytes of a plan: its seal, what an approval is about, and what two readers could read.

use super::HOUR;
use super::shown::approve;
use crate::stage::{
    AGENT, ALICE, BOB, CAROL, DAVE, ONE, STRANGER, Stage, TWO, refused, seal, seal_bytes, sign,
};
use jiff::SignedDuration;
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::Decision;
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, PLAN};
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn a01_tampered_plan() {
    let stage = Stage::new(TWO);
    stage.yes("bob", BOB);
    stage.yes("carol", CAROL);
    stage.approved();
    let file = stage.place.join("plan.json");
    let sealed = std::fs::read(&file).expect("the plan");
    let mut flipped = sealed.clone();
    let at = sealed.windows(4).position(|w| w == b"sv-1").expect("an item") + 3;
    flipped[at] ^= 2;
    let value: Value = serde_json::from_slice(&sealed).expect("JSON");
    let indented = serde_json::to_vec(&value).expect("JSON");
    let sorted: BTreeMap<String, Value> =
        value.as_object().expect("a plan").clone().into_iter().collect();
    let reordered = serde_json::to_vec_pretty(&sorted).expect("JSON");
    let mut longer = sealed.clone();
    longer.push(b' ');
    for changed in [flipped, indented, reordered, longer] {
        assert_ne!(changed, sealed);
        stage.write(&file, &changed);
        stage.refused(11, "plan-digest-mismatch");
    }
    stage.write(&file, &sealed);
    stage.approved();
    // The folder of another digest, with the same bytes.
    let other = stage.place.with_file_name(Digest::of(b"other").folder());
    std::fs::rename(&stage.place, &other).expect("renamed");
    let (ran, told) = stage.verify_in(&other);
    refused(&ran, &told, 11, "plan-digest-mismatch");
}

#[test]
fn a01_the_seal_is_the_authors() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let file = stage.place.join("plan.json.sig");
    let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    // Of no author, of nobody, and of an author who is not the one that it names: alice would then
    // be free to agree to what the agent made.
    for seed in [BOB, STRANGER, AGENT] {
        stage.write(&file, sign(seed, PLAN, &bytes).as_bytes());
        stage.refused(11, "signature-invalid");
    }
    stage.write(&file, sign(ALICE, "file", &bytes).as_bytes());
    stage.refused(11, "namespace");
    std::fs::remove_file(&file).expect("removed");
    stage.refused(11, "signature-invalid");
    // Dave is somebody, but no author.
    let stage = Stage::with(ONE, |plan| plan.author.name = "dave".into());
    let bytes = std::fs::read(stage.place.join("plan.json")).expect("the plan");
    stage.write(&stage.place.join("plan.json.sig"), sign(DAVE, PLAN, &bytes).as_bytes());
    stage.yes("bob", BOB);
    stage.refused(11, "signature-invalid");
}

#[test]
fn a02_replay_on_another_plan() {
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    stage.approved();
    // As many items, in the same account, of the same people.
    let mut other = stage.plan.clone();
    other.items[3].id = "sv-5".into();
    other.created_at += SignedDuration::from_mins(1);
    let (_, place) = seal(&stage.world, &other, ALICE);
    std::fs::create_dir(place.join("approvals")).expect("a folder");
    for end in ["", ".sig"] {
        let from = format!("{}{end}", yes.display());
        std::fs::copy(from, place.join(format!("approvals/bob.json{end}"))).expect("copied");
    }
    let (ran, told) = stage.verify_in(&place);
    refused(&ran, &told, 11, "approval-subject-mismatch");
}

/// The subject is right, and another place of the statement is not.
#[test]
fn a02_every_word_is_of_this_plan() {
    let changes: [fn(&mut portcullis::cleanup::approval::Predicate); 4] = [
        |said| said.plan = Digest::of(b"another"),
        |said| said.target.account = "222".into(),
        |said| said.phase = portcullis::cleanup::plan::Phase::Delete,
        |said| said.totals.items = 3,
    ];
    for change in changes {
        let stage = Stage::new(ONE);
        stage.yes_but("bob", BOB, change);
        stage.refused(11, "approval-subject-mismatch");
    }
}

#[test]
fn a16_two_readers() {
    let stage = Stage::new(ONE);
    let sealed =
        String::from_utf8(std::fs::read(stage.place.join("plan.json")).expect("it")).expect("text");
    for (from, to, why) in [
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"id\": \"sv-9\",", "stands twice"),
        ("\"id\": \"sv-1\",", "\"id\": \"sv-1\", \"note\": 1,", "unknown field `note`"),
        ("\"n\": 1,", "\"n\": 1.0,", "fraction"),
        ("\"n\": 1,", "\"n\": NaN,", "no JSON value"),
        ("\"population\": 400", "\"population\": 9007199254740993", "2^53"),
        ("\"id\": \"sv-1\"", "\"id\": \"sv\u{202e}-1\"", "U+202E"),
        ("\"id\": \"sv-1\"", "\"id\": \"sv-1\\u001b[2J\"", "U+001B"),
    ] {
        let changed = sealed.replacen(from, to, 1);
        assert_ne!(changed, sealed, "{from}");
        let (_, place) = seal_bytes(&stage.world, changed.as_bytes(), ALICE);
        let (ran, told) = stage.verify_in(&place);
        refused(&ran, &told, 11, "non-strict-json");
        assert!(told["says"].as_str().is_some_and(|s| s.contains(why)), "{told}");
        // Nor shown as something to agree to.
        let ran = approve(&stage, &place, "4 items in 111");
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(ran.stderr.contains("non-strict-json"), "{ran}");
        assert!(ran.stdout.is_empty(), "{ran}");
        assert!(!ran.stderr.contains(['\u{202e}', '\u{1b}']), "{ran:?}", ran = ran.stderr);
    }
    // Of an approval.
    let bytes = stage.statement(Decision::Approve, "bob", |_| {});
    let twice = String::from_utf8(bytes).expect("text").replacen(
        "\"decision\": \"approve\"",
        "\"decision\": \"deny\", \"decision\": \"approve\"",
        1,
    );
    let signed = sign(BOB, APPROVAL, twice.as_bytes());
    dossier::add(&stage.place, Pile::Approvals, "bob", twice.as_bytes(), &signed).expect("added");
    stage.refused(11, "non-strict-json");
}

#[test]
fn a17_old_plan_after_a_newer_one() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    let other = |change: fn(&mut portcullis::cleanup::plan::Plan), author: u8| {
        let mut other = stage.plan.clone();
        other.created_at += SignedDuration::from_mins(1);
        change(&mut other);
        seal(&stage.world, &other, author).1
    };
    // Elsewhere, or of something else, or of nobody: it stays.
    for place in [
        other(|p| p.target.account = "222".into(), ALICE),
        other(|p| p.target.scope = "volumes".into(), ALICE),
        other(|p| p.created_at -= HOUR, ALICE),
        other(|p| p.items[0].owner = None, STRANGER),
    ] {
        stage.approved();
        std::fs::remove_dir_all(place).expect("removed");
    }
    let newer = other(|p| p.items[0].id = "sv-8".into(), ALICE);
    let told = stage.refused(11, "superseded");
    let name = newer.file_name().and_then(|n| n.to_str()).unwrap_or_default().replace('-', ":");
    assert!(told["says"].as_str().is_some_and(|s| s.contains(&name)), "{told}");
    // Nor approved any more.
    let ran = approve(&stage, &stage.place, "4 items in 111");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("superseded"), "{ran}");
}
