//! A writer that is killed with -9 at any moment: what it said was kept is there, whole, and what it
//! had not finished never happened.

use portcullis::history::{Content, Filter, Fingerprint, Kept, Run, Scope, Seen, Standing, Store};
use portcullis::model::{Confidence, Severity};
use portcullis::store::{Options, Sqlite};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Names the file for the process that is to be killed.
const WRITES: &str = "PORTCULLIS_TEST_WRITES";

/// Kills; each lets the writer come a little further into a run than the one before.
const KILLS: u32 = 40;

/// Not one of the tests: the other process, which keeps runs until it is killed. Every other run has
/// other findings, so that each writes thousands of rows.
#[test]
fn writer() {
    let Some(file) = std::env::var_os(WRITES) else { return };
    let mut store = Sqlite::create(Path::new(&file), Options::default()).expect("a history");
    let mut out = std::io::stdout();
    for n in 0_u64.. {
        let run = run(n);
        // As far as this a kill may come; from the next line on the run is kept.
        let kept = store.keep(&run, &mut |_: &Kept| 1).expect("it is kept");
        writeln!(out, "kept {}", kept.run).and_then(|()| out.flush()).expect("the parent reads");
    }
}

fn run(n: u64) -> Run {
    let found = |i: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&i.to_be_bytes());
        Seen {
            fingerprint: Fingerprint(bytes),
            rule: "latent-exposure".into(),
            subject: format!("i-{i} tcp/22"),
            source: Some("internet".into()),
            content: Content {
                severity: Severity::Medium,
                confidence: Confidence::High,
                standing: Standing::Open,
                note: String::new(),
                message: format!("as run {n} saw it"),
            },
        }
    };
    Run {
        at: jiff::Timestamp::from_second(1_700_000_000 + n as i64).expect("a time"),
        tool: "0".into(),
        scope: Scope { command: "audit".into(), ..Scope::default() },
        spec: "s".into(),
        snapshot: None,
        rules: ["latent-exposure".to_owned()].into(),
        gaps: vec![],
        unprobed: 0,
        seen: (0..400).filter(|i| i % 2 == n % 2 || i % 5 == 0).map(found).collect(),
    }
}

#[test]
fn what_was_kept_survives_and_what_was_not_never_was() {
    if std::env::var_os(WRITES).is_some() {
        return;
    }
    let folder = crate::common::World::new();
    let file = folder.folder().join("h.db");
    let mut last = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "killed::writer", "--nocapture"])
            .env(WRITES, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a writer");
        let mut lines = BufReader::new(child.stdout.take().expect("its pipe")).lines();
        let mut kept = |last: &mut u64| {
            for line in lines.by_ref() {
                let line = line.expect("text");
                // The test harness has lines of its own.
                if let Some((_, number)) = line.split_once("kept ") {
                    *last = number.parse().expect("a number");
                    return true;
                }
            }
            false
        };
        assert!(kept(&mut last), "the writer writes");
        // A commit has just ended and the next run is under way: this far into it.
        let spin = std::time::Instant::now();
        while spin.elapsed() < std::time::Duration::from_micros(u64::from(kill) * 331) {
            std::hint::spin_loop();
        }
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        while kept(&mut last) {}
        sound(&file, last, kill);
    }
    assert!(last > u64::from(KILLS), "each was killed in the middle of more: {last}");
}

/// The file is whole, holds every run that was told to be kept, and every run has its findings.
fn sound(file: &Path, last: u64, kill: u32) {
    let raw = rusqlite::Connection::open(file).expect("it opens");
    let check: String =
        raw.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(check, "ok", "kill {kill}");
    let broken = raw.prepare("PRAGMA foreign_key_check").expect("a check").exists([]);
    assert_eq!(broken, Ok(false), "kill {kill}");
    drop(raw);
    let mut store = Sqlite::create(file, Options::default()).expect("it opens");
    let runs = store.runs(&Filter::default()).expect("its runs");
    let newest = runs.first().expect("runs");
    // One more than was told may have been committed before the line was written.
    assert!((last..=last + 1).contains(&newest.id), "kill {kill}: {} of {last}", newest.id);
    let lives = store.lives(&Filter::default()).expect("its findings");
    for run in runs.iter().take(5) {
        let seen = lives
            .iter()
            .filter(|l| l.spans.iter().any(|s| (s.from..=s.to).contains(&run.seq)))
            .count();
        assert_eq!(seen as u64, run.findings, "kill {kill}: run {} is not whole", run.id);
    }
}
