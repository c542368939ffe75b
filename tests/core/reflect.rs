//! `vantages.local.reflect`: the configured STUN server alone tells this machine's address.

use crate::common::World;
use crate::common::stun::stun;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

/// An audit of one declared host on loopback that serves a port and a STUN server of its own.
fn audit(config: impl Fn(u16) -> String) -> (Value, Option<i32>) {
    audit_of(Ipv4Addr::new(192, 88, 98, 9), config)
}

/// The host's own server tells that it sees us as `theirs`.
fn audit_of(theirs: Ipv4Addr, config: impl Fn(u16) -> String) -> (Value, Option<i32>) {
    let world = World::new();
    let server = stun("127.0.0.2", Ipv4Addr::new(192, 88, 98, 7));
    let theirs = stun("127.0.0.1", theirs);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let open = listener.local_addr().expect("a bound socket").port();
    world.file(
        "spec.yaml",
        format!(
            "version: 1\nhosts:\n  a: {{ addresses: [127.0.0.1], tags: {{ role: edge }} }}\nroles:\n  edge:\n    select: {{ tags: {{ role: edge }} }}\n    services:\n      web: {{ port: tcp/{open}, from: internet }}\n      turn: {{ port: udp/{theirs}, from: internet, expect: stun }}\ncontrols: [{{ address: 127.0.0.1, port: tcp/{open} }}]\n"
        ),
    );
    world.file("portcullis.yaml", config(server));
    let ran = world.run(&["audit", "--no-cloud", "--format", "json"]);
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}")), ran.code)
}

fn outside(report: &Value) -> Option<IpAddr> {
    report["vantages"][0]["outside_v4"].as_str().map(|a| a.parse().expect("an address"))
}

#[test]
fn the_server_tells_where_the_vantage_is_and_so_its_probes_count() {
    let (report, code) = audit(|server| {
        format!(
            "scope: [127.0.0.1]\nvantages: {{ local: {{ reflect: \"127.0.0.2:{server}\" }} }}\n"
        )
    });
    assert_eq!(outside(&report), Some([192, 88, 98, 7].into()), "{report:#}");
    assert_eq!(code, Some(0), "{report:#}");
    assert!(report["snapshot_at"].is_null(), "{report:#}");
    // The server is nobody's endpoint: it is not among what was looked at.
    assert_eq!(report["coverage"]["probed"], 2, "{report:#}");
}

#[test]
fn a_configured_address_is_believed_over_every_server() {
    let (report, _) = audit(|server| {
        format!(
            "scope: [127.0.0.1]\nvantages: {{ local: {{ address: 192.88.98.8, reflect: \"127.0.0.2:{server}\" }} }}\n"
        )
    });
    assert_eq!(outside(&report), Some([192, 88, 98, 8].into()), "{report:#}");
    // And that a server saw another one is told.
    let gaps = report["gaps"].as_array().expect("gaps");
    let told = |g: &&Value| g["why"].as_str().is_some_and(|w| w.contains("seen by its `reflect:`"));
    assert_eq!(gaps.iter().filter(told).count(), 1, "{gaps:#?}");
}

#[test]
fn a_configured_address_stands_where_its_server_is_away() {
    let (report, code) = audit(|_| {
        "scope: [127.0.0.1]\nvantages: { local: { address: 192.88.98.8, reflect: \"nothing.invalid:3478\" } }\n".into()
    });
    assert_eq!(outside(&report), Some([192, 88, 98, 8].into()), "{report:#}");
    assert_eq!(code, Some(0), "{report:#}");
}

#[test]
fn a_server_that_does_not_answer_is_a_gap_with_its_name() {
    for (server, words) in [
        ("127.0.0.2:1", "told no IPv4 address: 127.0.0.2 is refused"),
        ("nothing.invalid:3478", "nothing.invalid:3478 does not resolve"),
    ] {
        let (report, code) = audit(|_| {
            format!("scope: [127.0.0.1]\nvantages: {{ local: {{ reflect: \"{server}\" }} }}\n")
        });
        assert_eq!(code, Some(3), "{report:#}");
        let gaps = report["gaps"].as_array().expect("gaps");
        let told = |g: &&Value| g["why"].as_str().is_some_and(|w| w.contains(words));
        assert_eq!(gaps.iter().filter(told).count(), 1, "{gaps:#?}");
    }
}

