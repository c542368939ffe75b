//! Keys that live elsewhere, as stock OpenSSH makes and uses them: hardware keys (by a software
//! authenticator behind `ssh-sk-helper`) and keys that an agent holds.

use crate::common::authenticator::{Agent, authenticator};
use crate::common::{Ran, World, skip};
use crate::stage::{ERIN, ONE, Stage, public, trust};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::Decision;
use portcullis::dossier::{self, Pile};
use portcullis::signature::APPROVAL;
use std::path::Path;

const KINDS: [&str; 2] = ["ed25519-sk", "ecdsa-sk"];

/// A stage whose Erin has this key of a world, and which shares the world's environment.
fn stage(home: &World, key: &str, pin: bool) -> Stage {
    let list = trust(ONE, "")
        .replace(public(ERIN).trim(), &home.public(key))
        .replace("pin: false", &format!("pin: {pin}"));
    let stage = Stage::with(ONE, |plan| plan.pins.trust = Digest::of(list.as_bytes()));
    stage.world.file("trust.yaml", list);
    stage
}

fn equipped(mut stage: Stage, library: &Path) -> Stage {
    stage.world = stage.world.with_authenticator(library);
    stage
}

fn approve(stage: &Stage, key: &Path) -> Ran {
    let (key, place) = (key.display().to_string(), stage.place.display().to_string());
    let mut arguments = vec!["cleanup", "approve", &place, "--key", &key, "--as", "erin"];
    arguments.extend(["--trust=trust.yaml", "--confirm", "4 items in 111"]);
    stage.world.run(&arguments)
}

/// Whether stock OpenSSH takes Erin's approval by the list that we print for it.
fn stock_verifies(stage: &Stage) -> bool {
    let list = stage.world.run(&["cleanup", "trust", "signers", "trust.yaml"]);
    stage.world.file("allowed_signers", &list.stdout);
    let signature = stage.place.join("approvals/erin.json.sig").display().to_string();
    let bytes = std::fs::read(stage.place.join("approvals/erin.json")).expect("an approval");
    let mut arguments = vec!["-Y", "verify", "-n", APPROVAL, "-f", "allowed_signers"];
    arguments.extend(["-I", "erin", "-s", &signature]);
    stage.world.openssh("ssh-keygen", &arguments, &bytes).status.success()
}

#[test]
fn a12_a_hardware_key_approves() {
    let Some(library) = authenticator() else { return };
    for kind in KINDS {
        let home = World::new().with_authenticator(&library);
        assert!(home.makes_key("id", kind, &[]), "{kind}");
        let stage = equipped(stage(&home, "id", false), &library);
        let ran = approve(&stage, &home.folder().join("id"));
        assert_eq!(ran.code, Some(0), "{kind}: {ran}");
        let told = stage.approved();
        assert_eq!(told["counted"][0]["person"], "erin");
        assert_eq!(told["counted"][0]["hardware"], true);
        assert!(stock_verifies(&stage), "{kind}: by stock");
    }
}

/// A touch says that somebody was there; a PIN, who.
#[test]
fn a12_a_hardware_key_that_asks_for_its_pin() {
    let Some(library) = authenticator() else { return };
    for kind in KINDS {
        let home = World::new().with_authenticator(&library);
        assert!(home.makes_key("touched", kind, &[]), "{kind}");
        assert!(home.makes_key("asked", kind, &["verify-required"]), "{kind}");
        let asked = equipped(stage(&home, "asked", true), &library);
        let ran = approve(&asked, &home.folder().join("asked"));
        assert_eq!(ran.code, Some(0), "{kind}: {ran}");
        asked.approved();
        let touched = equipped(stage(&home, "touched", true), &library);
        let ran = approve(&touched, &home.folder().join("touched"));
        assert_eq!(ran.code, Some(4), "{kind}: {ran}");
        assert!(ran.stderr.contains("user-presence-missing: "), "{kind}: {ran}");
        assert!(!touched.place.join("approvals").exists(), "nothing was written");
    }
}

