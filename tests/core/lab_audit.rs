//! An audit of a real network: outside, a packet filter, inside, in namespaces of the test's own.
//!
//! The snapshot says one thing and the packet filter does another, for each row of the verdict
//! table. The addresses are documentation blocks that exist in the namespaces only; no link leads
//! out of them.

use crate::lab::Lab;
use portcullis::snapshot::*;
use serde_json::{Value, json};
use std::fmt::Write as _;

const ACCOUNT: &str = "111122223333";
const DENIED: &str = "444455556666";
const REGION: &str = "eu-west-1";

/// One row of the verdict table: what is declared, what the snapshot permits, what really happens.
struct Case {
    /// Role, host and group are named after it.
    name: &'static str,
    /// Lines of the role in the spec.
    declared: &'static str,
    /// Permissions of the host's group: protocol, first port, last port, block.
    permits: &'static [(&'static str, i32, i32, &'static str)],
    network: Network,
    /// nftables statement for packets to the host, after `ip daddr ADDRESS`.
    filter: &'static str,
    /// What listens on the host: protocol, port, behaviour.
    listens: &'static [(&'static str, u16, &'static str)],
    /// `rule subject-port severity` of every finding that must come, and no other on this host.
    yields: &'static [&'static str],
    /// Kinds of gap that must name this host or its account.
    gaps: &'static [&'static str],
}

/// Which of the lab's subnets a case's host lies in.
#[derive(Clone, Copy, PartialEq)]
enum Network {
    /// Network ACL and routes let everything pass.
    Open,
    /// The network ACL lets replies out to client ports 49152-65535 only.
    NarrowReplies,
    /// An account that may not describe network ACLs.
    AclDenied,
}

const ANY: &str = "0.0.0.0/0";

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "holds", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 8080, "http")],
        yields: &[], gaps: &[] },
    Case { name: "stun-holds", declared: "services: { turn: { port: udp/3478, from: internet, expect: stun } }",
        permits: &[("udp", 3478, 3478, ANY)], network: Network::Open, filter: "", listens: &[("udp", 3478, "stun")],
        yields: &[], gaps: &[] },
    Case { name: "blocked", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[], network: Network::Open, filter: "drop", listens: &[("tcp", 8080, "http")],
        yields: &["declared-blocked tcp/8080 critical"], gaps: &[] },
    Case { name: "silent", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "tcp dport 8080 drop", listens: &[("tcp", 8080, "http")],
        yields: &["declared-silent tcp/8080 high"], gaps: &[] },
    Case { name: "rejected", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "tcp dport 8080 reject with icmp type admin-prohibited", listens: &[("tcp", 8080, "http")],
        yields: &["declared-silent tcp/8080 high"], gaps: &[] },
    Case { name: "unreachable", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "tcp dport 8080 reject with icmp type host-unreachable", listens: &[("tcp", 8080, "http")],
        yields: &["declared-silent tcp/8080 high"], gaps: &[] },
    Case { name: "refused", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "", listens: &[],
        yields: &["declared-refused tcp/8080 high"], gaps: &[] },
    Case { name: "path-proof", declared: "services: { web: { port: tcp/8080, from: internet, expect: path } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "", listens: &[],
        yields: &[], gaps: &[] },
    Case { name: "unconfirmed", declared: "services: { ssh: { port: tcp/2222, from: internet, expect: ssh } }",
        permits: &[("tcp", 2222, 2222, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 2222, "mute")],
        yields: &["unconfirmed tcp/2222 medium"], gaps: &[] },
    Case { name: "partly", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, "128.0.0.0/1")], network: Network::Open, filter: "", listens: &[("tcp", 8080, "http")],
        yields: &["partly-reachable tcp/8080 high"], gaps: &[] },
    Case { name: "narrow-replies", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::NarrowReplies, filter: "", listens: &[("tcp", 8080, "http")],
        yields: &["partly-reachable tcp/8080 high"], gaps: &[] },
    Case { name: "unknown", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::AclDenied, filter: "drop", listens: &[],
        yields: &["declared-silent tcp/8080 high"], gaps: &["network-acls"] },
    Case { name: "wrong", declared: "services: { ssh: { port: tcp/2222, from: internet, expect: ssh } }",
        permits: &[("tcp", 2222, 2222, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 2222, "http")],
        yields: &["wrong-service tcp/2222 high"], gaps: &[] },
    Case { name: "unproven", declared: "services: { rtp: { port: udp/40000, from: internet } }",
        permits: &[("udp", 40000, 40000, ANY)], network: Network::Open, filter: "", listens: &[("udp", 40000, "mute")],
        yields: &[], gaps: &[] },
    Case { name: "undeclared", declared: "",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 8080, "http")],
        yields: &["undeclared-exposure tcp/8080 high"], gaps: &[] },
    Case { name: "admin-port", declared: "",
        permits: &[("tcp", 22, 22, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 22, "ssh")],
        yields: &["undeclared-exposure tcp/22 critical"], gaps: &[] },
    Case { name: "forbidden", declared: "forbid: [ { port: tcp/8081, from: internet } ]",
        permits: &[("tcp", 8081, 8081, ANY)], network: Network::Open, filter: "", listens: &[("tcp", 8081, "http")],
        yields: &["undeclared-exposure tcp/8081 critical"], gaps: &[] },
    Case { name: "latent", declared: "",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "", listens: &[],
        yields: &["latent-exposure tcp/8080 medium"], gaps: &[] },
    Case { name: "second-path", declared: "services: { web: { port: tcp/8080, from: internet, expect: http } }",
        permits: &[], network: Network::Open, filter: "", listens: &[("tcp", 8080, "http")],
        yields: &["unexplained-answer tcp/8080 critical"], gaps: &[] },
    Case { name: "allowed", declared: "allow: [ { port: tcp/8080, from: internet } ]",
        permits: &[("tcp", 8080, 8080, ANY)], network: Network::Open, filter: "drop", listens: &[],
        yields: &[], gaps: &[] },
    Case { name: "no-vantage", declared: "services: { ssh: { port: tcp/2222, from: office, expect: ssh } }",
        permits: &[("tcp", 2222, 2222, "198.51.100.0/24")], network: Network::Open, filter: "drop", listens: &[("tcp", 2222, "ssh")],
        yields: &[], gaps: &["vantage"] },
];

