//! What was seen, beside the plan: whole, without secrets, and not to be changed.

use crate::common::Ran;
use crate::fleet::Fleet;
use crate::planned::{fleet, plan, told};
use portcullis::cleanup::Digest;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const SECRET: &str = "hunter2-and-more";

/// A sealed plan of a fleet in which secrets lie about.
fn sealed() -> (Fleet, PathBuf, Value) {
    let fleet = fleet(|fleet| {
        // One that has its reasons against it.
        fleet.call_dead("sv-2-7");
        fleet.servo("sv-2-7")["protected"] = json!([{"kind": "opt-out", "source": "tags"}]);
        for id in ["sv-2-0", "sv-2-7"] {
            let servo = fleet.servo(id);
            servo["attributes"]["db_password"] = json!(SECRET);
            let record = json!({"host": "h", "servos": ["s"]});
            servo["dead"][0]["record"] = record;
            servo["dead"][1]["record"] = json!({"env": {"API_TOKEN": SECRET}, "project": "p-1"});
            servo["dead"][1]["detail"] = json!(format!("see db://app:{SECRET}@host/x"));
        }
        // Such records and attributes have shown life elsewhere.
        let now = fleet.now;
        for n in 10..40 {
            let servo = fleet.servo(&format!("sv-2-{n}"));
            servo["attributes"]["db_password"] = json!(SECRET);
            servo["live"].as_array_mut().expect("claims").push(json!(
                {"kind": "paid", "source": "projects", "at": now,
                 "record": {"env": {"API_TOKEN": SECRET}, "project": "p-2"}}
            ));
        }
    });
    plan(&fleet, &[]);
    let ran = plan(&fleet, &["--format=json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let told = told(&ran);
    let place = fleet.sim.path(told["folder"].as_str().expect("a folder"));
    (fleet, place, told)
}

fn show(fleet: &Fleet, told: &Value, more: &[&str]) -> Ran {
    let digest = told["plan"].as_str().expect("a digest");
    fleet.sim.folder.run(&[&["cleanup", "show", digest][..], more].concat())
}

#[test]
fn what_was_seen_is_sealed_with_the_plan_and_holds_no_secret() {
    let (fleet, place, told) = sealed();
    let file = place.join("evidence.jsonl");
    let bytes = std::fs::read(&file).expect("the evidence");
    let plan: Value =
        serde_json::from_slice(&std::fs::read(place.join("plan.json")).expect("it")).expect("JSON");
    assert_eq!(plan["evidence"], json!(Digest::of(&bytes)));
    assert!(std::fs::metadata(&file).expect("it").permissions().readonly());
    let text = String::from_utf8(bytes).expect("text");
    assert_eq!(text.lines().count(), 1 + 2 + 3, "a head, two sources, three that are called dead");
    assert!(text.contains("\"db_password\":\"(redacted)\"") && text.contains("p-1"), "{text}");
    // Neither the evidence nor the plan, nor what the next run learns, holds a secret's value.
    let out = fleet.sim.path("cleanup");
    let mut read = 0;
    for folder in [out.clone(), place.clone()] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).expect("text");
                assert!(!text.contains(SECRET), "{}", path.display());
                read += 1;
            }
        }
    }
    assert!(read >= 4, "{read} files");

    let shown = show(&fleet, &told, &["--evidence=sv-2-0"]);
    for word in [
        "planned: stop (start)",
        "dead: not-on-host (hosts, ",
        "record {\"env\":{\"API_TOKEN\":\"(redacted)\"},\"project\":\"p-1\"}",
        "see db://(redacted)@host/x",
        "speaks against it:",
    ] {
        assert!(shown.stdout.contains(word), "{word}: {shown}");
    }
    let shown = show(&fleet, &told, &["--evidence=sv-2-7", "--format=json"]);
    let seen: Value = serde_json::from_str(&shown.stdout).expect("JSON");
    assert_eq!(seen["things"][0]["refused"][0]["reason"], "protected", "{shown}");
    assert_eq!(seen["things"][0]["resource"]["protected"][0]["kind"], "opt-out");
    let shown = show(&fleet, &told, &["--evidence=sv-2-50"]);
    assert!(shown.code == Some(2) && shown.stderr.contains("nobody called it dead"), "{shown}");
}

#[test]
fn evidence_that_was_changed_or_taken_away_is_a_no() {
    let (fleet, place, told) = sealed();
    let digest = told["plan"].as_str().expect("a digest");
    let verify = || {
        let words = ["cleanup", "verify", digest, "--trust=trust.yaml", "--format=json"];
        let ran = fleet.sim.folder.run(&words);
        let said: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        said["reason"].as_str().unwrap_or_default().to_owned()
    };
    let approve = || {
        let pem = crate::stage::key(crate::stage::BOB).to_openssh(ssh_key::LineEnding::LF);
        let file = fleet.sim.folder.file("bob", pem.expect("a key").as_bytes());
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        let confirm = "--confirm=2 items in 111";
        let by = ["--key=bob", "--as=bob", "--trust=trust.yaml", confirm];
        fleet.sim.folder.run(&[&["cleanup", "approve", digest][..], &by].concat())
    };
    assert_eq!(verify(), "quorum", "only people are missing");
    let file = place.join("evidence.jsonl");
    let good = std::fs::read_to_string(&file).expect("it");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("writable");
    // Somebody lets the one that is protected look like the others.
    std::fs::write(&file, good.replace("opt-out", "nothing")).expect("written");
    assert_eq!(verify(), "evidence-changed");
    let shown = show(&fleet, &told, &["--evidence=sv-2-7"]);
    assert!(shown.code == Some(4) && shown.stderr.contains("evidence-changed"), "{shown}");
    let no = approve();
    assert!(no.code == Some(4) && no.stderr.contains("evidence-changed"), "{no}");
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(verify(), "evidence-changed");
    // Put back, it is as good as before.
    std::fs::write(&file, good).expect("written");
    assert_eq!(approve().code, Some(0));
    assert_eq!(verify(), "", "approved");
}
