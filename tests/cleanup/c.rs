//! C: between the look and the act, and after it. Each holds with its guard alone, and does its
//! damage with none.

use crate::job::{Fake, Job, Parts, stopped, why};
use crate::simworld::{AT, Sim};
use portcullis::apply::{
    Adapter, AdapterCommand, AdapterLimits, After, ApplyReport, LiveLook, Looked,
};
use portcullis::cleanup::journal::ItemState;
use portcullis::cleanup::plan::Item;
use portcullis::cleanup::{Claim, Class, Guard, Guards, Reason, Refusal, Resource, ramp};
use serde_json::{Value, json};
use std::time::Duration;

/// Three idle servos; what happens to `sv-2` after the plan is the test's.
fn three() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {}).servo("sv-3", |_| {})
}

const ALL_THREE: [&str; 3] = ["sv-1", "sv-2", "sv-3"];

/// Plans all three, then lets the world change.
fn changed(change: impl FnOnce(&mut Value)) -> Job {
    let mut job = Job::new(three(), &ALL_THREE, |_| {});
    let data = &mut job.sim.data;
    data["in_use"] = json!(["sv-2"]);
    change(&mut data["resources"][1]);
    job.sim.write();
    job
}

/// Holds `sv-2` with this guard alone, for this reason, and hits it without any.
fn only_sv_2_is_left_out(change: fn(&mut Value), guard: Guard, reason: Reason) {
    let job = changed(change);
    let report = job.with(Guards::only(guard)).expect("it begins");
    assert_eq!(why(&report, 2), reason);
    assert_eq!(report.after, After::Finished);
    assert_eq!(job.acted(), ["sv-1", "sv-3"], "the others go on");
    assert!(job.sim.live_hit().is_empty());
    assert_eq!(job.state(2), ItemState::Skipped);
    damage(change);
}

fn damage(change: fn(&mut Value)) {
    let job = changed(change);
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["sv-2"], "without guards a live thing is stopped");
}

#[test]
fn c01_replaced_under_the_same_name() {
    let change = |r: &mut Value| r["immutable"]["uuid"] = json!("another");
    only_sv_2_is_left_out(change, Guard::Identity, Reason::IdentityChanged);
    let job = changed(change);
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["class"]), (Some(5), &json!(13)), "{ran}");
    assert_eq!(told["items"][1]["reason"], "identity-changed", "{ran}");
    assert_eq!(job.acted(), ["sv-1", "sv-3"]);
}

#[test]
fn c02_same_id_other_state() {
    let change = |r: &mut Value| r["state"]["groups"] = json!("sg-1");
    only_sv_2_is_left_out(change, Guard::State, Reason::StateChanged);
}

/// The evidence of a plan is asked for again where a look shows it: a project that is back has no tombstone.
#[test]
fn c02_what_spoke_for_it_speaks_no_more() {
    let dead = json!([{"kind": "tombstone", "source": "projects-db", "at": AT,
                       "record": {"project": "p", "hosts": ["h"]}}]);
    let changed = |change: fn(&mut Value)| {
        let mut sim = three();
        for servo in sim.data["resources"].as_array_mut().expect("resources") {
            servo["dead"] = dead.clone();
        }
        let record = &dead[0]["record"];
        let again = json!([{"kind": "tombstone", "source": "projects-db",
                            "shape": portcullis::cleanup::shape(record)}]);
        let mut job = Job::new(sim, &ALL_THREE, |plan| {
            for item in &mut plan.items {
                item.again = serde_json::from_value(again.clone()).expect("evidence");
            }
        });
        job.sim.data["in_use"] = json!(["sv-2"]);
        change(&mut job.sim.data["resources"][1]);
        job.sim.write();
        job
    };
    let ways: [(fn(&mut Value), &str); 5] = [
        (|r| r["dead"] = json!([]), "holds no more"),
        (|r| r["dead"][0]["source"] = json!("elsewhere"), "holds no more"),
        (|r| r["dead"][0]["at"] = Value::Null, "no time that can be read"),
        (|r| r["dead"][0]["at"] = json!("1970-01-01T00:00:00Z"), "no time that can be read"),
        (|r| r["dead"][0]["record"]["hosts"] = json!({"h": 1}), "another shape"),
    ];
    for (change, says) in ways {
        let job = changed(change);
        let report = job.with(Guards::only(Guard::StillDead)).expect("it begins");
        assert_eq!(why(&report, 2), Reason::Unknown);
        let told = &report.ledger.items[&2].refusal.as_ref().expect("a refusal").says;
        assert!(told.contains("projects-db") && told.contains(says), "{told}");
        assert_eq!(job.acted(), ["sv-1", "sv-3"], "the others go on");
        let job = changed(change);
        job.with(Guards::all()).expect("it begins");
        assert_eq!(job.sim.live_hit(), [""; 0], "all guards");
        let job = changed(change);
        job.with(Guards::none()).expect("it begins");
        assert_eq!(job.sim.live_hit(), ["sv-2"], "without guards a live thing is stopped");
    }
}

