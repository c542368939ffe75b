//! What goes wrong with a file: each is told, the report is printed all the same, and what was kept
//! before is not lost.

use super::world::Estate;
use crate::common::{Ran, skip};
use std::path::Path;
use std::process::Command;

/// The audit's report is whole on stdout, stderr says what is wrong, and the exit code is 2.
fn told(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(ran.stdout.matches("critical[declared-blocked]").count(), 3, "{ran}");
    let end = ran.stdout.lines().last().unwrap_or_default();
    assert!(end.starts_with("not seen: "), "the report is cut off: {ran}");
    for word in words {
        assert!(ran.stderr.contains(word), "{word}: {ran}");
    }
    assert!(
        ran.stderr.contains("the report above is whole, and would have ended in exit code 1"),
        "{ran}"
    );
}

#[test]
fn a_file_that_is_something_else() {
    let estate = Estate::new();
    let file = estate.world.file("notes.txt", "my notes\n");
    let ran = estate.audit(&["--history", "notes.txt"]);
    told(
        &ran,
        &["error: cannot use the history notes.txt", "it is no SQLite file", "nothing was written"],
    );
    assert_eq!(std::fs::read_to_string(file).expect("the notes"), "my notes\n");
    told(&estate.audit(&["--since-last", "--history", "notes.txt"]), &["no SQLite file"]);
    told(&estate.audit(&["--history", "."]), &["cannot use the history ."]);
    let ran = estate.history(&["--history", "notes.txt"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran}");
}

#[test]
fn a_file_from_a_newer_version() {
    let estate = Estate::new();
    estate.audit(&[]);
    let file = estate.world.folder().join(".portcullis/history.db");
    let newer = rusqlite::Connection::open(&file).expect("the history");
    newer.pragma_update(None, "user_version", 7).expect("from the future");
    drop(newer);
    let before = std::fs::read(&file).expect("the file");
    told(
        &estate.audit(&[]),
        &["of version 7, from a newer portcullis; this one knows up to version 2"],
    );
    assert_eq!(estate.history(&["prune", "--max-runs", "1"]).code, Some(2));
    assert_eq!(std::fs::read(&file).expect("the file"), before, "it was touched");
}

#[test]
fn a_damaged_file() {
    let estate = Estate::new();
    estate.audit(&[]);
    let file = estate.world.folder().join(".portcullis/history.db");
    let mut bytes = std::fs::read(&file).expect("the file");
    bytes[4096..].fill(0xa5);
    std::fs::write(&file, &bytes).expect("damage");
    told(&estate.audit(&[]), &["it is damaged", "move .portcullis/history.db away"]);
}

#[test]
fn a_locked_file_is_waited_for_and_then_told() {
    let estate = Estate::new();
    estate.audit(&[]);
    let file = estate.world.folder().join(".portcullis/history.db");
    let other = rusqlite::Connection::open(&file).expect("the history");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    told(&estate.audit(&[]), &["another process has it locked, after 5000 ms of waiting"]);
    assert_eq!(estate.history(&[]).code, Some(0), "readers do not wait");
    other.execute_batch("ROLLBACK").expect("it is let go");
    assert_eq!(estate.audit(&[]).code, Some(1));
    assert!(estate.history(&[]).stdout.contains("2 runs"));
}

/// Runs a script in a mount namespace of its own, in the estate's folder; `None` where none can be had.
fn mounted(estate: &Estate, script: &str) -> Option<Ran> {
    let able = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|s| s.success());
    if !able {
        skip("a full and a read-only file system (needs root and unshare, for a mount namespace)");
        return None;
    }
    let binary = env!("CARGO_BIN_EXE_portcullis");
    let audit = format!(
        "{binary} audit spec.yaml --snapshot s.json --no-probe --allow-gaps=vantage,stale-snapshot"
    );
    let script = script.replace("AUDIT", &audit).replace("PORTCULLIS", binary);
    let output = Command::new("unshare")
        .args(["-m", "sh", "-ec", &script])
        .current_dir(estate.world.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Ran {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        code: output.status.code(),
    })
}

#[test]
fn a_full_disk() {
    let estate = Estate::new();
    std::fs::create_dir(estate.world.folder().join("small")).expect("a folder");
    let script = "mount -t tmpfs -o size=320k tmpfs small
        AUDIT --history small/h.db >/dev/null || true
        # What is left is not enough for the log of one run.
        dd if=/dev/zero of=small/filler bs=4096 >/dev/null 2>&1 || true
        code=0; AUDIT --history small/h.db || code=$?
        PORTCULLIS history --history small/h.db | grep -c '1 run, 3 findings' >&2
        rm small/filler
        PORTCULLIS history --history small/h.db >&2
        AUDIT --history small/h.db >/dev/null || true
        PORTCULLIS history --history small/h.db >&2
        exit $code";
    let Some(ran) = mounted(&estate, script) else { return };
    told(&ran, &["no room is left", "history prune"]);
    assert!(ran.stderr.contains("1 run, 3 findings"), "what was kept is lost: {ran}");
    assert!(ran.stderr.contains("2 runs, 3 findings"), "it goes on when there is room: {ran}");
}

#[test]
fn a_read_only_file_system() {
    let estate = Estate::new();
    std::fs::create_dir(estate.world.folder().join("ro")).expect("a folder");
    let script = "mount -t tmpfs tmpfs ro
        AUDIT --history ro/h.db >/dev/null || true
        mount -o remount,ro ro
        code=0; AUDIT --history ro/h.db || code=$?
        PORTCULLIS history --history ro/h.db >&2
        exit $code";
    let Some(ran) = mounted(&estate, script) else { return };
    told(&ran, &["it cannot be written", "Read-only file system", "--no-history"]);
    assert!(ran.stderr.contains("1 run, 3 findings"), "it can still be read: {ran}");
}

/// A limit on the size of files, as batch systems set it: the kernel's signal must not end the audit.
#[test]
fn a_limit_on_the_size_of_files() {
    let estate = Estate::new();
    let binary = env!("CARGO_BIN_EXE_portcullis");
    let script = format!(
        "ulimit -f 40; exec {binary} audit spec.yaml --snapshot s.json --no-probe \
         --allow-gaps=vantage,stale-snapshot --history h.db"
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(estate.world.folder())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("a shell");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let ran = Ran {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        code: output.status.code(),
    };
    told(&ran, &["cannot use the history h.db"]);
    assert!(Path::new(&estate.world.folder().join("s.json")).exists());
}
