//! A gate that probes from several places at once, each a namespace of its own.

use super::{Incident, reasons};
use crate::lab::Lab;
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;

const INCIDENT: Incident =
    Incident { name: "tokbox-2019", hosts: 11..16, stun: true, tls: "*.media.example" };

/// The new generation lacks tcp/443 from outside; ssh is let in from the office alone.
const AS_CONFIGURED: &str = "
    iifname f0 ip daddr 203.0.113.11-203.0.113.15 udp dport 3478 accept
    iifname f0 ip daddr 203.0.113.11-203.0.113.12 tcp dport 443 accept
    iifname f2 ip daddr 203.0.113.11-203.0.113.15 tcp dport { 22, 443 } accept
    iifname f2 ip daddr 203.0.113.11-203.0.113.15 udp dport 3478 accept
    ip saddr { 192.0.2.50, 198.51.100.7 } ip daddr 203.0.113.0/24 drop";

const STUN: &str = "reflect: \"192.0.2.1:3478\"";

/// The lab, the office beside it, and the auditor's key.
fn lab(filter: &str) -> Option<Lab> {
    let lab = INCIDENT.lab(filter)?;
    lab.office();
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[1; 32]);
    let key =
        ssh_key::PrivateKey::new(ssh_key::private::KeypairData::Ed25519(pair), "").expect("a key");
    lab.file("auditor.pub", key.public_key().to_openssh().expect("a line"));
    lab.file("auditor", key.to_openssh(ssh_key::LineEnding::LF).expect("PEM").as_bytes());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(lab.dir.join("auditor"), mode).expect("its mode");
    lab.file("snapshot.json", INCIDENT.snapshot(|_| {}));
    lab.file("outside.yaml", super::BESIDE);
    lab.file("office.yaml", "scope: [192.0.2.1]\n");
    Some(lab)
}

fn configure(lab: &Lab, vantages: &[(&str, String)]) {
    let lines: Vec<String> =
        vantages.iter().map(|(name, what)| format!("  {name}: {{ {what} }}\n")).collect();
    lab.file(
        "portcullis.yaml",
        format!("auditor: {{ key: auditor }}\nscope: [192.0.2.1]\nvantages:\n{}", lines.concat()),
    );
}

fn gate(lab: &Lab, which: &str, more: &[&str]) -> (Value, Option<i32>, String) {
    let arguments = [&["--no-sweep", "--peers", "0"][..], more].concat();
    super::gate(lab, which, "enterprise-video", &arguments)
}

