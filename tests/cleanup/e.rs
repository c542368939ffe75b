//! E: the switch, the log.

use crate::common::Ran;
use crate::job::{BOB, Job, switch};
use crate::simworld::Sim;
use portcullis::apply::{GitRegister, Register as _};
use serde_json::{Value, json};
use std::time::Duration;

fn three() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {}).servo("sv-3", |_| {})
}

const ALL_THREE: [&str; 3] = ["sv-1", "sv-2", "sv-3"];

fn halt(job: &Job, more: &[&str]) -> Ran {
    let words = [&["cleanup", "halt"], more].concat();
    job.sim.folder.run(&job.arguments(&words))
}

/// The binary that the tests run, for a world that runs it itself.
fn portcullis(job: &Job, words: &[String]) -> String {
    let program = job.sim.folder.command(words).get_program().to_owned();
    let quoted = |w: &String| format!("'{w}'");
    format!("'{}' {}", program.display(), words.iter().map(quoted).collect::<Vec<_>>().join(" "))
}

#[test]
fn e01_halted_midway() {
    let mut job = Job::new(three(), &ALL_THREE, |plan| plan.limits.ramp = vec![25]);
    // Somebody halts while the first act is under way.
    let command = portcullis(&job, &job.arguments(&["cleanup", "halt", "--why=enough"]));
    job.sim = job.sim.fault(json!({"at": "after-act", "do": "run", "command": command}));
    job.sim.write();
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["class"]), (Some(5), &json!(14)), "{ran}");
    assert_eq!(told["reason"], "halt", "{ran}");
    assert!(told["says"].as_str().expect("why").contains("enough"), "{ran}");
    assert_eq!(job.acted(), ["sv-1"], "not one more");
    let last = job.chain().records.last().map(|r| serde_json::to_value(&r.what).expect("JSON"));
    assert_eq!(last.expect("a line")["event"], "halted");

    // Before the first act: nothing is done.
    let job = Job::new(three(), &ALL_THREE, |_| {});
    assert_eq!(halt(&job, &[]).code, Some(0));
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt")), "{ran}");
    assert!(job.sim.calls().is_empty());
}

/// A switch that answers nothing is a no, and nobody waits for it for ever.
#[test]
fn e02_a_switch_that_never_answers_is_a_halt() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let path = job.sim.path("halt.json");
    std::fs::remove_file(&path).expect("gone");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo").success());
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt-unreadable")), "{ran}");
    // A server that takes the question, and that is all.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let remote = format!("git://127.0.0.1:{port}/claims.git");
    let register = GitRegister::open(&job.sim.path("scratch"), &remote, "refs/portcullis/halt");
    let mut register = register.expect("git").patient(Duration::from_millis(300));
    let says = register.read().expect_err("nobody answers");
    assert!(says.contains("no answer in 300ms"), "{says}");
    assert!(job.acted().is_empty());
}

/// Who may write the switch may stop everything. That it says run is a person's word: what makes a new
/// one where it is gone, by mistake or at every start, would lift a halt that was deleted with it.
#[test]
fn e02_a_switch_that_nobody_signed_is_a_halt() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let path = job.sim.path("halt.json");
    let refused = |what: &str| {
        let (ran, told) = job.apply(&["--attached"]);
        assert_eq!(
            (ran.code, &told["reason"]),
            (Some(4), &json!("halt-unreadable")),
            "{what}: {ran}"
        );
        assert_eq!(halt(&job, &["--show"]).code, Some(4), "{what}");
        assert!(job.acted().is_empty());
    };
    let bare = r#"{"schema":"portcullis/cleanup-halt/v1","state":"run"}"#;
    std::fs::write(&path, bare).expect("written");
    refused("nobody's");
    for (who, seed) in [("an applier's", 24), ("an author's", 21), ("a stranger's", 99)] {
        std::fs::write(&path, switch(seed)).expect("written");
        refused(who);
    }
    // Somebody's word about something else is none about this.
    let good = String::from_utf8(switch(BOB)).expect("text");
    std::fs::write(&path, good.replace("halt-begin/v1", "halt-lift/v1")).expect("written");
    refused("of other bytes");
    std::fs::remove_file(&path).expect("gone");
    assert_eq!(halt(&job, &["--init"]).code, Some(2), "without a key");
    let ran = halt(&job, &["--init", "--key=robot"]);
    assert!(ran.code == Some(4) && ran.stderr.contains("not-an-approver"), "{ran}");
    assert!(!path.exists(), "and nothing was made");
    // One of an earlier version, or whose maker's key counts no more: a lifting is a word as well.
    std::fs::write(&path, bare).expect("written");
    let halted = halt(&job, &[]);
    let id = halted.stdout.split_ascii_whitespace().find(|w| w.starts_with("sha256:"));
    let id = format!("--sign-lift={}", id.expect("its digest"));
    assert_eq!(halt(&job, &[&id, "--key=bob", "--out=lift.json"]).code, Some(0));
    assert_eq!(halt(&job, &["--lift=lift.json"]).code, Some(0));
    assert_eq!(halt(&job, &["--show"]).code, Some(0));
    // A new one, on a word that counts, lifts no halt that this machine remembers.
    std::fs::remove_file(&path).expect("gone");
    assert_eq!(halt(&job, &["--init", "--key=bob"]).code, Some(0));
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt")), "{ran}");
    assert!(job.acted().is_empty());
}

