//! `init` writes a spec that an audit of the same snapshot has nothing to find against.

use crate::common::{World, checkout};
use jiff::Timestamp;
use portcullis::observation::Observations;
use portcullis::snapshot::{Snapshot, Tag};
use portcullis::spec::{Source, Spec};
use portcullis::{audit, collect, reach, resolve, rule, spec};
use std::path::Path;

/// The starter spec of a snapshot, as the command writes it.
fn starter(world: &World, snapshot: &Snapshot) -> (String, Spec) {
    let json = serde_json::to_string(snapshot).expect("JSON");
    world.file("snapshot.json", json);
    let ran = world.run(&["init", "--from", "snapshot.json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let spec = spec::load(&[Source::new("starter", ran.stdout.as_str())])
        .unwrap_or_else(|e| panic!("{e}"));
    (ran.stdout, spec)
}

/// What an audit of the snapshot alone finds.
fn findings(spec: &Spec, snapshot: &Snapshot) -> Vec<String> {
    let reach = reach::Reach::new(snapshot, &reach::Options::default());
    let report = audit::run(&audit::Input {
        spec,
        snapshot,
        resolution: &resolve::resolve(spec, snapshot),
        reach: &reach,
        observations: &Observations::default(),
        facts: &portcullis::fact::Facts::default(),
        rules: &rule::builtin().expect("the built-in rules"),
        gaps: &[],
        options: &audit::Options::default(),
        now: snapshot.taken_at,
    });
    let source = |f: &portcullis::finding::Finding| f.source.clone().unwrap_or_default();
    report.findings.iter().map(|f| format!("{} {} {}", f.rule, f.subject, source(f))).collect()
}

fn incident(name: &str) -> Snapshot {
    let path = checkout().join("fixtures/incidents").join(name).join("snapshot.json");
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("a snapshot")
}

#[test]
fn the_starter_of_an_incident_audits_clean_and_says_what_is_there() {
    let world = World::new();
    let snapshot = incident("tokbox-2019");
    let (text, spec) = starter(&world, &snapshot);
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    let role = &spec.roles["video"];
    let services: Vec<&str> = role.services.iter().map(|s| s.name.as_str()).collect();
    // The port that three of the hosts miss is not said to be everyone's.
    assert_eq!(services, ["tcp-22", "udp-3478"], "{text}");
    assert_eq!(role.allow[0].port.to_string(), "tcp/443", "{text}");
    assert_eq!(role.services[0].from[0].to_string(), "clients-1");
    assert_eq!(role.count.min, Some(5));
    // An audit that finds nothing because it looks at nothing would pass the above.
    assert_ne!(findings(&Spec::default(), &snapshot), Vec::<String>::new());
}

#[test]
fn names_from_outside_cannot_break_the_spec() {
    let world = World::new();
    let mut snapshot = incident("tokbox-2019");
    let hostile = ["internet", "a\": }\n- \u{1b}[31m", "*", "clients-1", "  ", "日本 語"];
    for (instance, value) in snapshot.regions[0].instances.iter_mut().zip(hostile) {
        instance.tags = vec![Tag { key: "role".into(), value: value.into() }];
    }
    let (text, spec) = starter(&world, &snapshot);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let world = World::new();
    world.file("snapshot.json", serde_json::to_string(&incident("tokbox-2019")).expect("JSON"));
    let spec = world.file("spec.yaml", "mine\n");
    let ran = world.run(&["init", "--from", "snapshot.json", "-o", "spec.yaml"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(std::fs::read_to_string(&spec).expect("the file"), "mine\n");
    let ran = world.run(&["init", "--from", "snapshot.json", "-o", "spec.yaml", "--force"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(world.run(&["spec", "check"]).code, Some(0));
}

#[test]
fn the_starters_of_the_known_answers_audit_clean() {
    let shared = std::env::var("PORTCULLIS_SHARED").unwrap_or_else(|_| "../shared".into());
    let Ok(cases) = std::fs::read_dir(Path::new(&shared).join("known-answers")) else {
        eprintln!("skipped: no {shared}/known-answers");
        return;
    };
    let mut cases: Vec<_> = cases.flatten().map(|c| c.path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    let (mut tried, mut hosts) = (0, 0);
    for case in cases {
        let Ok(snapshot) = collect::saved::read(&case, Timestamp::UNIX_EPOCH) else { continue };
        let (text, spec) = starter(&World::new(), &snapshot);
        let found = findings(&spec, &snapshot);
        assert_eq!(found, Vec::<String>::new(), "{}:\n{text}", case.display());
        tried += 1;
        hosts += spec.roles.len();
    }
    eprintln!("{tried} known answers, {hosts} roles");
    assert!(tried > 0 && hosts > 0, "nothing was tried");
}

/// A snapshot of one host with a public address, whose group lets `permissions` in.
fn one_host(permissions: serde_json::Value) -> Snapshot {
    let mut view = crate::reach::world::world();
    view["NetworkInterfaces"].as_array_mut().expect("list").truncate(1);
    view["Instances"].as_array_mut().expect("list").truncate(1);
    view["SecurityGroups"].as_array_mut().expect("list").truncate(1);
    view["SecurityGroups"][0]["IpPermissions"] = permissions;
    crate::reach::world::snapshot(vec![view])
}

#[test]
fn what_is_not_known_is_not_declared_to_be_meant() {
    let list = |port: i32, id: &str| serde_json::json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "PrefixListIds": [{ "PrefixListId": id }] });
    let ssh = crate::reach::world::ssh();
    let snapshot = one_host(serde_json::json!([list(8443, "pl-1"), list(9443, "pl-2"), ssh]));
    let (text, spec) = starter(&World::new(), &snapshot);
    assert!(!text.contains("8443") && !text.contains("9443"), "{text}");
    for list in ["pl-1", "pl-2"] {
        assert!(text.contains(&format!("# Not seen: prefix-lists: {list}")), "{text}");
    }
    let role = spec.roles.values().next().expect("a role");
    assert!(role.allow.is_empty() && role.services.len() == 1, "{text}");
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
}

#[test]
fn protocols_that_no_role_can_declare_are_said_to_be_left_out() {
    let all = serde_json::json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let snapshot = one_host(all);
    let (text, spec) = starter(&World::new(), &snapshot);
    assert!(!text.contains("\"0\""), "protocol 0 is not what is open: {text}");
    assert!(text.contains("every other protocol"), "{text}");
    let role = spec.roles.values().next().expect("a role");
    let ports: Vec<String> = role.allow.iter().map(|a| a.port.to_string()).collect();
    assert_eq!(ports, ["icmp", "tcp", "udp"], "{text}");
    // Nothing is left to find but what the file says it leaves out.
    let found = findings(&spec, &snapshot);
    assert!(found.iter().all(|f| f.contains("other protocols")), "{found:?}\n{text}");
}
