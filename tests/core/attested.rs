//! `portcullis gate verify` on real files: what another tool asks before it adds a host to a pool.

use crate::common::stun::stun;
use crate::common::{Ran, World, blessing, checkout, skip};
use jiff::{SignedDuration, Timestamp};
use portcullis::attestation::{Host, Input, Outcome, Vantage, of_bytes, of_spec, statement};
use portcullis::sign::sign_file;
use portcullis::signature::ATTESTATION;
use portcullis::spec::Source;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const SPEC: &str = "version: 1\n";

/// A private key of `seed` in the world, and its public half beside it.
pub(crate) fn key(world: &World, name: &str, seed: u8) -> PathBuf {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    let key = PrivateKey::new(KeypairData::Ed25519(pair), name).expect("a key");
    let path = world.file(name, key.to_openssh(LineEnding::LF).expect("PEM").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    world.file(&format!("{name}.pub"), key.public_key().to_openssh().expect("a line"));
    path
}

fn public(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.folder().join(format!("{name}.pub"))).expect("a public key")
}

/// An attestation made now, minus `ago` seconds, good for an hour.
pub(crate) fn made(hosts: &[(&str, Outcome)], ago: i64) -> Vec<u8> {
    let at = Timestamp::now() - SignedDuration::from_secs(ago);
    let hosts: Vec<Host> = hosts
        .iter()
        .map(|(name, answer)| Host {
            host: (*name).into(),
            addresses: vec!["203.0.113.7".parse().expect("an address")],
            answer: *answer,
            reasons: match answer {
                Outcome::Pass => vec![],
                Outcome::Hold => vec!["udp/3478 is silent from \u{1b}[31mfra".into()],
            },
        })
        .collect();
    statement(&Input {
        role: "video",
        hosts: &hosts,
        spec: &of_spec(&[Source::new("any.yaml", SPEC)]),
        snapshot: None,
        config: Some(&of_bytes(b"scope: 203.0.113.0/24\n")),
        vantages: &[Vantage {
            name: "fra".into(),
            outside: vec!["198.51.100.9".parse().expect("an address")],
        }],
        profiles: &[],
        waived: &[],
        at,
        expires: at + SignedDuration::from_hours(1),
        version: "0.1.0",
    })
}

/// A world with an attestation of `bytes`, signed by `signer`, and a list that allows `release`.
pub(crate) fn signed(bytes: &[u8]) -> World {
    let world = World::new();
    let release = key(&world, "release", 1);
    key(&world, "other", 2);
    world.file(
        "allowed_signers",
        format!("release@example.org namespaces=\"{ATTESTATION}\" {}\n", public(&world, "release")),
    );
    world.file("it.json", bytes);
    world.file("it.json.sig", sign_file(&release, ATTESTATION, bytes).expect("a signature"));
    world
}

fn verify(world: &World, more: &[&str]) -> Ran {
    let mut arguments = vec!["gate", "verify", "it.json", "--allowed-signers", "allowed_signers"];
    arguments.extend(more);
    world.run(&arguments)
}

#[track_caller]
fn refused(world: &World, more: &[&str], why: &str) {
    let ran = verify(world, more);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{ran}");
    assert!(ran.stderr.contains(why), "{why}: {ran}");
}

const PASS: &[(&str, Outcome)] = &[("i-1", Outcome::Pass), ("i-2", Outcome::Pass)];

/// Whoever reads the file after a gate that failed must not find the yes of an earlier one, however early it
/// failed.
#[test]
fn a_gate_that_fails_leaves_no_older_attestation() {
    for (spec, key, more, why) in [
        (SPEC, "missing", None, "sign the attestation"),
        (SPEC, "release", Some("--offline"), "--offline was given"),
        (SPEC, "release", None, "find role"),
        ("version: 9\n", "release", None, "version"),
    ] {
        let world = signed(&made(PASS, 60));
        world.file("spec.yaml", spec);
        let words = ["gate", "spec.yaml", "--role=video", "--host=i-1", "--attest=it.json"];
        let key = format!("--sign-key={key}");
        let words: Vec<&str> = words.into_iter().chain([&*key]).chain(more).collect();
        let ran = world.run(&words);
        assert!(ran.code != Some(0) && ran.stderr.contains(why), "{why}: {ran}");
        for file in ["it.json", "it.json.sig"] {
            assert!(!world.folder().join(file).exists(), "{why}: {file} stands");
        }
    }
    // What is none is not taken away by a word that was mistyped.
    let world = signed(&made(PASS, 60));
    world.file("spec.yaml", SPEC);
    let words = ["gate", "spec.yaml", "--role=video", "--host=i-1", "--attest=spec.yaml"];
    world.run(&[&words[..], &["--sign-key=release"]].concat());
    assert!(world.folder().join("spec.yaml").exists() && world.folder().join("it.json").exists());
}

