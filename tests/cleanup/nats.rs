//! Claims and halts in a bucket of a real NATS server, by the real binary.

use crate::bucket::Nats;
use crate::job::Job;
use crate::simworld::Sim;
use portcullis::apply::bucket::{Bucket, Written};
use portcullis::cleanup::claim::ClaimPaper;
use portcullis::cleanup::journal::ItemState;
use serde_json::{Value, json};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Fleet {
    nats: Nats,
    job: Job,
}

impl Fleet {
    /// A server with a bucket, a halt switch in it that says run, and a plan; `None` without one.
    fn new(fault: Option<Value>) -> Option<Self> {
        let nats = Nats::up()?;
        let mut sim = Sim::new().servo("sv-1", |_| {}).servo("sv-2", |_| {});
        if let Some(fault) = fault {
            sim = sim.fault(fault);
        }
        let fleet = Self { nats, job: Job::new(sim, &["sv-1", "sv-2"], |_| {}) };
        let place = fleet.place();
        let made =
            ["cleanup", "halt", "--init", "--key=bob", "--trust=trust.yaml", "--halt", &place];
        let ran = fleet.job.sim.folder.run(&made);
        assert_eq!(ran.code, Some(0), "{ran}");
        Some(fleet)
    }

    fn place(&self) -> String {
        format!("{}/claims", self.nats.server)
    }

    fn words(&self, state: &str) -> Vec<String> {
        let mut words = self.job.apply_words(&["--attached"]);
        words.retain(|w| !w.starts_with("--halt=") && !w.starts_with("--state="));
        let place = self.place();
        words.extend([format!("--claim={place}"), format!("--halt={place}")]);
        words.push(format!("--state={state}"));
        words
    }

    /// An applier of its own machine: nothing on a disk is shared but the plan.
    fn start(&self, state: &str) -> Child {
        let mut command = self.job.sim.folder.command(&self.words(state));
        command.env("CI", "true").stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("up")
    }

    fn apply(&self, state: &str) -> (Option<i32>, Value) {
        told(self.start(state))
    }

    fn bucket(&self) -> Bucket {
        Bucket::open(&self.nats.place("claims")).expect("the bucket opens")
    }

    fn key(&self) -> String {
        format!("claims.{}", self.job.digest.hex())
    }

    fn paper(&self) -> (ClaimPaper, u64) {
        let entry = self.bucket().read(&self.key()).expect("answers").expect("a claim");
        (serde_json::from_slice(&entry.value).expect("a paper"), entry.revision)
    }

    /// As if the ten minutes of a claim without a sign of life were over.
    fn lapse(&self) {
        let (mut paper, revision) = self.paper();
        paper.until = paper.at;
        let bytes = serde_json::to_vec(&paper).expect("JSON");
        let written = self.bucket().replace(&self.key(), &bytes, revision).expect("answers");
        assert!(matches!(written, Written::Yes { .. }));
    }