#[test]
fn c03_protected_after_approval() {
    let change = |r: &mut Value| {
        r["protected"] = json!([{"kind": "opt-out", "source": "owners", "at": AT}]);
    };
    only_sv_2_is_left_out(change, Guard::Protected, Reason::Protected);
    let job = changed(change);
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    assert_eq!(told["items"][1]["reason"], "protected", "listed: {ran}");
}

/// An owner who finds a thing condemned objects by taking the mark off, before the act that ends it.
#[test]
fn c03_a_mark_that_was_taken_off_is_an_objection() {
    let job = || {
        let mut sim = Sim::new().servo("sv-1", |r| r["state"]["condemned"] = json!("by a plan"));
        sim.data["in_use"] = json!(["sv-1"]);
        let mut job = Job::new(sim, &["sv-1"], |_| {});
        let state = job.sim.data["resources"][0]["state"].as_object_mut().expect("a state");
        assert!(state.remove("condemned").is_some());
        job.sim.write();
        job
    };
    let held = job();
    let report = held.with(Guards::only(Guard::Protected)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::Protected);
    assert!(held.sim.acts().is_empty());
    let damage = job();
    damage.with(Guards::none()).expect("it begins");
    assert_eq!(damage.sim.live_hit(), ["sv-1"]);
}

#[test]
fn c04_came_alive_holds_its_stratum() {
    let change = |job: &mut Job| {
        job.sim.data["probes"]["sv-1"] = json!(true);
        job.sim.write();
    };
    let mut job = Job::new(three(), &ALL_THREE, |_| {});
    change(&mut job);
    let report = job.with(Guards::only(Guard::CameAlive).with(Guard::Ramp)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::CameAlive);
    assert_eq!(report.ledger.held[&1].reason, Reason::CameAlive);
    assert_eq!(report.class(), Some(Class::Drift));
    assert!(job.sim.acts().is_empty(), "nothing more of a stratum that was judged wrong once");
    let mut job = Job::new(three(), &ALL_THREE, |_| {});
    change(&mut job);
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["sv-1"]);
}

/// Our own look from outside sees what no adapter says.
#[test]
fn c04_came_alive_seen_from_outside() {
    struct Outside;
    impl LiveLook for Outside {
        fn look(&mut self, item: &Item, _: &Resource) -> Looked {
            if item.n != 1 {
                return Looked::Silent(vec!["outside".into()]);
            }
            Looked::Alive(Claim {
                kind: "answers".into(),
                source: "outside".into(),
                at: None,
                record: None,
                detail: String::new(),
            })
        }
    }
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let report = job.run(Guards::all(), |p| p.live = Box::new(Outside)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::CameAlive);
    assert!(job.sim.acts().is_empty());
}

/// The binary's own probes look where a thing says that it can be reached.
#[test]
fn c04_came_alive_by_our_own_probe() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let reach = listener.local_addr().expect("its address").to_string();
    let answers = |scope: &str| {
        let sim = three();
        sim.folder.file("portcullis.yaml", scope);
        let mut job = Job::new(sim, &ALL_THREE, |_| {});
        job.sim.data["resources"][0]["attributes"]["addresses"] = json!(reach);
        job.sim.write();
        let (ran, told) = job.apply(&["--attached"]);
        (ran, told, job)
    };
    let (ran, told, job) = answers("scope: [\"127.0.0.1/32\"]\n");
    assert_eq!((ran.code, &told["class"]), (Some(4), &json!(13)), "{ran}");
    assert_eq!(told["held"][0]["reason"], "came-alive", "{ran}");
    assert!(told["says"].is_null() && job.acted().is_empty(), "{ran}");
    // What is not ours is not probed, and nothing else speaks for it.
    let (ran, _, job) = answers("scope: [\"192.0.2.0/24\"]\n");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(job.acted(), ALL_THREE);
}

