//! E07: a shell job over 30 servos, adopted at three levels, as `docs/cleanup/README.md` tells it.

use crate::common::{Ran, World, checkout};
use crate::ground::claiming;
use crate::simworld::Sim;
use crate::stage;
use jiff::Timestamp;
use serde_json::{Value, json};
use ssh_key::LineEnding;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = "version: 1
limits:
  max_items: 25
  max_items_per_day: 25
  max_percent_stratum: 12%
  max_percent_total: 10
  ramp: [1, 5, 25]
  soak: [0s]
  max_retries: 5
  quarantine: 14d
  deadline: 3d
  valid: 24h
sources: { floor: 1, delta: 90%, max_age: 1h, max_ahead: 120s }
minimum: { any: 1, sets: {} }
";

/// Thirty servos, twelve of them on hosts of the first generation; two are dead.
struct Platform {
    world: World,
}

impl Platform {
    /// `lost` is what the list of projects lacks, as if somebody had read it by another key.
    fn new(lost: impl Fn(u32) -> bool) -> Self {
        let it = Self { world: claiming(World::new()) };
        let at = Timestamp::now();
        let (mut projects, mut answers) = (String::new(), String::new());
        let (mut idle, mut tombstones) = (String::new(), String::new());
        for n in 1..=30 {
            let id = format!("sv-{n:02}");
            let generation = if n <= 12 { "1" } else { "2" };
            let project = format!("project-{n}");
            for (name, text) in [
                ("uuid", format!("u-{n}")),
                ("project", project.clone()),
                ("host", format!("host-{}", n % 5)),
                ("host_gen", generation.into()),
                ("status", "running".into()),
            ] {
                it.world.file(&format!("platform/servos/{id}/{name}"), format!("{text}\n"));
            }
            if n > 28 {
                tombstones += &format!("{project} {at:.0}\n");
                idle += &format!("{id} {at:.0}\n");
            } else {
                answers += &format!("{id} {at:.0}\n");
                if !lost(n) {
                    projects += &format!("{project}\n");
                }
            }
        }
        for (name, text) in [
            ("projects", projects),
            ("answers", answers),
            ("idle", idle),
            ("tombstones", tombstones),
        ] {
            it.world.file(&format!("platform/{name}"), text);
        }
        it.world.file("policy.yaml", POLICY);
        it.world.file("trust.yaml", stage::trust(stage::ONE, ""));
        it.world.file("revoked", "# nobody\n");
        for (name, seed) in [("alice", stage::ALICE), ("bob", stage::BOB)] {
            let pem = stage::key(seed).to_openssh(LineEnding::LF).expect("PEM");
            let path = it.world.file(name, pem.as_bytes());
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, private).expect("its mode");
        }
        it
    }

    fn example(name: &str) -> PathBuf {
        checkout().join("docs/cleanup/servos").join(name)
    }

    /// The job itself, as it stands in the documents.
    fn job(&self, arguments: &[&str], plan: &str) -> Ran {
        let binary = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().expect("its folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").expect("PATH"));
        let mut job = Command::new("sh");
        job.arg(Self::example("reap.sh")).args(arguments).env("PATH", path).env("PLAN", plan);
        self.ran(job)
    }

    fn portcullis(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("cleanup").args(arguments);
        self.ran(command)
    }

    fn ran(&self, mut command: Command) -> Ran {
        let trust = std::fs::read(self.world.folder().join("trust.yaml")).expect("it");
        command
            .current_dir(self.world.folder())
            .env_remove("CI")
            .env("PLATFORM", "platform")
            .env("PORTCULLIS_TRUST", "trust.yaml")
            .env("PORTCULLIS_TRUST_DIGEST", portcullis::cleanup::Digest::of(&trust).to_string())
            .env("PORTCULLIS_CLEANUP_POLICY", "policy.yaml")
            .env("PORTCULLIS_HALT", "halt.json")
            .env("PORTCULLIS_STATE", "state")
            .env("PORTCULLIS_SIGN_KEY", "alice")
            .env("PORTCULLIS_AUTHOR", "alice")
            .env("COLUMNS", "100");
        let output = command.output().expect("it starts");
        Ran {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        }
    }

    /// Servos that were stopped, and those of them that answer.
    fn stopped(&self) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.world.folder().join("platform/stopped"));
        text.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The job's list, judged together with what the adapter lists. The first run only learns.
    fn plan(&self) -> (Ran, Value) {
        let list = self.job(&["--list"], "");
        self.world.file("list.ndjson", list.stdout);
        let adapter = json!(["python3", Self::example("adapter.py"), "platform"]).to_string();
        let judge = Self::example("reap.sh").display().to_string();
        let asked = [
            "plan",
            "--candidates",
            "list.ndjson",
            "--judged-by",
            &judge,
            "--adapter",
            &adapter,
            "--scope",
            "servos",
        ];
        let first = self.portcullis(&asked);
        assert!(first.stdout.contains("0 planned"), "a new judge plans nothing: {first}");
        let ran = self.portcullis(&asked);
        let place = self.folder();
        let plan = std::fs::read(place.join("plan.json")).expect("a plan");
        (ran, serde_json::from_slice(&plan).expect("JSON"))
    }

    /// The newest plan's folder.
    fn folder(&self) -> PathBuf {
        let made = |p: &PathBuf| std::fs::metadata(p.join("plan.json")).and_then(|m| m.modified());
        std::fs::read_dir(self.world.folder().join("cleanup"))
            .expect("plans")
            .map(|e| e.expect("an entry").path())
            .filter(|p| p.is_dir())
            .max_by_key(|p| made(p).expect("a time"))
            .expect("a plan")
    }

    fn agreed(&self) -> String {
        let place = self.folder().display().to_string();
        let yes = self.portcullis(&[
            "approve",
            &place,
            "--key",
            "bob",
            "--as",
            "bob",
            "--confirm",
            "2 items in prod",
        ]);
        assert_eq!(yes.code, Some(0), "{yes}");
        assert_eq!(self.portcullis(&["halt", "--init", "--key=bob"]).code, Some(0));
        place
    }
}

