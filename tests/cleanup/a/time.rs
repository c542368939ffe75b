//! Approvals that are too old or too new, and keys that were revoked since.

use super::HOUR;
use crate::stage::{BOB, CAROL, ONE, Stage, public, trust};
use jiff::SignedDuration;
use portcullis::cleanup::Digest;
use serde_json::json;
use std::os::unix::fs::symlink;

#[test]
fn a06_expired_or_not_yet() {
    // The plan.
    let plan = |change: fn(&mut portcullis::cleanup::plan::Plan)| {
        let stage = Stage::with(ONE, change);
        stage.yes("bob", BOB);
        stage
    };
    plan(|p| p.not_after = p.created_at + SignedDuration::from_mins(59)).refused(11, "expired");
    plan(|p| p.not_before = p.created_at + HOUR * 2).refused(11, "not-yet-valid");
    // The approval.
    let stage = Stage::new(ONE);
    let now = stage.now;
    stage.yes_but("bob", BOB, |said| said.not_after = now - SignedDuration::from_secs(1));
    stage.refused(11, "expired");
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| said.at = now + HOUR);
    stage.refused(11, "not-yet-valid");
    // It says a year; the list of trust lets it be a day.
    let stage = Stage::new(ONE);
    stage.yes_but("bob", BOB, |said| {
        said.at = now - HOUR * 25;
        said.not_after = now + HOUR * 24 * 365;
    });
    stage.refused(11, "expired");
}

#[test]
fn a06_the_key_has_its_own_time() {
    let now = Stage::new(ONE).now;
    let stage = |window: String| {
        let changed = trust(ONE, "").replace(
            &format!("{{ key: \"{} carol\" }}", public(CAROL).trim()),
            &format!("{{ key: \"{} carol\", {window} }}", public(CAROL).trim()),
        );
        let stage = Stage::with(ONE, |plan| plan.pins.trust = Digest::of(changed.as_bytes()));
        stage.world.file("trust.yaml", changed);
        stage.yes("carol", CAROL);
        stage
    };
    stage(format!("valid_before: {}", now - HOUR)).refused(11, "expired");
    stage(format!("valid_after: {}", now + HOUR)).refused(11, "not-yet-valid");
    // The window is that of whatever ends first: here the key, then the approval.
    let told = stage(format!("valid_before: {}", now + HOUR)).approved();
    assert_eq!(told["not_after"], json!(now + HOUR));
    let later = stage(format!("valid_before: {}", now + HOUR * 9));
    assert_eq!(later.approved()["not_after"], json!(later.now + HOUR * 2));
}

#[test]
fn a09_key_revoked_after_signing() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    stage.approved();
    let fingerprint = crate::stage::key(BOB).fingerprint(ssh_key::HashAlg::Sha256).to_string();
    for line in [format!("{} lost\n", public(BOB).trim()), format!("# lost\n{fingerprint}\n")] {
        stage.world.file("revoked", line);
        stage.refused(12, "key-revoked");
    }
    // Of somebody else: it still counts.
    stage.world.file("revoked", public(CAROL));
    stage.approved();
}

#[test]
fn a09_an_unreadable_list_is_a_no() {
    let stage = Stage::new(ONE);
    stage.yes("bob", BOB);
    let list = stage.world.folder().join("revoked");
    let no = |why: &str| {
        let (ran, _) = stage.verify();
        assert_eq!(ran.code, Some(4), "{why}: {ran}");
        assert!(ran.stderr.contains("revocation-unreadable"), "{why}: {ran}");
        assert!(ran.stderr.contains(why), "{why}: {ran}");
    };
    for (bytes, why) in [
        (&b"ssh-ed25519 AAAA\n"[..], "line 1"),
        (b"\nSHA256:short\n", "line 2"),
        (b"bob\n", "line 1"),
        (b"SSHKRL\n\0\0\0\0\x01", "the binary KRL: it ends early"),
        (b"\xff\xfe", "no text"),
    ] {
        stage.write(&list, bytes);
        no(why);
    }
    std::fs::remove_file(&list).expect("removed");
    no("No such file");
    symlink("/dev/null", &list).expect("a link");
    no("link");
}
