//! A vantage that only seems to stand outside proves nothing of `internet`.

use super::{declared_lab, gate_declared};
use serde_json::json;

/// `n1` is gated; `beside` is another machine of ours, from which one may probe.
const SPEC: &str = "version: 1
hosts:
  n1: { addresses: [203.0.113.11], tags: { role: one } }
roles:
  one:
    select: { tags: { role: one } }
    services: { tls: { port: tcp/443, from: internet, expect: tls } }
controls: [ { address: 192.0.2.1, port: tcp/443 } ]
";
const BESIDE: &str = "  beside: { addresses: [192.0.2.50] }\nroles:";

/// The address that the vantage is reflected as is one of a declared host, or may itself be probed: with
/// any other it is outside.
#[test]
fn a_vantage_that_is_one_of_ours_is_not_outside() {
    let scoped = "scope: [192.0.2.0/24, 203.0.113.0/24]\nhistory: { off: true }\n\
                  vantages: { local: { reflect: \"192.0.2.1:3478\" } }\n";
    for (spec, config, code) in [
        (SPEC.to_owned(), None, 0),
        (SPEC.replace("roles:", BESIDE), None, 3),
        (SPEC.to_owned(), Some(scoped), 3),
    ] {
        let Some(lab) = declared_lab("", &spec, &[]) else { return };
        if let Some(config) = config {
            lab.file("portcullis.yaml", config);
        }
        let (said, status) = gate_declared(&lab, "n1", "one", &["--no-sweep"]);
        let answer = if code == 0 { "pass" } else { "hold" };
        assert_eq!((&said["answer"], status), (&json!(answer), Some(code)), "{said:#}");
        let why = "which is an address of ours: it looks from inside";
        assert_eq!(said.to_string().contains(why), code != 0, "{said:#}");
    }
}
