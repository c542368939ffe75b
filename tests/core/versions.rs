//! Our order of Debian's versions against the real dpkg's.

use crate::common;
use portcullis::model::version::{Scheme, Version};
use std::cmp::Ordering;
use std::process::Command;

/// Every pair of a corpus as the real dpkg orders it, where there is one.
#[test]
fn debian_versions_are_in_the_order_of_dpkg() {
    const CORPUS: &[&str] = &[
        "0",
        "0-0",
        "00",
        "1",
        "1.0",
        "1.0-0",
        "1.0-1",
        "1.0-1+b1",
        "1.0-10",
        "1.0-2",
        "1.0.",
        "1.0a",
        "1.0~",
        "1.0~~",
        "1.0~rc1",
        "1.0~rc1-1",
        "1.0+dfsg-1",
        "1.0-1~bpo11+1",
        "1:0.9",
        "0:1.0",
        "10:0",
        "1.1.1k-1",
        "1.1.1n-0+deb11u5",
        "2.4.52-1ubuntu4",
        "2.4.52-1ubuntu4.1",
        "1.0-a",
        "1.0-Z",
        "1.0+",
        "1.0.1",
        "5.15.0-91-generic",
        "1.0-1-1",
        "3.0.0-beta",
        "20240101-1",
        "8u212-b03-2~deb9u1",
        "8u152",
        "1.001",
        "1.01",
    ];
    if Command::new("dpkg").arg("--version").output().is_err() {
        common::skip("dpkg is not there: its order of versions is not compared with ours");
        return;
    }
    const SCRIPT: &str = r#"for a in "$@"; do shift; for b in "$@"; do
        if dpkg --compare-versions "$a" lt "$b"; then echo "<"
        elif dpkg --compare-versions "$a" eq "$b"; then echo "="
        else echo ">"; fi; done; done"#;
    let ran = Command::new("sh").args(["-c", SCRIPT, "sh"]).args(CORPUS).output().expect("sh runs");
    let answers: Vec<&str> = std::str::from_utf8(&ran.stdout).expect("ASCII").lines().collect();
    assert_eq!(answers.len(), CORPUS.len() * (CORPUS.len() - 1) / 2);
    let pairs =
        CORPUS.iter().enumerate().flat_map(|(i, a)| CORPUS[i + 1..].iter().map(move |b| (a, b)));
    for ((a, b), theirs) in pairs.zip(answers) {
        let read = |t| Version::read_as(Scheme::Debian, t).expect("dpkg takes it");
        let ours = match read(a).compare(&read(b)).ordering() {
            Some(Ordering::Less) => "<",
            Some(Ordering::Equal) => "=",
            _ => ">",
        };
        assert_eq!(ours, theirs, "{a} and {b}");
    }
}