/// `sv-1` becomes another thing between the look and the act.
fn swapped(precondition: bool) -> Job {
    let mut sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {}).fault(json!({
        "at": "before-act", "do": "patch", "item": {"type": "servo", "id": "sv-1"},
        "set": {"immutable": {"uuid": "another"}},
    }));
    sim.data["acts"][0]["precondition"] = json!(precondition);
    sim.data["in_use"] = json!(["sv-1"]);
    Job::new(sim, &["sv-1", "sv-2"], |_| {})
}

#[test]
fn c05_changed_between_look_and_act() {
    let job = swapped(true);
    let report = job.with(Guards::only(Guard::Precondition)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::IdentityChanged, "the provider refused");
    assert_eq!(job.acted(), ["sv-2"], "the other goes on");
    assert!(job.sim.live_hit().is_empty());
    let job = swapped(true);
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["sv-1"], "a provider that is told nothing refuses nothing");
}

#[test]
fn c05_a_provider_without_preconditions_is_looked_at_afterwards() {
    let job = swapped(false);
    let report = job.with(Guards::all()).expect("it begins");
    assert_eq!(stopped(&report), Reason::IdentityChanged);
    assert_eq!(report.ledger.held[&1].reason, Reason::IdentityChanged);
    assert_eq!(job.acted(), ["sv-1"], "and nothing after it");
    let gap = job
        .chain()
        .records
        .iter()
        .any(|r| serde_json::to_value(&r.what).expect("JSON")["gap_ms"].is_u64());
    assert!(gap, "the gap is in the journal");
}

/// Twenty servos, and a world that is asked too often from the seventh act on.
fn throttled() -> Job {
    let mut sim = Sim::new();
    let ids: Vec<String> = (1..=20).map(|n| format!("sv-{n}")).collect();
    for id in &ids {
        sim = sim.servo(id, |_| {});
    }
    let sim = sim.fault(json!({"at": "before-act", "nth": 7, "from": true, "do": "throttle"}));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    Job::new(sim, &ids, |plan| plan.limits.ramp = vec![25])
}

#[test]
fn c06_throttled_midway() {
    let job = throttled();
    let report = job.with(Guards::only(Guard::Throttle)).expect("it begins");
    assert_eq!(stopped(&report), Reason::Throttled);
    assert_eq!(report.class(), Some(Class::Halted));
    assert_eq!(job.sim.acts().len(), 6);
    assert_eq!(job.sim.calls().len(), 6 + 4, "one try and three more");
    assert_eq!(job.chain().ledger.open().count(), 0, "a clean journal");

    job.sim.folder.file("faults.json", "[]");
    let later = |p: &mut Parts| {
        p.nonce = "two".into();
        p.clock = Box::new(Fake::later(1));
    };
    let mut sim = job.sim.now();
    sim["clock_offset_s"] = json!(3600);
    job.sim.folder.file("world.json", sim.to_string());
    let report = job.run(Guards::all(), later).expect("it goes on");
    assert_eq!(report.after, After::Finished);
    assert_eq!(job.sim.acts().len(), 20, "each once");

    let job = throttled();
    job.with(Guards::none()).expect("it begins");
    assert!(job.sim.calls().len() > 150, "a storm: {}", job.sim.calls().len());
}

#[test]
fn c07_flags_only_tighten() {
    let job = throttled();
    for flags in [["--batch=26"], ["--batch=0"], ["--soak=0"]] {
        let job = Job::new(three(), &ALL_THREE, |plan| plan.limits.soak_s = vec![60]);
        let (ran, _) = job.apply(&flags);
        let flag = flags[0];
        assert_eq!(ran.code, Some(2), "{flag}: {ran}");
        assert!(ran.stderr.contains("flag-loosens"), "{flag}: {ran}");
        assert!(job.sim.calls().is_empty() && !job.journal().exists());
    }
    let (limits, all) = (&job.plan.limits, Guards::only(Guard::Floors));
    let loose = ramp::tightened(limits, Some(1000), None, all).expect_err("it loosens");
    assert_eq!(loose.reason, Reason::Loosening);

    let idle = |guards| {
        let mut sim = Sim::new();
        let ids: Vec<String> = (1..=20).map(|n| format!("sv-{n}")).collect();
        for id in &ids {
            sim = sim.servo(id, |_| {});
        }
        // They are in use, and the first batch would have shown it.
        sim.data["in_use"] = json!(ids);
        let sim = sim.fault(json!({"at": "health", "nth": 2, "do": "unhealthy"}));
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let job = Job::new(sim, &ids, |_| {});
        let limits = ramp::tightened(&job.plan.limits, Some(1000), None, guards)
            .unwrap_or_else(|_| job.plan.limits.clone());
        let on = Guards::only(Guard::Ramp).with(Guard::Health);
        job.run(on, |p| p.limits = limits).expect("it begins");
        job.sim.live_hit().len()
    };
    assert_eq!(idle(Guards::only(Guard::Floors)), 1, "one, and then its health");
    assert_eq!(idle(Guards::none()), 20, "all at once");
}

