//! A plan over a simulated world, sealed and agreed to, ready to be applied: by the binary, or in
//! this process with chosen guards.

use crate::common::Ran;
use crate::simworld::Sim;
use jiff::{SignedDuration, Timestamp};
use portcullis::apply::{
    After, ApplyReport, Clock, DayBook, FileRegister, JournalFile, JournalStore, LiveLook, Mode,
    NewestBook, NoLook, Register, Setup, Switchboard, Watch, run,
};
use portcullis::cleanup::approval::{
    Approved, Ask, Decision, Running, Scope, Statement, Words, verify,
};
use portcullis::cleanup::halt::{BEGIN_SCHEMA, Begin, Signed, Switch};
use portcullis::cleanup::journal::{Chain, ItemState, read};
use portcullis::cleanup::plan::{Limits, Places, Plan, SCHEMA};
use portcullis::cleanup::receipt::Receipt;
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{Digest, Guards, Reason, Refusal, World};
use portcullis::dossier::{self, Pile};
use portcullis::model::Stop;
use portcullis::signature::{APPROVAL, HALT, PLAN};
use serde_json::{Value, json};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

const ALICE: u8 = 21;
pub(crate) const BOB: u8 = 22;
const CAROL: u8 = 23;
const ROBOT: u8 = 24;

pub(crate) struct Job {
    pub(crate) sim: Sim,
    pub(crate) plan: Plan,
    pub(crate) digest: Digest,
    pub(crate) place: PathBuf,
}

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "test").expect("a key")
}

fn sign(seed: u8, namespace: &str, bytes: &[u8]) -> String {
    let signed = key(seed).sign(namespace, HashAlg::Sha512, bytes).expect("a signature");
    signed.to_pem(LineEnding::LF).expect("PEM")
}

pub(crate) fn trust() -> String {
    let line = |seed: u8| key(seed).public_key().to_openssh().expect("a line");
    let who = |name: &str, roles: &str, seed| {
        format!(
            "  {name}: {{ team: ops, roles: [{roles}], keys: [{{ key: \"{}\" }}] }}\n",
            line(seed)
        )
    };
    let two = "{ people: 2, teams: 1, hardware: 0 }";
    format!(
        "version: 1\npeople:\n{}{}{}workloads:\n  robot: {{ roles: [applier], keys: [{{ key: \"{}\" }}] }}\n\
         quorum:\n  reversible: {{ people: 1, teams: 1, hardware: 0, up_to: 50 }}\n  \
         reversible_large: {two}\n  exposing: {two}\n  irreversible: {two}\n  trust_change: {two}\n\
         hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n",
        who("alice", "author", ALICE),
        who("bob", "approver", BOB),
        who("carol", "approver", CAROL),
        line(ROBOT),
    )
}

/// A policy of these limits and places.
pub(crate) fn policy(limits: &Limits, places: &Places) -> String {
    let named = [("claim", &places.claim), ("halt", &places.halt)];
    let named =
        named.into_iter().filter_map(|(what, at)| Some(format!("{what}: {:?}", at.as_ref()?)));
    let places = named.collect::<Vec<_>>().join(", ");
    let places = if places.is_empty() { places } else { format!("places: {{ {places} }}\n") };
    let soak: Vec<String> = limits.soak_s.iter().map(|s| format!("{s}s")).collect();
    format!(
        "version: 1\nlimits:\n  max_items: {}\n  max_items_per_day: {}\n  \
         max_percent_stratum: {}\n  max_percent_total: {}\n  ramp: {:?}\n  soak: {soak:?}\n  \
         max_retries: {}\n  quarantine: {}s\n  deadline: {}s\n  valid: 24h\n\
         sources: {{floor: 1, delta: 90%, max_age: 1h, max_ahead: 120s}}\nminimum: {{any: 1}}\n{places}",
        limits.max_items,
        limits.max_items_per_day,
        limits.max_percent_stratum,
        limits.max_percent_total,
        limits.ramp,
        limits.max_retries,
        limits.quarantine_s,
        limits.deadline_s,
    )
}