/// A machine with a tunnel to the servers is no client outside, whatever the rest of the world sees it as.
#[test]
fn a_host_that_is_reached_through_a_tunnel_was_not_seen_from_outside() {
    let (report, code) = audit_of(Ipv4Addr::new(10, 9, 9, 9), |server| {
        format!(
            "scope: [127.0.0.1]\nvantages: {{ local: {{ reflect: \"127.0.0.2:{server}\" }} }}\n"
        )
    });
    assert_eq!(code, Some(3), "{report:#}");
    let gaps = report["gaps"].as_array().expect("gaps");
    let told = |g: &&Value| g["why"].as_str().is_some_and(|w| w.contains("sees it as 10.9.9.9"));
    assert_eq!(gaps.iter().filter(told).count(), 1, "{gaps:#?}");
}

/// What is looked at does not say from where.
#[test]
fn a_server_that_is_looked_at_itself_places_nobody() {
    let world = World::new();
    let theirs = stun("127.0.0.1", Ipv4Addr::new(192, 88, 98, 9));
    world.file(
        "spec.yaml",
        format!(
            "version: 1\nhosts:\n  a: {{ addresses: [127.0.0.1] }}\nroles:\n  edge:\n    select: {{ names: [a] }}\n    services: {{ turn: {{ port: udp/{theirs}, from: internet, expect: stun }} }}\n"
        ),
    );
    let by = |port: u16| format!("vantages: {{ local: {{ reflect: \"127.0.0.1:{port}\" }} }}\n");
    // Nor does a port of its that nobody declared and nobody looks at.
    let other = stun("127.0.0.1", Ipv4Addr::new(192, 88, 98, 9));
    for (vantages, said) in [(by(theirs), true), (by(other), true), (String::new(), false)] {
        world.file("portcullis.yaml", format!("scope: [127.0.0.1]\n{vantages}"));
        let words = ["gate", "--role=edge", "--host=a", "--no-cloud", "--no-sweep", "--peers=0"];
        let ran = world.run(&words);
        assert_eq!(ran.code, Some(3), "{ran}");
        assert!(ran.stdout.contains("HOLD a"), "{ran}");
        assert_eq!(ran.stdout.contains("is one of those that it looks at"), said, "{ran}");
    }
}

#[test]
fn what_is_forbidden_and_was_never_looked_at_is_not_called_closed() {
    let world = World::new();
    world.file(
        "spec.yaml",
        "version: 1\nhosts:\n  a: { addresses: [192.0.2.1] }\nroles:\n  edge:\n    select: { names: [a] }\n    forbid: [{ port: tcp/3389, from: internet }]\n",
    );
    let ran = world.run(&["audit", "--no-cloud", "--offline"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains("gap[probe]: a tcp/3389"), "{ran}");
}

/// What is open to a network inside alone is looked at by whoever stands in it, where `scope:` has it.
#[test]
fn what_only_a_named_network_may_reach_is_probed_from_there() {
    use crate::reach::world;
    let listener = TcpListener::bind("127.9.1.10:0").expect("a free port");
    let open = listener.local_addr().expect("a bound socket").port();
    let text = world::world().to_string().replace("10.0.", "127.9.");
    let mut view: Value = serde_json::from_str(&text).expect("JSON");
    let permission = world::permission("tcp", open.into(), open.into(), "127.9.0.0/16", None);
    view["SecurityGroups"][0]["IpPermissions"] = serde_json::json!([permission]);
    let (world, snapshot) = (World::new(), world::snapshot(vec![view]));
    world.file("snapshot.json", serde_json::to_string(&snapshot).expect("a snapshot"));
    let role = "roles:\n  web: { select: { vpcs: [vpc-1] } }\n";
    for (spec, scope, found) in [
        ("networks: { inside: [127.9.0.0/16] }\n", "127.9.1.10", Some("undeclared-exposure")),
        ("networks: { inside: [127.9.0.0/16] }\n", "127.9.1.11", Some("latent-exposure")),
        ("networks: { other: [127.8.0.0/16] }\n", "127.9.1.10", None),
    ] {
        world.file("spec.yaml", format!("version: 1\n{spec}{role}"));
        let place = "vantages: { local: { address: 127.9.2.20 } }";
        world.file("portcullis.yaml", format!("scope: [{scope}]\n{place}\n"));
        let ran =
            world.run(&["audit", "--snapshot=snapshot.json", "--allow-gaps", "--format=json"]);
        let report: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"));
        let findings = report["findings"].as_array().expect("findings").iter();
        let rules: Vec<&str> = findings
            .filter(|f| f["subject"] == format!("i-1 tcp/{open}"))
            .filter_map(|f| f["rule"].as_str())
            .collect();
        assert_eq!(rules.first().copied(), found, "{report:#}");
    }
}
