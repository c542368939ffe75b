//! Files and streams that commands are handed: what they are taken for, and what becomes of them.

use crate::common::World;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::process::Stdio;

/// A snapshot of nothing.
const EMPTY: &str = r#"{"format":"portcullis/snapshot/v1","taken_at":"2026-01-01T00:00:00Z","calls":[],"regions":[]}"#;

const SPEC: &str = "version: 1\nnetworks:\n  office: [198.51.100.0/24]\n";

#[test]
fn what_is_no_snapshot_is_told_for_what_it_is() {
    let world = World::new();
    world.file("spec.yaml", SPEC);
    for (text, words) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("{\"Reservations\": []}", "no snapshot of portcullis"),
        ("{\"format\": \"portcullis/snapshot/v9\"}", "its format is `portcullis/snapshot/v9`"),
        ("version: 1", "caused by: expected value"),
    ] {
        world.file("it.json", text);
        for command in [&["audit", "--offline", "--snapshot"][..], &["init", "--from"]] {
            let ran = world.run(&[command, &["it.json"]].concat());
            assert!(ran.code == Some(2) && ran.stderr.contains(words), "{text}: {ran}");
        }
    }
}

#[test]
fn a_snapshot_may_come_through_a_pipe() {
    let world = World::new();
    world.file("spec.yaml", SPEC);
    let mut command = world.command(&["audit", "--offline", "--snapshot", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(EMPTY.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_spec_named_twice_is_read_once() {
    let world = World::new();
    world.file("specs/spec.yaml", SPEC);
    let ran = world.run(&["spec", "check", "specs/spec.yaml", "specs", "./specs/spec.yaml"]);
    assert!(ran.code == Some(0) && ran.stdout.starts_with("1 file,"), "{ran}");
}

#[test]
fn no_spec_is_written_where_there_is_no_snapshot() {
    let world = World::new();
    world.file("it.json", "");
    let old = world.file("old.yaml", SPEC);
    for (name, force) in [("new.yaml", &[][..]), ("old.yaml", &["--force"])] {
        let ran = world.run(&[&["init", "--from", "it.json", "-o", name], force].concat());
        assert_eq!(ran.code, Some(2), "{ran}");
    }
    assert!(!world.folder().join("new.yaml").exists());
    assert_eq!(std::fs::read_to_string(old).expect("the file"), SPEC);
}

#[test]
fn a_collection_into_a_device_leaves_the_device_and_a_link_stays_a_link() {
    let world = World::new();
    world.file("saved/vpcs.json", r#"{"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "111111111111"}]}"#);
    let real = world.file("real.json", "old");
    // A pipe of our own stands for every device: as root, a defect here would replace /dev/null.
    let pipe = world.folder().join("pipe");
    fifo(&pipe);
    let link = world.folder().join("link.json");
    std::os::unix::fs::symlink(&real, &link).expect("our folder");
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || std::fs::read_to_string(pipe).expect("a pipe"))
    };
    for name in ["pipe", "link.json"] {
        let ran = world.run(&["collect", "--aws-json", "saved", "-o", name]);
        assert_eq!(ran.code, Some(0), "{ran}");
        // Calls that nobody saved an answer of are not called complete.
        assert!(ran.stderr.contains("not seen: no saved answer of "), "{ran}");
        assert!(ran.stderr.contains("1  VPC\n"), "one is no plural: {ran}");
    }
    assert!(std::fs::metadata(&pipe).expect("the pipe").file_type().is_fifo());
    assert!(std::fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(std::fs::read_to_string(&real).expect("the file").starts_with('{'));
    assert!(reader.join().expect("the reader").starts_with('{'));
}

/// Addresses are recycled: what was saved in 2020 directs no probe because it is read today.
#[test]
fn saved_answers_are_as_old_as_the_oldest_of_their_files() {
    let world = World::new().with("NO_COLOR", "1");
    world.file("spec.yaml", SPEC);
    let vpcs = r#"{"Vpcs": [{"VpcId": "vpc-1", "OwnerId": "111111111111"}]}"#;
    world.file("saved/subnets.json", r#"{"Subnets": []}"#);
    for (name, text, seconds) in [
        ("saved/vpcs.json", vpcs, 1_577_836_800),
        ("saved/notes.txt", "read by nobody", 1_000_000_000),
    ] {
        let path = world.file(name, text);
        let file = std::fs::File::options().write(true).open(path).expect("the file");
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        file.set_modified(at).expect("a time");
    }
    let collect = |more: &[&str]| {
        let ran = world.run(&[&["collect", "--aws-json", "saved", "-o", "s.json"], more].concat());
        assert_eq!(ran.code, Some(0), "{ran}");
        let text = std::fs::read_to_string(world.folder().join("s.json")).expect("a snapshot");
        (text, ran.stderr)
    };
    let (first, said) = collect(&[]);
    assert!(first.contains(r#""taken_at":"2020-01-01T00:00:00Z""#), "{first}");
    assert!(said.contains("taken at 2020-01-01T00:00:00Z, when saved/vpcs.json"), "{said}");
    assert_eq!(collect(&[]).0, first, "one folder is one snapshot");
    let (told, said) = collect(&["--taken-at", "2021-02-03T04:05:06Z"]);
    assert!(told.contains(r#""taken_at":"2021-02-03T04:05:06Z""#), "{told}");
    assert!(!said.contains("vpcs.json was written"), "{said}");

    let audit = ["audit", "spec.yaml", "--no-history", "--aws-json", "saved"];
    let ran = world.run(&audit);
    assert!(ran.stdout.contains("snapshot of 2020-01-01T00:00:00Z"), "{ran}");
    assert!(ran.stdout.contains("may not direct probes"), "{ran}");
    let now = jiff::Timestamp::now().to_string();
    let ran = world.run(&[&audit[..], &["--taken-at", &now]].concat());
    assert!(!ran.stdout.contains("may not direct probes"), "{ran}");
    let ran = world.run(&["audit", "spec.yaml", "--no-cloud", "--taken-at", &now]);
    assert_eq!(ran.code, Some(2), "{ran}");
}

fn fifo(path: &std::path::Path) {
    let made =
        std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo of coreutils");
    assert!(made.success());
}

/// Every look of a waiting gate reads anew, and standard input comes once.
#[test]
fn a_gate_that_waits_takes_nothing_from_standard_input() {
    let world = World::new();
    world.file("spec.yaml", "version: 1\nroles:\n  edge: { select: { tags: { role: edge } } }\n");
    let gate = ["gate", "--role", "edge", "--host", "a", "--wait", "10m"];
    for from in [["--snapshot", "-"].as_slice(), &["--no-cloud", "--facts", "-"]] {
        let ran = world.run(&[&gate, from].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran}");
        assert!(ran.stderr.contains("-` with --wait"), "{ran}");
    }
}

#[test]
fn a_configuration_and_a_region_that_are_none_are_told_as_what_they_are() {
    let world = World::new();
    let ran = world.run(&["collect", "-o", "s.json", "--regions", ""]);
    assert_eq!(ran.code, Some(2), "{ran}");
    world.file("portcullis.yaml", "version: 1\nscop: [10.0.0.0/8]\n");
    let ran = world.run(&["probe", "10.0.0.1"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("the configuration cannot be used: 1 error"), "{ran}");
}
