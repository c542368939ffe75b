//! Three new video servers, one port not open to the internet, every test from inside green.

use crate::lab::Lab;
use serde_json::Value;
use std::process::Output;

const NEW: [&str; 3] = ["i-0video03", "i-0video04", "i-0video05"];

fn fixture(name: &str) -> String {
    let path = crate::common::checkout().join("fixtures/incidents/tokbox-2019").join(name);
    std::fs::read_to_string(path).expect("the incident's file")
}

/// The incident's snapshot, read now, with `change` made to it.
fn snapshot(change: impl FnOnce(&mut Value)) -> String {
    let mut snapshot: Value = serde_json::from_str(&fixture("snapshot.json")).expect("JSON");
    snapshot["taken_at"] = jiff::Timestamp::now().to_string().into();
    change(&mut snapshot);
    snapshot.to_string()
}

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

/// The lab with the incident's hosts serving at both of their addresses.
fn lab(filter: &str) -> Option<Lab> {
    let mut lab = Lab::up(filter)?;
    let key = rcgen::generate_simple_self_signed(vec!["*.media.example".into()]).expect("a key");
    lab.file("chain.pem", key.cert.pem());
    lab.file("key.pem", key.signing_key.serialize_pem());
    let mut servers = Vec::new();
    for n in 11..=15 {
        for address in [format!("203.0.113.{n}"), format!("10.20.1.{n}")] {
            servers.push(format!("{address} udp 3478 stun"));
            servers.push(format!("{address} tcp 443 tls"));
        }
    }
    lab.serve("in", &servers);
    lab.serve("fw", &["192.0.2.1 tcp 443 mute".into(), "192.0.2.1 udp 3478 stun".into()]);
    lab.file("spec.yaml", fixture("spec.yaml"));
    lab.file(
        "portcullis.yaml",
        "vantages: { local: { reflect: \"192.0.2.1:3478\" } }\nscope: [192.0.2.1]\n",
    );
    Some(lab)
}

fn gate(lab: &Lab, which: &str, more: &[&str]) -> (Value, Option<i32>, String) {
    let mut arguments = vec!["gate", "--role", "enterprise-video", "--snapshot", "snapshot.json"];
    arguments.extend(["--format", "json"]);
    arguments.extend(more);
    let Output { status, stdout, stderr } =
        lab.portcullis(which, &arguments).output().expect("the gate runs");
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    let answer = serde_json::from_slice(&stdout)
        .unwrap_or_else(|e| panic!("{e}: {}\n{stderr}", String::from_utf8_lossy(&stdout)));
    (answer, status.code(), stderr)
}

/// The kinds and subjects of what holds one host.
fn reasons(answer: &Value, host: &str) -> Vec<String> {
    let hosts = answer["hosts"].as_array().expect("hosts");
    let host = hosts.iter().find(|h| h["host"] == host).unwrap_or_else(|| panic!("{answer:#}"));
    let reasons = host["reasons"].as_array().expect("reasons").iter();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    reasons.map(|r| format!("{} {}", text(&r["kind"]), text(&r["subject"]))).collect()
}

#[test]
fn the_tests_from_inside_pass_and_the_gate_holds_the_three_hosts() {
    let Some(lab) = lab(AS_CONFIGURED) else { return };
    lab.file("snapshot.json", snapshot(|_| {}));

    // What the team had: every declared service, asked from inside, answers as declared.
    for (port, expect) in [("tcp/443", "tls"), ("udp/3478", "stun")] {
        lab.file("inside.yaml", "scope: [10.20.0.0/16]\n");
        let mut arguments =
            vec!["probe", "-c", "inside.yaml", "--ports", port, "--expect", expect, "--sorted"];
        arguments.extend(["10.20.1.13/32", "10.20.1.14/32", "10.20.1.15/32"]);
        let inside = lab.portcullis("in", &arguments).output().expect("the probe runs");
        let lines = String::from_utf8_lossy(&inside.stdout).into_owned();
        let seen: Vec<Value> =
            lines.lines().map(|l| serde_json::from_str(l).expect("an observation")).collect();
        assert_eq!(seen.len(), 3, "{lines}");
        assert!(seen.iter().all(|o| o["state"] == "open" && o["confirmed"] == true), "{lines}");
    }

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

#[test]
fn a_claim_of_where_it_stands_is_no_proof() {
    let Some(lab) = lab(MENDED) else { return };
    lab.file("snapshot.json", snapshot(mend));
    // Without STUN on the hosts themselves nothing but the configured server reflects.
    lab.file("spec.yaml", fixture("spec.yaml").replace("      turn-udp:", "      # turn-udp:"));
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
        lab.file("portcullis.yaml", format!("{config}\nscope: [192.0.2.1]\n"));
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
    // The guard is what found it: without the sweep the host passes.
    let without: Vec<&str> = host.into_iter().chain(["--no-sweep"]).collect();
    let (answer, code, stderr) = gate(&lab, "out", &without);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
}
