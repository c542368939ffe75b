//! An account on a moto with people around it: plans of the built-in AWS world by the real binary, from the
//! plan to the undo.

use crate::world::{Server, here, python};
use portcullis::cleanup::Digest;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const POLICY: &str = "version: 1
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

/// An account, and the people around it.
pub(crate) struct Account {
    pub(crate) moto: Server,
    pub(crate) ids: Value,
    pub(crate) folder: PathBuf,
    /// The script that built it.
    script: &'static str,
}

impl Drop for Account {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Account {
    /// An account that `script` builds, and a spec of it.
    pub(crate) fn new(name: &str, moto: Server, script: &'static str, spec: &str) -> Self {
        let ids = told_by(script, &moto, &["build"]);
        // Claims lie in files here: not where a folder of the system is in memory.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("portcullis-account-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let it = Self { moto, ids, folder, script };
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
            ("spec.yaml", spec),
        ] {
            std::fs::write(it.folder.join(name), text).unwrap();
        }
        it
    }

    pub(crate) fn id(&self, name: &str) -> String {
        self.ids[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn show(&self) -> Value {
        self.does(&["show"])
    }

    /// Runs the script that built it.
    pub(crate) fn does(&self, arguments: &[&str]) -> Value {
        told_by(self.script, &self.moto, arguments)
    }

    pub(crate) fn there(&self, name: &str) -> bool {
        let show = self.show();
        show["there"].as_array().unwrap().iter().any(|id| *id == self.ids[name])
    }

    /// `portcullis cleanup …`, with the code it ends with and everything it says.
    pub(crate) fn cleanup(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.cleanup_at(&self.moto, arguments)
    }

    pub(crate) fn cleanup_at(&self, server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
        let own = [("PORTCULLIS_SIGN_KEY", "alice"), ("PORTCULLIS_AUTHOR", "alice")];
        cleanup(&self.folder, server, &own, arguments)
    }

    /// Plans, and gives what is planned with the plan's folder.
    pub(crate) fn plan(&self, more: &[&str]) -> (Value, String) {
        let (plan, place, _) = self.plan_at(&self.moto, more);
        (plan, place)
    }

    /// The same by another server, with what was said.
    pub(crate) fn plan_at(&self, server: &Server, more: &[&str]) -> (Value, String, String) {
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

    pub(crate) fn plans(&self) -> BTreeSet<PathBuf> {
        let Ok(all) = std::fs::read_dir(self.folder.join("cleanup")) else {
            return BTreeSet::new();
        };
        all.map(|e| e.unwrap().path()).filter(|p| p.join("plan.json").exists()).collect()
    }

    /// Two people agree, and it is applied.
    pub(crate) fn apply(&self, plan: &Value, place: &str, more: &[&str]) -> (Option<i32>, String) {
        self.apply_at(&self.moto, plan, place, more)
    }

    /// The same, applied by another server.
    pub(crate) fn apply_at(
        &self,
        server: &Server,
        plan: &Value,
        place: &str,
        more: &[&str],
    ) -> (Option<i32>, String) {
        let items = plan["totals"]["items"].as_u64().unwrap();
        let noun = if items == 1 { "item" } else { "items" };
        let words = format!("{items} {noun} in 123456789012");
        for who in ["bob", "carol"] {
            let (code, said) =
                self.cleanup(&["approve", place, "--key", who, "--as", who, "--confirm", &words]);
            assert_eq!(code, Some(0), "{said}");
        }
        if !self.folder.join("halt.json").exists() {
            assert_eq!(self.cleanup(&["halt", "--init", "--key=bob"]).0, Some(0));
        }
        self.cleanup_at(server, &[&["apply", place, "--attached"], more].concat())
    }
}

/// `portcullis cleanup …` in a folder of papers and people, with the code it ends with and everything it
/// says.
pub(crate) fn cleanup(
    folder: &Path,
    server: &Server,
    own: &[(&str, &str)],
    arguments: &[&str],
) -> (Option<i32>, String) {
    let trust = std::fs::read(folder.join("trust.yaml")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("AWS_ENDPOINT_URL", server.url())
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PORTCULLIS_TRUST", "trust.yaml")
        .env("PORTCULLIS_TRUST_DIGEST", Digest::of(&trust).to_string())
        .env("PORTCULLIS_CLEANUP_POLICY", "policy.yaml")
        .env("PORTCULLIS_HALT", "halt.json")
        .env("PORTCULLIS_STATE", "state")
        .envs(own.iter().copied())
        .current_dir(folder)
        .arg("cleanup")
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn told_by(script: &str, moto: &Server, arguments: &[&str]) -> Value {
    let output =
        python().arg(here().join(script)).arg(moto.url()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn items(plan: &Value) -> impl Iterator<Item = (&str, &str)> {
    let items = plan["items"].as_array().unwrap();
    items.iter().map(|i| (i["id"].as_str().unwrap(), i["action"].as_str().unwrap()))
}

/// Why a thing is not in a plan.
pub(crate) fn refused(plan: &Value, id: &str) -> String {
    let all = plan["refused"].as_array().unwrap();
    let found = all.iter().find(|r| r["item"]["id"] == id).unwrap_or_else(|| panic!("{all:#?}"));
    format!("{}: {}", found["reason"].as_str().unwrap(), found["says"].as_str().unwrap())
}
