//! Three new video servers, one port not open to the internet, every test from inside green.

use super::{Incident, reasons};
use crate::common::World;
use crate::common::authenticator::authenticator;
use crate::lab::Lab;
use portcullis::signature::ATTESTATION;
use serde_json::Value;
use std::io::{BufRead, BufReader};

const NEW: [&str; 3] = ["i-0video03", "i-0video04", "i-0video05"];

/// The incident's network: the old generation is open as its group says, the new one lacks tcp/443.
const AS_CONFIGURED: &str = "
    iifname f0 ip daddr 203.0.113.11-203.0.113.15 udp dport 3478 accept
    iifname f0 ip daddr 203.0.113.11-203.0.113.12 tcp dport 443 accept
    iifname f0 ip daddr 203.0.113.0/24 drop";

/// What it should have been.
const MENDED: &str = "
    iifname f0 ip daddr 203.0.113.11-203.0.113.15 udp dport 3478 accept
    iifname f0 ip daddr 203.0.113.11-203.0.113.15 tcp dport 443 accept
    iifname f0 ip daddr 203.0.113.0/24 drop";

/// Adds the permission that the new generation's group lacks.
fn mend(snapshot: &mut Value) {
    let groups = snapshot["regions"][0]["SecurityGroups"].as_array_mut().expect("groups");
    let old = groups[0]["IpPermissions"].clone();
    groups[1]["IpPermissions"] = old;
}

const INCIDENT: Incident =
    Incident { name: "tokbox-2019", hosts: 11..16, stun: true, tls: "*.media.example" };

fn lab(filter: &str) -> Option<Lab> {
    INCIDENT.lab(filter)
}

fn fixture(name: &str) -> String {
    INCIDENT.fixture(name)
}

fn snapshot(change: impl FnOnce(&mut Value)) -> String {
    INCIDENT.snapshot(change)
}

fn gate(lab: &Lab, which: &str, more: &[&str]) -> (Value, Option<i32>, String) {
    super::gate(lab, which, "enterprise-video", more)
}

#[test]
fn the_tests_from_inside_pass_and_the_gate_holds_the_three_hosts() {
    let Some(lab) = lab(AS_CONFIGURED) else { return };
    lab.file("snapshot.json", snapshot(|_| {}));

    // What the team had: every declared service, asked from inside, answers as declared.
    super::inside_tests_pass(&lab, &[("tcp/443", "tls"), ("udp/3478", "stun")], 13..16);

    let hosts: Vec<&str> = ["--no-sweep", "--host"].into_iter().chain(NEW).collect();
    let (answer, code, stderr) = gate(&lab, "out", &hosts);
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    assert_eq!(answer["answer"], "hold");
    for host in NEW {
        let held = reasons(&answer, host);
        assert!(held.contains(&"declared-blocked tcp/443 from internet".into()), "{held:?}");
        assert!(held.contains(&"parity permissions".into()), "{held:?}");
        assert!(held.contains(&"parity ports".into()), "{held:?}");
        assert!(!held.iter().any(|r| r.contains("3478")), "{held:?}");
    }
    // The layer that blocks it, and the exact change that mends it.
    let text = answer.to_string();
    assert!(text.contains("sg-0videoedge2"), "{answer:#}");
    assert!(text.contains("authorize-security-group-ingress"), "{answer:#}");
    // What serves already is what it was compared with.
    assert_eq!(answer["peers"].as_array().map(Vec::len), Some(2), "{answer:#}");
}

#[test]
fn a_gate_that_stands_inside_says_no_pass() {
    let Some(lab) = lab(MENDED) else { return };
    lab.file("snapshot.json", snapshot(mend));
    let hosts: Vec<&str> = ["--no-sweep", "--host"].into_iter().chain(NEW).collect();
    let (answer, code, stderr) = gate(&lab, "in", &hosts);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    for host in NEW {
        assert!(reasons(&answer, host).contains(&"vantage internet".into()), "{answer:#}");
    }
    // The same servers, from outside, pass: where it stands is all that held them.
    let (answer, code, stderr) = gate(&lab, "out", &hosts);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
}

