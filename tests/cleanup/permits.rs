//! Level 2: a job asks before each act. A permit looks at the thing as an apply does, and keeps the plan's
//! batches and rests.

use crate::common::Ran;
use crate::job::Job;
use crate::simworld::Sim;
use portcullis::cleanup::day::name;
use portcullis::cleanup::journal::{Event, ItemState};
use serde_json::{Value, json};

fn five() -> Sim {
    (1..=5).fold(Sim::new(), |sim, n| sim.servo(&format!("sv-{n}"), |_| {}))
}

const IDS: [&str; 5] = ["sv-1", "sv-2", "sv-3", "sv-4", "sv-5"];

fn ask(job: &Job, id: &str) -> Ran {
    let place = job.place.display().to_string();
    let mut words = job.arguments(&["cleanup", "permit", &place, "--policy=policy.yaml"]);
    words.extend([format!("--id={id}"), "--action=stop".into()]);
    job.sim.folder.run(&words)
}

#[track_caller]
fn no(job: &Job, id: &str, why: &str) {
    let ran = ask(job, id);
    assert!(ran.code == Some(4) && ran.stderr.contains(why), "{id} {why}: {ran}");
}

#[test]
fn c07_permits_keep_batches_and_rests() {
    let job = Job::new(five(), &IDS, |plan| {
        (plan.limits.ramp, plan.limits.soak_s) = (vec![1, 2], vec![3600]);
    });
    let ran = ask(&job, "sv-3");
    assert_eq!(ran.code, Some(0), "in whatever order the job likes: {ran}");
    for id in ["sv-1", "sv-2", "sv-4", "sv-5"] {
        no(&job, id, "resting");
    }
    // What is refused for now takes nothing of the day.
    let paper = std::fs::read(job.sim.path("state/days").join(name(&job.plan.target)));
    let paper: Value = serde_json::from_slice(&paper.expect("the paper")).expect("JSON");
    assert_eq!(paper["acts"].as_array().map(Vec::len), Some(1), "{paper}");
    // An apply of the same plan rests as well.
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("soaking")), "{ran}");
    assert!(job.acted().is_empty());
}

/// Classes of their own do not make a batch of all of them.
#[test]
fn c07_permits_of_all_classes_are_one_batch_at_most() {
    let job = Job::new(five(), &IDS, |plan| {
        (plan.limits.ramp, plan.limits.soak_s) = (vec![2], vec![3600]);
        for n in 2..=5 {
            let mut stratum = plan.strata[0].clone();
            (stratum.n, stratum.key) = (n, [("host".into(), n.to_string())].into());
            plan.strata.push(stratum);
        }
        for item in &mut plan.items {
            (item.stratum, item.strata) = (item.n, vec![item.n]);
        }
    });
    assert_eq!((ask(&job, "sv-1").code, ask(&job, "sv-2").code), (Some(0), Some(0)));
    no(&job, "sv-3", "as a batch has at most");
}

#[test]
fn b14_permits_end_one_failure_domain_first() {
    let domain = |zone: &'static str| {
        move |r: &mut serde_json::Value| {
            (r["set"], r["domain"]) = (json!("zookeeper"), json!(zone));
        }
    };
    let sim = Sim::new()
        .servo("sv-1", domain("a"))
        .servo("sv-2", domain("b"))
        .servo("sv-3", domain("a"))
        .servo("sv-4", domain("b"));
    let job = Job::new(sim, &IDS[..4], |plan| plan.limits.ramp = vec![25]);
    assert_eq!(ask(&job, "sv-1").code, Some(0));
    no(&job, "sv-2", "domain a was begun");
    assert_eq!((ask(&job, "sv-3").code, ask(&job, "sv-2").code), (Some(0), Some(0)));
}

/// What answers now is permitted to nobody, and neither is what was judged alike.
#[test]
fn c04_no_permit_for_what_came_alive() {
    let mut job = Job::new(five(), &IDS, |_| {});
    job.sim.data["probes"]["sv-2"] = json!(true);
    job.sim.write();
    no(&job, "sv-2", "came-alive");
    assert_eq!(job.state(2), ItemState::Skipped);
    no(&job, "sv-2", "already-consumed");
    no(&job, "sv-1", "stratum-held");
    let held = |e: &Event| matches!(e, Event::StratumHeld { .. });
    assert!(job.chain().records.iter().any(|r| held(&r.what)));
    let place = job.place.display().to_string();
    let ran = job.sim.folder.run(&["cleanup", "log", "verify", &place, "--state=state"]);
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// Every other look says no as before an act, and says yes when the thing is as it was planned.
#[test]
fn c0_no_permit_for_what_is_not_as_planned() {
    for (change, why) in [
        (json!({"immutable": {"uuid": "another"}}), "identity-changed"),
        (json!({"state": {"groups": "sg-2"}}), "state-changed"),
        (json!({"unknown": ["owner: timed out"]}), "unknown"),
        (json!({"protected": [{"kind": "opt-out", "source": "owners"}]}), "protected"),
    ] {
        let mut job = Job::new(five(), &IDS, |_| {});
        let was = job.sim.data.clone();
        let (field, value) = change.as_object().and_then(|o| o.iter().next()).expect("one");
        let it = &mut job.sim.data["resources"][0][field];
        match (it.as_object_mut(), value.as_object()) {
            (Some(it), Some(value)) => it.extend(value.clone()),
            _ => *it = value.clone(),
        }
        job.sim.write();
        no(&job, "sv-1", why);
        job.sim.data = was;
        job.sim.write();
        assert_eq!(ask(&job, "sv-1").code, Some(0), "{why}");
    }
    for fault in [
        json!([{"at": "health", "do": "unhealthy"}]),
        json!([{"at": "health", "do": "error"}]),
        json!([{"at": "observe", "do": "unknown"}]),
        json!([{"at": "observe", "do": "error"}]),
    ] {
        let job = Job::new(five(), &IDS, |_| {});
        job.sim.folder.file("faults.json", fault.to_string());
        let ran = ask(&job, "sv-1");
        assert_eq!(ran.code, Some(4), "{fault}: {ran}");
        assert_eq!(ask(&job, "sv-1").code, Some(0), "{fault}");
    }
}
