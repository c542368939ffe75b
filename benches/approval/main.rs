//! How long it takes to verify a plan with ten approvals, from its folder on disk to `Approved`:
//! `cargo bench --no-default-features --bench approval`. The goal is 100 ms.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and makes files")]

use jiff::{SignedDuration, Timestamp};
use portcullis::cleanup::approval::{Ask, Decision, Running, Scope, Statement, Words, verify};
use portcullis::cleanup::plan::{self, Plan};
use portcullis::cleanup::trust::{Revoked, Trust};
use portcullis::cleanup::{Digest, strict};
use portcullis::dossier::{self, Pile};
use portcullis::signature::{APPROVAL, PLAN};
use serde_json::json;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::time::Instant;

/// As in the binary.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Approvers, and approvals.
const PEOPLE: u8 = 10;
/// The cap of a plan by default, and forty times that.
const SIZES: [u32; 2] = [25, 1000];
/// The median of these is shown.
const RUNS: usize = 21;

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn sign(seed: u8, namespace: &str, bytes: &[u8]) -> String {
    let signed = key(seed).sign(namespace, HashAlg::Sha512, bytes).expect("a signature");
    signed.to_pem(LineEnding::LF).expect("PEM")
}

fn trust() -> String {
    let mut out = String::from("version: 1\npeople:\n");
    for seed in 0..=PEOPLE {
        let public = key(seed).public_key().to_openssh().expect("a line");
        out += &format!(
            "  p{seed}: {{ team: t{seed}, roles: [author, approver], keys: [{{ key: \"{public}\" }}] }}\n"
        );
    }
    let row = format!("{{ people: {PEOPLE}, teams: {PEOPLE}, hardware: 0 }}");
    out + &format!(
        "quorum:\n  reversible: {{ people: {PEOPLE}, teams: {PEOPLE}, hardware: 0, up_to: 10 }}\n  \
         reversible_large: {row}\n  exposing: {row}\n  irreversible: {row}\n  trust_change: {row}\n\
         hardware: {{ pin: false }}\napproval_lasts: 24h\nrevoked: revoked\n"
    )
}

fn plan_of(items: u32, trust: &Digest, policy: &Digest, now: Timestamp) -> Plan {
    let item = |n: u32| {
        json!({
            "n": n, "type": "servo", "id": format!("sv-{n}"), "immutable": {"uuid": format!("u-{n}")},
            "state_sha256": Digest::of(b"{}"), "state": {"power": "off"}, "stratum": 1,
            "owner": "team-x", "action": "stop", "undo": "start", "risk": "reversible",
            "dead": [
                {"kind": "project-tombstone", "source": "projects-db", "at": now, "detail": "gone"},
                {"kind": "no-traffic-14d", "source": "flow-logs", "at": now, "detail": "0 bytes"},
            ],
            "live_checked": ["probe", "lb", "dns", "asg", "refs"],
        })
    };
    serde_json::from_value(json!({
        "schema": plan::SCHEMA, "phase": "quarantine", "created_at": now, "not_before": now,
        "not_after": now + SignedDuration::from_hours(24), "author": {"name": "p0"},
        "target": {"provider": "sim", "account": "111", "scope": "servos"},
        "pins": {"tool": env!("CARGO_PKG_VERSION"), "policy": policy, "trust": trust},
        "sources": [],
        "strata": [{"n": 1, "key": {"host_gen": "1"}, "population": 5000, "candidates": items,
                    "unknown": 0, "live": [10, 10], "dead": [1, 1], "held": []}],
        "items": (1..=items).map(item).collect::<Vec<_>>(), "refused": [],
        "limits": {"max_items": items, "max_items_per_day": items,
                   "max_percent_stratum": 5, "max_percent_total": 2,
                   "ramp": [1], "soak_s": [0], "max_retries": 3, "quarantine_s": 60,
                   "deadline_s": 3600},
        "totals": {"items": items, "by_action": {"stop": items}, "by_type": {"servo": items}},
    }))
    .expect("a plan")
}

fn main() {
    let root = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    let (list, policy, now) = (trust(), Digest::of(b"policy"), Timestamp::now());
    println!("items  plan kB  approvals  read ms  verify ms  both ms");
    for items in SIZES {
        let plan = plan_of(items, &Digest::of(list.as_bytes()), &policy, now);
        let bytes = serde_json::to_vec_pretty(&plan).expect("JSON");
        strict::check(&bytes).expect("strict");
        let digest = Digest::of(&bytes);
        let sealed = sign(0, PLAN, &bytes);
        let files: [(&str, &[u8]); 2] =
            [("plan.json", &bytes), ("plan.json.sig", sealed.as_bytes())];
        let place = dossier::seal(&root.join(items.to_string()), &digest, &files).expect("sealed");
        for seed in 1..=PEOPLE {
            let words = Words {
                decision: Decision::Approve,
                by: format!("p{seed}"),
                scope: Scope::All,
                at: now,
                not_after: plan.not_after,
                nonce: format!("{seed:032x}"),
                comment: String::new(),
                rendered_sha256: Digest::of(b"shown"),
            };
            let said = Statement::about(&plan, &digest, words).bytes().expect("strict");
            let signed = sign(seed, APPROVAL, &said);
            dossier::add(&place, Pile::Approvals, &format!("p{seed}"), &said, &signed)
                .expect("added");
        }
        let mut times = Vec::new();
        for _ in 0..RUNS {
            let start = Instant::now();
            let found = dossier::read(&place).expect("read");
            let trust = Trust::parse(list.as_bytes()).expect("trust");
            let revoked = Revoked::default();
            let read = start.elapsed();
            let running =
                Running { tool: env!("CARGO_PKG_VERSION"), policy: &policy, adapter: None };
            let ask = Ask {
                digest: &digest,
                trust: &trust,
                revoked: &revoked,
                running: Some(running),
                now,
                claimed_at: None,
            };
            let approved = verify(&found.papers, &ask).expect("approved");
            assert_eq!(approved.approvals().len(), usize::from(PEOPLE));
            let whole = start.elapsed();
            times.push((whole, read));
        }
        times.sort();
        let (whole, read) = times[RUNS / 2];
        let ms = |d: std::time::Duration| d.as_secs_f64() * 1000.0;
        println!(
            "{items:>5}  {:>7}  {PEOPLE:>9}  {:>7.1}  {:>9.1}  {:>7.1}",
            bytes.len() / 1000,
            ms(read),
            ms(whole - read),
            ms(whole)
        );
    }
    std::fs::remove_dir_all(root).expect("removed");
}
