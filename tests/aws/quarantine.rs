//! From a mark to the end, through the binary, on a moto: a first plan condemns what nothing uses, a
//! second deletes what nobody objected to.

use crate::world::{Server, here, python};
use portcullis::cleanup::{Digest, aws};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = "version: 1
limits:
  max_items: 25
  max_items_per_day: 25
  max_percent_stratum: 25%
  max_percent_total: 25
  ramp: [25]
  soak: [0s]
  max_retries: 5
  quarantine: 1s
  deadline: 3d
  valid: 24h
sources: { floor: 1, delta: 90%, max_age: 1h, max_ahead: 120s }
minimum: { any: 1, sets: {} }
";

const SPEC: &str = "version: 1
roles:
  web: { select: { tags: { role: web } } }
";

/// An account, and the people around it.
struct Account {
    moto: Server,
    ids: Value,
    folder: PathBuf,
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Account {
    fn new(name: &str) -> Self {
        let moto = Server::moto();
        let ids = script(&moto, &["build"]);
        // Claims lie in files here: not where a folder of the system is in memory.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("portcullis-quarantine-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let it = Self { moto, ids, folder };
        let key = |who: &str| {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"])
                .arg(it.folder.join(who))
                .status()
                .unwrap();
            assert!(made.success());
            std::fs::read_to_string(it.folder.join(format!("{who}.pub"))).unwrap()
        };
        let person = |name: &str, team: &str, roles: &str| {
            let key = key(name);
            format!(
                "  {name}: {{ team: {team}, roles: [{roles}], keys: [{{ key: \"{}\" }}] }}\n",
                key.trim()
            )
        };
        let (alice, bob, carol) = (
            person("alice", "shop", "author, applier"),
            person("bob", "net", "approver"),
            person("carol", "ops", "approver"),
        );
        let trust = format!(
            "version: 1\npeople:\n{alice}{bob}{carol}quorum:\n  \
             reversible: {{ people: 1, teams: 1, hardware: 0, up_to: 10 }}\n  \
             reversible_large: {{ people: 2, teams: 1, hardware: 0 }}\n  \
             exposing: {{ people: 2, teams: 2, hardware: 0 }}\n  \
             irreversible: {{ people: 2, teams: 2, hardware: 0 }}\n  \
             trust_change: {{ people: 2, teams: 1, hardware: 0 }}\n\
             hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n"
        );
        for (name, text) in [
            ("trust.yaml", trust.as_str()),
            ("revoked", "# nobody\n"),
            ("policy.yaml", POLICY),
            ("spec.yaml", SPEC),
        ] {
            std::fs::write(it.folder.join(name), text).unwrap();
        }
        it
    }

    fn id(&self, name: &str) -> String {
        self.ids[name].as_str().unwrap().to_owned()
    }

    fn show(&self) -> Value {
        script(&self.moto, &["show"])
    }

    fn there(&self, name: &str) -> bool {
        let show = self.show();
        show["there"].as_array().unwrap().iter().any(|id| *id == self.ids[name])
    }

    /// `portcullis cleanup …`, with the code it ends with and everything it says.
    fn cleanup(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.cleanup_at(&self.moto, arguments)
    }

    fn cleanup_at(&self, server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
        let trust = std::fs::read(self.folder.join("trust.yaml")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("AWS_ENDPOINT_URL", server.url())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("PORTCULLIS_TRUST", "trust.yaml")
            .env("PORTCULLIS_TRUST_DIGEST", Digest::of(&trust).to_string())
            .env("PORTCULLIS_CLEANUP_POLICY", "policy.yaml")
            .env("PORTCULLIS_HALT", "halt.json")
            .env("PORTCULLIS_STATE", "state")
            .env("PORTCULLIS_SIGN_KEY", "alice")
            .env("PORTCULLIS_AUTHOR", "alice")
            .current_dir(&self.folder)
            .arg("cleanup")
            .args(arguments)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Plans, and gives what is planned with the plan's folder.
    fn plan(&self, more: &[&str]) -> (Value, String) {
        let (plan, place, _) = self.plan_at(&self.moto, more);
        (plan, place)
    }

    /// The same by another server, with what was said.
    fn plan_at(&self, server: &Server, more: &[&str]) -> (Value, String, String) {
        let before = self.plans();
        let mut arguments = vec![
            "plan",
            "--aws",
            "--spec",
            "spec.yaml",
            "--scope",
            "nightly",
            "--regions",
            "us-east-1",
            "--no-probe",
        ];
        arguments.extend(more);
        let (_, said) = self.cleanup_at(server, &arguments);
        let made: Vec<PathBuf> = self.plans().difference(&before).cloned().collect();
        let [place] = made.as_slice() else { panic!("{said}") };
        let plan = std::fs::read(place.join("plan.json")).unwrap();
        (serde_json::from_slice(&plan).unwrap(), place.display().to_string(), said)
    }

    fn plans(&self) -> BTreeSet<PathBuf> {
        let Ok(all) = std::fs::read_dir(self.folder.join("cleanup")) else {
            return BTreeSet::new();
        };
        all.map(|e| e.unwrap().path()).filter(|p| p.join("plan.json").exists()).collect()
    }

    /// Two people agree, and it is applied.
    fn apply(&self, plan: &Value, place: &str, more: &[&str]) -> (Option<i32>, String) {
        let items = plan["totals"]["items"].as_u64().unwrap();
        let words = format!("{items} items in 123456789012");
        for who in ["bob", "carol"] {
            let (code, said) =
                self.cleanup(&["approve", place, "--key", who, "--as", who, "--confirm", &words]);
            assert_eq!(code, Some(0), "{said}");
        }
        if !self.folder.join("halt.json").exists() {
            assert_eq!(self.cleanup(&["halt", "--init"]).0, Some(0));
        }
        self.cleanup(&[&["apply", place, "--attached"], more].concat())
    }

    /// A first plan, applied: everything that nothing uses is condemned or stopped.
    fn condemned(&self) -> String {
        let (learning, _) = self.plan(&[]);
        assert_eq!(learning["totals"]["items"], 0, "the first run learns");
        let (plan, place) = self.plan(&[]);
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
            .map(|(name, act)| (self.ids[name].as_str().unwrap(), act))
            .into(),
            "{:#?}",
            plan["refused"]
        );
        let (code, said) = self.apply(&plan, &place, &[]);
        assert_eq!(code, Some(0), "{said}");
        place
    }
}

fn script(moto: &Server, arguments: &[&str]) -> Value {
    let output = python()
        .arg(here().join("quarantine.py"))
        .arg(moto.url())
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn items(plan: &Value) -> impl Iterator<Item = (&str, &str)> {
    let items = plan["items"].as_array().unwrap();
    items.iter().map(|i| (i["id"].as_str().unwrap(), i["action"].as_str().unwrap()))
}

/// Why a thing is not in a plan.
fn refused(plan: &Value, id: &str) -> String {
    let all = plan["refused"].as_array().unwrap();
    let found = all.iter().find(|r| r["item"]["id"] == id).unwrap_or_else(|| panic!("{all:#?}"));
    format!("{}: {}", found["reason"].as_str().unwrap(), found["says"].as_str().unwrap())
}

/// The quarantine of the policy: a second.
fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

#[test]
fn what_is_condemned_goes_by_a_second_plan_and_what_somebody_keeps_stays() {
    let it = Account::new("whole");
    let place = it.condemned();
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
    script(&it.moto, &["untag", &it.id("group")]);
    script(&it.moto, &["start", &it.id("orphan")]);
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
    script(&it.moto, &["untag", &it.id("interface")]);
    let (code, said) = it.apply(&plan, &deletion, &["--receipt", &receipt]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("somebody objects"), "{said}");
    for (name, there) in
        [("address", false), ("volume", false), ("interface", true), ("group", true)]
    {
        assert_eq!(it.there(name), there, "{name}");
    }
    let show = it.show();
    assert_eq!(show["snapshots"].as_array().unwrap().len(), 1, "it brings the volume back");
    assert_eq!(show["instances"][it.id("orphan")], "running");
}

#[test]
fn a_deletion_without_its_rest_or_its_receipt_is_not_planned_and_an_undo_takes_marks_off() {
    let it = Account::new("early");
    let place = it.condemned();
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

#[test]
fn a_group_that_any_version_of_a_template_names_is_in_use() {
    let it = Account::new("template");
    it.plan(&[]);
    let (plan, _) = it.plan(&[]);
    let templated = it.id("templated");
    assert!(items(&plan).all(|(id, _)| id != templated));
    let unused = it.id("group");
    let item = plan["items"].as_array().unwrap().iter().find(|i| i["id"] == unused.as_str());
    let item = item.unwrap();
    assert_eq!(item["type"], aws::GROUP);
    let said = item["dead"].to_string();
    assert!(said.contains("not looked at: Lambda"), "approvers see it: {said}");
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
    let it = Account::new("traffic");
    let orphan = it.id("orphan");
    script(&it.moto, &["moves", &orphan, "14", "200000"]);
    it.plan(&[]);
    let (plan, place) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(dead.contains(&"no-traffic".to_owned()), "{dead:?}");
    // Between the plan and its act somebody begins to use it.
    script(&it.moto, &["moves", &orphan, "1", "3000000"]);
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
    let it = Account::new("untold");
    let orphan = it.id("orphan");
    it.plan(&[]);
    let (plan, _) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(!dead.contains(&"no-traffic".to_owned()), "of no datapoint at all: {dead:?}");
    script(&it.moto, &["moves", &orphan, "13", "200000"]);
    let (plan, _) = it.plan(&[]);
    let dead = evidence(&plan, &orphan);
    assert!(!dead.contains(&"no-traffic".to_owned()), "of thirteen days: {dead:?}");
    // Denied, it is said, and the rest is planned.
    let rules = serde_json::json!([{
        "service": "*", "operation": "GetMetricData",
        "error": {"code": "AccessDenied", "status": 403},
    }]);
    script(&it.moto, &["moves", &orphan, "14", "200000"]);
    let proxy = Server::microburst(&it.moto, &rules);
    let (plan, _, said) = it.plan_at(&proxy, &[]);
    assert!(said.contains("GetMetricData") && said.contains("denied"), "{said}");
    assert!(said.contains("no traffic speaks for or against"), "{said}");
    // What shows that instances in use are seen to be is gone with it, so none is stopped.
    let why = refused(&plan, &orphan);
    assert!(why.starts_with("stratum-unproven"), "{why}");
    assert!(items(&plan).any(|(id, _)| id == it.id("volume")), "{plan:#}");
}
