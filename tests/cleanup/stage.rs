//! A plan's folder with people around it: keys, a list of trust, a policy, signed statements.

use crate::common::{Ran, World};
use crate::job::policy;
use ed25519_dalek::Signer as _;
use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::approval::{Decision, Predicate, Scope, Statement, Words};
use portcullis::cleanup::plan::Plan;
use portcullis::cleanup::{Digest, plan};
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, DENIAL, PLAN};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::public::{KeyData, SkEd25519};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, Signature, SshSig};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Who is in the list of trust, and their keys' seeds.
pub(crate) const ALICE: u8 = 1;
/// Alice's other key.
pub(crate) const ALICE_2: u8 = 2;
pub(crate) const BOB: u8 = 3;
pub(crate) const BOB_2: u8 = 4;
pub(crate) const CAROL: u8 = 5;
/// A workload that lists itself as an approver.
pub(crate) const AGENT: u8 = 6;
/// Somebody without a role.
pub(crate) const DAVE: u8 = 7;
/// A key of nobody.
pub(crate) const STRANGER: u8 = 8;
/// Erin's hardware key.
pub(crate) const ERIN: u8 = 9;

pub(crate) fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "test").expect("a key")
}

/// The line of a `.pub` file.
pub(crate) fn public(seed: u8) -> String {
    let key = match seed {
        ERIN => PublicKey::from(hardware_key()),
        seed => key(seed).public_key().clone(),
    };
    key.to_openssh().expect("a line")
}

pub(crate) fn sign(seed: u8, namespace: &str, bytes: &[u8]) -> String {
    if seed == ERIN {
        return hardware(namespace, bytes, 1);
    }
    let signed = key(seed).sign(namespace, HashAlg::Sha512, bytes).expect("a signature");
    signed.to_pem(LineEnding::LF).expect("PEM")
}

fn hardware_key() -> KeyData {
    let pair = Ed25519Keypair::from_seed(&[ERIN; 32]);
    KeyData::SkEd25519(SkEd25519::new(pair.public, "ssh:"))
}

/// A hardware key's signature, made as its firmware makes it, with the flags given.
pub(crate) fn hardware(namespace: &str, bytes: &[u8], flags: u8) -> String {
    let mut signed = Sha256::digest(b"ssh:").to_vec();
    signed.push(flags);
    signed.extend(7u32.to_be_bytes());
    let data = SshSig::signed_data(namespace, HashAlg::Sha512, bytes).expect("bytes");
    signed.extend(Sha256::digest(data));
    let firmware = ed25519_dalek::SigningKey::from_bytes(&[ERIN; 32]);
    let mut raw = firmware.sign(&signed).to_bytes().to_vec();
    raw.push(flags);
    raw.extend(7u32.to_be_bytes());
    let raw = Signature::new(Algorithm::SkEd25519, raw).expect("a signature");
    let signed = SshSig::new(hardware_key(), namespace, HashAlg::Sha512, raw).expect("an SSHSIG");
    signed.to_pem(LineEnding::LF).expect("PEM")
}

/// A list of trust; `quorum` replaces the row of small reversible plans.
pub(crate) fn trust(quorum: &str, more: &str) -> String {
    let person = |name: &str, team: &str, roles: &str, seeds: &[u8]| {
        let keys: Vec<String> =
            seeds.iter().map(|s| format!("{{ key: \"{} {name}\" }}", public(*s).trim())).collect();
        format!("  {name}: {{ team: {team}, roles: [{roles}], keys: [{}] }}\n", keys.join(", "))
    };
    format!(
        "version: 1\npeople:\n{}{}{}{}{}{more}\
         workloads:\n  agent: {{ roles: [author, approver], keys: [{{ key: \"{}\" }}] }}\n\
         quorum:\n  reversible: {quorum}\n  \
         reversible_large: {{ people: 2, teams: 1, hardware: 0 }}\n  \
         exposing: {{ people: 2, teams: 2, hardware: 0 }}\n  \
         irreversible: {{ people: 2, teams: 2, hardware: 1 }}\n  \
         trust_change: {{ people: 2, teams: 1, hardware: 0 }}\n\
         hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n",
        person("alice", "shop", "author, approver, applier", &[ALICE, ALICE_2]),
        person("bob", "net", "approver", &[BOB, BOB_2]),
        person("carol", "net", "approver", &[CAROL]),
        person("dave", "shop", "applier", &[DAVE]),
        person("erin", "ops", "approver", &[ERIN]),
        public(AGENT).trim(),
    )
}

