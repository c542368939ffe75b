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

/// Has that process stop inside its second run, when all rows are written and nothing is final.
const HOLDS: &str = "PORTCULLIS_TEST_HOLDS";

/// Kills. Every other one comes when the writer says that it is inside a run; of the rest each lets
/// it come a little further than the one before.
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
        let mut say = |text: String| {
            writeln!(out, "{text}").and_then(|()| out.flush()).expect("the parent reads");
        };
        // As far as this a kill may come; from the next line on the run is kept.
        let mut inside = |kept: &Kept| {
            if n > 0 && std::env::var_os(HOLDS).is_some() {
                say(format!("inside {}", kept.run));
                loop {
                    std::thread::park();
                }
            }
            1
        };
        let kept = store.keep(&run, &mut inside).expect("it is kept");
        say(format!("kept {}", kept.run));
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
                measure: None,
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
        unseen: vec![],
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
    let mut last;
    for kill in 0..KILLS {
        let hold = kill % 2 == 1;
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command
            .args(["--exact", "killed::writer", "--nocapture"])
            .env(WRITES, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if hold {
            command.env(HOLDS, "1");
        }
        let mut child = command.spawn().expect("a writer");
        let mut lines = BufReader::new(child.stdout.take().expect("its pipe")).lines();
        // The number that follows the word; the test harness has lines of its own.
        let mut told = |word: &str| {
            lines.by_ref().find_map(|line| {
                let line = line.expect("text");
                let (_, number) = line.split_once(word)?;
                Some(number.trim().parse::<u64>().expect("a number"))
            })
        };
        last = told("kept ").expect("the writer writes");
        if hold {
            assert_eq!(told("inside "), Some(last + 1));
        } else {
            // A commit has just ended and the next run is under way: this far into it.
            let spin = std::time::Instant::now();
            let far = std::time::Duration::from_micros(u64::from(kill) * 331);
            while spin.elapsed() < far {
                std::hint::spin_loop();
            }
        }
        child.kill().expect("it is ours");
        child.wait().expect("it ended");
        while let Some(more) = told("kept ") {
            last = more;
        }
        // One more than was told may have been committed before the line was written; never one
        // that was inside.
        sound(&file, last..=last + u64::from(!hold), kill);
    }
}

/// The file is whole, holds every run that was told to be kept, and every run has its findings.
fn sound(file: &Path, last: std::ops::RangeInclusive<u64>, kill: u32) {
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
    assert!(last.contains(&newest.id), "kill {kill}: run {} of {last:?}", newest.id);
    let lives = store.lives(&Filter::default()).expect("its findings");
    for run in runs.iter().take(5) {
        let seen = lives
            .iter()
            .filter(|l| l.spans.iter().any(|s| (s.from..=s.to).contains(&run.seq)))
            .count();
        assert_eq!(seen as u64, run.findings, "kill {kill}: run {} is not whole", run.id);
    }
}