#[test]
fn c08_the_target_says_otherwise() {
    let sim = || {
        Sim::new()
            .servo("db-1", |r| r["state"]["role"] = json!("secondary"))
            .servo("db-2", |r| r["state"]["role"] = json!("secondary"))
    };
    let promoted = |mut job: Job| {
        job.sim.data["resources"][0]["state"]["role"] = json!("primary");
        job.sim.data["in_use"] = json!(["db-1"]);
        job.sim.write();
        job
    };
    let job = promoted(Job::new(sim(), &["db-1", "db-2"], |_| {}));
    let report = job.with(Guards::only(Guard::Role)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::RoleMismatch);
    assert_eq!(job.acted(), ["db-2"]);
    let job = promoted(Job::new(sim(), &["db-1", "db-2"], |_| {}));
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["db-1"]);
}

/// A world that takes an application's id for its site's.
fn aliased() -> Job {
    let mut sim = Sim::new().servo("42", |_| {}).servo("43", |_| {});
    sim.data["resources"][0]["type"] = json!("app");
    let mut site = sim.data["resources"][1].clone();
    site["type"] = json!("site");
    site["id"] = json!("42");
    sim.data["resources"].as_array_mut().expect("a list").push(site);
    for kind in ["app", "site"] {
        let mut act = sim.data["acts"][0].clone();
        act["type"] = json!(kind);
        sim.data["acts"].as_array_mut().expect("a list").push(act);
    }
    let mut job = Job::new(sim, &["42", "43"], |_| {});
    job.sim.data["aliases"] = json!({"app:42": {"type": "site", "id": "42"}});
    job.sim.data["in_use"] = json!(["42"]);
    job.sim.write();
    job
}

#[test]
fn c09_wider_than_planned() {
    let job = aliased();
    let report = job.with(Guards::only(Guard::Width)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::ActOutsidePlan);
    assert_eq!(job.acted(), ["43"]);
    assert!(job.sim.live_hit().is_empty());
    let job = aliased();
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["42"], "the site is stopped for the application");
}

#[test]
fn c09_an_adapter_that_did_something_else_is_stopped_at_once() {
    let sim = three().fault(json!({
        "at": "before-act", "from": true, "do": "wider", "action": "delete",
        "item": {"type": "servo", "id": "sv-3"},
    }));
    let job = Job::new(sim, &["sv-1", "sv-2"], |plan| plan.limits.ramp = vec![25]);
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(5), &json!("act-outside-plan")), "{ran}");
    assert_eq!(job.sim.calls().len(), 1, "nothing after it");
    assert_eq!(job.state(1), ItemState::Unknown);
}

#[test]
fn c09_an_act_that_the_adapter_lists_differently_is_not_asked_for() {
    let mut job = Job::new(three(), &ALL_THREE, |_| {});
    job.sim.data["acts"][0]["undo"] = Value::Null;
    job.sim.write();
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("no-such-act")), "{ran}");
    assert!(job.sim.calls().is_empty());
}

#[test]
fn c10_parent_of_something_live() {
    let family = || {
        let sim = Sim::new()
            .servo("host", |r| r["children"] = json!([{"type": "servo", "id": "disk"}]))
            .servo("disk", |r| r["children"] = json!([{"type": "servo", "id": "db"}]))
            .servo("db", |_| {});
        Job::new(sim, &["host"], |_| {})
    };
    let alive = |mut job: Job| {
        job.sim.data["probes"]["db"] = json!(true);
        job.sim.data["in_use"] = json!(["host"]);
        job.sim.write();
        job
    };
    let job = alive(family());
    let report = job.with(Guards::only(Guard::Descendant)).expect("it begins");
    assert_eq!(why(&report, 1), Reason::LiveDescendant);
    assert!(job.sim.acts().is_empty());
    let job = alive(family());
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["host"]);
    assert_eq!(family().with(Guards::all()).expect("it begins").done, [1], "none of them lives");
}