/// Peers that serve by the snapshot and do not answer are no measure, and interfaces that were not all
/// listed may be the host's own: neither is a pass, and both are accepted by name.
#[test]
fn what_could_not_be_compared_or_was_read_in_part_holds() {
    let peers_down =
        MENDED.replace("203.0.113.11-203.0.113.15 tcp", "203.0.113.13-203.0.113.15 tcp");
    let peers_down =
        peers_down.replace("203.0.113.11-203.0.113.15 udp", "203.0.113.13-203.0.113.15 udp");
    let Some(lab) = lab(&peers_down) else { return };
    let hosts: Vec<&str> = ["--no-sweep", "--host"].into_iter().chain(NEW).collect();
    let with = |more: &[&'static str]| [more, &hosts[..]].concat();
    lab.file("snapshot.json", snapshot(mend));
    let (answer, code, stderr) = gate(&lab, "out", &hosts);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    assert_eq!(reasons(&answer, NEW[0]), ["parity configuration"], "{answer:#}");
    assert!(answer.to_string().contains("none of the 2 hosts that serve already"), "{answer:#}");
    let (answer, code, _) = gate(&lab, "out", &with(&["--peers", "0"]));
    assert_eq!(code, Some(0), "{answer:#}");

    // One that is down among others is named, and so is what was not asked.
    lab.filter(&MENDED.replace("203.0.113.11-203.0.113.15 tcp", "203.0.113.12-203.0.113.15 tcp"));
    let (answer, code, _) = gate(&lab, "out", &hosts);
    assert_eq!(code, Some(0), "{answer:#}");
    let notes = answer["not_judged"].to_string();
    assert!(
        notes.contains("not compared with i-0video01") && notes.contains("--no-sweep"),
        "{notes}"
    );

    lab.filter(MENDED);
    lab.file(
        "snapshot.json",
        snapshot(|s| {
            mend(s);
            let calls = s["calls"].as_array_mut().expect("calls");
            let all =
                calls.iter_mut().find(|c| c["kind"] == "NetworkInterfaces").expect("the call");
            all["outcome"] = serde_json::json!({ "is": "truncated", "why": "page 2 failed" });
        }),
    );
    let (answer, code, stderr) = gate(&lab, "out", &with(&["--parity", "none"]));
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    let held = reasons(&answer, NEW[0]);
    assert!(held.iter().any(|r| r.starts_with("network-interfaces ")), "{held:?}");
    let accepted = ["--parity", "none", "--allow-gaps=network-interfaces"];
    let (answer, code, _) = gate(&lab, "out", &with(&accepted));
    assert_eq!(code, Some(0), "{answer:#}");
}

#[test]
fn a_claim_of_where_it_stands_is_no_proof() {
    let Some(lab) = lab(MENDED) else { return };
    lab.file("snapshot.json", snapshot(mend));
    // Without STUN on the hosts themselves nothing but the configured server reflects.
    lab.file(
        "spec.yaml",
        fixture("spec.yaml")
            .replace("      turn-udp:", "      # turn-udp:")
            .replace("[turn-udp, ", "["),
    );
    lab.file(
        "snapshot.json",
        snapshot(|s| {
            mend(s);
            let groups = s["regions"][0]["SecurityGroups"].as_array_mut().expect("groups");
            let permissions = groups[1]["IpPermissions"].as_array_mut().expect("permissions");
            permissions.retain(|p| p["FromPort"] != 3478);
        }),
    );
    let hosts = ["--no-sweep", "--peers", "0", "--host", "i-0video03"];
    let reflect = "reflect: \"192.0.2.1:3478\"";
    for (place, answer, code) in [
        ("address: 192.0.2.50".to_owned(), "hold", Some(3)),
        (format!("address: 192.0.2.51, {reflect}"), "hold", Some(3)),
        (format!("address: 192.0.2.50, {reflect}"), "pass", Some(0)),
        (reflect.to_owned(), "pass", Some(0)),
    ] {
        let config = format!("vantages: {{ local: {{ {place} }} }}");
        lab.file("portcullis.yaml", format!("{config}\n{}", super::BESIDE));
        let (said, status, stderr) = gate(&lab, "out", &hosts);
        assert_eq!((said["answer"].as_str(), status), (Some(answer), code), "{said:#}\n{stderr}");
    }
}

#[test]
fn a_port_that_nobody_declared_is_found_by_the_sweep_alone() {
    let forgotten = "iifname f0 ip daddr 203.0.113.14 tcp dport 18081 accept";
    let Some(mut lab) = lab(&format!("{forgotten}\n{MENDED}")) else { return };
    lab.serve("in", &["203.0.113.14 tcp 18081 http".into()]);
    lab.file("snapshot.json", snapshot(mend));
    let host = ["--rate", "0", "--host", "i-0video04"];
    let (answer, code, stderr) = gate(&lab, "out", &host);
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    assert_eq!(
        reasons(&answer, "i-0video04"),
        ["unexplained-answer tcp/18081 from internet"],
        "{answer:#}"
    );
    assert_eq!(answer["swept_tcp_ports"], 65_535);
    assert_eq!(answer["swept_addresses"], serde_json::json!(["203.0.113.14"]));
    // The guard is what found it: without the sweep the host passes.
    let without: Vec<&str> = host.into_iter().chain(["--no-sweep"]).collect();
    let (answer, code, stderr) = gate(&lab, "out", &without);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
}

#[test]
fn a_gate_that_waits_passes_when_the_server_is_there() {
    let Some(mut lab) = lab(MENDED) else { return };
    lab.serve("in", &["203.0.113.16 udp 3478 stun".into()]);
    // One more server, whose application has not started.
    lab.filter(&MENDED.replace("203.0.113.15", "203.0.113.16"));
    lab.file(
        "snapshot.json",
        snapshot(|s| {
            mend(s);
            let region = &mut s["regions"][0];
            for (list, key) in
                [("Instances", "InstanceId"), ("NetworkInterfaces", "NetworkInterfaceId")]
            {
                let mut last = region[list][4].clone();
                let text =
                    last.to_string().replace("video05", "video06").replace("video-05", "video-06");
                let text = text
                    .replace("203.0.113.15", "203.0.113.16")
                    .replace("10.20.1.15", "10.20.1.16");
                last = serde_json::from_str(&text).expect("JSON");
                assert!(last[key].as_str().is_some_and(|id| id.ends_with("06")), "{last}");
                region[list].as_array_mut().expect("a list").push(last);
            }
        }),
    );
    let host = ["--host", "i-0video06", "--rate", "0"];
    let (answer, code, stderr) = gate(&lab, "out", &[&host[..], &["--no-sweep"]].concat());
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    let refused = "declared-refused tcp/443 from internet".to_owned();
    assert!(reasons(&answer, "i-0video06").contains(&refused), "{answer:#}");

    let mut arguments = vec!["gate", "--role", "enterprise-video", "--snapshot", "snapshot.json"];
    arguments.extend(["--format", "json", "--wait", "10m", "--every", "1s"]);
    arguments.extend(host);
    let mut waiting = lab.portcullis("out", &arguments);
    let mut waiting = waiting
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the gate runs");
    let mut said = String::new();
    let mut stderr = BufReader::new(waiting.stderr.take().expect("its stderr"));
    stderr.read_line(&mut said).expect("progress");
    assert!(said.contains("0 of 1 hosts pass"), "{said}");
    lab.serve("in", &["203.0.113.16 tcp 443 tls".into()]);
    let ended = waiting.wait_with_output().expect("the gate ends");
    let answer: Value = serde_json::from_slice(&ended.stdout).expect("an answer");
    assert_eq!(ended.status.code(), Some(0), "{answer:#}");
    // The last look is the whole one.
    assert_eq!(answer["swept_tcp_ports"], 65_535);
}

/// A host that is held and enters service all the same (a hook's time ran out, a health check of TCP
/// passed) must not drop out of the answer: what is left would pass.
#[test]
fn a_member_that_enters_service_while_it_is_held_stays_held() {
    let Some(lab) = lab(AS_CONFIGURED) else { return };
    let members = |states: [(&str, &str); 2]| {
        let members: Vec<Value> = states
            .iter()
            .map(|(id, state)| serde_json::json!({ "InstanceId": id, "LifecycleState": state }))
            .collect();
        snapshot(|s| {
            s["regions"][0]["AutoScalingGroups"] = serde_json::json!([
                { "AutoScalingGroupName": "new", "Instances": members }
            ]);
        })
    };
    // Written beside it and renamed: a look never reads half of it.
    let becomes = |state: &str| {
        lab.file("next.json", members([("i-0video01", "Standby"), ("i-0video03", state)]));
        let (next, now) = (lab.dir.join("next.json"), lab.dir.join("snapshot.json"));
        std::fs::rename(next, now).expect("the next snapshot");
    };
    becomes("Pending:Wait");
    let mut arguments = vec!["gate", "--role", "enterprise-video", "--snapshot", "snapshot.json"];
    arguments.extend(["--asg", "new", "--no-sweep", "--rate", "0", "--wait", "10m"]);
    arguments.extend(["--every", "1s", "--format", "json"]);
    let mut waiting = lab.portcullis("out", &arguments);
    let mut waiting = waiting
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the gate runs");
    let mut lines = BufReader::new(waiting.stderr.take().expect("its stderr")).lines();
    let mut next = || lines.next().expect("progress").expect("UTF-8");
    let held = "1 of 2 hosts pass; i-0video03 is held";
    let said = next();
    assert!(said.contains(held), "{said}");
    becomes("InService");
    for _ in 0..2 {
        let said = next();
        assert!(said.contains(held), "{said}");
    }
    // Only when the group lets go of it is it nobody's to judge, and that is said.
    becomes("Terminating:Wait");
    let ended = waiting.wait_with_output().expect("the gate ends");
    let answer: Value = serde_json::from_slice(&ended.stdout).expect("an answer");
    assert_eq!(ended.status.code(), Some(0), "{answer:#}");
    let notes = answer["not_judged"].to_string();
    assert!(notes.contains("i-0video03 was gated before"), "{notes}");
}

/// The lab, with a `key` that signs attestations and a list of `signers` that allows it.
fn signing() -> Option<Lab> {
    let lab = lab(AS_CONFIGURED)?;
    lab.file("snapshot.json", snapshot(|_| {}));
    let key = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"])
        .current_dir(&lab.dir)
        .status();
    if !key.is_ok_and(|s| s.success()) {
        crate::common::skip("attestations with a key of ssh-keygen's need openssh-client");
        return None;
    }
    let public = std::fs::read_to_string(lab.dir.join("key.pub")).expect("the public key");
    lab.file("signers", format!("gate@ci namespaces=\"portcullis-attestation.v1\" {public}"));
    Some(lab)
}

/// Gates one host and attests the answer in `gate.json`, with this exit code.
fn attest(lab: &Lab, host: &str, sweep: &[&str], code: i32) {
    let with = ["--attest", "gate.json", "--sign-key", "key", "--host", host];
    let with = [sweep, &with].concat();
    let (answer, status, stderr) = gate(lab, "out", &with);
    assert_eq!(status, Some(code), "{answer:#}\n{stderr}");
}

/// The PASS of a gate for the host, asked for by an address of it, in `gate.json` of the lab's
/// folder, and `signers` who may sign it; the role.
pub(crate) fn passed() -> Option<(Lab, &'static str, &'static str)> {
    let lab = signing()?;
    // Whoever demands an attestation demands a whole one.
    attest(&lab, "203.0.113.11", &["--rate", "0"], 0);
    Some((lab, "i-0video01", "enterprise-video"))
}

#[test]
fn an_attestation_says_what_the_gate_said_and_verify_takes_it() {
    let Some(lab) = signing() else { return };
    for (host, code, verified) in [("i-0video01", 0, 0), ("i-0video03", 1, 4)] {
        attest(&lab, host, &["--no-sweep"], code);
        let mut verify = vec!["gate", "verify", "gate.json", "--allowed-signers", "signers"];
        verify.extend(["--host", host, "--role", "enterprise-video", "--spec", "spec.yaml"]);
        verify.extend(["--snapshot", "snapshot.json", "--gate-config", "portcullis.yaml"]);
        let said = |words: &[&str]| {
            let said = lab.portcullis("out", words).output().expect("verify runs");
            let text = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
            (said.status.code(), text)
        };
        // It did not look at every port, and whoever relies on it must mean that.
        let (code, text) = said(&verify);
        assert!(code == Some(4) && text.contains("let pass: no-sweep"), "{text}");
        verify.extend(["--accept", "no-sweep"]);
        let (code, text) = said(&verify);
        assert_eq!(code, Some(verified), "{text}");
    }
    let left: Vec<_> = std::fs::read_dir(&lab.dir).expect("the folder").flatten().collect();
    let part = |f: &std::fs::DirEntry| f.file_name().to_string_lossy().ends_with(".part");
    assert!(!left.iter().any(part), "{left:?}");
}

/// The same with hardware keys: the one that nobody touches attests nothing.
#[test]
fn a_hardware_key_attests() {
    let Some(library) = authenticator() else { return };
    let Some(lab) = lab(AS_CONFIGURED) else { return };
    lab.file("snapshot.json", snapshot(|_| {}));
    let home = World::new().with_authenticator(&library);
    for (name, kind, options) in [
        ("touched", "ed25519-sk", &[][..]),
        ("p256", "ecdsa-sk", &[]),
        ("alone", "ed25519-sk", &["no-touch-required"]),
    ] {
        assert!(home.makes_key(name, kind, options), "{name}");
        let public = home.public(name);
        lab.file("signers", format!("gate@ci namespaces=\"{ATTESTATION}\" {public}\n"));
        let (attested, key) = (format!("{name}.json"), home.folder().join(name));
        let key = key.display().to_string();
        let mut words = vec!["gate", "--role", "enterprise-video", "--snapshot", "snapshot.json"];
        words.extend(["--no-sweep", "--attest", &attested, "--sign-key", &key]);
        words.extend(["--host", "i-0video01"]);
        let mut gate = lab.portcullis("out", &words);
        let gated = gate.env("SSH_SK_PROVIDER", &library).output().expect("the gate runs");
        let text = String::from_utf8_lossy(&[gated.stdout, gated.stderr].concat()).into_owned();
        let verify = || {
            let words = ["gate", "verify", &attested, "--allowed-signers", "signers"];
            let words = [&words[..], &["--accept", "no-sweep"]].concat();
            lab.portcullis("out", &words).output().expect("verify runs")
        };
        if name != "alone" {
            assert_eq!(gated.status.code(), Some(0), "{name}: {text}");
            let said = verify();
            let text = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
            assert_eq!(said.status.code(), Some(0), "{name}: {text}");
            continue;
        }
        assert_eq!(gated.status.code(), Some(2), "{name}: {text}");
        assert!(text.contains("the hardware key signed without a touch"), "{text}");
        assert!(!lab.dir.join(&attested).exists(), "no attestation was written");
        // One that stock signs over the same words.
        let bytes = std::fs::read(lab.dir.join("touched.json")).expect("an attestation");
        lab.file(&format!("{attested}.sig"), home.signs(name, ATTESTATION, &bytes));
        lab.file(&attested, bytes);
        let said = verify();
        let text = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
        assert_eq!(said.status.code(), Some(4), "{text}");
        assert!(text.contains("the hardware key signed without a touch"), "{text}");
    }
}