fn public(i: usize) -> String {
    format!("203.0.113.{}", i + 10)
}

fn private(i: usize) -> String {
    format!("10.77.{}.{}", CASES[i].network as usize, i + 10)
}

fn instance(i: usize) -> String {
    format!("i-{}", CASES[i].name)
}

#[test]
fn each_row_of_the_verdict_table() {
    let Some(mut lab) = Lab::up(&filter()) else { return };
    lab.serve("in", &servers());
    let dir = lab.dir.clone();
    let dir = dir.as_path();
    std::fs::write(dir.join("spec.yaml"), spec()).expect("the spec is written");
    std::fs::write(dir.join("snapshot.json"), snapshot().to_string())
        .expect("the snapshot is written");
    std::fs::write(
        dir.join("portcullis.yaml"),
        "vantages:\n  local: { address: 192.0.2.50 }\nscope: [203.0.113.0/24]\n",
    )
    .expect("the config is written");

    let output = lab
        .within("out", env!("CARGO_BIN_EXE_portcullis"))
        .args([
            "audit",
            "spec.yaml",
            "--snapshot",
            "snapshot.json",
            "-c",
            "portcullis.yaml",
            "--format",
            "json",
        ])
        .current_dir(dir)
        .output()
        .expect("the audit runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}\n{stderr}", String::from_utf8_lossy(&output.stdout)));
    assert_eq!(output.status.code(), Some(1), "findings, and gaps beside them\n{stderr}");

    let mut wrong = String::new();
    for (i, case) in CASES.iter().enumerate() {
        let id = instance(i);
        let mut seen: Vec<String> = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|f| subject(f).split(' ').next() == Some(&id))
            .map(|f| {
                let port = subject(f).split(' ').nth(1).unwrap_or("").to_owned();
                format!("{} {port} {}", text(&f["rule"]), text(&f["severity"]))
            })
            .collect();
        seen.sort();
        if seen != case.yields {
            let _ = writeln!(wrong, "{}: expected {:?}, got {seen:?}", case.name, case.yields);
        }
        for kind in case.gaps {
            let account = if case.network == Network::AclDenied { DENIED } else { "-" };
            let named = report["gaps"].as_array().expect("gaps").iter().any(|g| {
                text(&g["kind"]) == *kind
                    && (g.to_string().contains(&id)
                        || g.to_string().contains(account)
                        || g.to_string().contains("office"))
            });
            if !named {
                let _ = writeln!(wrong, "{}: no gap of kind {kind}: {}", case.name, report["gaps"]);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\n{stderr}");
    let low = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|f| subject(f).starts_with("i-unknown"));
    assert_eq!(
        low.map(|f| text(&f["confidence"])),
        Some("low"),
        "unknown is judged, with low confidence"
    );
}

fn subject(finding: &Value) -> &str {
    text(&finding["subject"])
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn spec() -> String {
    let mut out = String::from("version: 1\nnetworks: { office: [198.51.100.0/24] }\nroles:\n");
    for case in CASES {
        let _ = writeln!(out, "  {0}:\n    select: {{ tags: {{ role: {0} }} }}", case.name);
        if !case.declared.is_empty() {
            let _ = writeln!(out, "    {}", case.declared);
        }
    }
    out.push_str("controls:\n  - { address: 203.0.113.250, port: tcp/443 }\n");
    out
}

fn snapshot() -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let taken_at = jiff::Timestamp::from_second(i64::try_from(now.as_secs()).expect("seconds"))
        .expect("a time");
    let mut snapshot = Snapshot::empty(taken_at);
    for account in [ACCOUNT, DENIED] {
        for kind in CallKind::ALL {
            let denied = account == DENIED && *kind == CallKind::NetworkAcls;
            snapshot.calls.push(Call {
                account: account.into(),
                region: REGION.into(),
                kind: *kind,
                outcome: if denied {
                    Outcome::Denied("UnauthorizedOperation".into())
                } else {
                    Outcome::Complete
                },
                items: 0,
            });
        }
        snapshot.regions.push(view(account));
    }
    serde_json::to_value(snapshot).expect("a snapshot serialises")
}

