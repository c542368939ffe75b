//! From a mark to the end, through the binary, on a moto: a first plan condemns what nothing uses, a
//! second deletes what nobody objected to.

use crate::account::{Account, POLICY, items, refused};
use crate::world::Server;
use portcullis::cleanup::aws;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const SPEC: &str = "version: 1
roles:
  web: { select: { tags: { role: web } } }
";

pub(crate) fn account(name: &str) -> Account {
    Account::new(name, Server::moto(), "quarantine.py", SPEC)
}

/// A first plan, applied: everything that nothing uses is condemned or stopped.
pub(crate) fn condemned(it: &Account) -> String {
    let (learning, _) = it.plan(&[]);
    assert_eq!(learning["totals"]["items"], 0, "the first run learns");
    let (plan, place) = it.plan(&[]);
    let acts: BTreeSet<(&str, &str)> = items(&plan).collect();
    assert_eq!(
        acts,
        [
            ("address", "mark"),
            ("group", "mark"),
            ("interface", "mark"),
            ("orphan", "stop"),
            ("volume", "snapshot"),
        ]
        .map(|(name, act)| (it.ids[name].as_str().unwrap(), act))
        .into(),
        "{:#?}",
        plan["refused"]
    );
    let (code, said) = it.apply(&plan, &place, &[]);
    assert_eq!(code, Some(0), "{said}");
    place
}

/// The quarantine of the policy: a second.
pub(crate) fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

