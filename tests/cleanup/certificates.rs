//! Certificates of an authority that a company has, as stock `ssh-keygen -s` makes them: what they
//! let in, and everything that they do not.

use crate::common::authenticator::{Agent, authenticator};
use crate::common::{World, skip};
use crate::stage::{BOB, CAROL, ONE, Stage, TWO, public, trust};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::Decision;
use portcullis::dossier::{self, Pile};
use portcullis::signature::APPROVAL;
use serde_json::{Value, json};

/// Keys of an authority, of another one, and of Bob, made by stock OpenSSH.
fn home() -> Option<World> {
    let world = World::new();
    if std::process::Command::new("ssh-keygen").arg("-?").output().is_err() {
        skip("certificates need ssh-keygen (openssh-client)");
        return None;
    }
    for name in ["ca", "other", "id"] {
        assert!(world.makes_key(name, "ed25519", &[]), "{name}");
    }
    Some(world)
}

/// A certificate of a key, by the words that follow `ssh-keygen -s`; the key beside it.
fn certify(home: &World, ca: &str, key: &str, words: &[&str]) {
    let public = format!("{key}.pub");
    let arguments = [&["-q", "-s", ca], words, &[&public]].concat();
    let made = home.openssh("ssh-keygen", &arguments, b"");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What is usual: Bob's for an hour.
const USUAL: [&str; 8] = ["-I", "bob-1", "-n", "bob@corp", "-z", "7", "-V", "-5m:+1h"];

/// A list where Bob and Carol have certificates of the authority, besides their keys.
fn list(home: &World, quorum: &str) -> String {
    let ca = home.public("ca");
    ["bob", "carol"].iter().fold(trust(quorum, ""), |list, name| {
        let (row, roles) = (format!("  {name}: {{ team: net, "), "roles: [approver], ");
        let certificates =
            format!("certificates: [{{ authority: \"{ca}\", principal: {name}@corp }}], {roles}");
        let from = list.find(&row).expect("a person");
        let changed = list[from..].replacen(roles, &certificates, 1);
        list[..from].to_owned() + &changed
    })
}

fn stage(home: &World, quorum: &str) -> Stage {
    let list = list(home, quorum);
    let stage = Stage::with(quorum, |plan| plan.pins.trust = Digest::of(list.as_bytes()));
    stage.world.file("trust.yaml", list);
    stage
}

/// Puts a yes there that stock signs with the certificate of a key.
fn yes(stage: &Stage, home: &World, name: &str, key: &str) {
    let bytes = stage.statement(Decision::Approve, name, |_| {});
    let signed = home.signs(&format!("{key}-cert.pub"), APPROVAL, &bytes);
    dossier::add(&stage.place, Pile::Approvals, name, &bytes, &signed).expect("added");
}

#[test]
fn a00_a_certificate_of_the_authority_approves() {
    let Some(home) = home() else { return };
    certify(&home, "ca", "id", &USUAL);
    let stage = stage(&home, ONE);
    let (key, place) = (
        home.folder().join("id-cert.pub").display().to_string(),
        stage.place.display().to_string(),
    );
    let mut words = vec!["cleanup", "approve", &place, "--key", &key, "--as", "bob"];
    words.extend(["--trust=trust.yaml", "--confirm", "4 items in 111"]);
    let ran = stage.world.run(&words);
    assert_eq!(ran.code, Some(0), "{ran}");
    let told = stage.approved();
    let counted = &told["counted"][0];
    assert_eq!(counted["person"], "bob");
    assert!(counted["authority"].as_str().is_some_and(|a| a.starts_with("SHA256:")), "{told}");
    // It ends with its certificate, which is sooner than what it says.
    let until: jiff::Timestamp = serde_json::from_value(counted["not_after"].clone()).expect("it");
    assert!(until < stage.now + jiff::SignedDuration::from_mins(70), "{told}");
    // Stock takes it by the list that we print, and the line that we print for it.
    let ran = stage.world.run(&["cleanup", "verify", &place, "--trust=trust.yaml"]);
    let line = ran.stdout.lines().find(|l| l.contains("ssh-keygen -Y verify")).expect("a line");
    assert!(line.contains("-I bob@corp"), "{line}");
    let signers = stage.world.run(&["cleanup", "trust", "signers", "trust.yaml"]);
    stage.world.file("allowed_signers", signers.stdout);
    let shell = stage.world.stock("sh", &["-ec", line]).output().expect("sh");
    assert!(shell.status.success(), "{}", String::from_utf8_lossy(&shell.stdout));
    // The same key without its certificate is nobody's.
    let bytes = stage.statement(Decision::Approve, "bob", |_| {});
    std::fs::remove_dir_all(stage.place.join("approvals")).expect("removed");
    let plain = home.signs("id", APPROVAL, &bytes);
    dossier::add(&stage.place, Pile::Approvals, "bob", &bytes, &plain).expect("added");
    stage.refused(12, "not-an-approver");
}

/// Each of them is one that stock makes, and none counts.
#[test]
fn a04_what_the_authority_did_not_say_of_this_person() {
    let Some(home) = home() else { return };
    let with = |ca: &str, words: &[&str], class: u8, reason: &str, says: &str| {
        let _ = std::fs::remove_file(home.folder().join("id-cert.pub"));
        certify(&home, ca, "id", words);
        let stage = stage(&home, ONE);
        yes(&stage, &home, "bob", "id");
        let told = stage.refused(class, reason);
        assert!(told["says"].as_str().is_some_and(|s| s.contains(says)), "{words:?}: {told}");
    };
    let (hour, id) = (["-V", "-5m:+1h"], ["-I", "bob-1"]);
    let of = |more: &[&'static str]| -> Vec<&'static str> {
        id.iter().chain(&hour).chain(more).copied().collect()
    };
    let bob = ["-n", "bob@corp"];
    with("other", &of(&bob), 12, "not-an-approver", "nobody's");
    with("ca", &of(&["-n", "dave@corp"]), 12, "not-an-approver", "nobody's");
    with("ca", &of(&["-n", "bob"]), 12, "not-an-approver", "nobody's");
    with("ca", &of(&["-n", "bob@corp.example"]), 12, "not-an-approver", "nobody's");
    with("ca", &of(&["-n", "bob@corp,carol@corp"]), 12, "not-an-approver", "nobody's");
    let invalid = |words: &[&str], says: &str| with("ca", words, 11, "signature-invalid", says);
    invalid(&of(&[]), "names no principal");
    invalid(&of(&["-h", "-n", "bob@corp"]), "of a machine");
    invalid(&of(&["-n", "bob@corp", "-O", "force-command=true"]), "\"force-command\" cannot be");
    invalid(&of(&["-n", "bob@corp", "-O", "source-address=10.0.0.0/8"]), "\"source-address\"");
    invalid(&of(&["-n", "bob@corp", "-O", "critical:new@corp=1"]), "\"new@corp\" cannot be kept");
    invalid(&of(&["-n", "bob@corp", "-O", "verify-required"]), "was to ask for its PIN");
    invalid(&["-I", "bob-1", "-n", "bob@corp"], "it has no end");
    let window = |window: &'static str| {
        id.iter().chain(&bob).chain(&["-V", window]).copied().collect::<Vec<_>>()
    };
    with("ca", &window("-2h:-1h"), 11, "expired", "it was valid until");
    with("ca", &window("+1h:+2h"), 11, "not-yet-valid", "it is valid from");
    // An extension is no condition: stock has five by itself.
    certify(&home, "ca", "id", &[&of(&bob)[..], &["-O", "extension:new@corp=1"]].concat());
    let stage = stage(&home, ONE);
    yes(&stage, &home, "bob", "id");
    stage.approved();
}

/// One bit of a certificate, and it is none of its authority's.
#[test]
fn a04_a_changed_certificate_is_nobodys() {
    let Some(home) = home() else { return };
    certify(&home, "ca", "id", &USUAL);
    let bytes = b"words";
    let signed = home.signs("id-cert.pub", APPROVAL, bytes);
    let maker = portcullis::signature::maker(bytes, &signed, APPROVAL).expect("whole");
    assert_eq!(maker.certificate.expect("its certificate").serial, 7);
    let body: String = signed.lines().filter(|l| !l.starts_with("---")).collect();
    let letters: Vec<char> = body.trim_end_matches('=').chars().collect();
    for at in 0..letters.len() {
        let mut changed = letters.clone();
        changed[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        let text: String = changed.into_iter().collect::<String>() + &body[letters.len()..];
        let lines: Vec<&str> =
            (0..text.len()).step_by(70).map(|n| &text[n..text.len().min(n + 70)]).collect();
        let pem = format!(
            "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
            lines.join("\n")
        );
        assert!(portcullis::signature::maker(bytes, &pem, APPROVAL).is_err(), "letter {at}");
    }
    // Other breaks of its lines are another spelling.
    for pem in [
        format!("-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"),
        signed.replacen('\n', "\n\n", 2),
        signed.replace('\n', "\r\n"),
        format!("words\n{signed}"),
    ] {
        assert!(portcullis::signature::maker(bytes, &pem, APPROVAL).is_err(), "{pem}");
    }
}

/// Bob is one, by his key, by his certificate, and by a certificate of his key.
#[test]
fn a05_a_key_and_its_certificate_are_one_person() {
    let Some(home) = home() else { return };
    home.file("key.pub", public(BOB));
    let key = crate::stage::key(BOB).to_openssh(ssh_key::LineEnding::LF).expect("PEM");
    let file = home.file("key", key.as_bytes());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, mode).expect("its mode");
    certify(&home, "ca", "key", &USUAL);
    certify(&home, "ca", "id", &USUAL);
    let stage = stage(&home, TWO);
    let one_of_two = || {
        let told = stage.refused(12, "quorum");
        assert!(told["says"].as_str().is_some_and(|s| s.contains("1/2")), "{told}");
    };
    stage.yes("bob", BOB);
    one_of_two();
    yes(&stage, &home, "bob", "key");
    one_of_two();
    yes(&stage, &home, "bob", "id");
    one_of_two();
    // An authority that calls Bob's key Carol's makes no second person of him.
    std::fs::remove_file(home.folder().join("key-cert.pub")).expect("removed");
    certify(&home, "ca", "key", &["-I", "c", "-n", "carol@corp", "-V", "-5m:+1h"]);
    yes(&stage, &home, "carol", "key");
    stage.refused(12, "not-an-approver");
    std::fs::remove_file(stage.place.join("approvals/carol.json")).expect("removed");
    std::fs::remove_file(stage.place.join("approvals/carol.json.sig")).expect("removed");
    stage.yes("carol", CAROL);
    stage.approved();
}

/// Nor does one that calls a key of nobody by two names.
#[test]
fn a05_one_key_that_an_authority_gives_two_names() {
    let Some(home) = home() else { return };
    let stage = stage(&home, TWO);
    for name in ["bob", "carol"] {
        let principal = format!("{name}@corp");
        let _ = std::fs::remove_file(home.folder().join("id-cert.pub"));
        certify(&home, "ca", "id", &["-I", name, "-n", &principal, "-V", "-5m:+1h"]);
        yes(&stage, &home, name, "id");
    }
    let told = stage.refused(12, "not-an-approver");
    assert!(told["says"].as_str().is_some_and(|s| s.contains("signs for bob and for carol")));
    // Two keys are two people.
    assert!(home.makes_key("second", "ed25519", &[]));
    certify(&home, "ca", "second", &["-I", "c", "-n", "carol@corp", "-V", "-5m:+1h"]);
    std::fs::remove_dir_all(stage.place.join("approvals")).expect("removed");
    yes(&stage, &home, "carol", "second");
    let _ = std::fs::remove_file(home.folder().join("id-cert.pub"));
    certify(&home, "ca", "id", &USUAL);
    yes(&stage, &home, "bob", "id");
    stage.approved();
}

/// The list itself: a principal has one holder, and an authority's key signs for nobody.
#[test]
fn a05_a_list_that_would_let_one_be_two_is_refused() {
    let Some(home) = home() else { return };
    let good = list(&home, ONE);
    let (ca, bob) = (home.public("ca"), public(BOB).trim().to_owned());
    for (changed, code, says) in [
        (good.replace("carol@corp", "bob@corp"), 4, "one principal is one person's"),
        (good.replacen(&ca, &bob, 1), 2, "and an authority's as well"),
        (good.replace("carol@corp", "'*@corp'"), 2, "no pattern"),
        (good.replace("carol@corp", "''"), 2, "no principal"),
        (good.replacen(&ca, "ssh-ed25519 AAAA", 1), 2, "cannot be read"),
    ] {
        assert_ne!(changed, good, "{says}");
        let world = World::new();
        world.file("trust.yaml", changed);
        let ran = world.run(&["cleanup", "trust", "check", "trust.yaml"]);
        assert_eq!(ran.code, Some(code), "{says}: {ran}");
        assert!(ran.stderr.contains(says), "{says}: {ran}");
    }
}

/// The authority, the key, the serial and the key id can each be taken back.
#[test]
fn a09_a_revoked_certificate() {
    let Some(home) = home() else { return };
    certify(&home, "ca", "id", &USUAL);
    let stage = stage(&home, ONE);
    yes(&stage, &home, "bob", "id");
    stage.approved();
    let krl = |words: &str, of: &str| {
        home.file("words", words);
        let arguments = ["-q", "-k", "-f", "krl", "-s", of, "words"];
        assert!(home.openssh("ssh-keygen", &arguments, b"").status.success(), "{words}");
        std::fs::read(home.folder().join("krl")).expect("a KRL")
    };
    let (ca, id) = (home.public("ca"), home.public("id"));
    for (list, says) in [
        (ca.clone().into_bytes(), "the authority SHA256:"),
        (id.clone().into_bytes(), "the key SHA256:"),
        (krl("serial: 5-9\n", "ca.pub"), "the certificate 7 (\"bob-1\")"),
        (krl("serial: 7\n", "none"), "the certificate 7"),
        (krl("id: bob-1\n", "ca.pub"), "the certificate 7"),
        (krl(&format!("key: {id}\n"), "ca.pub"), "the key SHA256:"),
        (krl(&format!("sha1: {ca}\n"), "ca.pub"), "the authority SHA256:"),
        (krl(&format!("sha256: {id}\n"), "ca.pub"), "the key SHA256:"),
    ] {
        stage.world.file("revoked", list);
        let told = stage.refused(12, "key-revoked");
        assert!(told["says"].as_str().is_some_and(|s| s.contains(says)), "{says}: {told}");
    }
    for list in
        [krl("serial: 8\n", "ca.pub"), krl("serial: 7\n", "other.pub"), krl("id: bob\n", "none")]
    {
        stage.world.file("revoked", list);
        stage.approved();
    }
    // A KRL that is not understood to its end revokes everybody.
    let mut more = krl("serial: 8\n", "ca.pub");
    more.extend([9, 0, 0, 0, 0]);
    stage.world.file("revoked", more);
    let ran = stage.verify().0;
    assert!(ran.code == Some(4) && ran.stderr.contains("revocation-unreadable"), "{ran}");
}

/// Whose key the authority vouches for can live in hardware, or be an agent's.
#[test]
fn a12_a_certificate_of_a_hardware_key() {
    let Some(library) = authenticator() else { return };
    let Some(home) = home() else { return };
    let mut home = home.with_authenticator(&library);
    let counted = |home: &World, name: &str| -> Result<Value, Value> {
        let stage = stage(home, ONE);
        yes(&stage, home, "bob", name);
        let (_, told) = stage.verify();
        if told["verdict"] == "approved" { Ok(told["counted"][0].clone()) } else { Err(told) }
    };
    let asks = [&USUAL[..], &["-O", "verify-required"]].concat();
    for (name, options, words, good) in [
        ("touched", &[][..], &USUAL[..], true),
        ("asked", &["verify-required"][..], &asks, true),
        ("unasked", &[], &asks, false),
        ("alone", &["no-touch-required"], &USUAL, false),
    ] {
        assert!(home.makes_key(name, "ed25519-sk", options), "{name}");
        certify(&home, "ca", name, words);
        let told = counted(&home, name);
        assert_eq!(told.is_ok(), good, "{name}: {told:?}");
        assert!(!good || told.is_ok_and(|t| t["hardware"] == json!(true)), "{name}");
    }
    let Some(agent) = Agent::start(&home, &library.display().to_string()) else {
        return skip("keys of an agent need ssh-agent (openssh-client)");
    };
    home = home.with("SSH_AUTH_SOCK", &agent.socket());
    for name in ["id", "touched"] {
        if name == "id" {
            certify(&home, "ca", name, &USUAL);
        }
        assert!(home.openssh("ssh-add", &["-q", name], b"").status.success(), "{name}");
        std::fs::remove_file(home.folder().join(name)).expect("the private half goes");
        let told = counted(&home, name);
        assert!(told.is_ok(), "{name}: {told:?}");
    }
}
