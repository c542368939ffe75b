//! Every incident that can be replayed says what it must; the others say what they wait for.

use crate::common::World;
use portcullis::demo::CATALOG;
use serde_json::Value;

fn replay(name: &str) -> Value {
    let run = World::new().run(&["demo", name, "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("a report")
}

fn findings(report: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|f| (text(&f["rule"]), text(&f["subject"]))).collect()
}

#[test]
fn tokbox_2019_names_the_hosts_the_port_the_layer_and_the_mend() {
    let report = replay("tokbox-2019");
    let expected: Vec<_> = ["i-0video03", "i-0video04", "i-0video05"]
        .map(|host| ("declared-blocked".to_owned(), format!("{host} tcp/443")))
        .into();
    assert_eq!(findings(&report), expected, "the three new hosts, and none of the old ones");
    for finding in report["findings"].as_array().expect("findings") {
        let said = finding.to_string();
        assert!(said.contains("sg-0videoedge2"), "the group that lacks the permission");
        assert!(said.contains("authorize-security-group-ingress"), "the command that mends it");
        assert!(said.contains("is silent from outside"), "the probe agrees with the model");
    }
    assert_eq!(report["gaps"].as_array().map(Vec::len), Some(0), "from outside nothing is unseen");
}

#[test]
fn tokbox_2019_from_inside_is_green_and_called_blind() {
    let run = World::new().run(&["demo", "tokbox-2019"]);
    assert!(
        run.stdout.contains("10 of 10 pass"),
        "the incident's own tests saw nothing:\n{}",
        run.stdout
    );
    assert!(run.stdout.contains("Portcullis calls that blind"), "{}", run.stdout);
}

#[test]
fn api_video_2020_origin_is_a_disagreement_of_vantages() {
    let report = replay("api-video-2020-origin");
    assert_eq!(
        findings(&report),
        [("vantage-disagreement".to_owned(), "origin-us tcp/80".to_owned())]
    );
}

#[test]
fn every_incident_has_a_folder_or_says_what_it_waits_for() {
    let list = World::new().run(&["demo", "--list"]).stdout;
    for incident in CATALOG {
        assert!(list.contains(incident.name), "{} is not in\n{list}", incident.name);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/incidents")
            .join(incident.name);
        assert_eq!(folder.is_dir(), incident.replay.is_ok(), "{}", incident.name);
        if incident.replay.is_err() {
            let run = World::new().run(&["demo", incident.name]);
            assert_eq!(
                run.code,
                Some(2),
                "what cannot be replayed is not replayed: {}",
                run.stdout
            );
        }
    }
}
