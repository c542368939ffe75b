//! Decommission notes, as people sign them and plans rest on them: B02 and I12 through the binary.

use crate::common::Ran;
use crate::fleet::{Fleet, POLICY};
use crate::planned::{fleet, plan, told};
use crate::stage::{AGENT, ALICE, BOB, CAROL, DAVE, STRANGER, key, sign};
use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::approval::{Ask, assess};
use portcullis::cleanup::decommission::{Note, SCHEMA};
use portcullis::cleanup::plan::read;
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{Decommission, Guards, Noted, Reason, SignedNote};
use portcullis::dossier;
use portcullis::signature::{APPROVAL, DECOMMISSION};
use serde_json::json;
use ssh_key::LineEnding;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// All seven servos of generation 0 are called dead: rightly, or (`used`) because somebody mistyped.
/// The caps are wide, so that nothing but the class itself can hold them.
fn generation_0(used: bool) -> Fleet {
    let fleet = fleet(|fleet| {
        for n in 0..7 {
            let id = format!("sv-0-{n}");
            fleet.add(&id, "0");
            fleet.call_dead(&id);
            if !used {
                fleet.unused(&id);
            }
        }
    });
    let wide = POLICY.replace("stratum: 5%", "stratum: 100%").replace("total: 2%", "total: 100%");
    fleet.sim.folder.file("policy.yaml", wide);
    for (name, seed) in [("bob", BOB), ("carol", CAROL)] {
        let pem = key(seed).to_openssh(LineEnding::LF).expect("a key");
        let file = fleet.sim.folder.file(name, pem.as_bytes());
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    }
    // The first run learns.
    plan(&fleet, &[]);
    fleet
}

/// Ids of generation 0 that a run plans.
fn planned(ran: &Ran) -> usize {
    let items = told(ran)["items"].as_array().expect("items").clone();
    items.iter().filter(|i| i["id"].as_str().is_some_and(|id| id.starts_with("sv-0"))).count()
}

fn decommission(fleet: &Fleet, more: &[&str]) -> Ran {
    let mut words = vec![
        "cleanup",
        "decommission",
        "host_gen=0",
        "--account=111",
        "--scope=servos",
        "--reason=the last hosts of generation 0 go",
        "--until=7d",
        "--trust=trust.yaml",
        "--out=note.json",
    ];
    if !more.iter().any(|m| m.starts_with("--key")) {
        words.extend(["--key=bob", "--as=bob"]);
    }
    words.extend(more);
    fleet.sim.folder.run(&words)
}

const CONFIRMED: &str = "--confirm=all of host_gen=0 in 111";

#[test]
fn b02_i12_all_of_a_stratum_goes_by_a_signed_note_alone() {
    let fleet = generation_0(false);
    let held = plan(&fleet, &["--format=json"]);
    assert_eq!((held.code, planned(&held)), (Some(4), 0), "{held}");
    assert_eq!(told(&held)["reason"], "stratum-all-dead");

    // What was not typed is not signed.
    for more in [&["--confirm=all of host_gen=1 in 111"][..], &["--confirm=yes"], &[]] {
        let ran = decommission(&fleet, more);
        assert_ne!(ran.code, Some(0), "{ran}");
        assert!(!fleet.sim.path("note.json").exists(), "{ran}");
    }
    let ran = decommission(&fleet, &[CONFIRMED]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = plan(&fleet, &["--note=note.json", "--format=json"]);
    assert_eq!((ran.code, planned(&ran)), (Some(0), 7), "{ran}");

    // Approvers see it, from the sealed bytes.
    let digest = told(&ran)["plan"].as_str().expect("a digest").to_owned();
    let shown = fleet.sim.folder.run(&["cleanup", "show", &digest]);
    for word in ["loosened: host_gen=0 is decommissioned until", "by bob", "note sha256:"] {
        assert!(shown.stdout.contains(word), "{word}: {shown}");
    }
    // Anyone can check it with stock OpenSSH.
    let signers = fleet.sim.folder.run(&["cleanup", "trust", "signers", "trust.yaml"]);
    fleet.sim.folder.file("signers", signers.stdout);
    let stock = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "signers", "-n", DECOMMISSION, "-I", "bob"])
        .args(["-s", "note.json.sig"])
        .stdin(std::fs::File::open(fleet.sim.path("note.json")).expect("the note"))
        .current_dir(fleet.sim.folder.folder())
        .output();
    assert!(stock.expect("ssh-keygen starts").status.success(), "stock takes it");
}

