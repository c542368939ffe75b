use super::*;
use crate::signature::{AllowedSigners, TRUST};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn public(seed: u8) -> String {
    key(seed).public_key().to_openssh().expect("a line")
}

const QUORUM: &str = "quorum:
  reversible: { people: 1, teams: 1, hardware: 0, up_to: 10 }
  reversible_large: { people: 2, teams: 1, hardware: 0 }
  exposing: { people: 2, teams: 2, hardware: 0 }
  irreversible: { people: 2, teams: 2, hardware: 1 }
  trust_change: { people: 2, teams: 1, hardware: 0 }
hardware: { pin: false }
approval_lasts: 24h
revoked: revoked
";

fn people() -> String {
    let mut out = String::from("version: 1\npeople:\n");
    for (seed, name, team) in [(1, "alice", "shop"), (2, "bob", "net"), (3, "carol", "net")] {
        out += &format!(
            "  {name}:\n    team: {team}\n    roles: [author, approver]\n    keys: [{{ key: \"{}\" }}]\n",
            public(seed)
        );
    }
    out
}

fn text() -> String {
    people() + QUORUM
}

fn now() -> Timestamp {
    "2026-11-22T18:00:00Z".parse().expect("a time")
}

#[test]
fn it_is_read_whole_or_not_at_all_with_the_place() {
    assert!(Trust::parse(text().as_bytes()).is_ok());
    let bob = format!("keys: [{{ key: \"{}\" }}]", public(2));
    let mut elsewhere = Vec::new();
    for (from, to, line, why) in [
        ("version: 1", "version: 2", 1, "the only one"),
        ("team: net", "tean: net", 8, "unknown field `tean`"),
        ("people: 1, teams", "peopel: 1, teams", 16, "peopel"),
        ("  trust_change: { people: 2, teams: 1, hardware: 0 }\n", "", 19, "trust_change"),
        ("people: 1, teams: 1", "people: 0, teams: 1", 16, "people is at least 1"),
        (
            "{ people: 2, teams: 2, hardware: 1 }",
            "{ people: 1, teams: 1, hardware: 1 }",
            19,
            "at least 2",
        ),
        (
            "{ people: 2, teams: 2, hardware: 1 }",
            "{ people: 2, teams: 3, hardware: 1 }",
            19,
            "teams is 1 to 2",
        ),
        ("up_to: 10", "up_to: -1", 16, "invalid u32"),
        ("approval_lasts: 24h", "approval_lasts: soon", 22, "a time such as 24h"),
        ("approval_lasts: 24h", "approval_lasts: 0s", 22, "a time such as 24h"),
        ("revoked: revoked", "revoked: ''", 23, "names the file"),
        ("revoked: revoked\n", "", 22, "revoked"),
        ("  bob:", "  \"b ob\":", 8, "one word"),
        ("  bob:", "  ../bob:", 8, "one word"),
        ("  bob:", "  alice:", 7, "alice"),
        ("roles: [author, approver]", "roles: [author, king]", 5, "king"),
        (bob.as_str(), "keys: [{ key: \"ssh-ed25519 AAAA\" }]", 10, "cannot be read"),
        (bob.as_str(), "keys: [{ key: \"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC\" }]", 10, "bob"),
    ] {
        let changed = text().replacen(from, to, 1);
        assert_ne!(changed, text(), "{from}");
        let error = Trust::parse(changed.as_bytes()).expect_err(to);
        assert_eq!(error.reason, Reason::TrustInvalid, "{error}");
        assert!(error.says.contains(why), "{to}: {error}");
        if error.line != line {
            elsewhere.push(format!("{to}: {error}, not line {line}"));
        }
    }
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    for bytes in [&b"\xff"[..], b"", b"- x", b"&a [*a]"] {
        assert!(Trust::parse(bytes).is_err());
    }
}

