//! `cleanup plan` and `cleanup show` as people and CI run them.

use crate::common::Ran;
use crate::fleet::{Fleet, POLICY};
use crate::stage::{ALICE, ONE, key, trust};
use jiff::Timestamp;
use serde_json::{Value, json};
use ssh_key::LineEnding;

/// Whether the adapter was ever started.
fn asked(fleet: &Fleet) -> bool {
    fleet.sim.path("world.json.lock").exists()
}

pub(crate) fn files(fleet: &Fleet) {
    let world = &fleet.sim.folder;
    world.file("trust.yaml", trust(ONE, ""));
    world.file("revoked", "# nobody\n");
    world.file("policy.yaml", POLICY);
    let pem = key(ALICE).to_openssh(LineEnding::LF).expect("a key");
    let file = world.file("key", pem.as_bytes());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, mode).expect("a key's mode");
    fleet.sim.write();
}

/// A fleet with the files of a plan, which no adapter was asked about yet.
pub(crate) fn fleet(change: impl FnOnce(&mut Fleet)) -> Fleet {
    let mut fleet = Fleet::small();
    change(&mut fleet);
    files(&fleet);
    let _ = std::fs::remove_file(fleet.sim.path("world.json.lock"));
    fleet
}

pub(crate) fn plan(fleet: &Fleet, more: &[&str]) -> Ran {
    fleet.sim.folder.run(&words(fleet, more))
}

/// The arguments of such a run.
pub(crate) fn words(fleet: &Fleet, more: &[&str]) -> Vec<String> {
    let adapter = json!(fleet.sim.command()).to_string();
    let mut arguments = vec![
        "cleanup",
        "plan",
        "--adapter",
        &adapter,
        "--policy=policy.yaml",
        "--trust=trust.yaml",
        "--author=alice",
        "--key=key",
    ];
    if !more.iter().any(|m| m.starts_with("--scope")) {
        arguments.push("--scope=servos");
    }
    arguments.extend(more);
    arguments.into_iter().map(Into::into).collect()
}

pub(crate) fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"))
}

#[test]
fn b04_the_first_run_learns_and_the_second_plans() {
    let fleet = fleet(|_| {});
    let first = plan(&fleet, &["--format=json"]);
    assert_eq!((first.code, told(&first)["items"].as_array().map(Vec::len)), (Some(0), Some(0)));
    assert!(
        told(&first)["refused"]
            .as_array()
            .expect("refused")
            .iter()
            .all(|r| r["reason"] == "shadow")
    );
    let strict = plan(&fleet, &["--format=json", "--strict"]);
    let told_second = told(&strict);
    assert_eq!(strict.code, Some(0), "nothing is held any more: {strict}");
    assert_eq!(told_second["items"].as_array().map(Vec::len), Some(2));
    // Sealed, read-only, signed by its author, and shown from its bytes alone.
    let digest = told_second["plan"].as_str().expect("a digest");
    let folder = fleet.sim.path(told_second["folder"].as_str().expect("a folder"));
    let bytes = std::fs::read(folder.join("plan.json")).expect("the plan");
    assert_eq!(portcullis::cleanup::Digest::of(&bytes).to_string(), digest);
    assert!(std::fs::metadata(folder.join("plan.json")).expect("it").permissions().readonly());
    assert!(folder.join("plan.json.sig").exists());
    let shown = fleet.sim.folder.run(&["cleanup", "show", digest]);
    assert_eq!(shown.code, Some(0), "{shown}");
    for word in [digest, "2 × stop", "stop servo sv-2-0 (start)", "project-tombstone (projects"] {
        assert!(shown.stdout.contains(word), "{word}: {shown}");
    }
    let raw = fleet.sim.folder.run(&["cleanup", "show", digest, "--format=json"]);
    assert_eq!(raw.stdout.as_bytes(), bytes, "the sealed bytes themselves");
}

