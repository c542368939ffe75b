//! Owners: told once what of theirs is planned, and heard when they object. E03 through the binary.

use crate::common::Ran;
use crate::fleet::{Fleet, POLICY};
use crate::job::Job;
use crate::planned::{fleet, plan, told};
use crate::simworld::Sim;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A fleet whose two orphans belong to two teams, its owners told by `hook`, a shell script.
fn with_hook(hook: &str, notify: &str) -> Fleet {
    let fleet = fleet(|fleet| {
        fleet.servo("sv-2-0")["owner"] = json!("team-x");
        fleet.call_dead("sv-2-7");
        fleet.servo("sv-2-7")["owner"] = json!("team-z");
        fleet.servo("sv-2-7")["protected"] = json!([{"kind": "opt-out", "source": "tags"}]);
    });
    let script = fleet.sim.folder.file("tell.sh", format!("#!/bin/sh\n{hook}\n"));
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    fleet.sim.folder.file("policy.yaml", format!("{POLICY}notify: {notify}\n"));
    plan(&fleet, &[]);
    fleet
}

fn place(fleet: &Fleet, ran: &Ran) -> PathBuf {
    fleet.sim.path(told(ran)["folder"].as_str().expect("a folder"))
}

fn lines(path: PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect()
}

/// What `cleanup verify` says is wrong.
fn verify(fleet: &Fleet, ran: &Ran) -> String {
    let told = told(ran);
    let digest = told["plan"].as_str().expect("a digest");
    let words = ["cleanup", "verify", digest, "--trust=trust.yaml", "--format=json"];
    let said: Value =
        serde_json::from_str(&fleet.sim.folder.run(&words).stdout).expect("an answer");
    said["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn each_owner_is_told_once_what_of_theirs_is_planned_and_how_to_object() {
    let fleet = with_hook("cat >> told.jsonl", "{command: [./tell.sh], require: true}");
    assert_eq!(lines(fleet.sim.path("told.jsonl")).len(), 0, "a plan of nothing tells nobody");
    let ran = plan(&fleet, &["--format=json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let notices = lines(fleet.sim.path("told.jsonl"));
    let owners: Vec<&Value> = notices.iter().map(|n| &n["owner"]).collect();
    assert_eq!(owners, [&json!("team-x"), &json!(null)], "not team-z, whose servo stays");
    let (digest, notice) = (told(&ran)["plan"].clone(), &notices[0]);
    assert_eq!((&notice["plan"], &notice["items"][0]["id"]), (&digest, &json!("sv-2-0")));
    assert_eq!(notice["items"][0]["action"], "stop");
    assert_eq!(notice["items"][0]["keep"], r#"{"type":"servo","id":"sv-2-0"}"#);
    assert!(notice["not_after"].is_string());
    let deny = notice["opt_out"]["deny"].as_str().expect("how");
    assert!(deny.contains(&digest.as_str().expect("it").replace(':', "-")), "{deny}");
    let written = lines(place(&fleet, &ran).join("notified.jsonl"));
    assert!(written.len() == 2 && written.iter().all(|t| t["told"] == true), "{written:?}");
    assert_eq!(verify(&fleet, &ran), "quorum", "only people are missing");
    // Who was told of another plan was not told of this one.
    let again = plan(&fleet, &["--format=json"]);
    let (from, to) = (place(&fleet, &ran), place(&fleet, &again));
    std::fs::remove_file(to.join("notified.jsonl")).expect("removed");
    assert_eq!(verify(&fleet, &again), "owners-not-told", "nothing tells of it");
    std::fs::copy(from.join("notified.jsonl"), to.join("notified.jsonl")).expect("copied");
    assert_eq!(verify(&fleet, &again), "owners-not-told");
}

#[test]
fn owners_who_could_not_be_told_hold_the_plan_where_the_policy_says_so() {
    let fails = "cat > /dev/null; echo 'the mail does not go out' >&2; exit 1";
    for (hook, notify, code, reason) in [
        (fails, "{command: [./tell.sh], require: true}", 3, "owners-not-told"),
        (fails, "{command: [./tell.sh], require: false}", 0, "quorum"),
        ("sleep 60", "{command: [./tell.sh], require: true, timeout: 1s}", 3, "owners-not-told"),
        ("", "{command: [./no-such.sh], require: true}", 3, "owners-not-told"),
    ] {
        let fleet = with_hook(hook, notify);
        let ran = plan(&fleet, &["--format=json"]);
        assert_eq!(ran.code, Some(code), "{notify}: {ran}");
        assert!(told(&ran)["told"].as_array().expect("it").iter().all(|t| t["told"] == false));
        assert_eq!(verify(&fleet, &ran), reason, "{notify}");
    }
    let fleet = with_hook(fails, "{command: [./tell.sh], require: true}");
    let ran = plan(&fleet, &[]);
    for word in ["owner NOT told: team-x: ", "the mail does not go out", "nobody will apply"] {
        assert!(ran.stdout.contains(word), "{word}: {ran}");
    }
}

#[test]
fn a_hook_that_says_nothing_is_refused_with_the_policy() {
    for notify in [
        "{command: [], require: true}",
        "{command: [./tell.sh]}",
        "{command: [./tell.sh], require: true, timeout: 1h}",
        "{command: [./tell.sh], require: true, to: team-x}",
    ] {
        let fleet = fleet(|_| {});
        fleet.sim.folder.file("policy.yaml", format!("{POLICY}notify: {notify}\n"));
        let ran = plan(&fleet, &[]);
        assert!(ran.code == Some(2) && ran.stderr.contains("policy-invalid"), "{notify}: {ran}");
    }
}

#[test]
fn what_somebody_wants_to_stay_is_not_planned() {
    let fleet = fleet(|_| {});
    let line = r#"{"type": "servo", "id": "sv-2-0", "by": "team-x", "why": "ours"}"#;
    fleet.sim.folder.file("stay.jsonl", format!("# objections\n{line}\n"));
    plan(&fleet, &[]);
    let without = plan(&fleet, &["--format=json"]);
    assert_eq!(told(&without)["items"].as_array().map(Vec::len), Some(2), "{without}");
    let ran = plan(&fleet, &["--opt-outs=stay.jsonl", "--format=json"]);
    let told_one = told(&ran);
    assert_eq!(told_one["items"].as_array().map(Vec::len), Some(1), "{ran}");
    assert_eq!(told_one["refused"][0]["reason"], "protected");
    assert_eq!(told_one["refused"][0]["says"], "opt-out (opt-outs): team-x: ours");
    // Nobody can say what is to stay: nothing is planned.
    for (name, text) in [("gone.jsonl", None), ("broken.jsonl", Some("sv-2-0 please\n"))] {
        if let Some(text) = text {
            fleet.sim.folder.file(name, text);
        }
        let ran = plan(&fleet, &[&format!("--opt-outs={name}")]);
        assert!(ran.code == Some(4) && ran.stderr.contains("opt-outs-unreadable"), "{ran}");
        assert_eq!(ran.stdout, "");
    }
    // A folder of such files.
    fleet.sim.folder.file("stay/team-x", line);
    fleet.sim.folder.file("stay/team-y", r#"{"id": "sv-2-1"}"#);
    let ran = plan(&fleet, &["--opt-outs=stay", "--format=json"]);
    assert_eq!(told(&ran)["items"].as_array().map(Vec::len), Some(0), "{ran}");
}

const THREE: [&str; 3] = ["sv-1", "sv-2", "sv-3"];

fn job() -> Job {
    let three = THREE.into_iter().fold(Sim::new(), |sim, id| sim.servo(id, |_| {}));
    // While the first act is under way, the owner of the second objects.
    let object = r#"echo '{"id":"sv-2","by":"team-x","why":"ours"}' >> stay.jsonl"#;
    let fault = json!({"at": "after-act", "do": "run", "command": object});
    let job = Job::new(three.fault(fault), &THREE, |plan| plan.pins.opt_outs = true);
    job.sim.folder.file("stay.jsonl", "");
    job
}

#[test]
fn e03_c03_an_owner_objects_while_the_plan_is_applied() {
    let it = job();
    let (ran, told) = it.apply(&["--attached", "--opt-outs=stay.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(told["items"][1]["reason"], "protected", "{ran}");
    assert!(told["items"][1]["says"].as_str().expect("why").contains("opt-out"), "{ran}");
    assert_eq!(it.acted(), ["sv-1", "sv-3"]);
    // Unheard, the same objection saves nothing: a plan that reads no opt-outs stops the second too.
    let deaf = Job::new(job().sim, &THREE, |_| {});
    let (ran, _) = deaf.apply(&["--attached"]);
    assert_eq!((ran.code, deaf.acted().len()), (Some(0), 3), "{ran}");
}

#[test]
fn e03_opt_outs_that_a_plan_was_made_with_are_not_left_out_and_must_be_readable() {
    let it = job();
    let (ran, _) = it.apply(&["--attached"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("flag-loosens"), "{ran}");
    let (ran, _) = it.apply(&["--attached", "--opt-outs=gone.jsonl"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    it.sim.folder.file("stay.jsonl", "keep sv-2\n");
    let (ran, _) = it.apply(&["--attached", "--opt-outs=stay.jsonl"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(it.acted().is_empty());
    // A job that asks is told no as well, and may be another plan's: nothing is used up.
    let place = it.place.display().to_string();
    let ask = |more: &str| {
        let mut words = it.arguments(&["cleanup", "permit", &place, "--policy=policy.yaml"]);
        words.extend(["--id=sv-2".into(), "--action=stop".into()]);
        words.extend(more.split_whitespace().map(str::to_owned));
        it.sim.folder.run(&words)
    };
    assert!(ask("").stderr.contains("flag-loosens"));
    assert!(ask("--opt-outs=stay.jsonl").stderr.contains("opt-outs-unreadable"));
    it.sim.folder.file("stay.jsonl", "{\"id\":\"sv-2\"}\n");
    let no = ask("--opt-outs=stay.jsonl");
    assert!(no.code == Some(4) && no.stderr.contains("protected"), "{no}");
    it.sim.folder.file("stay.jsonl", "");
    assert_eq!(ask("--opt-outs=stay.jsonl").code, Some(0));
}
