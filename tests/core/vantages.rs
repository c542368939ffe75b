//! `portcullis probe --survey` on loopback: whose surveys it takes, and what of them it probes; and
//! audits with other vantages that do not answer as they should.

use crate::common::stun::stun;
use crate::common::{Ran, World};
use jiff::{SignedDuration, Timestamp};
use portcullis::model::{Endpoint, Expect, Protocol};
use portcullis::pathproof::Auditor;
use portcullis::signature::{ATTESTATION, SURVEY};
use portcullis::survey::{Errand, Hope, Manners, Sending, Survey, Target, Why};
use serde_json::Value;
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

/// The line of a survey of one port of these addresses, made so many seconds ago.
fn line(addresses: &[&str], port: u16, nonce: &str, ago: i64) -> Vec<u8> {
    let target = |address: &&str| Target {
        endpoint: Endpoint {
            address: address.parse().expect("an address"),
            protocol: Protocol::Tcp,
            port,
        },
        why: Why::Declared,
        expect: Expect::Connect,
        hope: Hope::Answer,
    };
    let survey = Survey { targets: addresses.iter().map(target).collect(), ..Survey::default() };
    let manners = Manners {
        rate: 1_000,
        timeout_ms: 500,
        tries: 2,
        in_flight: None,
        seed: 1,
        slow_lane_ms: 0,
        deadline_ms: 20_000,
    };
    let sending = Sending {
        vantage: "office",
        nonce: nonce.into(),
        at: Timestamp::now() - SignedDuration::from_secs(ago),
        manners,
        reflect: None,
    };
    Errand::new(&survey, sending).expect("an errand").line()
}

fn signed(line: &[u8], seed: u8, namespace: &str) -> Vec<u8> {
    let auditor = Auditor::new(key(seed)).expect("Ed25519");
    [line, auditor.sign(namespace, line).expect("a signature").as_bytes()].concat()
}