/// Quarantines `sv-1` and gives back its receipt with the world as it is then.
fn quarantined(rehearsed: bool) -> (Job, portcullis::cleanup::receipt::Receipt) {
    let mut sim = Sim::new().servo("sv-1", |_| {});
    sim.data["acts"][0]["rehearsed"] = json!(rehearsed);
    let mut job = Job::new(sim, &["sv-1"], |_| {});
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let bytes = std::fs::read(job.place.join("receipt.json")).expect("a receipt");
    job.sim.data = job.sim.now();
    (job, serde_json::from_slice(&bytes).expect("a receipt"))
}

/// Plans the deletion of what was quarantined.
fn deletion(job: Job, parent: Option<&portcullis::cleanup::receipt::Receipt>, rest: u64) -> Job {
    let _ = std::fs::remove_file(job.sim.path("calls.jsonl"));
    let mut sim = job.sim;
    sim.data["in_use"] = json!(["sv-1"]);
    Job::of(sim, "delete", &["sv-1"], |plan| {
        plan.parent = parent.map(|r| r.plan.clone());
        plan.limits.quarantine_s = rest;
    })
}

#[test]
fn c11_irreversible_without_proof() {
    let only = Guards::only(Guard::Receipt);
    let refused = |job: &Job, receipt: Option<&_>| -> Reason {
        let answer: Result<ApplyReport, Refusal> =
            job.run(only, |p: &mut Parts| p.receipt = receipt.cloned());
        assert!(job.sim.calls().is_empty());
        answer.expect_err("it does not begin").reason
    };
    let (job, receipt) = quarantined(true);
    let job = deletion(job, Some(&receipt), 0);
    assert_eq!(refused(&job, None), Reason::NoQuarantineReceipt, "no receipt");
    let mut other = receipt.clone();
    other.items.clear();
    assert_eq!(refused(&job, Some(&other)), Reason::NoQuarantineReceipt, "not in it");
    let mut undone = receipt.clone();
    undone.items[0].undone = true;
    assert_eq!(refused(&job, Some(&undone)), Reason::NoQuarantineReceipt, "taken back");
    let mut touched = receipt.clone();
    touched.items[0].after.insert("status".into(), "as nobody finds it now".into());
    assert_eq!(refused(&job, Some(&touched)), Reason::StateChanged, "used since");
    touched.items[0].after.insert("condemned".into(), "by a plan".into());
    assert_eq!(refused(&job, Some(&touched)), Reason::Protected, "its mark was taken off");
    job.run(only, |p| p.receipt = Some(receipt.clone())).expect("with it, it begins");
    assert_eq!(job.acted(), ["sv-1"], "and deletes");

    let (job, receipt) = quarantined(true);
    let job = deletion(job, Some(&receipt), 3600);
    assert_eq!(refused(&job, Some(&receipt)), Reason::NoQuarantineReceipt, "too short a rest");

    let (job, receipt) = quarantined(false);
    let job = deletion(job, Some(&receipt), 0);
    assert_eq!(refused(&job, Some(&receipt)), Reason::UndoUnproven, "undo never rehearsed");

    let job = deletion(quarantined(true).0, None, 0);
    job.with(Guards::none()).expect("it begins");
    assert_eq!(job.sim.live_hit(), ["sv-1"], "gone for good");
}

/// A job's own delete asks nothing about a quarantine, so no permit is given for it.
#[test]
fn c11_no_permit_for_what_nothing_takes_back() {
    let (job, receipt) = quarantined(true);
    let job = deletion(job, Some(&receipt), 0);
    let place = job.place.display().to_string();
    let words =
        ["cleanup", "permit", &place, "--policy=policy.yaml", "--id=sv-1", "--action=delete"];
    let ran = job.sim.folder.run(&job.arguments(&words));
    assert!(ran.code == Some(4) && ran.stderr.contains("no-quarantine-receipt"), "{ran}");
}