/// A halt switch that says run, on somebody's word.
pub(crate) fn switch(seed: u8) -> Vec<u8> {
    let begin = Begin { schema: BEGIN_SCHEMA.into(), at: now(), why: String::new() };
    let statement = serde_json::to_string(&begin).expect("JSON");
    let signed = sign(seed, HALT, statement.as_bytes());
    serde_json::to_vec(&Switch::new(Signed::new(statement, &signed))).expect("JSON")
}

fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).expect("a time")
}

impl Job {
    /// Plans `action` for these things of the world, each stratum holding `population` of them.
    pub(crate) fn new(sim: Sim, ids: &[&str], change: impl FnOnce(&mut Plan)) -> Self {
        Self::of(sim, "stop", ids, change)
    }

    /// The same for another action.
    pub(crate) fn of(sim: Sim, action: &str, ids: &[&str], change: impl FnOnce(&mut Plan)) -> Self {
        sim.write();
        sim.folder.file("trust.yaml", trust());
        sim.folder.file("revoked", "");
        sim.folder.file("policy.yaml", "# caps\n");
        sim.folder.file("halt.json", switch(CAROL));
        for (name, seed) in [("robot", ROBOT), ("bob", BOB)] {
            let text = key(seed).to_openssh(LineEnding::LF).expect("PEM");
            let path = sim.folder.file(name, text.as_bytes());
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, mode).expect("mode");
        }
        let mut plan = plan(&sim, action, ids);
        change(&mut plan);
        let caps = policy(&plan.limits, &plan.pins.places);
        if plan.pins.policy == Digest::of(b"# caps\n") {
            plan.pins.policy = Digest::of(caps.as_bytes());
        }
        sim.folder.file("policy.yaml", caps);
        let (digest, place) = seal(&sim, &plan);
        let job = Self { sim, plan, digest, place };
        for (name, seed) in [("bob", BOB), ("carol", CAROL)] {
            job.approve(name, seed);
        }
        job
    }

    fn approve(&self, name: &str, seed: u8) {
        let words = Words {
            decision: Decision::Approve,
            by: name.into(),
            scope: Scope::All,
            at: now(),
            not_after: now() + SignedDuration::from_hours(2),
            nonce: format!("{seed:032x}"),
            comment: String::new(),
            rendered_sha256: Digest::of(b"shown"),
        };
        let bytes = Statement::about(&self.plan, &self.digest, words).bytes().expect("strict");
        let signed = sign(seed, APPROVAL, &bytes);
        dossier::add(&self.place, Pile::Approvals, name, &bytes, &signed).expect("added");
    }

    /// The arguments that every command about this plan needs.
    pub(crate) fn arguments(&self, command: &[&str]) -> Vec<String> {
        let trust = Digest::of(&std::fs::read(self.sim.path("trust.yaml")).expect("trust"));
        let mut words: Vec<String> = command.iter().map(|w| (*w).to_owned()).collect();
        words.extend([
            "--trust=trust.yaml".into(),
            format!("--trust-digest={trust}"),
            "--halt=halt.json".into(),
            "--state=state".into(),
        ]);
        words
    }

    /// `cleanup apply`, as a user runs it.
    pub(crate) fn apply(&self, more: &[&str]) -> (Ran, Value) {
        let ran = self.sim.folder.run(&self.apply_words(more));
        let told = serde_json::from_str(&ran.stdout).unwrap_or(Value::Null);
        (ran, told)
    }

    pub(crate) fn apply_words(&self, more: &[&str]) -> Vec<String> {
        let place = self.place.display().to_string();
        let mut words = self.arguments(&["cleanup", "apply", &place]);
        words.extend(["--policy=policy.yaml", "--key=robot", "--format=json"].map(String::from));
        words.extend(more.iter().map(|w| (*w).to_owned()));
        words
    }

    pub(crate) fn approved(&self) -> Result<Approved, Refusal> {
        let (trust, revoked) = self.trust();
        let papers = dossier::read(&self.place).expect("the folder").papers;
        let policy = Digest::of(&std::fs::read(self.sim.path("policy.yaml")).expect("policy"));
        verify(
            &papers,
            &Ask {
                digest: &self.digest,
                trust: &trust,
                revoked: &revoked,
                running: Some(Running {
                    tool: &self.plan.pins.tool,
                    policy: &policy,
                    adapter: self.plan.pins.adapter.as_ref(),
                }),
                now: now(),
                claimed_at: None,
            },
        )
    }

    pub(crate) fn trust(&self) -> (Trust, Revoked) {
        let bytes = std::fs::read(self.sim.path("trust.yaml")).expect("trust");
        (Trust::parse(&bytes).expect("trust"), Revoked::parse(b"").expect("nobody"))
    }

    /// Applies in this process with these guards alone, all batches.
    pub(crate) fn with(&self, guards: Guards) -> Result<ApplyReport, Refusal> {
        self.run(guards, |_| {})
    }

    /// The same, with something changed of what it runs with.
    pub(crate) fn run(
        &self,
        guards: Guards,
        change: impl FnOnce(&mut Parts),
    ) -> Result<ApplyReport, Refusal> {
        let approved = self.approved()?;
        let (trust, revoked) = self.trust();
        let mut parts = Parts {
            world: Box::new(self.sim.adapter()),
            journal: Box::new(JournalFile::open(&self.journal()).expect("the journal")),
            register: Box::new(FileRegister::open(&self.sim.path("claim")).expect("the claim")),
            day: DayBook {
                register: Box::new(FileRegister::shared(&self.sim.path("day")).expect("the day")),
                most: self.plan.limits.max_items_per_day,
                known: Vec::new(),
            },
            live: Box::new(NoLook),
            watch: None,
            clock: Box::new(Fake::new()),
            limits: self.plan.limits.clone(),
            mode: Mode::Attached,
            receipt: None,
            nonce: "one".into(),
        };
        change(&mut parts);
        let register = FileRegister::shared(&self.sim.path("halt.json")).expect("the switch");
        let newest = FileRegister::shared(&self.sim.path("newest")).expect("the newest");
        let mut halt = Switchboard {
            register: Box::new(register),
            trust: &trust,
            revoked: &revoked,
            remembered: BTreeSet::new(),
        };
        run(Setup {
            approved: &approved,
            limits: parts.limits,
            guards,
            mode: parts.mode,
            receipt: parts.receipt.as_ref(),
            world: parts.world.as_mut(),
            journal: parts.journal.as_mut(),
            register: parts.register.as_mut(),
            day: &mut parts.day,
            newest: &mut NewestBook { register: Box::new(newest) },
            halt: &mut halt,
            live: parts.live.as_mut(),
            watch: parts.watch.as_deref_mut().map(|w| w as &mut dyn Watch),
            still: &mut |_| Ok(()),
            receipted: &mut |_| Ok(()),
            clock: parts.clock.as_ref(),
            nonce: parts.nonce,
            by: "test".into(),
            lease: SignedDuration::from_mins(10),
            stop: Stop::default(),
        })
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.place.join("journal.jsonl")
    }

    /// The journal, verified.
    pub(crate) fn chain(&self) -> Chain {
        let bytes = std::fs::read(self.journal()).expect("the journal");
        read(&bytes, &self.plan, &self.digest).expect("a whole journal")
    }

    pub(crate) fn state(&self, n: u32) -> ItemState {
        self.chain().ledger.items[&n].state
    }

    /// Ids that were acted on, in order.
    pub(crate) fn acted(&self) -> Vec<String> {
        self.sim.acts().into_iter().map(|c| c.item.id).collect()
    }
}