pub(crate) const ONE: &str = "{ people: 1, teams: 1, hardware: 0, up_to: 10 }";
pub(crate) const TWO: &str = "{ people: 2, teams: 1, hardware: 0, up_to: 10 }";

/// A world with one sealed plan. Times are relative to the real now, which the binary reads.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    pub(crate) plan: Plan,
    pub(crate) digest: Digest,
    pub(crate) place: PathBuf,
}

impl Stage {
    pub(crate) fn new(quorum: &str) -> Self {
        Self::with(quorum, |_| {})
    }

    /// With a plan that is not quite the usual one: four servos of two generations, by alice.
    pub(crate) fn with(quorum: &str, change: impl FnOnce(&mut Plan)) -> Self {
        let world = World::new();
        world.file("trust.yaml", trust(quorum, ""));
        world.file("revoked", "# nobody\n");
        world.file("policy.yaml", "# a policy\n");
        let now = now();
        let mut plan = plan(&world, now);
        change(&mut plan);
        let caps = policy(&plan.limits, &plan.pins.places);
        if plan.pins.policy == Digest::of(b"# a policy\n") {
            plan.pins.policy = Digest::of(caps.as_bytes());
        }
        world.file("policy.yaml", caps);
        let (digest, place) = seal(&world, &plan, ALICE);
        Self { world, now, plan, digest, place }
    }

    /// Somebody's yes.
    pub(crate) fn yes(&self, name: &str, seed: u8) -> PathBuf {
        self.yes_but(name, seed, |_| {})
    }

    /// Somebody's yes, a little changed before it is signed.
    pub(crate) fn yes_but(
        &self,
        name: &str,
        seed: u8,
        change: impl FnOnce(&mut Predicate),
    ) -> PathBuf {
        let bytes = self.statement(Decision::Approve, name, change);
        let signed = sign(seed, APPROVAL, &bytes);
        dossier::add(&self.place, Pile::Approvals, name, &bytes, &signed).expect("added")
    }

    pub(crate) fn no(&self, name: &str, seed: u8) -> PathBuf {
        let bytes = self.statement(Decision::Deny, name, |p| p.comment = "not today".into());
        let signed = sign(seed, DENIAL, &bytes);
        dossier::add(&self.place, Pile::Denials, name, &bytes, &signed).expect("added")
    }

    pub(crate) fn statement(
        &self,
        decision: Decision,
        name: &str,
        change: impl FnOnce(&mut Predicate),
    ) -> Vec<u8> {
        let words = Words {
            decision,
            by: name.into(),
            scope: Scope::All,
            at: self.now,
            not_after: self.now + SignedDuration::from_hours(2),
            nonce: format!("{:032x}", self.now.as_nanosecond()),
            comment: String::new(),
            rendered_sha256: Digest::of(b"shown"),
        };
        let mut statement = Statement::about(&self.plan, &self.digest, words);
        change(&mut statement.predicate);
        statement.bytes().expect("strict")
    }

    /// What `cleanup verify` says, as a user runs it: the exit code, and the machine's answer.
    pub(crate) fn verify(&self) -> (Ran, Value) {
        self.verify_in(&self.place)
    }

    pub(crate) fn verify_in(&self, place: &Path) -> (Ran, Value) {
        let ran = self.world.run(&[
            "cleanup",
            "verify",
            &place.display().to_string(),
            "--trust=trust.yaml",
            "--policy=policy.yaml",
            "--format=json",
        ]);
        let told = serde_json::from_str(&ran.stdout).unwrap_or(Value::Null);
        (ran, told)
    }

    /// It counts.
    #[track_caller]
    pub(crate) fn approved(&self) -> Value {
        let (ran, told) = self.verify();
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(told["verdict"], "approved", "{ran}");
        told
    }