/// A receipt cannot be signed anew by an undo: what it says is asked of the journal beside it.
#[test]
fn c11_what_was_taken_back_is_in_no_quarantine() {
    let (mut job, receipt) = quarantined(true);
    let path = job.place.join("receipt.json").display().to_string();
    let ran = job.sim.folder.run(&job.arguments(&["cleanup", "undo", &path]));
    assert_eq!(ran.code, Some(0), "{ran}");
    // Its owner stops it, who knows why: it looks as its quarantine left it.
    job.sim.data = job.sim.now();
    job.sim.data["resources"][0]["state"] = json!({"status": "stopped"});
    let journal = job.journal();
    let job = deletion(job, Some(&receipt), 0);
    let with = format!("--receipt={path}");
    let (ran, told) = job.apply(&["--attached", &with]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("no-quarantine-receipt")), "{ran}");
    std::fs::remove_file(journal).expect("gone");
    let (ran, _) = job.apply(&["--attached", &with]);
    assert!(ran.code == Some(4) && ran.stderr.contains("no-quarantine-receipt"), "{ran}");
    assert!(job.acted().is_empty());
}

/// What keeps a verdict from being given, and the reason that it is told as.
const NO_VERDICT: [(&str, Reason); 5] = [
    ("silent", Reason::HealthUnknown),
    ("exit", Reason::HealthUnknown),
    ("garbage", Reason::HealthUnknown),
    ("error", Reason::HealthUnknown),
    ("unhealthy", Reason::Unhealthy),
];

/// Three things in use; from the nth time on that the world is asked for its health, it gives none.
fn ill(kind: &str, nth: u32) -> Job {
    let mut sim = three().fault(json!({"at": "health", "nth": nth, "from": true, "do": kind}));
    sim.data["in_use"] = json!(ALL_THREE);
    Job::new(sim, &ALL_THREE, |_| {})
}

/// Applies with an adapter that is not waited for long.
fn impatient(job: &Job, guards: Guards) -> ApplyReport {
    let command = AdapterCommand::new(&job.sim.command()).expect("a command");
    let limits = AdapterLimits { look: Duration::from_secs(2), ..AdapterLimits::default() };
    let adapter = Adapter::start(&command, "servos", limits).expect("python3 starts");
    job.run(guards, |p| p.world = Box::new(adapter)).expect("it begins")
}

#[test]
fn c12_without_a_verdict_nothing_begins() {
    for (kind, reason) in NO_VERDICT {
        let job = ill(kind, 1);
        let report = impatient(&job, Guards::only(Guard::Health));
        assert_eq!(stopped(&report), reason, "{kind}");
        assert!(job.acted().is_empty(), "{kind}");
        let job = ill(kind, 1);
        impatient(&job, Guards::none());
        assert_eq!(job.sim.live_hit(), ALL_THREE, "{kind}: all at once");
    }
}

/// Between batches, which are what the ramp makes of a plan: without it there is no between.
#[test]
fn c12_no_verdict_is_a_stop() {
    for (kind, reason) in NO_VERDICT {
        let job = ill(kind, 2);
        let report = impatient(&job, Guards::only(Guard::Health).with(Guard::Ramp));
        assert_eq!(stopped(&report), reason, "{kind}");
        assert_eq!(report.class(), Some(Class::Halted));
        assert_eq!(job.acted(), ["sv-1"], "{kind}: after the first batch");
        assert_eq!(job.state(1), ItemState::Confirmed, "{kind}: and that can be taken back");
        let job = ill(kind, 2);
        impatient(&job, Guards::only(Guard::Ramp));
        assert_eq!(job.sim.live_hit(), ALL_THREE, "{kind}: on and on");
    }
}

/// The verdict of a world that really hurts.
#[test]
fn c12_harm_is_seen_after_the_first_batch() {
    let hurt = |guards| {
        let mut sim = three();
        sim.data["in_use"] = json!(ALL_THREE);
        sim.data["feels"] = json!(ALL_THREE);
        let job = Job::new(sim, &ALL_THREE, |_| {});
        job.with(guards).expect("it begins");
        job.sim.live_hit()
    };
    assert_eq!(hurt(Guards::only(Guard::Health).with(Guard::Ramp)), ["sv-1"]);
    assert_eq!(hurt(Guards::all()), ["sv-1"]);
    assert_eq!(hurt(Guards::only(Guard::Ramp)), ALL_THREE);
    assert_eq!(hurt(Guards::none()), ALL_THREE);
}