fn verdicts(plan: &Value) -> BTreeSet<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let items = plan["items"].as_array().expect("items").iter();
    let refused = plan["refused"].as_array().expect("refused").iter();
    items
        .map(|i| (text(&i["id"]), text(&i["action"])))
        .chain(refused.map(|r| (text(&r["item"]["id"]), text(&r["reason"]))))
        .collect()
}

const DEAD: [&str; 2] = ["sv-29", "sv-30"];

/// Without us, a job whose list of projects lacks the first generation stops what answers.
#[test]
fn e07_the_job_alone_does_the_damage() {
    let it = Platform::new(|n| n <= 12);
    assert_eq!(it.job(&[], "").code, Some(0));
    assert!(it.stopped().contains("sv-01"), "{:?}", it.stopped());
    assert_eq!(it.stopped().len(), 14);
}

#[test]
fn e07_level_1_tells_and_enforces_nothing() {
    let it = Platform::new(|_| false);
    let (ran, plan) = it.plan();
    assert_eq!(ran.code, Some(0), "{ran}");
    let stop = |id: &str| (id.to_owned(), "stop".to_owned());
    assert_eq!(verdicts(&plan), DEAD.map(stop).into());
    assert!(it.stopped().is_empty());

    // The list of projects lacks the first generation: those that answer are why nothing is planned.
    let it = Platform::new(|n| n <= 12);
    let (ran, plan) = it.plan();
    assert_eq!(plan["totals"]["items"], 0, "{ran}");
    let said = verdicts(&plan);
    assert!(said.contains(&("sv-01".into(), "live".into())), "{said:?}");
    assert!(ran.stdout.contains("host_gen=1"), "{ran}");
}

#[test]
fn e07_level_2_asks_before_each() {
    let it = Platform::new(|_| false);
    it.plan();
    let place = it.agreed();
    // Since it was planned, somebody broke the list: the job now calls everything dead.
    it.world.file("platform/projects", "");
    let ran = it.job(&[], &place);
    assert_eq!(it.stopped(), DEAD.map(str::to_owned).into(), "{ran}");
    assert!(ran.stderr.contains("act-outside-plan"), "{ran}");
    let log = it.portcullis(&["log", "explain", "sv-29"]);
    assert!(log.stdout.contains("bob"), "who agreed: {log}");
    // Each permit is good once.
    it.world.file("platform/servos/sv-29/status", "running\n");
    it.world.file("platform/stopped", "");
    it.job(&[], &place);
    assert!(it.stopped().is_empty(), "{:?}", it.stopped());
}