/// What a run in this process is made of.
pub(crate) struct Parts {
    pub(crate) world: Box<dyn World>,
    pub(crate) journal: Box<dyn JournalStore>,
    pub(crate) register: Box<dyn Register>,
    pub(crate) day: DayBook,
    pub(crate) live: Box<dyn LiveLook>,
    pub(crate) watch: Option<Box<dyn Watch>>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) mode: Mode,
    pub(crate) receipt: Option<Receipt>,
    pub(crate) nonce: String,
}

/// A clock that waits in no time.
pub(crate) struct Fake {
    pub(crate) ahead: Cell<SignedDuration>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Self { ahead: Cell::new(SignedDuration::ZERO) }
    }

    /// Some hours later.
    pub(crate) fn later(hours: i64) -> Self {
        Self { ahead: Cell::new(SignedDuration::from_hours(hours)) }
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        Timestamp::now() + self.ahead.get()
    }

    fn wait(&self, how_long: Duration) {
        let more = SignedDuration::try_from(how_long).expect("a short time");
        self.ahead.set(self.ahead.get() + more);
    }
}

/// The refusal of an item.
#[track_caller]
pub(crate) fn why(report: &ApplyReport, n: u32) -> Reason {
    report.ledger.items[&n].refusal.as_ref().expect("a refusal").reason
}