/// A job that goes round the applier: its credentials delete nothing, and what others changed without
/// a permit is named.
#[test]
fn c13_bypass() {
    let mut job = Job::new(three(), &ALL_THREE, |_| {});
    // After the hand-over the job may ask for one act, and its own credentials do none.
    let old_job = |more: &[&str]| {
        let request = json!({"id": 1, "verb": "act", "request": {
            "plan": "", "n": 1, "item": {"type": "servo", "id": "sv-1"}, "action": "delete",
            "immutable": {}, "state": {}, "token": "t", "fence": 0, "not_after": AT}});
        let words = [job.sim.command(), more.iter().map(|w| (*w).to_owned()).collect()].concat();
        let mut child = std::process::Command::new(&words[0])
            .args(&words[1..])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut stdin = child.stdin.take().expect("piped");
        std::io::Write::write_all(&mut stdin, format!("{request}\n").as_bytes()).expect("asked");
        drop(stdin);
        String::from_utf8(child.wait_with_output().expect("answered").stdout).expect("text")
    };
    let answer = old_job(&["--may-not-act"]);
    assert!(answer.contains("denied"), "{answer}");
    assert!(job.sim.acts().is_empty());
    let place = job.place.display().to_string();
    let bypassed = || job.sim.folder.run(&["cleanup", "log", "bypassed", &place]);
    let ran = bypassed();
    assert!(ran.code == Some(0) && ran.stdout.contains("0 of 3 things"), "{ran}");
    // With rights of its own it deletes, and only a report tells.
    let answer = old_job(&[]);
    assert!(answer.contains("done"), "{answer}");
    let ran = bypassed();
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.contains("servo sv-1 is gone, without a permit"), "{ran}");
    // What the applier did is accounted for.
    job.sim.data = job.sim.now();
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(5), "sv-1 is gone: {ran}");
    let ran = job.sim.folder.run(&["cleanup", "log", "bypassed", &place]);
    assert!(ran.stdout.contains("1 of 3 things"), "{ran}");
}

#[test]
fn c14_restore_needs_nobody() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let (ran, _) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let receipt = job.place.join("receipt.json").display().to_string();
    let undo = |more: &[&str]| {
        let mut words = job.arguments(&["cleanup", "undo", &receipt, "--format=json"]);
        words.extend(more.iter().map(|w| (*w).to_owned()));
        let ran = job.sim.folder.run(&words);
        let told: Value = serde_json::from_str(&ran.stdout).unwrap_or(Value::Null);
        (ran, told)
    };
    // Offline from whoever planned and agreed.
    std::fs::remove_dir_all(job.place.join("approvals")).expect("no approvals");
    let (ran, told) = undo(&["--id=sv-2"]);
    assert_eq!((ran.code, &told["undone"]), (Some(0), &json!([2])), "{ran}");
    let (ran, told) = undo(&[]);
    assert_eq!((ran.code, &told["undone"]), (Some(0), &json!([3, 1])), "the last first: {ran}");
    let (ran, _) = undo(&[]);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("already-consumed"), "once: {ran}");
    let now = job.sim.now();
    for n in 0..3 {
        assert_eq!(now["resources"][n]["state"]["status"], "running");
        assert_eq!(job.state(n as u32 + 1), ItemState::Undone);
    }
    let undone: Vec<String> = job
        .sim
        .calls()
        .into_iter()
        .filter(|c| c.verb == "undo" && c.applied)
        .map(|c| format!("{} {}", c.action, c.item.id))
        .collect();
    assert_eq!(undone, ["start sv-2", "start sv-3", "start sv-1"], "exactly the inverse");
}

#[test]
fn c14_a_receipt_that_proves_nothing_takes_nothing_back() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    job.apply(&["--attached"]);
    let receipt = job.place.join("receipt.json");
    let words =
        |path: &std::path::Path| job.arguments(&["cleanup", "undo", &path.display().to_string()]);
    let good = std::fs::read(&receipt).expect("the receipt");
    let text = String::from_utf8(good.clone()).expect("text");
    std::fs::write(&receipt, text.replace("\"undo\": \"start\"", "\"undo\": \"delete\""))
        .expect("w");
    let ran = job.sim.folder.run(&words(&receipt));
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("signature-invalid"), "{ran}");
    std::fs::write(&receipt, &good).expect("written");
    std::fs::remove_file(job.place.join("receipt.json.sig")).expect("no signature");
    let ran = job.sim.folder.run(&words(&receipt));
    assert!(ran.code == Some(4) && ran.stderr.contains("nobody signed"), "{ran}");
    assert!(job.sim.calls().iter().all(|c| c.verb == "act"));
}
