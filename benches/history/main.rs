//! What keeping and comparing costs: a history of 1,000 runs × 10,000 findings, and then whole audits
//! by the real binary without it and with `--since-last`, in turn.
//! `cargo bench --no-default-features --features history --bench history`.
//!
//! The history begins with a real audit of an estate with about 10,000 findings. The runs after it
//! are kept through the library, with churn: findings that go and come back, new ones that last a
//! while, words and severities that change, and now and then a listing that is denied.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and runs the binary")]

#[path = "../audit/estate.rs"]
mod estate;

use portcullis::history::{Content, Filter, Fingerprint, Run, Seen, Store};
use portcullis::model::{Gap, GapKind, Severity};
use portcullis::store::{Options, Sqlite};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs of the history.
const RUNS: u64 = 1_000;

/// Interfaces of the estate: about half as many findings.
const INTERFACES: usize = 19_000;

/// Pairs of audits; the medians are shown.
const PAIRS: usize = 9;

/// Of ten thousand findings, in each run: gone, new, and saying something else.
const GONE: u64 = 50;
const NEW: u64 = 50;
const CHANGED: u64 = 50;

const SPEC: &str = "
version: 1
networks: { office: [198.51.100.0/24] }
roles:
  fleet:
    select: { names: [\"i-*\"] }
    allow: [ { port: tcp, from: office }, { port: udp, from: office } ]
    forbid: [ { port: tcp/3389, from: internet } ]
";

fn main() {
    let folder = std::env::temp_dir().join(format!("portcullis-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("spec.yaml"), SPEC).expect("a file");
    let snapshot = estate::snapshot(INTERFACES, INTERFACES / 5, 20);
    std::fs::write(folder.join("s.json"), serde_json::to_vec(&snapshot).expect("JSON"))
        .expect("a file");
    drop(snapshot);

    let file = folder.join("history.db");
    audit(&folder, Some(&file));
    let (first, findings) = first(&file);
    let took = fill(&file, &first);
    audit(&folder, Some(&file));

    let mut without = Vec::new();
    let mut with = Vec::new();
    for _ in 0..PAIRS {
        without.push(audit(&folder, None));
        with.push(audit(&folder, Some(&file)));
    }
    let listed = ran(&folder, &["history", "--history", "history.db", "--limit", "0"])[0];
    println!(
        "{RUNS} runs of {findings} findings: {:.1} MB; {took:.1} ms to keep a run; `history` of all: {listed:.0} ms",
        megabytes(&file)
    );
    for (n, what) in ["ms on the clock", "ms of CPU time"].into_iter().enumerate() {
        let of = |runs: &[[f64; 2]]| median(runs.iter().map(|r| r[n]).collect());
        let pairs = without.iter().zip(&with);
        let added = median(pairs.map(|(a, b)| b[n] - a[n]).collect());
        let (a, b) = (of(&without), of(&with));
        println!("audit {a:.0}, with --since-last {b:.0} {what}: {:+.1} %", added / a * 100.0);
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

/// The real run that the history begins with, as the library takes it.
fn first(file: &Path) -> (Run, usize) {
    let mut store = Sqlite::reading(file, Options::default()).expect("the history");
    let row = store.runs(&Filter::default()).expect("its run").remove(0);
    let lives = store.lives(&Filter::default()).expect("its findings");
    let mut seen: Vec<Seen> = lives
        .into_iter()
        .map(|l| Seen {
            fingerprint: l.fingerprint,
            rule: l.rule,
            subject: l.subject,
            source: l.source,
            content: l.content,
        })
        .collect();
    seen.sort_by_key(|s| s.fingerprint);
    let (_, gaps) = store.run(row.id).expect("its gaps").expect("the run");
    let findings = seen.len();
    assert!(findings > 9_000, "{findings} findings are no figure for ten thousand");
    let rules = seen.iter().map(|s| s.rule.clone()).collect();
    let run = Run {
        at: row.at,
        tool: row.tool,
        scope: row.scope,
        spec: row.spec,
        snapshot: row.snapshot,
        rules,
        gaps,
        unseen: vec![],
        unprobed: 0,
        seen,
    };
    (run, findings)
}

/// Keeps the other runs; the mean time of one, opened and closed, in milliseconds.
fn fill(file: &Path, first: &Run) -> f64 {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        // xorshift: the same churn in every run of the benchmark.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let known = first.seen.len() as u64;
    // Each: its index, and the run until which it is gone; or the run until which it is there.
    let mut away: Vec<(u64, u64)> = Vec::new();
    let mut guests: Vec<(Seen, u64)> = Vec::new();
    let mut words: Vec<Content> = first.seen.iter().map(|s| s.content.clone()).collect();
    let from = Instant::now();
    let mut making = 0.0;
    for n in 2..=RUNS {
        let made = Instant::now();
        away.retain(|(_, until)| *until > n);
        guests.retain(|(_, until)| *until > n);
        away.extend((0..GONE).map(|_| (next() % known, n + 1 + next() % 10)));
        for _ in 0..NEW {
            let mut bytes = [0; 32];
            bytes.chunks_mut(8).for_each(|c| c.copy_from_slice(&next().to_be_bytes()));
            let like = first.seen[(next() % known) as usize].clone();
            let subject = format!("i-{:017x} tcp/{}", next(), next() % 65_536);
            let guest = Seen { fingerprint: Fingerprint(bytes), subject, ..like };
            guests.push((guest, n + 1 + next() % 40));
        }
        for _ in 0..CHANGED {
            let content = &mut words[(next() % known) as usize];
            content.severity = Severity::ALL[(next() % 5) as usize];
            content.message = format!("{} ({} days)", content.message, next() % 90);
            content.message.truncate(300);
        }
        let gone: std::collections::BTreeSet<u64> = away.iter().map(|(i, _)| *i).collect();
        let denied = n % 50 == 0;
        let mut seen: Vec<Seen> = first
            .seen
            .iter()
            .enumerate()
            .filter(|(i, _)| !gone.contains(&(*i as u64)))
            .filter(|(i, _)| !denied || i % 50 != 0)
            .map(|(i, s)| Seen { content: words[i].clone(), ..s.clone() })
            .chain(guests.iter().map(|(guest, _)| guest.clone()))
            .collect();
        seen.sort_by_key(|s| s.fingerprint);
        let mut run = Run { seen, at: first.at, ..first.clone() };
        if denied {
            let why = "DescribeSecurityGroups throttled: RequestLimitExceeded";
            run.gaps.push(Gap::new(GapKind::SecurityGroups, "123456789012/us-east-1", why));
        }
        making += made.elapsed().as_secs_f64();
        let mut store = Sqlite::create(file, Options::default()).expect("the history");
        store.keep(&run, &mut |_| 1).expect("it is kept");
    }
    (from.elapsed().as_secs_f64() - making) * 1e3 / (RUNS - 1) as f64
}

/// One whole audit.
fn audit(folder: &Path, history: Option<&PathBuf>) -> [f64; 2] {
    let mut arguments =
        vec!["audit", "spec.yaml", "--snapshot", "s.json", "--no-probe", "--format", "json"];
    match history {
        Some(_) => arguments.extend(["--since-last", "--history", "history.db"]),
        None => arguments.push("--no-history"),
    }
    ran(folder, &arguments)
}

/// Runs the binary; milliseconds on the clock, and of CPU time, which other work on the machine
/// disturbs less.
fn ran(folder: &Path, arguments: &[&str]) -> [f64; 2] {
    let (from, cpu) = (Instant::now(), cpu());
    let status = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdout(Stdio::null())
        .status()
        .expect("the binary runs");
    assert!(matches!(status.code(), Some(0 | 1 | 3)), "{arguments:?}: {status}");
    [from.elapsed().as_secs_f64() * 1e3, self::cpu() - cpu]
}

/// Milliseconds that the children of this process have worked for so far.
fn cpu() -> f64 {
    // SAFETY: fills a structure of plain values, for which zero is valid.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used);
        used
    };
    let ms = |t: libc::timeval| t.tv_sec as f64 * 1e3 + t.tv_usec as f64 / 1e3;
    ms(used.ru_utime) + ms(used.ru_stime)
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// With what SQLite keeps beside it.
fn megabytes(file: &Path) -> f64 {
    let size = |end: &str| {
        let path = format!("{}{end}", file.display());
        std::fs::metadata(path).map_or(0, |m| m.len())
    };
    (size("") + size("-wal") + size("-shm")) as f64 / 1e6
}