#[test]
fn what_is_condemned_goes_by_a_second_plan_and_what_somebody_keeps_stays() {
    let it = account("whole");
    let place = condemned(&it);
    let show = it.show();
    let marks = show["marks"].as_object().unwrap();
    let digest = Path::new(&place).file_name().unwrap().to_str().unwrap().replace('-', ":");
    for name in ["address", "group", "interface", "volume"] {
        let mark = marks[&it.id(name)].as_str().unwrap();
        assert!(mark.starts_with(&digest), "{name}: {mark} {digest}");
    }
    assert_eq!(show["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(show["instances"][it.id("orphan")], "stopped");

    // What is condemned is not condemned again.
    let (again, _) = it.plan(&[]);
    assert_eq!(again["totals"]["items"], 0, "{again:#}");
    let why = refused(&again, &it.id("volume"));
    assert!(why.starts_with("no-quarantine-receipt"), "{why}");

    // Owners object to two of them: by taking the mark off, and by using it again.
    it.does(&["untag", &it.id("group")]);
    it.does(&["start", &it.id("orphan")]);
    rest();
    let receipt = format!("{place}/receipt.json");
    let (plan, deletion) = it.plan(&["--delete", &receipt]);
    let acts: BTreeSet<(&str, &str)> = items(&plan).collect();
    let expected = [("address", "release"), ("interface", "delete"), ("volume", "delete")];
    assert_eq!(
        acts,
        expected.map(|(name, act)| (it.ids[name].as_str().unwrap(), act)).into(),
        "{:#?}",
        plan["refused"]
    );
    let why = refused(&plan, &it.id("group"));
    assert!(why.starts_with("protected: its mark was taken off"), "{why}");
    let why = refused(&plan, &it.id("orphan"));
    assert!(why.starts_with("state-changed") && why.contains("running"), "{why}");

    // Another owner objects after people agreed, and the rest goes.
    it.does(&["untag", &it.id("interface")]);
    let (code, said) = it.apply(&plan, &deletion, &["--receipt", &receipt]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("somebody objects"), "{said}");
    for (name, there) in
        [("address", false), ("volume", false), ("interface", true), ("group", true)]
    {
        assert_eq!(it.there(name), there, "{name}");
    }
    let show = it.show();
    let snapshots = show["snapshots"].as_array().unwrap();
    assert_eq!(snapshots.len(), 2, "of its quarantine, and of right before its end");
    assert_eq!(show["instances"][it.id("orphan")], "running");
}

#[test]
fn a_deletion_without_its_rest_or_its_receipt_is_not_planned_and_an_undo_takes_marks_off() {
    let it = account("early");
    let place = condemned(&it);
    // The policy's rest was a second when it was condemned, and is a day now.
    let policy = POLICY.replace("quarantine: 1s", "quarantine: 1d");
    std::fs::write(it.folder.join("policy.yaml"), policy).unwrap();
    let receipt = format!("{place}/receipt.json");
    let (plan, _) = it.plan(&["--delete", &receipt]);
    assert_eq!(plan["totals"]["items"], 0);
    assert!(refused(&plan, &it.id("volume")).contains("below 86400 s"));
    std::fs::write(it.folder.join("policy.yaml"), POLICY).unwrap();

    let (code, said) = it.cleanup(&["undo", &receipt, "--spec", "spec.yaml"]);
    assert_eq!(code, Some(0), "{said}");
    let show = it.show();
    assert_eq!(show["marks"], serde_json::json!({}));
    assert_eq!(show["snapshots"], serde_json::json!([]));
    assert_eq!(show["instances"][it.id("orphan")], "running");
}

/// A balancer of the older API sends clients to an instance from the day after it was planned to be stopped.
#[test]
fn an_instance_that_a_classic_balancer_knows_meanwhile_is_not_stopped() {
    let it = account("registered");
    it.plan(&[]);
    let (plan, place) = it.plan(&[]);
    assert!(items(&plan).any(|(id, act)| id == it.id("orphan") && act == "stop"), "{plan:#}");
    it.does(&["register", &it.id("orphan")]);
    let (_, said) = it.apply(&plan, &place, &[]);
    assert_eq!(it.show()["instances"][it.id("orphan")], "running", "{said}");
    assert!(said.contains("came-alive: in-load-balancer"), "{said}");
    let (plan, _) = it.plan(&[]);
    assert!(items(&plan).all(|(id, _)| id != it.id("orphan")), "{plan:#}");
}

/// Whoever objects between a mark and its end is heard, because the mark was made with their list.
#[test]
fn e03_a_deletion_hears_whom_its_quarantine_heard() {
    let it = account("heard");
    let file = it.folder.join("stay.jsonl");
    std::fs::write(&file, "").unwrap();
    let with = ["--opt-outs", "stay.jsonl"];
    it.plan(&with);
    let (plan, place) = it.plan(&with);
    let (code, said) = it.apply(&plan, &place, &with);
    assert_eq!(code, Some(0), "{said}");
    std::fs::write(&file, format!("{{\"id\":\"{}\"}}\n", it.id("interface"))).unwrap();
    rest();
    let receipt = format!("{place}/receipt.json");
    let words = ["plan", "--aws", "--spec", "spec.yaml", "--scope", "nightly", "--no-probe"];
    let words = [&words[..], &["--regions", "us-east-1", "--delete", &receipt]].concat();
    let (code, said) = it.cleanup(&words);
    assert!(code == Some(2) && said.contains("made with opt-outs"), "{said}");
    let (plan, _) = it.plan(&["--delete", &receipt, "--opt-outs", "stay.jsonl"]);
    assert!(items(&plan).all(|(id, _)| id != it.id("interface")), "{plan:#}");
    assert!(refused(&plan, &it.id("interface")).starts_with("protected"), "{plan:#}");
    assert!(items(&plan).any(|(id, _)| id == it.id("volume")), "{plan:#}");
}

#[test]
fn a_group_that_any_version_of_a_template_names_is_in_use() {
    let it = account("template");
    it.plan(&[]);
    let (plan, _) = it.plan(&[]);
    let templated = it.id("templated");
    assert!(items(&plan).all(|(id, _)| id != templated));
    let unused = it.id("group");
    let item = plan["items"].as_array().unwrap().iter().find(|i| i["id"] == unused.as_str());
    let item = item.unwrap();
    assert_eq!(item["type"], aws::GROUP);
    let said = item["dead"].to_string();
    let unread = said.split("not looked at: ").nth(1).unwrap_or_default();
    assert!(
        unread.contains("ECS services") && unread.contains("Lambda"),
        "approvers see it: {said}"
    );
}

/// Evidence that an item of a plan rests on.
fn evidence(plan: &Value, id: &str) -> Vec<String> {
    let items = plan["items"].as_array().unwrap();
    let item = items.iter().find(|i| i["id"] == id).unwrap_or_else(|| panic!("{plan:#}"));
    let dead = item["dead"].as_array().unwrap();
    dead.iter().map(|c| c["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn two_weeks_of_background_traffic_are_evidence_and_a_busy_day_is_life() {
    let it = account("traffic");
    let orphan = it.id("orphan");
    it.does(&["moves", &orphan, "14", "200000"]);
    it.plan(&[]);
    let (plan, place) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(dead.contains(&"no-traffic".to_owned()), "{dead:?}");
    // Between the plan and its act somebody begins to use it.
    it.does(&["moves", &orphan, "1", "3000000"]);
    let (_, said) = it.apply(&plan, &place, &[]);
    assert!(said.contains("came-alive") && said.contains("traffic"), "{said}");
    assert_eq!(it.show()["instances"][&orphan], "running");
    // What is planned now is not it.
    let (plan, _) = it.plan(&[]);
    assert!(items(&plan).all(|(id, _)| id != orphan));
    let why = refused(&plan, &orphan);
    assert!(why.starts_with("live: traffic"), "{why}");
}

#[test]
fn traffic_that_nobody_told_is_no_silence() {
    let it = account("untold");
    let orphan = it.id("orphan");
    it.plan(&[]);
    let (plan, _) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(!dead.contains(&"no-traffic".to_owned()), "of no datapoint at all: {dead:?}");
    it.does(&["moves", &orphan, "13", "200000"]);
    let (plan, _) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(!dead.contains(&"no-traffic".to_owned()), "of thirteen days: {dead:?}");
    // Denied, it is said, and the rest is planned.
    let rules = serde_json::json!([{
        "service": "*", "operation": "GetMetricData",
        "error": {"code": "AccessDenied", "status": 403},
    }]);
    it.does(&["moves", &orphan, "14", "200000"]);
    let proxy = Server::microburst(&it.moto, &rules);
    let (plan, _, said) = it.plan_at(&proxy, &[]);
    assert!(said.contains("GetMetricData") && said.contains("denied"), "{said}");
    assert!(said.contains("no traffic speaks for or against"), "{said}");
    // What shows that instances in use are seen to be is gone with it, so none is stopped.
    let why = refused(&plan, &orphan);
    assert!(why.starts_with("stratum-unproven"), "{why}");
    assert!(items(&plan).any(|(id, _)| id == it.id("volume")), "{plan:#}");
}