    /// It does not count, for this reason.
    #[track_caller]
    pub(crate) fn refused(&self, class: u8, reason: &str) -> Value {
        let (ran, told) = self.verify();
        refused(&ran, &told, class, reason);
        told
    }

    /// A private key as a file, as ssh-keygen leaves it.
    pub(crate) fn key_file(&self, seed: u8) -> PathBuf {
        let text = key(seed).to_openssh(LineEnding::LF).expect("PEM");
        let path = self.world.file(&format!("key-{seed}"), text.as_bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
        path
    }

    /// The file may be written, and then has this text.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) {
        let _ = std::fs::remove_file(path);
        std::fs::write(path, bytes).expect("written");
    }
}

#[track_caller]
pub(crate) fn refused(ran: &Ran, told: &Value, class: u8, reason: &str) {
    assert_eq!(ran.code, Some(4), "{ran}");
    assert_eq!(told["verdict"], "refused", "{ran}");
    assert_eq!((&told["class"], &told["reason"]), (&json!(class), &json!(reason)), "{ran}");
}

fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("a time")
}

/// Writes a plan's folder with its author's signature.
pub(crate) fn seal(world: &World, plan: &Plan, author: u8) -> (Digest, PathBuf) {
    let mut bytes = serde_json::to_vec_pretty(plan).expect("JSON");
    bytes.push(b'\n');
    seal_bytes(world, &bytes, author)
}

pub(crate) fn seal_bytes(world: &World, bytes: &[u8], author: u8) -> (Digest, PathBuf) {
    let digest = Digest::of(bytes);
    let signed = sign(author, PLAN, bytes);
    let files: [(&str, &[u8]); 2] = [("plan.json", bytes), ("plan.json.sig", signed.as_bytes())];
    let root = world.folder().join("cleanup");
    let place = dossier::seal(&root, &digest, &files).expect("sealed");
    (digest, place)
}

fn plan(world: &World, now: Timestamp) -> Plan {
    let digest_of =
        |name: &str| Digest::of(&std::fs::read(world.folder().join(name)).expect("a file"));
    let item = |n: u32, stratum: u32| {
        let state = json!({"power": "off"});
        json!({
            "n": n, "type": "servo", "id": format!("sv-{n}"),
            "immutable": {"uuid": format!("u-{n}")},
            "state_sha256": Digest::of(b"{\"power\":\"off\"}"), "state": state,
            "stratum": stratum, "strata": [stratum],
            "owner": "team-x", "action": "stop", "undo": "start", "risk": "reversible",
            "dead": [
                {"kind": "project-tombstone", "source": "projects-db", "at": now},
                {"kind": "no-traffic", "source": "flow-logs", "at": now},
            ],
            "live_checked": ["probe", "lb"],
        })
    };
    let stratum = |n: u32, generation: &str| {
        json!({"n": n, "key": {"host_gen": generation}, "population": 400, "candidates": 2,
               "unknown": 0, "live": [10, 10], "dead": [1, 1], "held": []})
    };
    let hours = |n| now + SignedDuration::from_hours(n);
    serde_json::from_value(json!({
        "schema": plan::SCHEMA, "phase": "quarantine",
        "created_at": hours(-1), "not_before": hours(-1), "not_after": hours(23),
        "author": {"name": "alice"},
        "target": {"provider": "sim", "account": "111", "regions": ["r1"], "scope": "servos"},
        "pins": {"tool": env!("CARGO_PKG_VERSION"), "policy": digest_of("policy.yaml"),
                 "trust": digest_of("trust.yaml")},
        "sources": [],
        "strata": [stratum(1, "1"), stratum(2, "2")],
        "items": [item(1, 1), item(2, 1), item(3, 2), item(4, 2)],
        "refused": [],
        "limits": {"max_items": 25, "max_items_per_day": 25,
                   "max_percent_stratum": 5, "max_percent_total": 2,
                   "ramp": [1, 5], "soak_s": [0], "max_retries": 3, "quarantine_s": 60,
                   "deadline_s": 3600},
        "totals": {"items": 4, "by_action": {"stop": 4}, "by_type": {"servo": 4}},
    }))
    .expect("a plan")
}
