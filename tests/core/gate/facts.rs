//! TokBox 2018 and 2017: every server answers, from inside and from outside; what it runs is wrong.

use super::{Incident, gate, inside_tests_pass, reasons};
use serde_json::{Value, json};

const OPEN: &str = "
    iifname f0 ip daddr 203.0.113.0/24 tcp dport 443 accept
    iifname f0 ip daddr 203.0.113.0/24 drop";

#[test]
fn tokbox_2018_an_old_java_is_held_although_every_port_answers() {
    let incident =
        Incident { name: "tokbox-2018", hosts: 21..25, stun: false, tls: "*.api.example" };
    let Some(lab) = incident.lab(OPEN) else { return };
    lab.file("snapshot.json", incident.snapshot(|_| {}));
    lab.file("facts.json", incident.fixture("facts.json"));
    inside_tests_pass(&lab, &[("tcp/443", "tls")], 21..25);

    let hosts = ["--no-sweep", "--host", "i-0api01", "i-0api02", "i-0api03"];
    let with_facts = [&["--facts", "facts.json"], &hosts[..]].concat();
    let (answer, code, stderr) = gate(&lab, "out", "api", &with_facts);
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    for host in ["i-0api01", "i-0api02", "i-0api03"] {
        assert_eq!(reasons(&answer, host), ["fact-violated fact jdk"], "{answer:#}");
    }
    // The one that has the fix passes.
    let mended = ["--facts", "facts.json", "--no-sweep", "--host", "i-0api04"];
    let (answer, code, stderr) = gate(&lab, "out", "api", &mended);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
    // Nobody says what runs there: that is no pass either.
    let (answer, code, stderr) = gate(&lab, "out", "api", &hosts);
    assert_eq!((answer["answer"].as_str(), code), (Some("hold"), Some(3)), "{answer:#}\n{stderr}");
    // The constraint is what held them: without it they pass.
    lab.file("spec.yaml", incident.fixture("spec.yaml").replace("jdk: \">= 8u152\"", "{}"));
    let (answer, code, stderr) = gate(&lab, "out", "api", &with_facts);
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
}

#[test]
fn tokbox_2017_the_odd_build_is_held_and_the_others_are_not() {
    let incident =
        Incident { name: "tokbox-2017", hosts: 21..26, stun: false, tls: "*.api.example" };
    let Some(lab) = incident.lab(OPEN) else { return };
    lab.file("snapshot.json", incident.snapshot(|_| {}));
    lab.file("facts.json", incident.fixture("facts.json"));
    inside_tests_pass(&lab, &[("tcp/443", "tls")], 21..26);

    let hosts = ["--facts", "facts.json", "--no-sweep", "--host"];
    let (answer, code, stderr) =
        gate(&lab, "out", "router", &[&hosts[..], &["i-0router05"]].concat());
    assert_eq!(code, Some(1), "{answer:#}\n{stderr}");
    let held = reasons(&answer, "i-0router05");
    assert!(held.iter().any(|r| r.starts_with("fact-skewed")), "{held:?}");
    let told = answer["hosts"][0]["parity"].to_string();
    assert!(told.contains("fact build") && told.contains("2.42.0"), "{answer:#}");

    let (answer, code, stderr) =
        gate(&lab, "out", "router", &[&hosts[..], &["i-0router04"]].concat());
    assert_eq!((answer["answer"].as_str(), code), (Some("pass"), Some(0)), "{answer:#}\n{stderr}");
}

/// What is unknown of those that serve decides whether this one may: nothing was compared, and whether the
/// first is proven nobody knows.
#[test]
fn a_host_is_held_by_what_is_unknown_of_another_that_decides_about_it() {
    let incident =
        Incident { name: "tokbox-2017", hosts: 21..26, stun: false, tls: "*.api.example" };
    let Some(lab) = incident.lab(OPEN) else { return };
    lab.file("snapshot.json", incident.snapshot(|_| {}));
    let hold = |facts: Value, more: &[&str]| {
        lab.file("facts.json", facts.to_string());
        let hosts = ["--facts", "facts.json", "--no-sweep", "--host", "i-0router04"];
        let (answer, code, stderr) = gate(&lab, "out", "router", &[&hosts[..], more].concat());
        let said = (answer["answer"].as_str().unwrap_or_default().to_owned(), code);
        (said, format!("{answer:#}\n{stderr}"), reasons(&answer, "i-0router04"))
    };
    let facts = "facts role router fact build".to_owned();
    let alone = json!([{ "instance_id": "i-0router04", "build": "2.41.3" }]);
    let (said, all, held) = hold(alone.clone(), &[]);
    assert_eq!((said, held), (("hold".into(), Some(3)), vec![facts.clone()]), "{all}");
    assert!(all.contains("(i-0router01, i-0router02, i-0router03, i-0router05)"), "{all}");
    let (said, all, _) = hold(alone, &["--allow-gaps=facts"]);
    assert_eq!(said, ("pass".into(), Some(0)), "{all}");

    let rollout = "rollout: { fact: build, first: 1, soak: 2h, min_requests: 1000 }\n    services:";
    let spec = incident.fixture("spec.yaml").replace("build: { same_within: role }", "{}");
    lab.file("spec.yaml", spec.replace("    services:", &format!("    {rollout}")));
    let host = |n: u8, build: &str, more: Value| {
        let mut host = json!({ "instance_id": format!("i-0router0{n}"), "build": build });
        let more = more.as_object().expect("facts").clone();
        host.as_object_mut().expect("a map").extend(more);
        host
    };
    let proven = || json!({ "build_since": "2017-01-10T09:20:00Z", "requests": 5000 });
    let role = |first: Value| {
        let new = host(4, "8", json!({ "build_since": jiff::Timestamp::now(), "requests": 0 }));
        json!([
            host(1, "8", first),
            host(2, "7", proven()),
            host(3, "7", proven()),
            host(5, "7", proven()),
            new
        ])
    };
    let (said, all, held) = hold(role(json!({ "build_since": "2017-01-10T09:20:00Z" })), &[]);
    assert_eq!((said, held), (("hold".into(), Some(3)), vec![facts]), "{all}");
    let (said, all, _) = hold(role(proven()), &[]);
    assert_eq!(said, ("pass".into(), Some(0)), "{all}");
    let (said, all, held) =
        hold(role(json!({ "build_since": jiff::Timestamp::now(), "requests": 0 })), &[]);
    let found = vec!["rollout-too-fast router fact build".to_owned()];
    assert_eq!((said, held), (("hold".into(), Some(1)), found), "{all}");
}
