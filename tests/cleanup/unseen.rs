//! Things that nobody can see right before their act: later steps look again, a few times, and nothing is done
//! without a look that saw.

use crate::job::{Job, Parts};
use crate::simworld::Sim;
use portcullis::apply::{After, Mode};
use portcullis::cleanup::Guards;
use portcullis::cleanup::journal::ItemState;
use portcullis::cleanup::ramp::LOOKS;
use serde_json::{Value, json};

fn two() -> Sim {
    Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {})
}

fn blind(job: &Job) {
    let fault = r#"[{"at": "observe", "id": "sv-1", "do": "unknown", "nth": 1, "from": true}]"#;
    job.sim.folder.file("faults.json", fault);
}

fn item(told: &Value, n: usize) -> (&str, &str) {
    let item = &told["items"][n - 1];
    (item["state"].as_str().unwrap_or_default(), item["reason"].as_str().unwrap_or_default())
}

#[test]
fn what_could_not_be_seen_is_done_by_a_later_step() {
    let job = Job::new(two(), &["sv-1", "sv-2"], |_| {});
    blind(&job);
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, item(&told, 1)), (Some(4), ("planned", "unknown")), "{ran}");
    assert_eq!(told["items"][0]["unseen"], 1, "{ran}");
    assert!(job.acted().is_empty());
    // What can be seen goes first.
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((item(&told, 2), job.acted()), (("confirmed", ""), vec!["sv-2".into()]), "{ran}");
    job.sim.folder.file("faults.json", "[]");
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, item(&told, 1)), (Some(0), ("confirmed", "")), "{ran}");
    assert_eq!((&told["after"], job.acted().len()), (&json!("finished"), 2), "{ran}");
    let ran = job.sim.folder.run(&["cleanup", "log", "explain", "sv-1"]);
    assert!(ran.stdout.contains("could not be seen, and waits: "), "{ran}");
}

#[test]
fn what_nobody_ever_sees_wants_a_new_plan() {
    let job = Job::new(two(), &["sv-1"], |_| {});
    blind(&job);
    for look in 1..LOOKS {
        let mut words = job.apply_words(&["--step"]);
        words.retain(|w| w != "--format=json");
        let ran = job.sim.folder.run(&words);
        let says = format!("it is looked at again ({look} of {LOOKS})");
        assert!(ran.code == Some(4) && ran.stdout.contains(&says), "{ran}");
        assert!(ran.stdout.contains("to come") && ran.stdout.contains("may begin"), "{ran}");
    }
    let (ran, told) = job.apply(&["--step"]);
    assert_eq!((ran.code, item(&told, 1)), (Some(4), ("skipped", "unknown")), "{ran}");
    let says = told["items"][0]["says"].as_str().unwrap_or_default();
    assert!(says.contains("told not to know") && says.ends_with("plan anew"), "{ran}");
    assert_eq!((&told["after"], job.acted().len()), (&json!("finished"), 0), "{ran}");
    // It is over: whoever sees it now plans anew.
    job.sim.folder.file("faults.json", "[]");
    let (ran, _) = job.apply(&["--step"]);
    assert!(ran.code == Some(4) && job.acted().is_empty(), "{ran}");
}

/// A run that goes on by itself waits as well, never longer than is of use, and takes no step of the ramp for
/// what it did not do.
#[test]
fn looks_that_saw_nothing_are_apart() {
    let job = Job::new(two(), &["sv-1"], |plan| plan.limits.soak_s = vec![3600]);
    blind(&job);
    let step = |p: &mut Parts| p.mode = Mode::Step;
    let report = job.run(Guards::all(), step).expect("it begins");
    let After::Soaking(until) = report.after else { panic!("{:?}", report.after) };
    let left = until.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((200..=300).contains(&left), "{left} s");
    let again = job.run(Guards::all(), step).expect("it begins");
    assert_eq!((again.after, job.chain().ledger.items[&1].unseen.0), (After::Soaking(until), 1));
    assert!(job.chain().ledger.soaks.is_empty(), "nothing was done that has to soak");
    job.with(Guards::all()).expect("it begins");
    assert_eq!((job.state(1), job.acted().len()), (ItemState::Skipped, 0));
}