#[test]
fn the_same_trust_in_openssh_s_format() {
    let list = text().replace(
        &format!("key: \"{}\"", public(3)),
        &format!(
            "key: \"{}\", valid_after: 2026-01-01T00:00:00Z, valid_before: 2027-01-01T12:00:00Z",
            public(3)
        ),
    );
    let trust = Trust::parse(list.as_bytes()).expect("trust");
    let read = AllowedSigners::parse(&trust.allowed_signers()).expect("our own strict reader's");
    assert_eq!(read.lines.len(), 3);
    let carol = &read.lines[2];
    assert_eq!(carol.principals, ["carol"]);
    assert_eq!(carol.key, *key(3).public_key().key_data());
    assert_eq!(carol.valid_before.map(|t| t.to_string()).as_deref(), Some("2027-01-01T12:00:00Z"));
    assert!(
        carol.namespaces.as_ref().is_some_and(|n| n.iter().any(|n| n == "portcullis-approval.v1"))
    );
}

#[test]
fn a_row_that_nobody_can_fill_is_told() {
    let trust = Trust::parse(text().as_bytes()).expect("trust");
    let rows = trust.unreachable();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].0, Rule::Irreversible);
    assert!(rows[0].1.contains("1 approvers with a hardware key"), "{rows:?}");
}

fn countersign(seed: u8, new: &str, namespace: &str) -> Countersign {
    let signed = key(seed).sign(namespace, HashAlg::Sha512, new.as_bytes()).expect("signed");
    let signature = signed.to_pem(LineEnding::LF).expect("PEM").into_bytes();
    Countersign { name: format!("{seed}.sig"), signature }
}

/// A new list, and one of its successors: only people of the list before count.
#[test]
fn a_list_leads_to_the_next_by_its_own_people() {
    let old = Trust::parse(text().as_bytes()).expect("trust");
    let mallory = format!(
        "  mallory: {{ team: ops, roles: [approver], keys: [{{ key: \"{}\" }}] }}\n",
        public(9)
    );
    let new = people() + &mallory + QUORUM + &format!("follows: {}\n", old.digest());
    let revoked = Revoked::default();
    let judged = |signers: &[(u8, &str)], revoked: &Revoked, new: &str| {
        let all: Vec<_> = signers.iter().map(|(s, n)| countersign(*s, new, n)).collect();
        change(&old, revoked, new.as_bytes(), &all, now())
    };
    let two = [(1, TRUST), (2, TRUST)];
    let good = judged(&two, &revoked, &new).expect("two of the old list");
    assert_eq!(good.people.into_iter().collect::<Vec<_>>(), ["alice", "bob"]);
    for (signers, reason) in [
        (&[][..], Reason::QuorumMissing),
        (&[(1, TRUST)], Reason::QuorumMissing),
        (&[(1, TRUST), (1, TRUST)], Reason::QuorumMissing),
        (&[(1, TRUST), (9, TRUST)], Reason::QuorumMissing),
        (&[(1, TRUST), (2, "portcullis-approval.v1")], Reason::QuorumMissing),
    ] {
        assert_eq!(judged(signers, &revoked, &new).expect_err("too few").reason, reason);
    }
    let gone = Revoked::parse(public(2).as_bytes()).expect("a list");
    assert_eq!(judged(&two, &gone, &new).expect_err("revoked").reason, Reason::QuorumMissing);
    // A list that follows another, or none: an old one could be put in place of a new one.
    for follows in [String::new(), format!("follows: {}\n", Digest::of(b"another"))] {
        let other = people() + &mallory + QUORUM + &follows;
        assert_eq!(
            judged(&two, &revoked, &other).expect_err("it does not follow").reason,
            Reason::TrustChanged
        );
    }
    // Signatures of other bytes.
    let all = [countersign(1, &new, TRUST), countersign(2, &text(), TRUST)];
    let error = change(&old, &revoked, new.as_bytes(), &all, now()).expect_err("other bytes");
    assert_eq!(error.reason, Reason::QuorumMissing);
    assert!(error.says.contains("2.sig does not count"), "{error}");
}