/// Stock OpenSSH says that the signature is good. Nobody was there.
#[test]
fn a12_a_hardware_key_that_nobody_touches() {
    let Some(library) = authenticator() else { return };
    for kind in KINDS {
        let home = World::new().with_authenticator(&library);
        assert!(home.makes_key("id", kind, &["no-touch-required"]), "{kind}");
        let stage = equipped(stage(&home, "id", false), &library);
        let key = home.folder().join("id");
        let ran = approve(&stage, &key);
        assert_eq!(ran.code, Some(2), "{kind}: {ran}");
        assert!(ran.stderr.contains("the hardware key signed without a touch"), "{kind}: {ran}");
        assert!(!stage.place.join("approvals").exists(), "nothing was written");
        // As somebody would put it there who does not ask us.
        let bytes = stage.statement(Decision::Approve, "erin", |_| {});
        let signed = home.signs("id", APPROVAL, &bytes);
        dossier::add(&stage.place, Pile::Approvals, "erin", &bytes, &signed).expect("added");
        assert!(stock_verifies(&stage), "{kind}: stock takes it, which is why we look");
        stage.refused(12, "user-presence-missing");
    }
}

/// The private half is the agent's; what is named is the public one.
#[test]
fn a12_an_agent_signs_with_the_keys_that_it_holds() {
    let Some(library) = authenticator() else { return };
    let home = World::new().with_authenticator(&library);
    let providers = library.display().to_string();
    let Some(agent) = Agent::start(&home, &providers) else {
        return skip("keys of an agent need ssh-agent (openssh-client)");
    };
    let home = home.with("SSH_AUTH_SOCK", &agent.socket());
    for (name, kind, options) in [
        ("plain", "ed25519", &[][..]),
        ("touched", "ed25519-sk", &[]),
        ("p256", "ecdsa-sk", &[]),
        ("asked", "ed25519-sk", &["verify-required"]),
        ("alone", "ed25519-sk", &["no-touch-required"]),
    ] {
        assert!(home.makes_key(name, kind, options), "{name}");
        let added = home.openssh("ssh-add", &["-q", name], b"");
        assert!(added.status.success(), "{name}: {}", String::from_utf8_lossy(&added.stderr));
        std::fs::remove_file(home.folder().join(name)).expect("the private half goes");
        let mut stage = equipped(stage(&home, name, false), &library);
        stage.world = stage.world.with("SSH_AUTH_SOCK", &agent.socket());
        let ran = approve(&stage, &home.folder().join(format!("{name}.pub")));
        if name == "alone" {
            assert_eq!(ran.code, Some(2), "{name}: {ran}");
            assert!(ran.stderr.contains("without a touch"), "{name}: {ran}");
            continue;
        }
        assert_eq!(ran.code, Some(0), "{name}: {ran}");
        let told = stage.approved();
        assert_eq!(told["counted"][0]["hardware"], name != "plain", "{name}");
        assert!(stock_verifies(&stage), "{name}: by stock");
    }
}

/// An agent loads no library but those that its owner named.
#[test]
fn a12_an_agent_that_may_not_load_the_authenticator() {
    let Some(library) = authenticator() else { return };
    let home = World::new().with_authenticator(&library);
    let Some(agent) = Agent::start(&home, "/usr/lib/elsewhere/*") else {
        return skip("keys of an agent need ssh-agent (openssh-client)");
    };
    let home = home.with("SSH_AUTH_SOCK", &agent.socket());
    assert!(home.makes_key("id", "ed25519-sk", &[]));
    assert!(!home.openssh("ssh-add", &["-q", "id"], b"").status.success(), "it is refused");
    let mut stage = equipped(stage(&home, "id", false), &library);
    stage.world = stage.world.with("SSH_AUTH_SOCK", &agent.socket());
    std::fs::remove_file(home.folder().join("id")).expect("the private half goes");
    let ran = approve(&stage, &home.folder().join("id.pub"));
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("ssh-keygen did not sign"), "{ran}");
    assert!(!stage.place.join("approvals").exists(), "nothing was written");
}
