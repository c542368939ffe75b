//! What an act costs beside the world's own time: looks, journal with fsync, claim and halt switch:
//! `cargo bench --no-default-features --bench apply`. The goal is 20 ms an act.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and makes files")]

use jiff::{SignedDuration, Timestamp};
use portcullis::apply::{
    DayBook, FileRegister, JournalFile, Mode, NewestBook, NoLook, Setup, Switchboard, SystemClock,
    run,
};
use portcullis::cleanup::approval::{
    Approved, Ask, Decision, Papers, Running, Scope, Statement, Words, verify,
};
use portcullis::cleanup::halt::{BEGIN_SCHEMA, Begin, Signed, Switch};
use portcullis::cleanup::plan::{self, Plan};
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{
    ActRequest, Acted, Digest, Guards, Health, Hello, ItemRef, Listing, Observed, Resource, World,
    WorldError,
};
use portcullis::model::Stop;
use portcullis::signature::{APPROVAL, HALT, PLAN};
use serde_json::json;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// As in the binary.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The cap of a plan by default, and forty times that.
const SIZES: [u32; 2] = [25, 1000];
const RUNS: usize = 5;

/// A world that takes no time.
struct Instantly {
    hello: Hello,
    things: BTreeMap<String, Resource>,
}

impl World for Instantly {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        Ok(Hello { clock: Some(Timestamp::now()), ..self.hello.clone() })
    }
    fn list(&mut self, _: &str, _: &BTreeMap<String, String>) -> Result<Listing, WorldError> {
        Ok(Listing::default())
    }
    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        Ok(Observed::Yes { resource: Box::new(self.things[&item.id].clone()) })
    }
    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        if let Some(thing) = self.things.get_mut(&request.item.id) {
            thing.state.insert("power".into(), "off".into());
        }
        let (item, action) = (request.item.clone(), request.action.clone());
        Ok(Acted::Done { item, action, undo: BTreeMap::new() })
    }
    fn undo(&mut self, _: &ActRequest, _: &BTreeMap<String, String>) -> Result<Acted, WorldError> {
        Ok(Acted::Failed { why: "not asked for".into() })
    }
    fn health(&mut self) -> Result<Health, WorldError> {
        Ok(Health { healthy: true, checks: vec![] })
    }
}

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn sign(seed: u8, namespace: &str, bytes: &[u8]) -> Vec<u8> {
    let signed = key(seed).sign(namespace, HashAlg::Sha512, bytes).expect("a signature");
    signed.to_pem(LineEnding::LF).expect("PEM").into_bytes()
}

fn trust() -> String {
    let line = |seed| key(seed).public_key().to_openssh().expect("a line");
    let row = "{ people: 1, teams: 1, hardware: 0 }";
    format!(
        "version: 1\npeople:\n  a: {{ team: t, roles: [author], keys: [{{ key: \"{}\" }}] }}\n  \
         b: {{ team: t, roles: [approver], keys: [{{ key: \"{}\" }}] }}\nquorum:\n  \
         reversible: {{ people: 1, teams: 1, hardware: 0, up_to: 5000 }}\n  reversible_large: {row}\n  \
         exposing: {row}\n  irreversible: {{ people: 2, teams: 2, hardware: 1 }}\n  \
         trust_change: {row}\nhardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n",
        line(1),
        line(2)
    )
}

fn approved(items: u32, trust: &Trust, now: Timestamp) -> Approved {
    let item = |n: u32| {
        json!({
            "n": n, "type": "servo", "id": format!("sv-{n}"), "immutable": {"uuid": "u"},
            "state_sha256": Digest::of(b"{\"power\":\"on\"}"), "state": {"power": "on"},
            "stratum": 1, "strata": [1], "action": "stop", "undo": "start", "risk": "reversible",
            "dead": [{"kind": "tombstone", "source": "db", "at": now},
                     {"kind": "no-traffic", "source": "flow-logs", "at": now}],
            "live_checked": ["probe"],
        })
    };
    let policy = Digest::of(b"policy");
    let plan: Plan = serde_json::from_value(json!({
        "schema": plan::SCHEMA, "phase": "quarantine", "created_at": now, "not_before": now,
        "not_after": now + SignedDuration::from_hours(24), "author": {"name": "a"},
        "target": {"provider": "sim", "account": "111", "scope": "servos"},
        "pins": {"tool": "0", "policy": policy, "trust": trust.digest()}, "sources": [],
        "strata": [{"n": 1, "key": {"host_gen": "1"}, "population": 100_000, "candidates": items,
                    "unknown": 0, "live": [10, 10], "dead": [1, 1], "held": []}],
        "items": (1..=items).map(item).collect::<Vec<_>>(), "refused": [],
        "limits": {"max_items": items, "max_items_per_day": items,
                   "max_percent_stratum": 5, "max_percent_total": 2,
                   "ramp": [items], "soak_s": [0], "max_retries": 3, "quarantine_s": 60,
                   "deadline_s": 86400},
        "totals": {"items": items, "by_action": {"stop": items}, "by_type": {"servo": items}},
    }))
    .expect("a plan");
    let bytes = serde_json::to_vec(&plan).expect("JSON");
    let digest = Digest::of(&bytes);
    let words = Words {
        decision: Decision::Approve,
        by: "b".into(),
        scope: Scope::All,
        at: now,
        not_after: plan.not_after,
        nonce: "0".repeat(32),
        comment: String::new(),
        rendered_sha256: Digest::of(b"shown"),
    };
    let said = Statement::about(&plan, &digest, words).bytes().expect("strict");
    let approval = portcullis::cleanup::approval::Paper {
        name: "b.json".into(),
        signature: Some(sign(2, APPROVAL, &said)),
        bytes: said,
    };
    let papers = Papers {
        evidence: None,
        notified: None,
        folder: digest.folder(),
        plan_signature: Some(sign(1, PLAN, &bytes)),
        plan: bytes,
        approvals: vec![approval],
        ..Papers::default()
    };
    let revoked = Revoked::default();
    let running = Some(Running { tool: "0", policy: &policy, adapter: None });
    let ask = Ask { digest: &digest, trust, revoked: &revoked, running, now, claimed_at: None };
    verify(&papers, &ask).expect("approved")
}

