//! Path proof by a refusal: the host's own counts, a firewall's RST does not.

use super::{declared_lab, gate_declared, reasons};
use serde_json::json;

/// What is refused stands behind a firewall that answers in the host's name, or reaches the host.
const REJECTS: &str = "iifname f0 tcp dport 9000 reject with tcp reset";
const PASSES: &str = "iifname f0 tcp dport 9000 accept";

/// `n1` has a TLS server, by which the way to it is known; `n2` has nothing that answers.
const SPEC: &str = "version: 1
hosts:
  n1: { addresses: [203.0.113.11], tags: { role: one } }
  n2: { addresses: [203.0.113.12], tags: { role: two } }
roles:
  one:
    select: { tags: { role: one } }
    services:
      tls: { port: tcp/443, from: internet, expect: tls }
      ctl: { port: tcp/9000, from: internet, expect: path }
  two:
    select: { tags: { role: two } }
    services: { ctl: { port: tcp/9000, from: internet, expect: path } }
controls: [ { address: 192.0.2.1, port: tcp/443 } ]
";

#[test]
fn a_refusal_by_a_firewall_proves_no_path_and_one_that_nobody_can_place_does_not_either() {
    for (filter, answers) in
        [(REJECTS, [("hold", 1), ("hold", 3)]), (PASSES, [("pass", 0), ("hold", 3)])]
    {
        let servers = ["203.0.113.12 udp 9 mute".into()];
        let Some(lab) = declared_lab(filter, SPEC, &servers) else { return };
        for ((host, role), (answer, code)) in
            [("n1", "one"), ("n2", "two")].into_iter().zip(answers)
        {
            let arguments = ["gate", "--role", role, "--host", host, "--no-cloud", "--no-sweep"];
            let arguments = [&arguments[..], &["--peers", "0", "--format", "json"]].concat();
            let ran = lab.portcullis("out", &arguments).output().expect("the gate runs");
            let said: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("an answer");
            let context = format!("{filter} {host}: {said:#}");
            assert_eq!(
                (&said["answer"], ran.status.code()),
                (&json!(answer), Some(code)),
                "{context}"
            );
            if host == "n1" {
                let firewall = said.to_string().contains("something before the target");
                assert_eq!(firewall, filter == REJECTS, "{context}");
            } else {
                // No handshake and no second kind of RST: the same packet, whoever sent it.
                assert!(said.to_string().contains("or by something before it"), "{context}");
                assert_eq!(
                    reasons(&said, "n2")[0],
                    "not-proven tcp/9000 from internet",
                    "{context}"
                );
            }
        }
    }
}

/// `n3` is `n1` behind a NAT, which puts the public address on whatever is said behind it.
const TRANSLATED: &str = "}
chain pre { type nat hook prerouting priority -100; iifname f0 ip daddr 203.0.113.13 dnat to 203.0.113.11";
const UNREACHABLE: &str = "iifname f0 udp dport 40000 reject";
const DATAGRAMS: &str = "version: 1
hosts:
  n3: { addresses: [203.0.113.13], tags: { role: three } }
roles:
  three:
    select: { tags: { role: three } }
    services:
      tls: { port: tcp/443, from: internet, expect: tls }
      rtp: { port: udp/40000, from: internet, expect: path }
controls: [ { address: 192.0.2.1, port: tcp/443 } ]
";

#[test]
fn an_icmp_error_in_the_host_s_name_that_came_a_shorter_way_proves_no_path() {
    for (rejects, answer, code) in [("", "pass", 0), (UNREACHABLE, "hold", 1)] {
        let filter = format!("{rejects}\n{TRANSLATED}");
        let Some(lab) = declared_lab(&filter, DATAGRAMS, &["203.0.113.12 udp 9 mute".into()])
        else {
            return;
        };
        let (said, status) = gate_declared(&lab, "n3", "three", &["--no-sweep", "--peers", "0"]);
        assert_eq!((&said["answer"], status), (&json!(answer), Some(code)), "{said:#}");
        let told = said.to_string().contains("in the target's name from something before it");
        assert_eq!(told, code == 1, "{said:#}");
    }
}

/// Whoever redirects connections answers in the host's name, from nearer than the host does.
const REDIRECTS: &str = "}
chain pre { type nat hook prerouting priority -100; iifname f0 ip daddr 203.0.113.11 tcp dport 9000 redirect to :443";

#[test]
fn a_handshake_by_whoever_redirects_it_proves_no_path() {
    for (filter, answer, code) in [("", "pass", 0), (REDIRECTS, "hold", 3)] {
        let Some(lab) = declared_lab(filter, SPEC, &["203.0.113.11 tcp 9000 mute".into()]) else {
            return;
        };
        let key = ["-q", "-t", "ed25519", "-N", "", "-f", "auditor"];
        let made =
            std::process::Command::new("ssh-keygen").args(key).current_dir(&lab.dir).status();
        assert!(made.is_ok_and(|s| s.success()), "a key");
        for auditor in ["", "auditor: { key: auditor }\n"] {
            lab.file(
                "portcullis.yaml",
                format!(
                    "scope: [192.0.2.1, 203.0.113.0/24]\nhistory: {{ off: true }}\n\
                     vantages: {{ local: {{ reflect: \"192.0.2.1:3478\" }} }}\n{auditor}"
                ),
            );
            let (said, status) = gate_declared(&lab, "n1", "one", &["--no-sweep", "--peers", "0"]);
            assert_eq!((&said["answer"], status), (&json!(answer), Some(code)), "{said:#}");
            let told =
                said.to_string().contains("accepted in the target's name by something before it");
            assert_eq!(told, code == 3, "{said:#}");
            let proven = said["hosts"][0]["proofs"][1]["proven"].as_bool();
            assert_eq!(proven, Some(code == 0), "{said:#}");
            let reason = reasons(&said, "n1");
            assert!(reason.iter().all(|r| r.contains("tcp/9000")), "{reason:?}");
        }
    }
}
