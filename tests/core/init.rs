//! `init` writes a spec that an audit of the same snapshot has nothing to find against.

use crate::common::{World, checkout};
use jiff::Timestamp;
use portcullis::observation::Observations;
use portcullis::snapshot::{Snapshot, Tag};
use portcullis::spec::{Permit, Role, Source, Spec};
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
    assert_eq!(allowed(role)[0], "tcp/443 from internet", "{text}");
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

/// What a role allows, a line each.
fn allowed(role: &Role) -> Vec<String> {
    let line = |a: &Permit| {
        let from: Vec<String> = a.from.iter().map(ToString::to_string).collect();
        format!("{} from {}", a.protocols.with(&a.ports), from.join(", "))
    };
    role.allow.iter().map(line).collect()
}

#[test]
fn all_traffic_is_declared_with_one_word_and_audits_clean() {
    let all = serde_json::json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let snapshot = one_host(all);
    let (text, spec) = starter(&World::new(), &snapshot);
    let role = spec.roles.values().next().expect("a role");
    // The host has an IPv6 address, and nothing lets ICMPv6 in: that is not said to be meant.
    assert_eq!(
        allowed(role),
        ["icmp from internet", "other from internet", "tcp from internet", "udp from internet"],
        "{text}"
    );
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    let mut v4 = snapshot;
    v4.regions[0].network_interfaces[0].ipv6_addresses.clear();
    let (text, spec) = starter(&World::new(), &v4);
    let role = spec.roles.values().next().expect("a role");
    assert_eq!(allowed(role), ["all from internet"], "{text}");
    assert_eq!(findings(&spec, &v4), Vec::<String>::new(), "{text}");
}

#[test]
fn all_traffic_of_a_few_is_no_exposure_of_the_internet() {
    let office =
        serde_json::json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "198.51.100.0/24" }] });
    let gre =
        serde_json::json!({ "IpProtocol": "47", "IpRanges": [{ "CidrIp": "198.51.100.0/24" }] });
    let mut snapshot = one_host(serde_json::json!([office, gre, crate::reach::world::ssh()]));
    snapshot.regions[0].network_interfaces[0].ipv6_addresses.clear();
    let (text, spec) = starter(&World::new(), &snapshot);
    let role = spec.roles.values().next().expect("a role");
    assert_eq!(allowed(role), ["all from clients-1"], "{text}");
    assert_eq!(role.services[0].from.len(), 1, "{text}");
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    // Whoever else is let in by other protocols is still told, and they alone.
    let permission = &mut snapshot.regions[0].security_groups[0].ip_permissions[0];
    permission.ip_ranges[0].cidr_ip = "0.0.0.0/0".parse().expect("a block");
    let found = findings(&spec, &snapshot);
    let others: Vec<&String> = found.iter().filter(|f| f.contains("other protocols")).collect();
    assert_eq!(others, ["latent-exposure i-1 other protocols internet"], "{found:?}");
}

#[test]
fn what_an_acl_keeps_out_is_not_declared_with_all_the_rest() {
    let all = serde_json::json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let mut snapshot = one_host(all);
    let view = &mut snapshot.regions[0];
    view.network_interfaces[0].ipv6_addresses.clear();
    let deny = crate::reach::world::entry_ports(50, false, "deny", 3389, 3389);
    view.network_acls[0].entries.insert(0, serde_json::from_value(deny).expect("an entry"));
    let (text, spec) = starter(&World::new(), &snapshot);
    let role = spec.roles.values().next().expect("a role");
    assert!(allowed(role).contains(&"other from internet".into()), "{text}");
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    snapshot.regions[0].network_acls[0].entries.remove(0);
    let found = findings(&spec, &snapshot);
    assert_eq!(found, ["latent-exposure i-1 tcp/3389 internet"], "{text}");
}

#[test]
fn types_of_icmp_are_written_in_ranges() {
    let all = crate::reach::world::permission("icmp", -1, -1, "0.0.0.0/0", None);
    let mut snapshot = one_host(serde_json::json!([all]));
    let view = &mut snapshot.regions[0];
    let mut deny = crate::reach::world::entry(50, false, "1", "deny", "0.0.0.0/0");
    deny["IcmpTypeCode"] = serde_json::json!({ "Type": 3, "Code": 4 });
    view.network_acls[0].entries.insert(0, serde_json::from_value(deny).expect("an entry"));
    let world = World::new();
    let (text, spec) = starter(&world, &snapshot);
    let role = spec.roles.values().next().expect("a role");
    assert_eq!(allowed(role), ["icmp/0-2,3/0-3,3/5-255,4-255 from internet"], "{text}");
    assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    let ran = world.run(&["reach", "--snapshot", "snapshot.json"]);
    assert!(ran.stdout.contains("icmp/0-2,3/0-3,3/5-255,4-255  permitted"), "{ran}");
}

#[test]
fn a_permission_of_port_0_alone_is_neither_declared_nor_passed_over() {
    let zero = crate::reach::world::permission("tcp", 0, 0, "0.0.0.0/0", None);
    let range = crate::reach::world::permission("tcp", 20, 80, "0.0.0.0/0", None);
    let snapshot = one_host(serde_json::json!([zero, range]));
    let (text, spec) = starter(&World::new(), &snapshot);
    assert!(text.contains("not written: port 0"), "{text}");
    let found = findings(&spec, &snapshot);
    assert_eq!(found, ["latent-exposure i-1 tcp/0 internet"], "{text}");
    // Of a range it is a part like any other, whoever may enter.
    for from in ["0.0.0.0/0", "54.0.0.0/8"] {
        let range = crate::reach::world::permission("tcp", 0, 80, from, None);
        let snapshot = one_host(serde_json::json!([range]));
        let (text, spec) = starter(&World::new(), &snapshot);
        assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn ping_is_the_same_by_either_of_its_permissions() {
    for code in [0, -1] {
        let ping = crate::reach::world::permission("icmp", 8, code, "0.0.0.0/0", None);
        let snapshot = one_host(serde_json::json!([ping]));
        let world = World::new();
        let (text, spec) = starter(&world, &snapshot);
        assert!(text.contains("icmp/echo"), "{text}");
        assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{text}");
        // Nor is it told apart where people write it in numbers.
        for port in ["icmp/echo", "icmp/8/0", "icmp/8"] {
            let text = text.replace("icmp/echo", port);
            let spec = spec::load(&[Source::new("spec", text.as_str())]).expect("a spec");
            assert_eq!(findings(&spec, &snapshot), Vec::<String>::new(), "{code}: {text}");
        }
        let ran = world.run(&["reach", "--snapshot", "snapshot.json"]);
        assert!(ran.stdout.contains("icmp/echo  permitted"), "{ran}");
    }
}