/// What lets something pass that would hold is told, and whoever relies on the yes must accept it by name:
/// a waiver of the spec, a rule that somebody put before the built-in ones.
#[test]
fn what_a_waiver_or_a_rule_of_ones_own_lets_pass_is_told_and_named() {
    let world = World::new();
    let listening = || std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (web, ssh) = (listening(), listening());
    let port = |l: &std::net::TcpListener| l.local_addr().expect("bound").port();
    let (web, admin) = (port(&web), port(&ssh));
    let stun = stun("127.0.0.2", std::net::Ipv4Addr::new(192, 88, 98, 7));
    world.file(
        "portcullis.yaml",
        format!("scope: [127.0.0.1]\nvantages: {{ local: {{ reflect: \"127.0.0.2:{stun}\" }} }}\n"),
    );
    let release = key(&world, "release", 1);
    world.file(
        "allowed_signers",
        format!("release@example.org namespaces=\"{ATTESTATION}\" {}\n", public(&world, "release")),
    );
    let until = Timestamp::now() + SignedDuration::from_hours(48);
    let waiver = format!(
        "waivers: [{{ finding: undeclared-exposure, endpoint: \"a tcp/{admin}\", source: internet, owner: o@example.org, reason: moving, until: {until} }}]\n"
    );
    let rule = "id: quiet
order: 1
kind: exposure
title: quiet
severity: info
confidence: high
when: { declared: forbidden, observed: [open-confirmed, open-unconfirmed] }
message: \"{subject} is quiet\"
why: it is
fix: nothing
examples: [{ given: { declared: forbidden, configured: permitted, observed: open-confirmed }, severity: info }]
counter_examples: [{ given: { declared: required, configured: permitted, observed: refused }, instead: declared-refused }]
";
    world.file("own/quiet.yaml", rule);
    let key = release.display().to_string();
    let gate = |waiver: &str, more: &[&str]| {
        world.file(
            "spec.yaml",
            format!(
                "version: 1\nhosts: {{ a: {{ addresses: [127.0.0.1] }} }}\nroles:\n  edge:\n    select: {{ names: [a] }}\n    services: {{ web: {{ port: tcp/{web}, from: internet }} }}\n    forbid: [{{ port: tcp/{admin}, from: internet }}]\n{waiver}"
            ),
        );
        let words = ["gate", "--role=edge", "--host=a", "--no-cloud", "--no-sweep", "--peers=0"];
        let words = [&words[..], &["--attest=it.json", "--sign-key", &key], more].concat();
        world.run(&words)
    };
    let held = gate("", &[]);
    assert_eq!(held.code, Some(1), "{held}");
    assert!(held.stdout.contains(&format!("undeclared-exposure tcp/{admin}")), "{held}");
    for (waiver, more, name, told) in [
        (waiver.as_str(), &[][..], "waivers", "waived by o@example.org until"),
        ("", &["--rules=own"], "rule:quiet", ""),
    ] {
        let passed = gate(waiver, more);
        assert_eq!(passed.code, Some(0), "{passed}");
        assert!(passed.stdout.contains(told), "{passed}");
        let plain = ["--accept=no-sweep,no-peers"];
        refused(&world, &plain, name);
        let named = verify(&world, &[&plain[..], &["--accept", name]].concat());
        assert_eq!(named.code, Some(0), "{named}");
    }
}

#[test]
fn a_signed_pass_is_taken() {
    let world = signed(&made(PASS, 60));
    world.file("spec.yaml", SPEC);
    world.file("gate.yaml", "scope: 203.0.113.0/24\n");
    let demands = [
        "--host",
        "i-2",
        "--role",
        "video",
        "--spec",
        "spec.yaml",
        "--gate-config",
        "gate.yaml",
        "--max-age",
        "1h",
        "--principal",
        "release@example.org",
    ];
    let ran = verify(&world, &demands);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.starts_with("PASS i-2 for video\n"), "{ran}");
    let ran = verify(&world, &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, &value["verdict"]), (Some(0), &"accepted".into()), "{ran}");
    assert_eq!(value["hosts"], serde_json::json!(["i-1", "i-2"]));
    assert_eq!(value["signer"]["principals"][0], "release@example.org");
}