/// Whoever loosens a guard is none of those who agree to what it let through.
#[test]
fn who_signs_a_note_does_not_count_among_those_who_agree() {
    let fleet = generation_0(false);
    assert_eq!(decommission(&fleet, &[CONFIRMED]).code, Some(0));
    let ran = plan(&fleet, &["--note=note.json", "--format=json"]);
    let digest = told(&ran)["plan"].as_str().expect("a digest").to_owned();
    let count = told(&ran)["items"].as_array().map_or(0, Vec::len);
    let yes = |name: &str| {
        let (key, name) = (format!("--key={name}"), format!("--as={name}"));
        let confirm = format!("--confirm={count} items in 111");
        let words = ["cleanup", "approve", &digest, &key, &name, &confirm, "--trust=trust.yaml"];
        fleet.sim.folder.run(&words)
    };
    let bob = yes("bob");
    assert!(bob.code == Some(4) && bob.stderr.contains("self-approval"), "{bob}");
    let carol = yes("carol");
    assert_eq!(carol.code, Some(0), "{carol}");
    // Without the note the same bob would have been enough.
    let without = plan(&fleet, &["--format=json"]);
    let digest_2 = told(&without)["plan"].as_str().expect("a digest").to_owned();
    let count = told(&without)["items"].as_array().map_or(0, Vec::len);
    assert_eq!(count, 2, "{without}");
    let bob = fleet.sim.folder.run(&[
        "cleanup",
        "approve",
        &digest_2,
        "--key=bob",
        "--as=bob",
        "--confirm=2 items in 111",
        "--trust=trust.yaml",
    ]);
    assert_eq!(bob.code, Some(0), "{bob}");
}

/// A note as it would be written by hand, and signed by whom.
fn by_hand(fleet: &Fleet, seed: u8, namespace: &str, change: impl FnOnce(&mut Note)) -> PathBuf {
    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
    let name = match seed {
        ALICE => "alice",
        AGENT => "agent",
        DAVE => "dave",
        CAROL => "carol",
        _ => "bob",
    };
    let mut note = Note {
        schema: SCHEMA.into(),
        account: "111".into(),
        scope: "servos".into(),
        stratum: BTreeMap::from([("host_gen".into(), "0".into())]),
        reason: "it goes".into(),
        by: name.into(),
        at: now - SignedDuration::from_hours(1),
        until: now + SignedDuration::from_hours(1),
    };
    change(&mut note);
    let bytes = serde_json::to_vec(&note).expect("JSON");
    fleet.sim.folder.file("hand.json.sig", sign(seed, namespace, &bytes));
    fleet.sim.folder.file("hand.json", bytes)
}

#[test]
fn b02_a_note_that_does_not_count_loosens_nothing() {
    let fleet = generation_0(true);
    let hours = SignedDuration::from_hours;
    let refused = |what: &str, code: i32, reason: &str| {
        let ran = plan(&fleet, &["--note=hand.json", "--format=json"]);
        assert_eq!(ran.code, Some(code), "{what}: {ran}");
        assert!(ran.stderr.contains(reason), "{what}: {ran}");
        assert_eq!(ran.stdout, "", "{what}: nothing is planned");
    };
    type Change = fn(&mut Note);
    let cases: [(&str, u8, &str, Change, &str); 12] = [
        ("by the author", ALICE, DECOMMISSION, |_| {}, "self-approval"),
        ("by a workload", AGENT, DECOMMISSION, |_| {}, "not-an-approver"),
        ("by somebody without a role", DAVE, DECOMMISSION, |_| {}, "not-an-approver"),
        ("by a stranger", STRANGER, DECOMMISSION, |_| {}, "not-an-approver"),
        ("an approval's signature", BOB, APPROVAL, |_| {}, "namespace"),
        ("in another's name", CAROL, DECOMMISSION, |n| n.by = "bob".into(), "signature-invalid"),
        ("of yesterday", BOB, DECOMMISSION, |n| n.until = n.at, "note-invalid"),
        ("of everything", BOB, DECOMMISSION, |n| n.stratum.clear(), "empty-selector"),
        (
            "of any value",
            BOB,
            DECOMMISSION,
            |n| {
                n.stratum.insert("host_gen".into(), "*".into());
            },
            "empty-selector",
        ),
        ("of another account", BOB, DECOMMISSION, |n| n.account = "222".into(), "target-mismatch"),
        ("of another scope", BOB, DECOMMISSION, |n| n.scope = "disks".into(), "target-mismatch"),
        ("of a later format", BOB, DECOMMISSION, |n| n.schema = "v2".into(), "unknown-schema"),
    ];
    for (what, seed, namespace, change, reason) in cases {
        by_hand(&fleet, seed, namespace, change);
        refused(what, if reason == "empty-selector" { 2 } else { 4 }, reason);
    }
    by_hand(&fleet, BOB, DECOMMISSION, |n| {
        (n.at, n.until) = (n.at - hours(5), n.until - hours(2));
    });
    refused("whose time is over", 4, "expired");
    by_hand(&fleet, BOB, DECOMMISSION, |n| n.at = n.until - SignedDuration::from_secs(1));
    refused("of a time to come", 4, "not-yet-valid");
    by_hand(&fleet, BOB, DECOMMISSION, |n| n.until = n.at + hours(91 * 24));
    refused("without an end", 4, "note-invalid");
    // One byte of it.
    let path = by_hand(&fleet, BOB, DECOMMISSION, |_| {});
    let text = std::fs::read_to_string(&path).expect("it").replace("it goes", "it Goes");
    std::fs::write(&path, text).expect("written");
    refused("that was changed", 4, "signature-invalid");
    std::fs::remove_file(fleet.sim.path("hand.json.sig")).expect("removed");
    refused("that nobody signed", 4, "signature-invalid");
    by_hand(&fleet, BOB, DECOMMISSION, |_| {});
    fleet.sim.folder.file("revoked", crate::stage::public(BOB));
    refused("with a revoked key", 4, "key-revoked");
    fleet.sim.folder.file("revoked", "# nobody\n");

    // One of another class is a good note, and holds nothing of this one.
    by_hand(&fleet, BOB, DECOMMISSION, |n| {
        n.stratum.insert("host_gen".into(), "9".into());
    });
    let ran = plan(&fleet, &["--note=hand.json", "--format=json"]);
    assert_eq!((ran.code, planned(&ran)), (Some(4), 0), "{ran}");
    assert_eq!(told(&ran)["reason"], "stratum-all-dead");
}