/// What a look at the thing alone shows is sealed as what a look before its act must show.
#[test]
fn c02_a_plan_says_which_evidence_is_asked_for_again() {
    let fleet = fleet(|_| {});
    plan(&fleet, &[]);
    let now = Timestamp::now();
    let dead = json!([{"kind": "unpaid", "source": "projects", "at": now}]);
    let line = json!({"type": "servo", "id": "sv-2-0", "dead": dead});
    let ran = plan(&fleet, &["--format=json"]);
    let item = &told(&ran)["items"][0];
    assert_eq!((ran.code, &item["id"]), (Some(0), &json!("sv-2-0")), "{ran}");
    let kinds = |item: &Value| {
        let again = item["again"].as_array().map(Vec::as_slice).unwrap_or_default();
        again.iter().map(|a| a["kind"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(item), ["not-on-host", "project-tombstone"], "{ran}");
    assert!(item["again"][0]["shape"].is_string() && item["again"][1]["shape"].is_null(), "{ran}");
    let shown = plan(&fleet, &[]);
    let says = "asked again before the act: not-on-host, project-tombstone";
    assert!(shown.stdout.contains(says), "{shown}");
    // What only the job says is the job's.
    fleet.sim.folder.file("list.ndjson", line.to_string());
    fleet.sim.folder.file("job.sh", "#!/bin/sh\n");
    let mut job = fleet;
    job.servo("sv-2-0")["dead"] = json!([job.servo("sv-2-0")["dead"][0]]);
    job.sim.write();
    let more = ["--candidates=list.ndjson", "--judged-by=job.sh", "--format=json"];
    plan(&job, &more);
    let ran = plan(&job, &more);
    assert_eq!(kinds(&told(&ran)["items"][0]), ["not-on-host"], "{ran}");
}

/// A thing that cannot be looked at while it is planned would be looked at in vain before its act.
#[test]
fn c02_what_cannot_be_observed_is_not_planned() {
    let fleet = fleet(|_| {});
    plan(&fleet, &[]);
    let fault = r#"[{"at": "observe", "id": "sv-2-0", "do": "unknown"}]"#;
    fleet.sim.folder.file("faults.json", fault);
    let ran = plan(&fleet, &["--format=json"]);
    let told = told(&ran);
    let items = told["items"].as_array().expect("items");
    let ids: Vec<_> = items.iter().map(|i| (&i["id"], &i["n"])).collect();
    assert_eq!(ids, [(&json!("sv-2-1"), &json!(1))], "{ran}");
    let refused = told["refused"].as_array().expect("refused");
    let why = refused.iter().find(|r| r["item"]["id"] == "sv-2-0").expect("it is refused");
    assert_eq!((&why["reason"], &why["says"]), (&json!("unknown"), &json!("told not to know")));
    assert!(told["plan"].is_string(), "sealed, and read by every other command: {ran}");
}

#[test]
fn b02_an_alarm_is_refused_with_exit_4() {
    let fleet = fleet(|fleet| {
        for n in 0..7 {
            fleet.add(&format!("sv-0-{n}"), "0");
            fleet.call_dead(&format!("sv-0-{n}"));
        }
    });
    let ran = plan(&fleet, &["--format=json"]);
    let told = told(&ran);
    assert_eq!(
        (ran.code, &told["class"], &told["reason"]),
        (Some(4), &json!(10), &json!("stratum-all-dead"))
    );
}

#[test]
fn b07_the_adapter_is_never_called() {
    let empty = fleet(|_| {});
    for more in [
        ["--selector=region="],
        ["--selector=region=*"],
        ["--selector=region=null"],
        ["--scope="],
        ["--scope=*"],
    ] {
        let ran = plan(&empty, &more);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("empty-selector"), "{ran}");
    }
    empty.sim.folder.file("none.ndjson", "\n");
    let ran = plan(&empty, &["--candidates=none.ndjson"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("empty-selector"), "{ran}");
    assert!(!asked(&empty), "somebody asked the adapter");
    plan(&empty, &[]);
    assert!(asked(&empty), "and this would have been seen");
}

#[test]
fn b09_an_unfit_source_is_incomplete_evidence() {
    let fleet = fleet(|fleet| fleet.sim.data["sources"][1]["cross_count"] = json!(140));
    let ran = plan(&fleet, &["--format=json"]);
    let told = told(&ran);
    assert_eq!((ran.code, &told["class"], &told["plan"]), (Some(3), &json!(17), &json!(null)));
    assert_eq!(told["reason"], "source-incomplete");
    assert!(!fleet.sim.path("cleanup").exists(), "nothing is sealed and nothing learned");
}

#[test]
fn b20_a_policy_that_is_missing_or_wrong_is_refused() {
    let fleet = fleet(|_| {});
    for (from, to, code) in [
        ("max_items: 25", "", "policy-invalid"),
        ("max_items_per_day: 25", "", "policy-invalid"),
        ("total: 2%", "total: 101%", "policy-invalid"),
        ("total: 2%", "total: -1", "policy-invalid"),
        ("max_items: 25", "max_items: 25\n  max_itmes: 25", "policy-invalid"),
    ] {
        fleet.sim.folder.file("policy.yaml", POLICY.replacen(from, to, 1));
        let ran = plan(&fleet, &[]);
        assert!(ran.code == Some(2) && ran.stderr.contains(code), "{to}: {ran}");
        assert!(ran.stderr.contains("policy.yaml:"), "with its place: {ran}");
    }
    std::fs::remove_file(fleet.sim.path("policy.yaml")).expect("removed");
    let ran = plan(&fleet, &[]);
    assert!(ran.code == Some(2) && ran.stderr.contains("policy-missing"), "{ran}");
    assert!(!asked(&fleet));
}

#[test]
fn e04_an_empty_plan_is_sealed_and_clean() {
    let fleet = fleet(|fleet| {
        for id in ["sv-2-0", "sv-2-1"] {
            let claim = json!([{"kind": "opt-out", "source": "tags", "detail": "mine\u{1b}[2J"}]);
            fleet.servo(id)["protected"] = claim;
        }
    });
    let ran = plan(&fleet, &[]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("servo sv-2-0: opt-out (tags): mine\\u{1b}[2J"), "escaped: {ran}");
}

#[test]
fn a_job_says_what_is_dead_and_the_adapter_what_there_is() {
    let fleet = fleet(|fleet| {
        for id in ["sv-2-0", "sv-2-1"] {
            fleet.servo(id)["candidate"] = json!(false);
        }
    });
    let now = Timestamp::now();
    let dead = json!([{"kind": "unpaid", "source": "hosts", "at": now}]);
    let line = |id: &str| json!({"type": "servo", "id": id, "dead": dead}).to_string();
    let list = format!("{}\n{}\n{}\n", line("sv-2-0"), line("sv-2-9"), line("sv-gone"));
    fleet.sim.folder.file("list.ndjson", list);
    fleet.sim.folder.file("job.sh", "#!/bin/sh\n");
    let ran = plan(&fleet, &["--candidates=list.ndjson", "--judged-by=job.sh", "--format=json"]);
    let told = told(&ran);
    let why = |id: &str| {
        let refused = told["refused"].as_array().expect("refused");
        let it = refused.iter().find(|r| r["item"]["id"] == id).expect("it is refused");
        it["reason"].as_str().expect("a reason").to_owned()
    };
    assert_eq!((why("sv-2-9"), why("sv-gone")), ("live".into(), "unknown".into()));
    // The one that is live was judged wrong: a control, and the whole is an alarm.
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("control-live-hit")));
    let alarm = told["alarms"][0]["says"].as_str().expect("words");
    assert!(
        alarm.contains("called dead: servo sv-2-9 (") && alarm.contains("Mend what"),
        "{alarm}"
    );
    let wrong = fleet.sim.folder.file("wrong.ndjson", "{\"type\":\"servo\"}\n");
    let ran = plan(&fleet, &["--candidates", &wrong.display().to_string()]);
    assert!(ran.code == Some(2) && ran.stderr.contains("line 1: "), "{ran}");
}