#[test]
fn e07_level_3_acts_itself_and_takes_it_back() {
    let it = Platform::new(|_| false);
    it.plan();
    let place = it.agreed();
    let applied = it.portcullis(&["apply", &place, "--attached"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    assert_eq!(it.stopped(), DEAD.map(str::to_owned).into(), "{applied}");
    assert_ne!(it.portcullis(&["apply", &place]).code, Some(0), "a plan is applied once");
    let receipt = format!("{place}/receipt.json");
    let undone = it.portcullis(&["undo", &receipt]);
    assert_eq!(undone.code, Some(0), "{undone}");
    for id in DEAD {
        let status = it.world.folder().join("platform/servos").join(id).join("status");
        assert_eq!(std::fs::read_to_string(status).expect("it"), "running\n");
    }
}

/// Four projects were deleted: the list of them is held until a person says that it is right.
#[test]
fn e07_a_list_that_shrank_is_accepted_once() {
    let it = Platform::new(|_| false);
    it.plan();
    for n in 1..=4 {
        let project = format!("project-{n}\n");
        let text =
            std::fs::read_to_string(it.world.folder().join("platform/projects")).expect("it");
        it.world.file("platform/projects", text.replacen(&project, "", 1));
        std::fs::remove_dir_all(it.world.folder().join(format!("platform/servos/sv-0{n}")))
            .expect("gone with it");
    }
    let adapter = json!(["python3", Platform::example("adapter.py"), "platform"]).to_string();
    let list = it.job(&["--list"], "");
    it.world.file("list.ndjson", list.stdout);
    let judge = Platform::example("reap.sh").display().to_string();
    let plan = |more: &[&str]| {
        let mut asked = vec!["plan", "--candidates", "list.ndjson", "--judged-by", &judge];
        asked.extend(["--adapter", &adapter, "--scope", "servos"]);
        asked.extend(more);
        it.portcullis(&asked)
    };
    for _ in 0..2 {
        let ran = plan(&[]);
        assert_eq!(ran.code, Some(3), "{ran}");
        assert!(ran.stdout.contains("--accept-rows 'projects=24'"), "{ran}");
    }
    assert_eq!(plan(&["--accept-rows", "prjects=24"]).code, Some(2), "no such list");
    assert_eq!(plan(&["--accept-rows", "projects=28"]).code, Some(3), "not what there is");
    let ran = plan(&["--accept-rows", "projects=24"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("loosened: 24 rows of projects"), "{ran}");
    let ran = plan(&[]);
    assert!(ran.code == Some(0) && !ran.stdout.contains("loosened"), "{ran}");
}

/// An owner protects a servo by a file of the platform, before the plan and after it.
#[test]
fn e07_what_an_owner_protects_stays() {
    let it = Platform::new(|_| false);
    it.world.file("platform/protected/sv-29", "");
    let (ran, plan) = it.plan();
    assert_eq!(ran.code, Some(0), "{ran}");
    let said = [("sv-29", "protected"), ("sv-30", "stop")].map(|(a, b)| (a.into(), b.into()));
    assert_eq!(verdicts(&plan), said.into());
    let it = Platform::new(|_| false);
    it.plan();
    let place = it.agreed();
    it.world.file("platform/protected/sv-29", "");
    let applied = it.portcullis(&["apply", &place, "--attached"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    assert_eq!(it.stopped(), ["sv-30".to_owned()].into(), "{applied}");
}

/// The same things behind the simulated world's adapter get the same verdicts.
#[test]
fn e07_verdicts_are_those_of_another_adapter() {
    for lost in [0, 12] {
        let it = Platform::new(|n| n <= lost);
        let (_, ours) = it.plan();
        let mut listing = Command::new("python3");
        listing
            .arg(Platform::example("adapter.py"))
            .arg(it.world.folder().join("platform"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut child = listing.spawn().expect("it starts");
        let ask = b"{\"id\":1,\"verb\":\"list\",\"scope\":\"servos\",\"selector\":{}}\n";
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), ask).expect("asked");
        let said = child.wait_with_output().expect("it ends").stdout;
        let lines: Vec<Value> = String::from_utf8(said)
            .expect("text")
            .lines()
            .map(|l| serde_json::from_str(l).expect("JSON"))
            .collect();
        let of = |key: &str| lines.iter().filter_map(|l| l.get(key).cloned()).collect::<Vec<_>>();
        let mut sim = Sim::new();
        sim.data["resources"] = json!(of("resource"));
        sim.data["sources"] = json!(of("source"));
        sim.write();
        let words = sim.command();
        let judge = Platform::example("reap.sh").display().to_string();
        let asked = [
            "plan",
            "--candidates",
            "list.ndjson",
            "--judged-by",
            &judge,
            "--adapter",
            &json!(words).to_string(),
            "--scope",
            "servos",
        ];
        it.portcullis(&asked);
        it.portcullis(&asked);
        let plan = std::fs::read(it.folder().join("plan.json")).expect("a plan");
        let theirs: Value = serde_json::from_slice(&plan).expect("JSON");
        assert_eq!(theirs["target"]["provider"], "sim");
        assert_eq!(verdicts(&ours), verdicts(&theirs), "{lost} lost");
    }
}