#[test]
fn e02_a_switch_that_nobody_can_read_is_a_halt() {
    let broken: [fn(&Job); 4] = [
        |job| std::fs::remove_file(job.sim.path("halt.json")).expect("gone"),
        |job| drop(job.sim.folder.file("halt.json", "run")),
        |job| drop(job.sim.folder.file("halt.json", "")),
        |job| {
            std::fs::remove_file(job.sim.path("halt.json")).expect("gone");
            std::fs::create_dir(job.sim.path("halt.json")).expect("a folder");
        },
    ];
    for spoil in broken {
        let job = Job::new(three(), &ALL_THREE, |_| {});
        spoil(&job);
        let (ran, told) = job.apply(&[]);
        assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt-unreadable")), "{ran}");
        assert!(job.sim.calls().is_empty());
    }
    // A remote that does not answer.
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let mut words = job.apply_words(&[]);
    let gone = format!("--halt=git:{}", job.sim.path("nowhere.git").display());
    words.iter_mut().filter(|w| *w == "--halt=halt.json").for_each(|w| w.clone_from(&gone));
    let ran = job.sim.folder.run(&words);
    assert!(ran.code == Some(4) && ran.stdout.contains("halt-unreadable"), "{ran}");
}

#[test]
fn e02_put_back_by_other_automation() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let run = std::fs::read(job.sim.path("halt.json")).expect("the switch");
    assert_eq!(halt(&job, &["--why=no"]).code, Some(0));
    let halted = std::fs::read_to_string(job.sim.path("halt.json")).expect("the switch");
    // Configuration management restores its file before anybody applies.
    std::fs::write(job.sim.path("halt.json"), &run).expect("written");
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt")), "{ran}");
    assert!(told["says"].as_str().expect("why").contains("put it back"), "{ran}");
    // A machine that never heard of the halt remembers it from the journal.
    let job = Job::new(three(), &ALL_THREE, |_| {});
    std::fs::write(job.sim.path("halt.json"), &halted).expect("written");
    job.apply(&[]);
    std::fs::remove_file(job.sim.path("state/halts")).expect("forgotten");
    std::fs::write(job.sim.path("halt.json"), &run).expect("written");
    let (ran, told) = job.apply(&[]);
    assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt")), "{ran}");
    assert!(job.sim.calls().is_empty());
}

#[test]
fn e02_lifting_takes_a_signature() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let ran = halt(&job, &[]);
    let id = ran.stdout.split("--sign-lift ").nth(1).and_then(|t| t.split(' ').next());
    let id = id.expect("it says how to lift it").to_owned();
    // The applier's key is no person's who may approve.
    for (key, code) in [("robot", 4), ("bob", 0)] {
        let (key, id) = (format!("--key={key}"), format!("--sign-lift={id}"));
        let signed = halt(&job, &[&id, &key, "--out=lift.json", "--why=fixed"]);
        assert_eq!(signed.code, Some(0), "{signed}");
        let lifted = halt(&job, &["--lift=lift.json"]);
        assert_eq!(lifted.code, Some(code), "{key}: {lifted}");
    }
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!((ran.code, &told["after"]), (Some(0), &json!("finished")), "{ran}");
    // The same statement lifts no later halt.
    assert_eq!(halt(&job, &[]).code, Some(0));
    let again = halt(&job, &["--lift=lift.json"]);
    assert_eq!(again.code, Some(4), "{again}");
    assert_eq!(halt(&job, &["--show"]).code, Some(4));
}