fn view(account: &str) -> RegionView {
    let (n, networks): (usize, &[Network]) = match account {
        DENIED => (1, &[Network::AclDenied]),
        _ => (0, &[Network::Open, Network::NarrowReplies]),
    };
    let vpc = format!("vpc-{n}");
    let subnet = |network: Network| format!("subnet-{}", network as usize);
    let entry = |number: i32, egress: bool, protocol: &str, action: &str, ports: Value| json!({ "RuleNumber": number, "Egress": egress, "Protocol": protocol, "RuleAction": action, "CidrBlock": ANY, "PortRange": ports });
    let acl = |network: Network| {
        let replies = match network {
            Network::NarrowReplies => {
                entry(100, true, "6", "allow", json!({ "From": 49152, "To": 65535 }))
            }
            _ => entry(100, true, "-1", "allow", Value::Null),
        };
        json!({
            "NetworkAclId": format!("acl-{}", network as usize), "VpcId": vpc,
            "Associations": [{ "SubnetId": subnet(network) }],
            "Entries": [entry(100, false, "-1", "allow", Value::Null), replies],
        })
    };
    let mine: Vec<usize> =
        (0..CASES.len()).filter(|i| networks.contains(&CASES[*i].network)).collect();
    let value = json!({
        "Account": account,
        "Region": REGION,
        "Vpcs": [{ "VpcId": vpc, "CidrBlock": "10.77.0.0/16" }],
        "Subnets": networks.iter().map(|s| json!({ "SubnetId": subnet(*s), "VpcId": vpc, "CidrBlock": format!("10.77.{}.0/24", *s as usize) })).collect::<Vec<_>>(),
        "InternetGateways": [{ "InternetGatewayId": format!("igw-{n}"), "Attachments": [{ "VpcId": vpc, "State": "available" }] }],
        "RouteTables": [{
            "RouteTableId": format!("rtb-{n}"), "VpcId": vpc, "Associations": [{ "Main": true }],
            "Routes": [
                { "DestinationCidrBlock": "10.77.0.0/16", "GatewayId": "local", "State": "active" },
                { "DestinationCidrBlock": ANY, "GatewayId": format!("igw-{n}"), "State": "active" },
            ],
        }],
        "NetworkAcls": if account == DENIED { vec![] } else { networks.iter().map(|s| acl(*s)).collect::<Vec<_>>() },
        "SecurityGroups": mine.iter().map(|i| json!({
            "GroupId": format!("sg-{}", CASES[*i].name), "GroupName": CASES[*i].name, "VpcId": vpc,
            "IpPermissions": CASES[*i].permits.iter().map(|(protocol, from, to, block)| json!({
                "IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": [{ "CidrIp": block }],
            })).collect::<Vec<_>>(),
            "IpPermissionsEgress": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": ANY }] }],
        })).collect::<Vec<_>>(),
        "Instances": mine.iter().map(|i| json!({
            "InstanceId": instance(*i), "State": { "Name": "running" }, "SubnetId": subnet(CASES[*i].network), "VpcId": vpc,
            "PrivateIpAddress": private(*i), "PublicIpAddress": public(*i),
            "Tags": [{ "Key": "role", "Value": CASES[*i].name }],
        })).collect::<Vec<_>>(),
        "NetworkInterfaces": mine.iter().map(|i| json!({
            "NetworkInterfaceId": format!("eni-{}", CASES[*i].name), "Status": "in-use", "InterfaceType": "interface",
            "SubnetId": subnet(CASES[*i].network), "VpcId": vpc, "PrivateIpAddress": private(*i),
            "PrivateIpAddresses": [{ "PrivateIpAddress": private(*i), "Primary": true, "Association": { "PublicIp": public(*i) } }],
            "Association": { "PublicIp": public(*i) },
            "Attachment": { "InstanceId": instance(*i), "Status": "attached", "DeviceIndex": 0 },
            "Groups": [{ "GroupId": format!("sg-{}", CASES[*i].name) }],
        })).collect::<Vec<_>>(),
        "BpaOptions": { "InternetGatewayBlockMode": "off" },
    });
    serde_json::from_value(value).expect("a view")
}

/// What the packet filter does with each case.
fn filter() -> String {
    let cases = CASES.iter().enumerate().filter(|(_, c)| !c.filter.is_empty());
    cases.map(|(i, c)| format!("ip daddr {} {}\n", public(i), c.filter)).collect()
}

fn servers() -> Vec<String> {
    let mut servers = vec!["203.0.113.250 tcp 443 mute".to_owned()];
    for (i, case) in CASES.iter().enumerate() {
        let listens = case.listens.iter();
        servers.extend(listens.map(|(p, port, how)| format!("{} {p} {port} {how}", public(i))));
    }
    servers
}
