//! What happens to a thing between its plan and its act, or in its quarantine, on a moto: nothing that
//! somebody used, and nothing whose evidence is gone, is acted on.

use crate::account::{items, refused};
use crate::quarantine::{account, condemned, rest};
use crate::world::Server;
use serde_json::{Value, json};

fn denied(it: &crate::account::Account, call: &str) -> Server {
    let rules = json!([{
        "service": "*", "operation": call,
        "error": {"code": "UnauthorizedOperation", "status": 403},
    }]);
    Server::microburst(&it.moto, &rules)
}

fn state(it: &crate::account::Account, name: &str) -> Value {
    it.show()["instances"][it.id(name)].clone()
}

#[test]
fn what_was_started_or_retyped_in_its_quarantine_is_not_terminated() {
    for (verb, field) in [("restart", "transition"), ("retype", "instance-type")] {
        let it = account(verb);
        let place = condemned(&it);
        it.does(&[verb, &it.id("orphan")]);
        rest();
        let receipt = format!("{place}/receipt.json");
        let (plan, _) = it.plan(&["--delete", &receipt]);
        assert!(items(&plan).all(|(id, _)| id != it.id("orphan")), "{verb}: {plan:#}");
        let why = refused(&plan, &it.id("orphan"));
        assert!(why.starts_with("state-changed") && why.contains(field), "{verb}: {why}");
        // The others are as they were left, and this one comes back all the same.
        assert!(items(&plan).any(|(id, _)| id == it.id("volume")), "{plan:#}");
        let (code, said) =
            it.cleanup(&["undo", &receipt, "--spec", "spec.yaml", "--id", &it.id("orphan")]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(state(&it, "orphan"), "running");
    }
}

/// The same after people agreed to its end.
#[test]
fn what_was_started_between_its_last_plan_and_its_end_is_not_terminated() {
    let it = account("late");
    let place = condemned(&it);
    rest();
    let receipt = format!("{place}/receipt.json");
    let (plan, deletion) = it.plan(&["--delete", &receipt]);
    assert!(items(&plan).any(|it_| it_ == (it.id("orphan").as_str(), "terminate")), "{plan:#}");
    it.does(&["restart", &it.id("orphan")]);
    let (_, said) = it.apply(&plan, &deletion, &["--receipt", &receipt]);
    assert_eq!(state(&it, "orphan"), "stopped", "{said}");
    assert!(said.contains("state-changed: transition was"), "{said}");
    assert!(!it.there("volume"), "{said}");
}

/// Restarted under another type between its plan and its quarantine, it runs as it did.
#[test]
fn what_was_retyped_between_its_plan_and_its_act_is_not_stopped() {
    let it = account("retyped");
    it.plan(&[]);
    let (plan, place) = it.plan(&[]);
    it.does(&["restart", &it.id("orphan")]);
    it.does(&["retype", &it.id("orphan")]);
    it.does(&["start", &it.id("orphan")]);
    let (_, said) = it.apply(&plan, &place, &[]);
    assert_eq!(state(&it, "orphan"), "running", "{said}");
    assert!(said.contains("state-changed: instance-type was"), "{said}");
}

/// AWS tells nothing of a volume that was attached and is not any more: what was written comes back by the
/// snapshot of right before its end.
#[test]
fn what_was_written_to_a_volume_in_its_quarantine_is_in_a_snapshot_of_right_before_its_end() {
    let it = account("borrowed");
    let place = condemned(&it);
    let first = it.show()["snapshots"].as_array().unwrap().clone();
    it.does(&["borrow", &it.id("volume")]);
    rest();
    let receipt = format!("{place}/receipt.json");
    let (plan, deletion) = it.plan(&["--delete", &receipt]);
    let (code, said) = it.apply(&plan, &deletion, &["--receipt", &receipt]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!it.there("volume"));
    let all = it.show()["snapshots"].as_array().unwrap().clone();
    let last: Vec<&Value> = all.iter().filter(|s| !first.contains(s)).collect();
    let [last] = last.as_slice() else { panic!("{all:?}") };
    let written = std::fs::read_to_string(format!("{deletion}/receipt.json")).unwrap();
    assert!(written.contains(last.as_str().unwrap()), "{written}");
}

#[test]
fn evidence_that_cannot_be_read_at_the_act_leaves_the_thing_alone() {
    let it = account("evidence");
    let orphan = it.id("orphan");
    it.does(&["moves", &orphan, "14", "200000"]);
    it.plan(&[]);
    for (call, says) in [
        ("GetMetricData", "unknown: the plan rests on no-traffic, and now GetMetricData"),
        ("DescribeNetworkInterfaces", "unknown: DescribeNetworkInterfaces denied"),
    ] {
        let (plan, place) = it.plan(&[]);
        assert!(items(&plan).any(|i| i == (orphan.as_str(), "stop")), "{:#?}", plan["refused"]);
        let (_, said) = it.apply_at(&denied(&it, call), &plan, &place, &[]);
        assert_eq!(state(&it, "orphan"), "running", "{call}: {said}");
        let left: Vec<&str> =
            said.lines().filter(|l| l.contains("left out") && l.contains(&orphan)).collect();
        assert!(left.len() == 1 && left[0].contains(says), "{call}: {said}");
        assert!(!said.contains("state-changed"), "{call}: {said}");
        it.cleanup(&["undo", &format!("{place}/receipt.json"), "--spec", "spec.yaml"]);
    }
}

/// A volume at an instance that is stopped is detached where a job asks for it, and attached again from its
/// receipt; once the instance runs it is in use.
#[test]
fn a_job_may_ask_to_detach_what_hangs_at_a_stopped_instance() {
    let it = account("hung");
    let (volume, orphan) = (it.id("volume"), it.id("orphan"));
    let hangs = json!([[orphan, "/dev/sdf"]]);
    assert_eq!(it.does(&["hang", &volume, &orphan]), hangs);
    let line = json!({ "type": "AWS::EC2::Volume", "id": volume, "action": "detach", "dead": [
        { "kind": "not-mounted", "source": "the job", "at": jiff::Timestamp::now(), "detail": "" }] });
    std::fs::write(it.folder.join("job.ndjson"), format!("{line}\n")).unwrap();
    std::fs::write(it.folder.join("job.sh"), "the job").unwrap();
    let job = ["--candidates", "job.ndjson", "--judged-by", "job.sh"];
    it.plan(&job);
    let (plan, place) = it.plan(&job);
    let acts: Vec<_> = items(&plan).collect();
    assert_eq!(acts, [(volume.as_str(), "detach")], "{:#}", plan["refused"]);
    let (code, said) = it.apply(&plan, &place, &[]);
    assert_eq!((code, it.does(&["where", &volume])), (Some(0), json!([])), "{said}");
    let receipt = format!("{place}/receipt.json");
    let (code, said) = it.cleanup(&["undo", &receipt, "--spec", "spec.yaml"]);
    assert_eq!((code, it.does(&["where", &volume])), (Some(0), hangs.clone()), "{said}");
    // Planned anew, and started before the act.
    let (plan, place) = it.plan(&job);
    it.does(&["start", &orphan]);
    let (_, said) = it.apply(&plan, &place, &[]);
    assert_eq!(it.does(&["where", &volume]), hangs, "{said}");
    assert!(said.contains("attached"), "{said}");
}