    /// Waits until an applier's world hangs, where the fault says.
    fn hung(&self, child: &mut Child) {
        let mark = self.job.sim.path("calls.jsonl.hung");
        while !mark.exists() {
            assert!(child.try_wait().expect("its state").is_none(), "it ended before");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn told(child: Child) -> (Option<i32>, Value) {
    let out = child.wait_with_output().expect("ends");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let told = serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("no JSON: {text}{}", String::from_utf8_lossy(&out.stderr)));
    (out.status.code(), told)
}

#[test]
fn of_two_binaries_one_acts() {
    for round in 0..3 {
        // The winner is held in its act until the loser is done.
        let release = format!("while [ ! -e release-{round} ]; do sleep 0.02; done");
        let fault = json!({"at": "before-act", "do": "run", "command": release});
        let Some(fleet) = Fleet::new(Some(fault)) else { return };
        let mut both = vec![fleet.start("state-1"), fleet.start("state-2")];
        let loser = loop {
            if let Some(n) = (0..2).find(|n| both[*n].try_wait().expect("its state").is_some()) {
                break both.remove(n);
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        std::fs::write(fleet.job.sim.path(&format!("release-{round}")), "").expect("released");
        let (code, no) = told(loser);
        assert_eq!((code, &no["class"], &no["reason"]), (Some(4), &json!(15), &json!("claimed")));
        let (code, yes) = told(both.remove(0));
        assert_eq!((code, &yes["after"]), (Some(0), &json!("finished")), "{yes}");
        assert_eq!(fleet.job.acted(), ["sv-1", "sv-2"], "each once");
        // And never again, from nowhere.
        let (code, no) = fleet.apply("state-3");
        assert_eq!((code, &no["reason"]), (Some(4), &json!("already-consumed")), "{no}");
    }
}

#[test]
fn a_killed_holder_is_taken_over_when_its_time_is_over() {
    let Some(fleet) = Fleet::new(Some(json!({"at": "after-act", "do": "hang"}))) else { return };
    let mut holder = fleet.start("state-1");
    fleet.hung(&mut holder);
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    assert_eq!(fleet.job.acted(), ["sv-1"]);
    // Nobody can tell a holder that is dead from one that is slow.
    let (code, no) = fleet.apply("state-2");
    assert_eq!(
        (code, &no["class"], &no["reason"]),
        (Some(4), &json!(15), &json!("claimed")),
        "{no}"
    );
    assert!(no["says"].as_str().is_some_and(|s| s.contains("(fence 1)")), "{no}");
    fleet.lapse();
    let (code, yes) = fleet.apply("state-2");
    assert_eq!((code, &yes["after"]), (Some(0), &json!("finished")), "{yes}");
    assert_eq!(fleet.job.acted(), ["sv-1", "sv-2"], "what was begun is looked at, not repeated");
    assert_eq!(fleet.job.state(1), ItemState::Confirmed);
    assert_eq!(fleet.paper().0.fence, 2);
}

/// A holder that slept through its claim wakes, and does nothing more.
#[test]
fn a_stale_holder_wakes_and_stops() {
    let release = "while [ ! -e wake ]; do sleep 0.02; done";
    let fault = json!({"at": "before-act", "do": "run", "command": release});
    let Some(fleet) = Fleet::new(Some(fault)) else { return };
    let mut holder = fleet.start("state-1");
    // Its first intent is on the disk: it hangs in its act.
    while !std::fs::read_to_string(fleet.job.journal()).is_ok_and(|t| t.contains("\"intent\"")) {
        assert!(holder.try_wait().expect("its state").is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
    fleet.lapse();
    let (code, yes) = fleet.apply("state-2");
    assert_eq!((code, &yes["after"]), (Some(0), &json!("finished")), "{yes}");
    let whole = std::fs::read(fleet.job.journal()).expect("the journal");
    std::fs::write(fleet.job.sim.path("wake"), "").expect("woken");
    let (code, no) = told(holder);
    assert_eq!(
        (code, &no["class"], &no["reason"]),
        (Some(5), &json!(15), &json!("fenced")),
        "{no}"
    );
    assert_eq!(std::fs::read(fleet.job.journal()).expect("it"), whole, "it wrote nothing more");
    assert_eq!(fleet.job.acted(), ["sv-1", "sv-2"]);
}

#[test]
fn a_server_that_is_down_is_a_no() {
    let Some(mut fleet) = Fleet::new(None) else { return };
    let place = fleet.place();
    fleet.nats.down();
    let (code, no) = fleet.apply("state-1");
    assert_eq!(
        (code, &no["class"], &no["reason"]),
        (Some(4), &json!(15), &json!("claimed")),
        "{no}"
    );
    // The switch alone, with a claim that can be had.
    let remote = fleet.job.sim.path("remote.git");
    let made = Command::new("git").args(["init", "-q", "--bare"]).arg(&remote).status();
    assert!(made.expect("git").success());
    let mut words = fleet.words("state-1");
    let claim = format!("--claim=git:{}", remote.display());
    words.iter_mut().filter(|w| w.starts_with("--claim=")).for_each(|w| w.clone_from(&claim));
    let ran = fleet.job.sim.folder.run(&words);
    let no: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, &no["class"]), (Some(4), &json!(14)), "{ran}");
    assert_eq!(no["reason"], "halt-unreadable", "{place}: {ran}");
    assert!(fleet.job.acted().is_empty());
}

/// The server goes while a batch is under way: the act that was asked for is the last.
#[test]
fn a_server_that_goes_away_stops_before_the_next_act() {
    let Some(mut fleet) = Fleet::new(None) else { return };
    let end = format!("kill -9 {}", fleet.nats.pid());
    let fault = json!([{"at": "after-act", "do": "run", "command": end}]);
    fleet.job.sim.folder.file("faults.json", fault.to_string());
    let (code, no) = fleet.apply("state-1");
    assert_eq!(
        (code, &no["class"], &no["reason"]),
        (Some(5), &json!(15), &json!("fenced")),
        "{no}"
    );
    assert_eq!(fleet.job.acted(), ["sv-1"]);
    assert_eq!(fleet.job.state(1), ItemState::Confirmed, "and that one is written down");
    fleet.nats.down();
}

/// Halted in the bucket by one machine, heard by another.
#[test]
fn a_halt_in_the_bucket_is_heard() {
    let Some(fleet) = Fleet::new(None) else { return };
    let place = fleet.place();
    let halt = ["cleanup", "halt", "--trust=trust.yaml", "--halt", &place, "--state=state-9"];
    let ran = fleet.job.sim.folder.run(&halt);
    assert_eq!(ran.code, Some(0), "{ran}");
    let (code, no) = fleet.apply("state-1");
    assert_eq!((code, &no["reason"]), (Some(4), &json!("halt")), "{no}");
    assert!(fleet.job.acted().is_empty());
}