/// The exit code is what a rollout goes by: 4 for every way in which it is no yes.
#[test]
fn whatever_is_no_yes_is_refused_with_its_reason() {
    let good = made(PASS, 60);
    let world = signed(&good);
    for at in [0, 40, good.len() / 2, good.len() - 2] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        world.file("it.json", &changed);
        refused(&world, &[], "not what was signed");
    }
    world.file("it.json", &good[..good.len() / 2]);
    refused(&world, &[], "not what was signed");
    world.file("it.json", &good);
    refused(&world, &["--host", "i-3"], "it says nothing of i-3, only of i-1, i-2");
    // Whoever has the address now need not be who had it then.
    let moves = "it speaks of 203.0.113.7 only as an address of i-1, i-2";
    for address in ["203.0.113.7", "::ffff:203.0.113.7"] {
        let moves = moves.replace("203.0.113.7", address);
        refused(&world, &["--host", address], &moves);
    }
    refused(&world, &["--host", "203.0.113.8"], "it says nothing of 203.0.113.8, only of i-1, i-2");
    refused(&world, &["--role", "api"], "about the role \"video\"");
    refused(&world, &["--max-age", "30s"], "longer than");
    refused(&world, &["--principal", "somebody@example.org"], "not of somebody@example.org");
    world.file("spec.yaml", "version: 1\n# another\n");
    refused(&world, &["--spec", "spec.yaml"], "another spec");
    world.file("gate.yaml", "scope: 0.0.0.0/0\n");
    refused(&world, &["--gate-config", "gate.yaml"], "another configuration");

    let signature = std::fs::read(world.folder().join("it.json.sig")).expect("the signature");
    world.file("it.json.sig", &signature[..signature.len() / 2]);
    refused(&world, &[], "no whole SSH signature");
    let release = world.folder().join("release");
    world.file("it.json.sig", sign_file(&release, "git", &good).expect("a signature"));
    refused(&world, &[], "namespace \"git\"");
    let other = world.folder().join("other");
    world.file("it.json.sig", sign_file(&other, ATTESTATION, &good).expect("a signature"));
    refused(&world, &[], "not among the allowed signers");
    std::fs::remove_file(world.folder().join("it.json.sig")).expect("it goes");
    refused(&world, &[], "its signature it.json.sig cannot be read");
}

#[test]
fn a_hold_an_old_answer_and_one_of_the_future_are_no_yes() {
    let held = [("i-1", Outcome::Pass), ("i-2", Outcome::Hold)];
    let world = signed(&made(&held, 60));
    refused(&world, &[], "i-2 is on HOLD: udp/3478 is silent from \\u{1b}[31mfra");
    assert_eq!(verify(&world, &["--host", "i-1"]).code, Some(0), "its neighbour passes");
    refused(&signed(&made(PASS, 3700)), &[], "it expired at");
    refused(&signed(&made(PASS, -600)), &[], "yet to come");
    let ran = verify(&signed(&made(&held, 60)), &["--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, &value["verdict"]), (Some(4), &"refused".into()), "{ran}");
}

#[test]
fn a_signer_who_expired_or_was_never_named_for_this_does_not_count() {
    let world = signed(&made(PASS, 60));
    for (options, why) in [
        (format!("namespaces=\"{ATTESTATION}\",valid-before=20260101Z"), "valid until 2026-01-01"),
        (format!("namespaces=\"{ATTESTATION}\",valid-after=20990101Z"), "valid from 2099-01-01"),
        (String::new(), "without namespaces="),
        ("namespaces=\"git\"".to_owned(), "without namespaces="),
    ] {
        let line = format!("release@example.org {options} {}\n", public(&world, "release"));
        world.file("allowed_signers", line);
        refused(&world, &[], why);
    }
}

#[test]
fn what_cannot_be_read_is_an_error_of_use() {
    let world = signed(&made(PASS, 60));
    let line = public(&world, "release");
    for (list, why) in [
        ("", "it names nobody"),
        (&*format!("a cert-authority=yes {line}"), "takes no value"),
        (&*format!("* {line}"), "is a pattern"),
    ] {
        world.file("allowed_signers", list);
        let ran = verify(&world, &[]);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(why), "{ran}");
    }
    std::fs::remove_file(world.folder().join("it.json")).expect("it goes");
    world.file("allowed_signers", format!("a {line}"));
    let ran = verify(&world, &[]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("cannot read it.json"), "{ran}");
}

/// The example of the README: a HOLD that does not expire, signed by a key of the tests.
/// `INSTA_UPDATE=always` writes it anew.
#[test]
fn the_readmes_example_is_what_is_written_today() {
    let hosts = [Host {
        host: "i-0video03".into(),
        addresses: vec!["203.0.113.13".parse().expect("an address")],
        answer: Outcome::Hold,
        reasons: vec!["tcp/443 from internet: sg-0videoedge2 has no permission for it".into()],
    }];
    let bytes = statement(&Input {
        role: "enterprise-video",
        hosts: &hosts,
        spec: &of_spec(&[Source::new("spec.yaml", SPEC)]),
        snapshot: None,
        config: None,
        vantages: &[],
        profiles: &[],
        waived: &[],
        at: "2026-11-22T18:00:00Z".parse().expect("a time"),
        expires: "2999-12-31T00:00:00Z".parse().expect("a time"),
        version: "0.1.0",
    });
    let world = World::new();
    let signature = sign_file(&key(&world, "release", 1), ATTESTATION, &bytes).expect("signed");
    let line =
        format!("release@example.org namespaces=\"{ATTESTATION}\" {}\n", public(&world, "release"));
    let folder = checkout().join("fixtures/attestation");
    for (name, text) in [
        ("hold.json", bytes),
        ("hold.json.sig", signature.into_bytes()),
        ("allowed_signers", line.into_bytes()),
    ] {
        let path = folder.join(name);
        if blessing() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, &text).expect("written");
        }
        assert!(std::fs::read(&path).expect("the example") == text, "{name} differs");
    }
}