fn names(answer: &Value, key: &str) -> Vec<String> {
    let list = answer[key].as_array().expect("a list").iter();
    list.map(|v| v["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What TokBox had, a gate beside its servers, with one vantage outside: it holds the three hosts
/// by what that one saw, and its own blindness is told.
#[test]
fn a_gate_inside_holds_by_what_a_vantage_outside_saw() {
    let Some(lab) = lab(AS_CONFIGURED) else { return };
    let outside = format!("via: {}, {STUN}", lab.via("out", "outside.yaml"));
    let inside = |required: bool| format!("{STUN}, required: {required}");
    configure(&lab, &[("local", inside(false)), ("outside", outside.clone())]);
    let hosts = ["--host", "i-0video01", "i-0video03", "i-0video04"];
    let (answer, code, stderr) = gate(&lab, "in", &hosts);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(1)), "{answer:#}\n{stderr}");
    assert_eq!(names(&answer, "vantages"), ["local", "outside"]);
    assert_eq!(answer["vantages"][1]["reflected_v4"], "192.0.2.50", "{answer:#}");
    for host in ["i-0video03", "i-0video04"] {
        let held = reasons(&answer, host);
        assert!(held.contains(&"declared-blocked tcp/443 from internet".into()), "{held:?}");
        assert!(!held.iter().any(|r| r.contains("3478")), "{held:?}");
    }
    // One of the old generation passes: what stands inside is told, and nobody waits for it.
    assert_eq!(reasons(&answer, "i-0video01"), Vec::<String>::new(), "{answer:#}");
    let proofs = answer["hosts"][0]["proofs"].as_array().expect("proofs");
    assert!(proofs.iter().all(|p| p["vantages"] == serde_json::json!(["outside"])), "{proofs:#?}");
    let gaps = answer["gaps"].to_string();
    assert!(gaps.contains("seen from outside as 10.78.0.2 it lies in no source"), "{gaps}");

    // Of the matrix every vantage is a part, also the one that speaks for nobody.
    let text = ["gate", "--role", "enterprise-video", "--snapshot", "snapshot.json", "--no-sweep"];
    let said = lab.portcullis("in", &[&text[..], &hosts].concat()).output().expect("it runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("journey media of enterprise-video, from outside"), "{said}");
    assert!(said.contains("| i-0video03  BROKEN      "), "{said}");
    let blind = "| seen from outside as 10.78.0.2, it speaks for none of its clients";
    assert!(
        said.contains(&format!("journey media of enterprise-video, from local\n   {blind}")),
        "{said}"
    );

    // Required, it is waited for, and it never comes.
    configure(&lab, &[("local", inside(true)), ("outside", outside)]);
    let (answer, code, stderr) = gate(&lab, "in", &["--host", "i-0video01"]);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    assert_eq!(reasons(&answer, "i-0video01"), ["vantage local"]);
}

/// A service that is declared for the office is proven from the office and from nowhere else.
#[test]
fn what_is_declared_for_an_office_is_proven_from_there() {
    let Some(mut lab) = lab(AS_CONFIGURED) else { return };
    lab.serve("in", &["203.0.113.11 tcp 22 ssh".into()]);
    let spec = INCIDENT.fixture("spec.yaml").replace(
        "      turn-udp:",
        "      ssh: { port: tcp/22, from: office, expect: ssh }\n      turn-udp:",
    );
    lab.file("spec.yaml", spec);
    let out = format!("via: {}, {STUN}", lab.via("out", "outside.yaml"));
    let office = format!("via: {}, {STUN}", lab.via("office", "office.yaml"));
    let host = ["--host", "i-0video01"];
    let off = ("local", "off: true".to_owned());

    configure(&lab, &[off.clone(), ("out", out.clone())]);
    let (answer, code, stderr) = gate(&lab, "in", &host);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    assert_eq!(reasons(&answer, "i-0video01"), ["vantage office"], "{answer:#}");

    configure(&lab, &[off.clone(), ("out", out.clone()), ("office", office.clone())]);
    let (answer, code, stderr) = gate(&lab, "in", &host);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
    assert_eq!(names(&answer, "vantages"), ["office", "out"]);
    let proofs = answer["hosts"][0]["proofs"].as_array().expect("proofs").iter();
    let mut by: Vec<String> =
        proofs.map(|p| format!("{} {}", p["service"], p["vantages"][0]).replace('"', "")).collect();
    by.sort();
    assert_eq!(by, ["ssh office", "turn-tls out", "turn-udp out"]);

    // One of two that are asked for internet cannot: where it is required, that alone holds.
    let failing =
        |required| format!("via: [sh, -c, \"echo no route >&2; exit 255\"], required: {required}");
    for (required, said, code) in [(true, "hold", Some(3)), (false, "pass", Some(0))] {
        let gone = ("second", failing(required));
        configure(&lab, &[off.clone(), ("out", out.clone()), ("office", office.clone()), gone]);
        let (answer, status, stderr) = gate(&lab, "in", &host);
        assert_eq!((answer["answer"].as_str(), status), (Some(said), code), "{answer:#}\n{stderr}");
        let why = "`sh` ended with exit code 255: no route";
        assert!(answer["gaps"].to_string().contains(why), "told either way: {answer:#}");
        let held = if required { vec!["vantage second".to_owned()] } else { Vec::new() };
        assert_eq!(reasons(&answer, "i-0video01"), held);
    }
}

/// Two places of one source that see two things are a finding, and hold.
#[test]
fn vantages_that_disagree_hold() {
    let Some(lab) = lab(&AS_CONFIGURED.replace("tcp dport { 22, 443 }", "tcp dport 22")) else {
        return;
    };
    let spec = INCIDENT.fixture("spec.yaml");
    let spec = spec.replace("office: [198.51.100.0/24]", "office: [198.51.101.0/24]");
    lab.file("spec.yaml", spec);
    let via = |which: &str, config: &str| format!("via: {}, {STUN}", lab.via(which, config));
    let vantages = [
        ("local", "off: true".to_owned()),
        ("fra", via("out", "outside.yaml")),
        ("iad", via("office", "office.yaml")),
    ];
    configure(&lab, &vantages);
    let (answer, code, stderr) = gate(&lab, "in", &["--host", "i-0video01"]);
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    let held = reasons(&answer, "i-0video01");
    assert!(held.contains(&"vantage-disagreement tcp/443 from internet".into()), "{held:?}");
    assert!(!held.iter().any(|r| r.contains("3478")), "they agree there: {held:?}");
    let text = answer.to_string();
    assert!(text.contains("fra") && text.contains("iad"), "{answer:#}");
}

/// What the vantage is given, changed or without its signature, has it send nothing.
#[test]
fn a_survey_that_somebody_changed_sends_nothing() {
    let filter = format!("iifname f0 ip daddr 203.0.113.0/24 counter{AS_CONFIGURED}");
    let Some(lab) = lab(&filter) else { return };
    let via = lab.via("out", "outside.yaml");
    // What the auditor sends is kept on its way.
    let kept =
        format!("via: [sh, -c, 'tee sent | exec \"$@\"', sh, {}", via.trim_start_matches('['));
    configure(&lab, &[("local", "off: true".into()), ("outside", format!("{kept}, {STUN}"))]);
    let (answer, code, stderr) = gate(&lab, "in", &["--host", "i-0video01"]);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
    let sent = std::fs::read_to_string(lab.dir.join("sent")).expect("the survey");
    let before = lab.counted();
    assert!(before > 0, "the probes went through the filter");

    let (line, signature) = sent.split_once('\n').expect("a line and its signature");
    let ask = |survey: &str, auditor: bool| {
        let mut arguments = vec!["-c", "outside.yaml", "probe", "--survey", "-"];
        if auditor {
            arguments.extend(["--auditor", "auditor.pub", "--answered", "answered"]);
        }
        let mut command = lab.portcullis("out", &arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        child.stdin.take().expect("its input").write_all(survey.as_bytes()).expect("written");
        let ran = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let other = line.replace("203.0.113.11", "203.0.113.12");
    assert_ne!(other, line);
    for (survey, auditor, why) in [
        (sent.clone(), true, "it was answered already"),
        (format!("{other}\n{signature}"), true, "its signature does not hold"),
        (format!("{line} \n{signature}"), true, "its signature does not hold"),
        (format!("{other}\n{signature}"), false, "its signature does not hold"),
    ] {
        let (code, stdout, stderr) = ask(&survey, auditor);
        assert_eq!((code, stdout.as_str()), (Some(4), ""), "{why}: {stderr}");
        assert!(stderr.contains(why), "{stderr}");
    }
    assert_eq!(lab.counted(), before, "something was sent");
    // Nobody vouches: its own scope decides, which names the control and nothing of ours.
    for (survey, auditor, why) in [
        (format!("{line}\n"), true, "the survey is not signed"),
        (sent.clone(), false, "no --auditor was told"),
    ] {
        let (code, stdout, stderr) = ask(&survey, auditor);
        assert_eq!(code, Some(3), "{stdout}\n{stderr}");
        assert!(
            stderr.contains(&format!(
                "cannot probe 203.0.113.11: scope: of this vantage does not name it, and {why}"
            )),
            "{stderr}"
        );
        assert!(stdout.contains("it refused to probe 203.0.113.11"), "{stdout}");
        assert!(!stdout.contains("\"address\":\"203.0.113.11\""), "{stdout}");
    }
    assert_eq!(lab.counted(), before, "something was sent");
}