fn ask(world: &World, survey: &[u8], more: &[&str]) -> Ran {
    let mut command = world.command(&[&["probe", "--survey", "-"], more].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("its input").write_all(survey).expect("its input is written");
    let out = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { stdout: text(out.stdout), stderr: text(out.stderr), code: out.status.code() }
}

/// Connections that came since the last look.
fn came(listener: &TcpListener) -> usize {
    std::iter::from_fn(|| listener.accept().ok()).count()
}

fn world() -> (World, TcpListener, u16) {
    let world = World::new();
    world.file("auditor.pub", key(1).public_key().to_openssh().expect("a line"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("it does not wait");
    let port = listener.local_addr().expect("a bound socket").port();
    (world, listener, port)
}

const TOLD: [&str; 4] = ["--auditor", "auditor.pub", "--answered", "answered"];

#[test]
fn nothing_is_sent_for_a_survey_that_nobody_vouches_for() {
    let (world, listener, port) = world();
    let line = |ago| line(&["127.0.0.1"], port, NONCE, ago);
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("the survey is not signed", line(0), &TOLD),
        ("it is no public address", signed(&line(0), 1, SURVEY), &TOLD),
        ("no --auditor was told", signed(&line(0), 1, SURVEY), &[]),
        ("whom --auditor does not name", signed(&line(0), 2, SURVEY), &TOLD),
        ("clocks may differ by", signed(&line(90), 1, SURVEY), &TOLD),
        ("clocks may differ by", signed(&line(-90), 1, SURVEY), &TOLD),
        (
            "made for the namespace \"portcullis-attestation.v1\"",
            signed(&line(0), 1, ATTESTATION),
            &TOLD,
        ),
        ("does not hold", [line(0), b"-----BEGIN SSH SIGNATURE-----\n".to_vec()].concat(), &TOLD),
        (
            "cannot be remembered in auditor.pub",
            signed(&line(0), 1, SURVEY),
            &["--auditor", "auditor.pub", "--answered", "auditor.pub"],
        ),
    ];
    for (why, survey, more) in cases {
        let ran = ask(&world, &survey, more);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{why}: {ran}");
        assert!(ran.stderr.contains(why), "{why}: {ran}");
    }
    assert_eq!(came(&listener), 0, "a refused survey was probed");
}

#[test]
fn what_its_own_scope_names_is_probed_once_and_the_rest_refused_by_name() {
    let (world, listener, port) = world();
    world.file("portcullis.yaml", "scope: [127.0.0.1]\n");
    let survey = signed(&line(&["127.0.0.1", "127.0.0.9"], port, NONCE, 0), 1, SURVEY);
    let ran = ask(&world, &survey, &TOLD);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(
        ran.stderr.contains("refused: cannot probe 127.0.0.9: it is no public address"),
        "{ran}"
    );
    let lines: Vec<Value> =
        ran.stdout.lines().map(|l| serde_json::from_str(l).expect("a line")).collect();
    assert_eq!(lines.len(), 3, "{ran}");
    assert_eq!(lines[0]["begin"]["survey"], NONCE);
    assert_eq!(
        (&lines[1]["seen"]["state"], &lines[1]["seen"]["address"]),
        (&"open".into(), &"127.0.0.1".into())
    );
    assert!(lines[2]["end"]["troubles"][0].as_str().is_some_and(|t| t.contains("127.0.0.9")));
    assert!(came(&listener) > 0);
    // Once: somebody who kept it cannot have it probed again.
    let again = ask(&world, &survey, &TOLD);
    assert_eq!((again.code, again.stdout.as_str()), (Some(4), ""), "{again}");
    assert!(again.stderr.contains("it was answered already"), "{again}");
    assert_eq!(came(&listener), 0);
    // Unsigned it is probed as well, for what its own scope names was never anybody else's to allow.
    let ran = ask(&world, &line(&["127.0.0.1"], port, NONCE, 4_000), &[]);
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// An audit of one declared host on loopback, from here and from a vantage with this command.
fn audit(via: &str, timeout: &str) -> (Value, Option<i32>) {
    let (world, _listener, port) = world();
    let (here, there) = (
        stun("127.0.0.1", Ipv4Addr::new(192, 88, 98, 7)),
        stun("127.0.0.1", Ipv4Addr::new(192, 88, 98, 8)),
    );
    world.file(
        "spec.yaml",
        format!(
            "version: 1\nhosts:\n  a: {{ addresses: [127.0.0.1], tags: {{ role: edge }} }}\nroles:\n  edge:\n    select: {{ tags: {{ role: edge }} }}\n    services:\n      web: {{ port: tcp/{port}, from: internet }}\ncontrols: [{{ address: 127.0.0.1, port: tcp/{port} }}]\n"
        ),
    );
    world.file(
        "office.yaml",
        format!(
            "scope: [127.0.0.1]\nvantages: {{ local: {{ reflect: \"127.0.0.1:{there}\" }} }}\n"
        ),
    );
    let binary = env!("CARGO_BIN_EXE_portcullis");
    let office = format!("{binary} -c office.yaml probe --survey -");
    let script = via.replace("OFFICE", &office);
    world.file(
        "portcullis.yaml",
        format!(
            "scope: [127.0.0.1]\nvantages:\n  local: {{ reflect: \"127.0.0.1:{here}\" }}\n  office: {{ via: [sh, -c, '{script}'], timeout: {timeout} }}\n"
        ),
    );
    let ran = world.run(&["audit", "--no-cloud", "--format", "json"]);
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}")), ran.code)
}

#[test]
fn an_audit_takes_what_every_vantage_saw() {
    let (report, code) = audit("OFFICE", "5m");
    assert_eq!(code, Some(0), "{report:#}");
    let at: Vec<_> = report["vantages"].as_array().expect("vantages").iter().collect();
    assert_eq!(at.len(), 2);
    assert_eq!((&at[0]["name"], &at[0]["outside_v4"]), (&"local".into(), &"192.88.98.7".into()));
    assert_eq!((&at[1]["name"], &at[1]["outside_v4"]), (&"office".into(), &"192.88.98.8".into()));
    assert_eq!(at[1]["controls_v4"], true, "{report:#}");
}

#[test]
fn a_vantage_that_does_not_answer_as_it_should_is_a_gap_and_never_silence() {
    for (via, why) in [
        ("exit 7", "`sh` ended with exit code 7"),
        ("cat >/dev/null; echo hello", "its first line is nothing"),
        ("OFFICE | head -c 300", "it ends in the middle of a line"),
        ("OFFICE | sed s,vantage/v1,vantage/v2,", "it speaks `portcullis/vantage/v2`"),
        ("OFFICE | grep -v ^..end", "ended before its answer did"),
        ("cat >/dev/null; sleep 600", "did not end within 4s"),
    ] {
        let timeout = if via.contains("sleep") { "4s" } else { "5m" };
        let (report, code) = audit(via, timeout);
        let gaps = report["gaps"].as_array().expect("gaps");
        let of = |g: &&Value| g["kind"] == "vantage" && g["scope"] == "office";
        let said: Vec<&str> = gaps.iter().filter(of).filter_map(|g| g["why"].as_str()).collect();
        assert!(said.iter().any(|s| s.contains(why)), "{via}: {said:?}");
        assert_eq!(code, Some(3), "{via}: {report:#}");
        assert_eq!(report["findings"], serde_json::json!([]), "{via}: {report:#}");
    }
}

#[test]
fn what_the_guide_configures_is_read_as_it_says() {
    let guide = crate::common::checkout().join("docs/vantages/README.md");
    let text = std::fs::read_to_string(guide).expect("the guide");
    let (_, rest) = text.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let config = portcullis::spec::config::load("portcullis.yaml", example.as_bytes())
        .unwrap_or_else(|e| panic!("{e}"));
    let names: Vec<_> = config.remote().map(|v| (v.name.as_str(), v.required, v.sweep)).collect();
    assert_eq!(names, [("frankfurt", false, false), ("office", true, true)]);
    assert_eq!(config.local().map(|v| v.off), Some(false));
}
