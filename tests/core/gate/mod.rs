//! `portcullis gate` on a real network: outside, a packet filter, inside.

mod dropping;
mod facts;
mod inside;
mod refused;
pub(crate) mod tokbox_2019;
mod unseen;
mod vantages;

use crate::lab::Lab;
use serde_json::Value;
use std::ops::Range;
use std::process::Output;

/// An incident's folder, and what its hosts really serve.
struct Incident {
    name: &'static str,
    /// The last numbers of the hosts' addresses.
    hosts: Range<u8>,
    stun: bool,
    /// The name in their certificates.
    tls: &'static str,
}

/// Of the configuration, what is not about vantages.
const BESIDE: &str = "scope: [192.0.2.1]\nproxies: { http-connect: \"192.0.2.50:3128\" }\n";

impl Incident {
    fn fixture(&self, name: &str) -> String {
        let path = crate::common::checkout().join("fixtures/incidents").join(self.name).join(name);
        std::fs::read_to_string(path).expect("the incident's file")
    }

    /// The incident's snapshot, read now, with `change` made to it.
    fn snapshot(&self, change: impl FnOnce(&mut Value)) -> String {
        let text = self.fixture("snapshot.json");
        let mut snapshot: Value = serde_json::from_str(&text).expect("JSON");
        snapshot["taken_at"] = jiff::Timestamp::now().to_string().into();
        change(&mut snapshot);
        snapshot.to_string()
    }

    /// The lab with the incident's hosts serving at both of their addresses, and outside a control
    /// and a server that reflects.
    fn lab(&self, filter: &str) -> Option<Lab> {
        let mut lab = Lab::up(filter)?;
        let key = rcgen::generate_simple_self_signed(vec![self.tls.into()]).expect("a key");
        lab.file("chain.pem", key.cert.pem());
        lab.file("key.pem", key.signing_key.serialize_pem());
        let mut servers = Vec::new();
        for n in self.hosts.clone() {
            for address in [format!("203.0.113.{n}"), format!("10.20.1.{n}")] {
                servers.push(format!("{address} tcp 443 tls"));
                if self.stun {
                    servers.push(format!("{address} udp 3478 stun"));
                }
            }
        }
        lab.serve("in", &servers);
        lab.serve("fw", &["192.0.2.1 tcp 443 mute".into(), "192.0.2.1 udp 3478 stun".into()]);
        lab.file("spec.yaml", self.fixture("spec.yaml"));
        lab.file(
            "portcullis.yaml",
            format!("vantages: {{ local: {{ reflect: \"192.0.2.1:3478\" }} }}\n{BESIDE}"),
        );
        // Customers behind a web proxy are declared with STUN alone.
        (!self.stun || lab.tinyproxy()).then_some(lab)
    }
}

/// The lab of hosts that a spec alone declares: 203.0.113.11 serves TLS, 203.0.113.12 what `servers` say.
fn declared_lab(filter: &str, spec: &str, servers: &[String]) -> Option<Lab> {
    let incident =
        Incident { name: "tokbox-2019", hosts: 11..12, stun: false, tls: "*.media.example" };
    let mut lab = incident.lab(filter)?;
    lab.serve("in", servers);
    lab.file("spec.yaml", spec);
    lab.file(
        "portcullis.yaml",
        "scope: [192.0.2.1, 203.0.113.0/24]\nhistory: { off: true }\n\
         vantages: { local: { reflect: \"192.0.2.1:3478\" } }\n",
    );
    Some(lab)
}

/// Gates a host of such a lab from outside.
fn gate_declared(lab: &Lab, host: &str, role: &str, more: &[&str]) -> (Value, Option<i32>) {
    let arguments = ["gate", "--role", role, "--host", host, "--no-cloud", "--rate", "0"];
    let arguments = [&arguments[..], &["--format", "json"], more].concat();
    let ran = lab.portcullis("out", &arguments).output().expect("the gate runs");
    let said = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&ran.stderr)));
    (said, ran.status.code())
}

/// What a team's own tests do: every declared service, asked from inside, answers as declared.
fn inside_tests_pass(lab: &Lab, services: &[(&str, &str)], hosts: Range<u8>) {
    lab.file("inside.yaml", "scope: [10.20.0.0/16]\n");
    let targets: Vec<String> = hosts.map(|n| format!("10.20.1.{n}/32")).collect();
    for (port, expect) in services {
        let mut arguments = vec!["probe", "-c", "inside.yaml", "--ports", port];
        arguments.extend(["--expect", expect, "--sorted"]);
        arguments.extend(targets.iter().map(String::as_str));
        let inside = lab.portcullis("in", &arguments).output().expect("the probe runs");
        let lines = String::from_utf8_lossy(&inside.stdout).into_owned();
        let seen: Vec<Value> =
            lines.lines().map(|l| serde_json::from_str(l).expect("an observation")).collect();
        assert_eq!(seen.len(), targets.len(), "{lines}");
        assert!(seen.iter().all(|o| o["state"] == "open" && o["confirmed"] == true), "{lines}");
    }
}

/// Gates from a namespace of the lab: the answer, the exit code, stderr.
fn gate(lab: &Lab, which: &str, role: &str, more: &[&str]) -> (Value, Option<i32>, String) {
    let mut arguments = vec!["gate", "--role", role, "--snapshot", "snapshot.json"];
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
