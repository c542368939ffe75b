//! The printed IAM policy, tried on a server that enforces policies.

use crate::world::{Collected, Server, collect_as, here, incomplete, python};
use portcullis::snapshot::{CallKind, Outcome};
use std::process::Command;

/// A user whose only policy is `policy`, on a server that from then on enforces it.
fn read_with(policy: &str) -> Collected {
    let moto = Server::moto();
    let made = python().arg(here().join("user.py")).args([&moto.url(), policy]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let keys = String::from_utf8(made.stdout).unwrap();
    let (key, secret) = keys.trim().split_once(' ').unwrap();
    moto.http("POST /moto-api/reset-auth HTTP/1.0", "0");
    let asked = ["--regions", "us-east-1", "--api-rate", "0", "--for-cleanup"];
    collect_as(&moto.url(), (key, secret), &asked)
}

#[test]
fn the_printed_policy_is_enough() {
    let printed = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["collect", "--print-policy"])
        .output()
        .unwrap();
    let collected = read_with(&String::from_utf8(printed.stdout).unwrap());
    let snapshot = collected.snapshot();
    assert!(incomplete(&snapshot).is_empty(), "{:?}", incomplete(&snapshot));
    assert!(!snapshot.regions[0].vpcs.is_empty());
    for kind in CallKind::ALL.iter().filter(|k| k.on_request()) {
        let outcome = snapshot.outcome(&snapshot.regions[0].account, "us-east-1", *kind);
        assert!(outcome.is_complete(), "{kind:?} {outcome}");
    }
}

#[test]
fn without_it_everything_is_denied_and_nothing_is_clean() {
    let nothing = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}]}"#;
    let collected = read_with(nothing);
    assert_eq!(collected.code, Some(3));
    let snapshot = collected.snapshot();
    for call in &snapshot.calls {
        match call.kind {
            CallKind::CallerIdentity => assert_eq!(call.outcome, Outcome::Complete),
            kind => {
                assert!(matches!(call.outcome, Outcome::Denied(_)), "{kind:?} {}", call.outcome)
            }
        }
    }
    // What would be asked for each row of a list is never asked when the list is denied.
    let rules = snapshot.outcome(&snapshot.regions[0].account, "us-east-1", CallKind::Rules);
    assert_eq!(rules, Outcome::Missing);
}