/// Two people halt for two reasons: lifting the one is no word about the other.
#[test]
fn e02_each_halt_is_lifted_by_itself() {
    let job = Job::new(three(), &ALL_THREE, |_| {});
    let ids = ["data is lost", "orders fail"].map(|why| {
        let ran = halt(&job, &["--why", why]);
        let id = ran.stdout.split("--sign-lift ").nth(1).and_then(|t| t.split(' ').next());
        id.expect("it says how to lift it").to_owned()
    });
    // Neither of them is known to the machine that applies.
    std::fs::remove_file(job.sim.path("state/halts")).expect("forgotten");
    for (lifted, stands) in [(&ids[1], Some("data is lost")), (&ids[0], None)] {
        let sign = format!("--sign-lift={lifted}");
        assert_eq!(halt(&job, &[&sign, "--key=bob", "--out=lift.json"]).code, Some(0));
        let ran = halt(&job, &["--lift=lift.json"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.stdout.contains("says run"), stands.is_none(), "{ran}");
        let (ran, told) = job.apply(&["--attached"]);
        match stands {
            Some(why) => {
                assert_eq!((ran.code, &told["reason"]), (Some(4), &json!("halt")), "{ran}");
                assert!(told["says"].as_str().is_some_and(|s| s.contains(why)), "{ran}");
                assert!(job.acted().is_empty());
            }
            None => assert_eq!((ran.code, job.acted().len()), (Some(0), 3), "{ran}"),
        }
    }
}

/// An owner answers the notice with an opt-out, while the plan is being applied.
#[test]
fn e03_an_owner_objects() {
    let objects = json!({"at": "after-act", "do": "patch", "item": {"type": "servo", "id": "sv-2"},
        "set": {"protected": [{"kind": "opt-out", "source": "owners", "detail": "ours"}]}});
    let job = Job::new(three().fault(objects), &ALL_THREE, |_| {});
    let (ran, told) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(told["items"][1]["reason"], "protected", "{ran}");
    assert_eq!(job.acted(), ["sv-1", "sv-3"]);
}

#[test]
fn e06_the_log_explains() {
    let mut job = Job::new(three(), &ALL_THREE, |plan| {
        plan.author.requested_by = Some("alice".into());
        plan.strata[0].key.clear();
    });
    job.sim.data["probes"]["sv-3"] = json!(true);
    job.sim.write();
    job.apply(&["--attached"]);
    let receipt = job.place.join("receipt.json").display().to_string();
    job.sim.folder.run(&job.arguments(&["cleanup", "undo", &receipt, "--id=sv-1"]));
    let explain = |id: &str| job.sim.folder.run(&["cleanup", "log", "explain", id]);
    let ran = explain("sv-1");
    assert_eq!(ran.code, Some(0), "{ran}");
    for part in [
        "by alice, asked by alice",
        "tombstone, says projects-db",
        "no-traffic, says flow-logs",
        "no life in            probe, lb",
        "stratum               everything",
        "by bob at",
        "by carol at",
        "with the agreement of bob, carol",
        "batch 1",
        "about to stop (token",
        "seen done",
        "seen taken back",
        "undone by             start",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran}");
    }
    let ran = explain("sv-3");
    assert!(ran.stdout.contains("left out: came-alive"), "{ran}");
    let ran = explain("sv-9");
    assert!(ran.code == Some(2) && ran.stderr.contains("no plan"), "{ran}");
    let place = job.place.display().to_string();
    let ran = job.sim.folder.run(&["cleanup", "log", "verify", &place, "--state=state"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("anchored at line"), "{ran}");
}

/// One line for an existing job: each act of the plan once, and nothing else.
#[test]
fn permits_are_for_one_act_of_the_plan_once() {
    let job = Job::new(three(), &["sv-1", "sv-2"], |_| {});
    let place = job.place.display().to_string();
    let ask = |id: &str, action: &str| {
        let mut words = job.arguments(&["cleanup", "permit", &place, "--policy=policy.yaml"]);
        words.extend([format!("--id={id}"), format!("--action={action}")]);
        job.sim.folder.run(&words)
    };
    assert_eq!(ask("sv-1", "stop").code, Some(0));
    for (id, action, why) in [
        ("sv-1", "stop", "already-consumed"),
        ("sv-1", "delete", "act-outside-plan"),
        ("sv-3", "stop", "act-outside-plan"),
        ("", "", "act-outside-plan"),
    ] {
        let ran = ask(id, action);
        assert_eq!(ran.code, Some(4), "{id} {action}: {ran}");
        assert!(ran.stderr.contains(why), "{id} {action}: {ran}");
    }
    // What a job was permitted is not done again by an apply.
    let (ran, told): (Ran, Value) = job.apply(&["--attached"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(told["items"][0]["state"], "permitted", "{ran}");
    assert_eq!(job.acted(), ["sv-2"]);
    assert_eq!(ask("sv-2", "stop").code, Some(4));
    assert_eq!(halt(&job, &[]).code, Some(0));
}
