//! Gates one after the other, and what `history` tells of them.

use super::world::json_of;
use crate::common::stun::stun;
use crate::common::{Ran, World};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

/// Two declared hosts of loopback that are to serve one port, seen from the internet. The other one does
/// not answer, so that neither is compared with it: `--peers 0`.
fn world() -> (World, u16) {
    let world = World::new().with("NO_COLOR", "1");
    // Not the address of what is gated, which places nobody.
    let server = stun("127.0.0.9", Ipv4Addr::new(192, 88, 98, 7));
    let reflect = format!("vantages: {{ local: {{ reflect: \"127.0.0.9:{server}\" }} }}");
    world.file("portcullis.yaml", format!("version: 1\nscope: [127.0.0.0/8]\n{reflect}\n"));
    // Nobody listens there once the socket is gone.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let host = |n: u8| format!("{{ addresses: [127.0.0.{n}], tags: {{ role: edge }} }}");
    world.file(
        "spec.yaml",
        format!(
            "version: 1\nhosts:\n  a: {}\n  b: {}\nroles:\n  edge:\n    select: {{ tags: {{ role: edge }} }}\n    services:\n      web: {{ port: tcp/{port}, from: internet }}\n",
            host(1),
            host(2)
        ),
    );
    (world, port)
}

fn gate(world: &World, more: &[&str]) -> Ran {
    let gate = ["gate", "--role", "edge", "--no-cloud", "--peers", "0", "--no-sweep", "--host"];
    world.run(&[&gate, more].concat())
}

fn history(world: &World) -> Value {
    let ran = world.run(&["history", "--format", "json", "--limit", "0"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    json_of(&ran.stdout)
}

/// `r1 a 1`: each run with its host and its exit code, oldest first.
fn runs(world: &World) -> Vec<String> {
    let history = history(world);
    let runs = history["runs"].as_array().expect("runs").iter().rev();
    let line = |run: &Value| {
        assert_eq!(run["command"], "gate", "{run}");
        let of = run["of"].as_array().expect("what it was narrowed to");
        let host = of.iter().filter_map(Value::as_str).find_map(|w| w.strip_prefix("host="));
        format!("{} {} {}", run["id"].as_str().unwrap_or("?"), host.unwrap_or("?"), run["exit"])
    };
    runs.map(line).collect()
}

#[test]
fn each_host_has_its_runs_and_what_held_it_is_told_until_it_passes() {
    let (world, port) = world();
    let ran = gate(&world, &["a", "b"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    let _open = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let ran = gate(&world, &["a"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(runs(&world), ["r1 a 1", "r2 b 1", "r3 a 0"]);
    // `b` was not looked at again, so nothing is known of it but what was.
    let history = history(&world);
    let findings = history["findings"].as_array().expect("findings");
    let mut states: Vec<String> = findings
        .iter()
        .map(|f| format!("{} {} {}", f["rule"], f["subject"], f["state"]).replace('"', ""))
        .filter(|f| f.starts_with("declared-refused"))
        .collect();
    states.sort();
    let told = [
        format!("declared-refused a tcp/{port} resolved"),
        format!("declared-refused b tcp/{port} open"),
    ];
    assert_eq!(states, told, "{history:#}");
    let shown = world.run(&["history", "show", "r3"]);
    assert!(shown.stdout.contains("gate spec.yaml host=a no-sweep role=edge"), "{shown}");
    assert!(shown.stdout.contains("resolved  declared-refused"), "{shown}");
}

#[test]
fn a_gate_that_waits_is_kept_once_with_its_last_word() {
    let (world, port) = world();
    let arguments =
        ["gate", "--role", "edge", "--no-cloud", "--peers", "0", "--no-sweep", "--host", "a"];
    let mut command =
        world.command(&[&arguments[..], &["--wait", "10m", "--every", "1s"]].concat());
    let mut waiting =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let mut stderr = BufReader::new(waiting.stderr.take().expect("its stderr")).lines();
    let said = stderr.next().expect("a line").expect("UTF-8");
    assert!(said.contains("0 of 1 hosts pass"), "{said}");
    let _open = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let rest: Vec<String> = stderr.map(|l| l.expect("UTF-8")).collect();
    assert_eq!(waiting.wait().expect("it ends").code(), Some(0), "{rest:#?}");
    assert_eq!(runs(&world), ["r1 a 0"], "the look that held it is no run");
}

/// What was not swept for is not gone: a look at less has a series of its own.
#[test]
fn a_gate_without_the_sweep_says_nothing_of_one_with_it() {
    let (world, port) = world();
    let _open = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let swept = world.run(&["gate", "--role", "edge", "--no-cloud", "--peers", "0", "--host", "a"]);
    let declared = gate(&world, &["a"]);
    assert_eq!((swept.code, declared.code), (Some(0), Some(0)), "{swept}{declared}");
    let history = history(&world);
    assert_eq!(runs(&world), ["r1 a 0", "r2 a 0"]);
    assert_ne!(history["runs"][0]["series"], history["runs"][1]["series"], "{history:#}");
}

/// Only public addresses are swept, and a gate says what of.
#[test]
fn a_gate_does_not_say_that_it_swept_a_host_without_a_public_address() {
    let (world, port) = world();
    let _open = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    let gate =
        ["gate", "--role", "edge", "--no-cloud", "--peers", "0", "--no-history", "--host", "a"];
    let said = "not every TCP port of a was looked at: it has no public address";
    for format in ["text", "markdown"] {
        let ran = world.run(&[&gate[..], &["--format", format]].concat());
        assert!(ran.stdout.contains(said) && !ran.stdout.contains("looked at all"), "{ran}");
    }
    let ran = world.run(&[&gate[..], &["--format", "json"]].concat());
    let answer = json_of(&ran.stdout);
    assert_eq!(answer["swept_tcp_ports"], 0, "{answer:#}");
    assert_eq!(answer["swept_addresses"], serde_json::json!([]), "{answer:#}");
}

#[test]
fn a_history_that_cannot_be_used_costs_no_answer_and_attests_nothing() {
    let (world, port) = world();
    let _open = TcpListener::bind(("127.0.0.1", port)).expect("the port");
    world.file("broken.db", "this is no database, and never was one, whatever its name may say");
    let ran = gate(&world, &["a", "--history", "broken.db"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stdout.contains("PASS: "), "{ran}");
    assert!(ran.stderr.contains("would have ended in exit code 0"), "{ran}");
    assert!(ran.stderr.contains("--no-history"), "{ran}");
    let ran = gate(&world, &["a", "--no-history"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(!world.folder().join(".portcullis").exists());
}
