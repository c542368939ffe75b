//! What of a signature is asked for beyond its mathematics, and what stock OpenSSH says of it.

use crate::common::skip;
use crate::stage::{BOB, ONE, Stage, hardware, sign, trust};
use portcullis::cleanup::Digest;
use portcullis::cleanup::approval::Decision;
use portcullis::dossier::{self, Pile};
use portcullis::signature::APPROVAL;

#[test]
fn a11_wrong_namespace() {
    for namespace in ["git", "file", "portcullis-deny.v1", "portcullis-plan.v1"] {
        let stage = Stage::new(ONE);
        let bytes = stage.statement(Decision::Approve, "bob", |_| {});
        let signed = sign(BOB, namespace, &bytes);
        dossier::add(&stage.place, Pile::Approvals, "bob", &bytes, &signed).expect("added");
        stage.refused(11, "namespace");
    }
}

#[test]
fn a12_no_touch_hardware_signature() {
    let stage = |flags: u8, pin: bool| {
        let list = trust(ONE, "").replace("pin: false", &format!("pin: {pin}"));
        let stage = Stage::with(ONE, |plan| plan.pins.trust = Digest::of(list.as_bytes()));
        stage.world.file("trust.yaml", list);
        let bytes = stage.statement(Decision::Approve, "erin", |_| {});
        let signed = hardware(APPROVAL, &bytes, flags);
        dossier::add(&stage.place, Pile::Approvals, "erin", &bytes, &signed).expect("added");
        stage
    };
    stage(0, false).refused(12, "user-presence-missing");
    stage(4, false).refused(12, "user-presence-missing");
    stage(1, true).refused(12, "user-presence-missing");
    stage(5, true).approved();
    let told = stage(1, false).approved();
    assert_eq!(told["counted"][0]["hardware"], true);
}

/// Whoever copies an approval adds no yes to those that are shown.
#[test]
fn a05_a_copy_of_an_approval_is_shown_as_one() {
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    let place = stage.place.display().to_string();
    let verify = || stage.world.run(&["cleanup", "verify", &place, "--trust=trust.yaml"]).stdout;
    let lines = |text: &str| text.lines().filter(|l| l.starts_with("  yes  bob")).count();
    let once = verify();
    assert!(lines(&once) == 1 && !once.contains("files)"), "{once}");
    for end in ["json", "json.sig"] {
        let from = yes.with_file_name(format!("bob.{end}"));
        std::fs::copy(from, yes.with_file_name(format!("copy.{end}"))).expect("a copy");
    }
    let twice = verify();
    assert!(lines(&twice) == 1 && twice.contains("(2 files)"), "{twice}");
}

/// The line that `verify` prints works with the stock tool, and fails where bytes changed.
#[test]
fn a00_stock_openssh_checks_an_approval() {
    let have = std::process::Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !have {
        return skip("the stock check of an approval needs ssh-keygen (openssh-client)");
    }
    let stage = Stage::new(ONE);
    let yes = stage.yes("bob", BOB);
    let place = stage.place.display().to_string();
    let ran = stage.world.run(&["cleanup", "verify", &place, "--trust=trust.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let lines: Vec<&str> = ran
        .stdout
        .lines()
        .skip_while(|l| !l.starts_with("anyone can check"))
        .skip(1)
        .map(str::trim)
        .collect();
    assert_eq!(lines.len(), 2, "{ran}");
    let script = lines.join("\n").replacen("portcullis", env!("CARGO_BIN_EXE_portcullis"), 1);
    let shell = || {
        std::process::Command::new("sh")
            .args(["-ec", &script])
            .current_dir(stage.world.folder())
            .output()
            .expect("sh runs")
    };
    let good = shell();
    let words =
        String::from_utf8_lossy(&good.stdout).into_owned() + &String::from_utf8_lossy(&good.stderr);
    assert!(good.status.success(), "{script}\n{words}");
    assert!(words.contains("Good \"portcullis-approval.v1\" signature for bob"), "{words}");
    let mut bytes = std::fs::read(&yes).expect("the approval");
    bytes.push(b' ');
    stage.write(&yes, &bytes);
    assert!(!shell().status.success(), "other bytes");
}