/// With nobody who checks a note, the author's own lets seven live servos be stopped.
#[test]
fn b02_unchecked_a_note_does_the_damage() {
    let mut fleet = generation_0(true);
    fleet.policy = portcullis::cleanup::policy::Policy::read(
        "policy",
        &std::fs::read(fleet.sim.path("policy.yaml")).expect("it"),
    )
    .expect("a policy");
    fleet.learn();
    assert_eq!(fleet.damage(Guards::all()), [""; 0]);
    fleet.notes = vec![Noted {
        says: Decommission {
            stratum: BTreeMap::from([("host_gen".into(), "0".into())]),
            reason: "mine".into(),
            by: "alice".into(),
            until: fleet.now + SignedDuration::from_hours(1),
        },
        signed: SignedNote::default(),
    }];
    assert_eq!(fleet.damage(Guards::all()).len(), 7);
}

/// A note holds until the plan is claimed, by the signature, the key and the time of then.
#[test]
fn b02_a_note_must_hold_when_the_plan_is_claimed() {
    let fleet = generation_0(false);
    by_hand(&fleet, BOB, DECOMMISSION, |_| {});
    let ran = plan(&fleet, &["--note=hand.json", "--format=json"]);
    assert_eq!((ran.code, planned(&ran)), (Some(0), 7), "{ran}");
    let place = fleet.sim.path(told(&ran)["folder"].as_str().expect("a folder"));
    let found = dossier::read(&place).expect("the folder");
    let trust = std::fs::read(fleet.sim.path("trust.yaml")).expect("the list");
    let trust = Trust::parse(&trust).expect("trust");
    let at = |hours: i64, revoked: &str| {
        let revoked = Revoked::parse(revoked.as_bytes()).expect("a list");
        let now = Timestamp::now() + SignedDuration::from_hours(hours);
        let ask = Ask {
            digest: &found.digest,
            trust: &trust,
            revoked: &revoked,
            running: None,
            now,
            claimed_at: None,
        };
        let assessed = assess(&found.papers, &ask).expect("a plan of its author");
        (assessed.refusal.map(|r| r.reason), assessed.not_after)
    };
    // Only people are missing; and it can be claimed no longer than the note holds.
    let (refusal, not_after) = at(0, "");
    assert_eq!(refusal, Some(Reason::QuorumMissing));
    assert!(not_after < Timestamp::now() + SignedDuration::from_hours(2), "{not_after}");
    assert_eq!(at(2, "").0, Some(Reason::Expired));
    assert_eq!(at(0, &crate::stage::public(BOB)).0, Some(Reason::KeyRevoked));

    // A plan that hides what was loosened, or carries a note that nobody signed, is none.
    let bytes = std::fs::read(place.join("plan.json")).expect("the plan");
    let mut hidden: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    hidden["loosened"] = json!([]);
    let why = read(&serde_json::to_vec(&hidden).expect("JSON")).expect_err("it hides a note");
    assert_eq!(why.reason, Reason::PlanInvalid);
}
