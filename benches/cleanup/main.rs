//! A plan over 100,000 things and 1,000 candidates: under 5 s and 500 MB.
//!
//! `cargo bench --no-default-features --bench cleanup` prints the time of drafting, of its evidence and
//! of sealing, and
//! the most memory that the process had, its input included. Run it on a quiet machine.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use jiff::Timestamp;
use portcullis::cleanup::plan::{Author, DraftInput, Phase, Pins, Population, draft, seal};
use portcullis::cleanup::policy::Policy;
use portcullis::cleanup::{
    Act, Claim, Digest, Guards, Listing, Memory, Resource, Risk, Source, Target, evidence,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

const THINGS: usize = 100_000;
/// Every hundredth is called dead.
const EVERY: usize = 100;

const POLICY: &str = "\
version: 1
limits: {max_items: 1000, max_items_per_day: 1000, max_percent_stratum: 5, max_percent_total: 2, ramp: [1, 5, 25],
         soak: [15m], max_retries: 5, quarantine: 14d, deadline: 3d, valid: 24h}
sources: {floor: 1, delta: 90, max_age: 1h, max_ahead: 120s}
minimum: {any: 1}
";

fn claim(kind: &str, source: &str, now: Timestamp) -> Claim {
    let record = (source == "hosts").then(|| json!({"host": "h", "servos": ["s"]}));
    Claim { kind: kind.into(), source: source.into(), at: Some(now), record, detail: String::new() }
}

fn thing(n: usize, now: Timestamp) -> Resource {
    let dead = n.is_multiple_of(EVERY);
    // Spread by a stride, so that no attribute goes along with another or with death.
    let spread = n.wrapping_mul(2_654_435_761) >> 8;
    let text = |name: &str, of: usize| (name.to_owned(), format!("{name}-{}", spread / 7 % of));
    let claims = |list: &[(&str, &str)]| list.iter().map(|(k, s)| claim(k, s, now)).collect();
    Resource {
        kind: "servo".into(),
        id: format!("sv-{n:06}"),
        immutable: BTreeMap::from([("uuid".into(), format!("uuid-{n}"))]),
        attributes: BTreeMap::from([
            text("region", 4),
            text("account", 9),
            text("generation", 3),
            text("image", 25),
            text("size", 11),
            text("owner", 49),
            text("host", 5000),
            ("name".into(), format!("servo {n}")),
        ]),
        state: BTreeMap::from([("status".into(), "running".into())]),
        owner: Some("team".into()),
        domain: None,
        set: None,
        children: Vec::new(),
        candidate: dead,
        action: Some("stop".into()),
        dead: if dead {
            claims(&[("not-on-host", "hosts"), ("tombstone", "projects")])
        } else {
            Vec::new()
        },
        live: if dead { Vec::new() } else { claims(&[("on-host", "hosts"), ("answers", "probe")]) },
        protected: Vec::new(),
        unknown: Vec::new(),
    }
}

fn main() {
    let now = Timestamp::now();
    let source = |name: &str| Source {
        name: name.into(),
        fetched_at: now,
        newest: Some(now),
        complete: true,
        rows: THINGS as u64,
        cross_count: Some(THINGS as u64),
        keeps: true,
        may_be_empty: false,
        selector: BTreeMap::new(),
    };
    let listing = Listing {
        sources: vec![source("hosts"), source("projects")],
        resources: (0..THINGS).map(|n| thing(n, now)).collect(),
    };
    let policy = Policy::read("policy", POLICY.as_bytes()).expect("a policy");
    let digest = Digest::of(b"classifier");
    let acts = [Act {
        action: "stop".into(),
        kind: "servo".into(),
        undo: Some("start".into()),
        risk: Risk::Reversible,
        identity: vec!["uuid".into()],
        precondition: false,
        rehearsed: true,
        changes: Vec::new(),
    }];
    let target = Target {
        provider: "bench".into(),
        partition: String::new(),
        account: "bench".into(),
        regions: BTreeSet::new(),
        scope: "servos".into(),
    };
    let author = Author { name: "bench".into(), requested_by: None };
    let pins = Pins {
        tool: String::new(),
        policy: digest.clone(),
        trust: digest.clone(),
        adapter: None,
        adapter_command: Vec::new(),
        opt_outs: false,
        names: None,
        spec: None,
        scope: Vec::new(),
        places: Default::default(),
    };
    let selector = BTreeMap::new();
    let run = |memory: Option<&Memory>| {
        draft(&DraftInput {
            population: Population::Whole,
            listing: &listing,
            selector: &selector,
            acts: &acts,
            policy: &policy,
            memory,
            classifier: Some(&digest),
            today: 0,
            notes: &[],
            receipt: None,
            phase: Phase::Quarantine,
            target: &target,
            author: &author,
            pins: &pins,
            now,
            guards: Guards::all(),
        })
    };
    let (_, learned) = run(None);
    let began = Instant::now();
    let (mut plan, report) = run(learned.learned.as_ref());
    let drafted = began.elapsed();
    let seen = evidence::write(&listing);
    plan.evidence = Some(Digest::of(&seen));
    let (bytes, _) = seal(&plan);
    let took = began.elapsed();
    println!(
        "{} things, {} candidates: {} planned, {} refused, {} strata, {} kB, evidence {} kB, \
         {:.2} s ({:.2} s of it the draft), {} MB",
        report.population,
        report.candidates,
        plan.items.len(),
        plan.refused.len(),
        plan.strata.len(),
        bytes.len() / 1000,
        seen.len() / 1000,
        took.as_secs_f64(),
        drafted.as_secs_f64(),
        most_memory_mb(),
    );
}

/// The most that the process had, by the kernel.
fn most_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kb = line.and_then(|l| l.trim().strip_suffix(" kB")).and_then(|n| n.trim().parse().ok());
    kb.unwrap_or(0u64) / 1000
}