fn main() {
    let root = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    std::fs::create_dir_all(&root).expect("a folder");
    let trust = Trust::parse(trust().as_bytes()).expect("trust");
    let revoked = Revoked::default();
    println!("items  acts  journal kB  ms an act");
    for items in SIZES {
        let now = Timestamp::now();
        let approved = approved(items, &trust, now);
        let mut times = Vec::new();
        let mut size = 0;
        for round in 0..RUNS {
            let folder = root.join(format!("{items}-{round}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let switch = folder.join("halt");
            let begin = Begin { schema: BEGIN_SCHEMA.into(), at: now, why: String::new() };
            let statement = serde_json::to_string(&begin).expect("JSON");
            let signed = sign(2, HALT, statement.as_bytes());
            let signed = Signed::new(statement, &String::from_utf8(signed).expect("PEM"));
            let says = serde_json::to_vec(&Switch::new(signed)).expect("JSON");
            std::fs::write(&switch, says).expect("the switch");
            let things = approved.plan().items.iter().map(|i| {
                let thing = json!({"type": i.kind, "id": i.id, "immutable": i.immutable,
                                   "state": i.state});
                (i.id.clone(), serde_json::from_value(thing).expect("a thing"))
            });
            let act = json!([{"action": "stop", "type": "servo", "undo": "start",
                              "risk": "reversible", "identity": ["uuid"]}]);
            let mut world = Instantly {
                hello: Hello {
                    protocol: 1,
                    adapter: "instantly".into(),
                    target: approved.plan().target.clone(),
                    clock: None,
                    acts: serde_json::from_value(act).expect("acts"),
                },
                things: things.collect(),
            };
            let journal = folder.join("journal.jsonl");
            let mut halt = Switchboard {
                register: Box::new(FileRegister::shared(&switch).expect("the switch")),
                trust: &trust,
                revoked: &revoked,
                remembered: BTreeSet::new(),
            };
            let start = Instant::now();
            let report = run(Setup {
                approved: &approved,
                limits: approved.plan().limits.clone(),
                guards: Guards::all(),
                mode: Mode::Attached,
                receipt: None,
                world: &mut world,
                journal: &mut JournalFile::open(&journal).expect("the journal"),
                register: &mut FileRegister::open(&folder.join("claim")).expect("the claim"),
                day: &mut DayBook {
                    register: Box::new(FileRegister::shared(&folder.join("day")).expect("it")),
                    most: items,
                    known: Vec::new(),
                },
                newest: &mut NewestBook {
                    register: Box::new(FileRegister::shared(&folder.join("newest")).expect("it")),
                },
                halt: &mut halt,
                live: &mut NoLook,
                watch: None,
                still: &mut |_| Ok(()),
                receipted: &mut |_| Ok(()),
                clock: &SystemClock,
                nonce: "one".into(),
                by: "bench".into(),
                lease: SignedDuration::from_mins(10),
                stop: Stop::default(),
            })
            .expect("it begins");
            times.push(start.elapsed());
            assert_eq!(report.done.len(), items as usize, "{:?}", report.after);
            size = std::fs::metadata(&journal).expect("the journal").len();
        }
        times.sort();
        let each = times[RUNS / 2].as_secs_f64() * 1000.0 / f64::from(items);
        println!("{items:>5}  {items:>4}  {:>10}  {each:>9.2}", size / 1000);
    }
    std::fs::remove_dir_all(root).expect("removed");
}