/// What an authority says of a key, within its time, and until it takes it back.
#[test]
fn a_certificate_of_an_authority_is_taken() {
    if std::process::Command::new("ssh-keygen").arg("-?").output().is_err() {
        return skip("certificates need ssh-keygen (openssh-client)");
    }
    let world = World::new();
    assert!(world.makes_key("ca", "ed25519", &[]) && world.makes_key("id", "ed25519", &[]));
    let keygen = |arguments: &[&str]| {
        let ran = world.openssh("ssh-keygen", arguments, b"");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    let certify = |window: &str| {
        let _ = std::fs::remove_file(world.folder().join("id-cert.pub"));
        let words = ["-q", "-s", "ca", "-I", "gate-1", "-n", "gate@ci", "-z", "7", "-V", window];
        keygen(&[&words[..], &["id.pub"]].concat());
        let good = made(PASS, 60);
        world.file("it.json.sig", world.signs("id-cert.pub", ATTESTATION, &good));
        world.file("it.json", good);
    };
    let allow = |principal: &str, options: &str, key: &str| {
        let line = format!("{principal} {options} {}\n", public(&world, key));
        world.file("allowed_signers", line);
    };
    let ours = format!("cert-authority,namespaces=\"{ATTESTATION}\"");
    certify("-2h:-1h");
    allow("gate@ci", &ours, "ca");
    refused(&world, &[], "its certificate does not count: it was valid until");
    certify("+1h:+2h");
    refused(&world, &[], "its certificate does not count: it is valid from");
    certify("-5m:+1h");
    let ran = verify(&world, &["--principal", "gate@ci", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.code, &value["signer"]["principals"][0]), (Some(0), &"gate@ci".into()));
    // A key's own line is none of its certificates, and an authority's none of its key.
    let plain = format!("namespaces=\"{ATTESTATION}\"");
    for (principal, options, key, why) in [
        ("other@ci", &*ours, "ca", "it is of gate@ci, whom line 1 does not name"),
        ("gate@ci", "cert-authority", "ca", "without namespaces="),
        ("gate@ci", &plain, "ca", "is not among the allowed signers"),
        ("gate@ci", &plain, "id", "is not among the allowed signers"),
        ("gate@ci", &ours, "id", "is not among the allowed signers"),
    ] {
        allow(principal, options, key);
        refused(&world, &[], why);
    }
    allow("gate@ci", &ours, "ca");
    let krl = |words: &str| {
        world.file("words", words);
        keygen(&["-q", "-k", "-f", "revoked", "-s", "ca.pub", "words"]);
    };
    let revoked = ["--revoked", "revoked"];
    krl("serial: 8\n");
    assert_eq!(verify(&world, &revoked).code, Some(0), "another one was revoked");
    krl("serial: 7\n");
    refused(&world, &revoked, "the certificate 7 (\"gate-1\") was revoked");
    world.file("revoked", public(&world, "ca"));
    refused(&world, &revoked, "the authority SHA256:");
    world.file("revoked", "who knows\n");
    let ran = verify(&world, &revoked);
    assert_eq!(ran.code, Some(2), "who is revoked is not known: {ran}");
}