/// What stopped a run.
#[track_caller]
pub(crate) fn stopped(report: &ApplyReport) -> Reason {
    match &report.after {
        After::Stopped(why) => why.reason,
        other => panic!("it was to stop: {other:?}"),
    }
}

pub(crate) fn seal(sim: &Sim, plan: &Plan) -> (Digest, PathBuf) {
    let mut bytes = serde_json::to_vec_pretty(plan).expect("JSON");
    bytes.push(b'\n');
    let digest = Digest::of(&bytes);
    let signed = sign(ALICE, PLAN, &bytes);
    let files: [(&str, &[u8]); 2] = [("plan.json", &bytes), ("plan.json.sig", signed.as_bytes())];
    let root = sim.folder.folder().join("cleanup");
    let place = dossier::seal(&root, &digest, &files).expect("sealed");
    (digest, place)
}

fn plan(sim: &Sim, action: &str, ids: &[&str]) -> Plan {
    let digest_of = |name: &str| Digest::of(&std::fs::read(sim.path(name)).expect("a file"));
    let command = portcullis::apply::AdapterCommand::new(&sim.command()).expect("a command");
    let resources = sim.data["resources"].as_array().expect("resources");
    let row = sim.data["acts"]
        .as_array()
        .and_then(|acts| acts.iter().find(|a| a["action"] == action))
        .expect("an act");
    let items: Vec<Value> = (1..)
        .zip(ids)
        .map(|(n, id)| {
            let it = resources.iter().find(|r| r["id"] == **id).expect("a resource");
            let state: BTreeMap<String, String> =
                serde_json::from_value(it["state"].clone()).expect("a state");
            json!({
                "n": n, "type": it["type"], "id": id, "immutable": it["immutable"],
                "state_sha256": Digest::of(&serde_json::to_vec(&state).expect("JSON")),
                "state": state, "stratum": 1, "strata": [1],
                "owner": it["owner"], "domain": it["domain"], "set": it["set"],
                "action": action, "undo": row["undo"], "risk": row["risk"],
                "dead": [{"kind": "tombstone", "source": "projects-db", "at": now()},
                         {"kind": "no-traffic", "source": "flow-logs", "at": now()}],
                "live_checked": ["probe", "lb"],
            })
        })
        .collect();
    let count = items.len();
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    for item in &items {
        *types.entry(item["type"].as_str().expect("a type").into()).or_default() += 1;
    }
    let hours = |n| now() + SignedDuration::from_hours(n);
    serde_json::from_value(json!({
        "schema": SCHEMA, "phase": if action == "delete" { "delete" } else { "quarantine" },
        "created_at": hours(-1), "not_before": hours(-1), "not_after": hours(23),
        "author": {"name": "alice"},
        "target": sim.data["target"],
        "pins": {"tool": env!("CARGO_PKG_VERSION"), "policy": digest_of("policy.yaml"),
                 "trust": digest_of("trust.yaml"), "adapter": command.digest().expect("a digest"),
                 "adapter_command": sim.command()},
        "sources": [],
        "strata": [{"n": 1, "key": {"region": "r1"}, "population": 400, "candidates": count,
                    "unknown": 0, "live": [10, 10], "dead": [1, 1], "held": []}],
        "items": items,
        "refused": [],
        "limits": {"max_items": 50, "max_items_per_day": 50,
                   "max_percent_stratum": 25, "max_percent_total": 25,
                   "ramp": [1, 5, 25], "soak_s": [0], "max_retries": 3, "quarantine_s": 0,
                   "deadline_s": 86400},
        "totals": {"items": count, "by_action": {action: count}, "by_type": types},
    }))
    .expect("a plan")
}
