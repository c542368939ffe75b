//! A host that begins to drop everything while its ports are looked at was not looked at.

use super::{declared_lab, gate_declared, reasons};
use serde_json::{Value, json};

/// `n1` answers TLS, and refuses what nobody listens on; `n2` answers STUN alone, and nothing over TCP.
const SPEC: &str = "version: 1
hosts:
  n1: { addresses: [203.0.113.11], tags: { role: one } }
  n2: { addresses: [203.0.113.12], tags: { role: two } }
roles:
  one:
    select: { tags: { role: one } }
    services: { tls: { port: tcp/443, from: internet, expect: tls } }
  two:
    select: { tags: { role: two } }
    services: { turn: { port: udp/3478, from: internet, expect: stun } }
controls: [ { address: 192.0.2.1, port: tcp/443 } ]
";

const QUIET: &str = "iifname f0 ip daddr 203.0.113.12 tcp dport 1-65535 drop";
/// After so much of a sweep; a SYN has sixty bytes.
const DROPS: &str = "iifname f0 ip daddr 203.0.113.11-203.0.113.12 quota over 3200 kbytes drop";

fn gate(filter: &str, host: &str, role: &str) -> Option<(Value, Option<i32>)> {
    let lab = declared_lab(filter, SPEC, &["203.0.113.12 udp 3478 stun".into()])?;
    Some(gate_declared(&lab, host, role, &[]))
}

/// What is silent because its host answers nothing any more is no closed port.
#[test]
fn silence_of_a_host_that_loses_what_it_answers_elsewhere_is_not_swept() {
    let Some((said, code)) = gate("", "n1", "one") else { return };
    assert_eq!((&said["answer"], code), (&json!("pass"), Some(0)), "{said:#}");
    let Some((said, code)) = gate(DROPS, "n1", "one") else { return };
    assert_eq!((&said["answer"], code), (&json!("hold"), Some(3)), "{said:#}");
    assert!(reasons(&said, "n1").contains(&"sweep 203.0.113.11".to_owned()), "{said:#}");
    assert!(said.to_string().contains("is lost as well"), "{said:#}");
}

/// Where nothing answers over TCP, nothing tells silence from silence: what is declared is asked again.
#[test]
fn a_host_that_stops_answering_during_the_sweep_does_not_pass() {
    let Some((said, code)) = gate(QUIET, "n2", "two") else { return };
    assert_eq!((&said["answer"], code), (&json!("pass"), Some(0)), "{said:#}");
    let both = format!("{DROPS}\n{QUIET}");
    let Some((said, code)) = gate(&both, "n2", "two") else { return };
    assert_eq!((&said["answer"], code), (&json!("hold"), Some(1)), "{said:#}");
    assert!(said.to_string().contains("once its ports had been swept"), "{said:#}");
}
