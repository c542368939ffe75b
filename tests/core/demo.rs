//! Every incident that can be replayed says what it must; the others say what they wait for.

use crate::common::{World, checkout};
use portcullis::demo::{CATALOG, Replays, reaping};
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
    let new = ["i-0video03", "i-0video04", "i-0video05"];
    let mut expected: Vec<_> =
        new.map(|host| ("declared-blocked".to_owned(), format!("{host} tcp/443"))).into();
    // Everybody else still gets media over udp: only some customers were cut off.
    for host in new {
        for profile in ["https-only", "udp-blocked"] {
            let subject = format!("{host} journey media as {profile}");
            expected.push(("journey-broken".to_owned(), subject));
        }
    }
    assert_eq!(findings(&report), expected, "the three new hosts, and none of the old ones");
    let journeys = report["journeys"].as_array().expect("journeys");
    let works = journeys.iter().filter(|j| j["outcome"] == "works").count();
    assert_eq!((journeys.len(), works), (15, 9), "five hosts, three profiles");
    for finding in report["findings"].as_array().expect("findings") {
        let said = finding.to_string();
        assert!(said.contains("sg-0videoedge2"), "the group that lacks the permission");
        // All three carry one group: the command stands once, and the others say where.
        let first = "the commands of `declared-blocked i-0video03 tcp/443 from internet` do it";
        let command = said.contains("authorize-security-group-ingress");
        assert!(command || said.contains(first), "the command that mends it: {said}");
        assert!(said.contains("silent"), "the probe agrees with the model: {said}");
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
fn tokbox_2018_names_the_hosts_that_every_probe_called_healthy() {
    let run = World::new().run(&["demo", "tokbox-2018"]);
    assert!(run.stdout.contains("4 of 4 pass"), "no probe can tell them apart:\n{}", run.stdout);
    let report = replay("tokbox-2018");
    let expected: Vec<_> = ["i-0api01", "i-0api02", "i-0api03"]
        .map(|host| ("fact-violated".to_owned(), format!("{host} fact jdk")))
        .into();
    assert_eq!(findings(&report), expected, "1.8.0_45 is older than 8u152, and 1.8.0_162 is not");
    let said = report["findings"][0].to_string();
    for part in [">= 8u152", "1.8.0_45", "spec.yaml", "says facts.json, read at 20"] {
        assert!(said.contains(part), "both sides are told, {part} too: {said}");
    }
    assert_eq!(report["gaps"].as_array().map(Vec::len), Some(0));
}

#[test]
fn tokbox_2017_names_the_odd_one_out() {
    let report = replay("tokbox-2017");
    let expected = [("fact-skewed".to_owned(), "role router fact build".to_owned())];
    assert_eq!(findings(&report), expected);
    let said = report["findings"][0].to_string();
    assert!(said.contains("the odd one is i-0router05"), "{said}");
    assert!(
        said.contains("2.41.3 on i-0router01") && said.contains("2.42.0 on i-0router05"),
        "{said}"
    );
    assert_eq!(report["gaps"].as_array().map(Vec::len), Some(0));
}

/// The same incident through `audit`, without its guard, and with the guard but without facts.
#[test]
fn without_the_constraint_nothing_is_said_and_without_facts_nothing_is_clean() {
    for (name, constraint, rule) in [
        ("tokbox-2018", "      jdk: \">= 8u152\"\n", "fact-violated"),
        ("tokbox-2017", "      build: { same_within: role }\n", "fact-skewed"),
    ] {
        let folder = checkout().join("fixtures/incidents").join(name);
        let text = std::fs::read_to_string(folder.join("spec.yaml")).expect("a spec");
        let path = |file: &str| folder.join(file).display().to_string();
        let audit = |spec: &str, facts: bool| -> (Vec<(String, String)>, String) {
            let world = World::new();
            world.file("spec.yaml", spec);
            let (snapshot, facts_file) = (path("snapshot.json"), path("facts.json"));
            let mut args = vec![
                "audit",
                "spec.yaml",
                "--snapshot",
                &snapshot,
                "--no-probe",
                "--format",
                "json",
            ];
            if facts {
                args.extend(["--facts", &facts_file]);
            }
            let run = world.run(&args);
            let report: Value = serde_json::from_str(&run.stdout).expect("a report");
            let facts = findings(&report).into_iter().filter(|(r, _)| r.starts_with("fact-"));
            (facts.collect(), report["gaps"].to_string())
        };
        let (found, gaps) = audit(&text, true);
        assert!(!found.is_empty() && found.iter().all(|(r, _)| r == rule), "{name}: {found:?}");
        assert!(!gaps.contains("\"facts\""), "{name}: {gaps}");

        let off = text.replace(&format!("    facts:\n{constraint}"), "");
        assert_ne!(off, text, "{name}: the constraint was there");
        let (found, gaps) = audit(&off, true);
        assert!(found.is_empty() && !gaps.contains("\"facts\""), "{name}: {found:?} {gaps}");

        let (found, gaps) = audit(&text, false);
        assert!(found.is_empty(), "{name}: {found:?}");
        assert!(gaps.contains("no source of facts was asked"), "{name}: {gaps}");
    }
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
fn xervo_2015_reaps_live_servos_without_guards_and_each_guard_alone_holds_them() {
    let run = World::new().run(&["demo", "xervo-2015", "--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("a report");
    let of = |part: &Value| {
        let number = |key: &str| part[key].as_u64().expect("a number");
        (number("stopped"), number("live_stopped"))
    };
    assert_eq!(report["servos"], 228);
    // Every servo of generation 1, and the three that the tool was right about.
    assert_eq!(of(&report["without_guards"]), (51, 48));
    let alone = report["each_guard_alone"].as_object().expect("the guards");
    assert_eq!(alone.len(), reaping::ALONE.len());
    for (guard, part) in alone {
        assert_eq!(of(part).1, 0, "{guard} alone lets live servos be stopped");
    }
    assert_eq!(of(&report["all_guards"]).1, 0);
    assert_eq!(report["plan"]["class"], 10);
    assert_eq!(report["plan"]["reason"], "control-live-hit");
    assert_eq!(of(&report["tool_mended"]), (3, 0), "held for good reasons only");
}

#[test]
fn xervo_2015_shows_the_plan_as_people_see_it() {
    let run = World::new().run(&["demo", "xervo-2015"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for part in
        ["it stopped 51, and 48 of them", "generation=gen-1", "control-live-hit", "0 planned"]
    {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
}

#[test]
fn every_incident_has_a_folder_or_says_what_it_waits_for() {
    let list = World::new().run(&["demo", "--list"]).stdout;
    for incident in CATALOG {
        assert!(list.contains(incident.name), "{} is not in\n{list}", incident.name);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/incidents")
            .join(incident.name);
        let waits = matches!(incident.replay, Replays::Waits(_));
        assert_eq!(folder.is_dir(), !waits, "{}", incident.name);
        if waits {
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
