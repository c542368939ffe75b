//! The commands as people and scripts run them: machine forms, text, exit codes.

use super::world::{snapshot, world};
use crate::common::World;
use portcullis::snapshot::CallKind;
use serde_json::{Value, json};

/// A world with a snapshot file beside it.
fn with(view: &Value) -> World {
    let world = World::new().with("NO_COLOR", "1");
    let snapshot = snapshot(vec![view.clone()]);
    world.file("s.json", serde_json::to_vec(&snapshot).expect("json"));
    world
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn explain_has_its_machine_form() {
    let world = with(&world());
    let ran = world.run(&[
        "explain",
        "--snapshot",
        "s.json",
        "--from",
        "8.8.8.8",
        "--to",
        "i-1",
        "--port",
        "tcp/80",
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let answer = json_of(&ran.stdout);
    assert_eq!(answer["verdict"], "blocked");
    assert_eq!(answer["decided_by"]["kind"], "security-group");
    assert_eq!(answer["decided_by"]["id"], "sg-1");
    assert!(answer["decided_by"]["entry"].as_str().is_some_and(|e| e.contains("eni-1")));
    assert_eq!(answer["path"], json!(["internet", "igw-1", "vpc-1", "subnet-1", "i-1"]));
    assert_eq!((&answer["client_ports"], &answer["gaps"]), (&json!([]), &json!([])));
    // What has no ports comes from none.
    for port in ["icmp/echo", "50"] {
        let explain = ["explain", "--snapshot", "s.json", "--from", "8.8.8.8", "--to", "i-1"];
        let ran = world.run(&[&explain[..], &["--port", port, "--format", "json"]].concat());
        assert_eq!(json_of(&ran.stdout)["client_ports"], json!(null), "{port}: {ran}");
    }
    let ran = world.run(&[
        "explain",
        "--snapshot",
        "s.json",
        "--from",
        "8.8.8.8",
        "--to",
        "54.1.2.3",
        "--port",
        "tcp",
        "--format",
        "json",
    ]);
    let answer = json_of(&ran.stdout);
    assert_eq!(answer["verdict"], "partly", "every tcp port was asked for");
    assert_eq!(answer["slices"].as_array().map(Vec::len), Some(2));
}

#[test]
fn reach_has_its_machine_form() {
    let mut view = world();
    view["SecurityGroups"][0]["IpPermissions"] = json!([
        super::world::permission("tcp", 80, 90, "0.0.0.0/0", None),
        super::world::permission("tcp", 22, 22, "0.0.0.0/0", None),
        super::world::permission("udp", 53, 53, "198.51.100.0/24", None),
    ]);
    let world = with(&view);
    let ran = world.run(&["reach", "--snapshot", "s.json", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    let answer = json_of(&ran.stdout);
    let rows = answer["endpoints"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{answer:#}");
    assert_eq!(
        (&rows[0]["address"], &rows[0]["host"], &rows[0]["interface"]),
        (&json!("54.1.2.3"), &json!("i-1"), &json!("eni-1"))
    );
    assert_eq!(
        (&rows[0]["protocol"], &rows[0]["ports"], &rows[0]["sources"]),
        (&json!("tcp"), &json!(["22", "80-90"]), &json!(["0.0.0.0/0"]))
    );
    assert_eq!(rows[0]["verdict"], "permitted");
    assert_eq!(
        (&rows[1]["protocol"], &rows[1]["sources"], &rows[1]["verdict"]),
        (&json!("udp"), &json!(["198.51.100.0/24"]), &json!("partly"))
    );
    // The office sees it as permitted.
    let ran =
        world.run(&["reach", "--snapshot", "s.json", "--from", "198.51.100.7", "--format", "json"]);
    let answer = json_of(&ran.stdout);
    assert_eq!(answer["endpoints"][1]["verdict"], "permitted", "{answer:#}");
}

#[test]
fn gaps_end_in_three_unless_they_are_accepted() {
    let world = World::new().with("NO_COLOR", "1");
    let mut snapshot = snapshot(vec![super::world::world()]);
    snapshot.calls.retain(|c| c.kind != CallKind::VpcBpaOptions);
    world.file("s.json", serde_json::to_vec(&snapshot).expect("json"));
    let run = |more: &[&str]| {
        let mut arguments = vec!["reach", "--snapshot", "s.json"];
        arguments.extend(more);
        world.run(&arguments)
    };
    let ran = run(&[]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains("tcp/22") && ran.stdout.contains("not seen: vpc-bpa"), "{ran}");
    assert_eq!(run(&["--allow-gaps=vpc-bpa"]).code, Some(0));
    assert_eq!(run(&["--allow-gaps=network-acls"]).code, Some(3));
}

#[test]
fn names_are_escaped_and_mistakes_are_told() {
    let world = with(&world());
    let explain = |from: &str, to: &str| {
        world.run(&[
            "explain",
            "--snapshot",
            "s.json",
            "--from",
            from,
            "--to",
            to,
            "--port",
            "tcp/22",
        ])
    };
    let ran = explain("internet", "i-1\u{1b}[31m");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    assert_eq!(explain("2600:9000::1", "54.1.2.3").code, Some(0));
    assert!(explain("internet", "54.1.2.3").stdout.contains("> security-group"));
    let ran = world.run(&["reach"]);
    assert_eq!(ran.code, Some(2), "no snapshot is guessed: {ran}");
    let ran = world.run(&["reach", "--snapshot", "s.json", "--from", "office"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("internet"), "{ran}");
}

#[test]
fn a_balancers_path_shows_its_target() {
    let view = super::rules::balanced_open();
    let answer = super::world::explain(&snapshot(vec![view]), "internet", "54.5.5.5", "tcp/443");
    let hops = answer.configured.path().expect("a path").hops();
    assert!(hops.iter().any(|h| &*h.id == "i-2"), "{hops:?}");
}

#[test]
fn a_network_whose_interfaces_nobody_listed_is_not_clean() {
    let world = World::new().with("NO_COLOR", "1");
    world.file("aws/Vpcs.json", r#"{"Vpcs":[{"VpcId":"vpc-1","OwnerId":"111122223333"}]}"#);
    let ran = world.run(&["reach", "--aws-json", "aws"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains("not seen: network-interfaces"), "{ran}");
}

#[test]
fn a_mapped_address_is_the_ipv4_address_in_it() {
    let world = with(&world());
    let ran = world.run(&["reach", "--snapshot", "s.json", "--from", "::ffff:8.8.8.8"]);
    assert!(ran.stdout.contains("54.1.2.3") && ran.stdout.contains("8.8.8.8/32"), "{ran}");
    let explain = ["explain", "--snapshot", "s.json", "--from", "::ffff:8.8.8.8", "--to", "i-1"];
    let ran = world.run(&[&explain[..], &["--port", "tcp/22"]].concat());
    assert!(ran.stdout.starts_with("permitted"), "{ran}");
}

#[test]
fn what_of_a_folder_was_not_read_is_told() {
    let world = World::new().with("NO_COLOR", "1");
    world.file("a/sg.json", br#"{"SecurityGroups":[{"GroupId":"sg-1","VpcId":"vpc-1","IpPermissions":[]}],"NextToken":"t"}"#);
    world.file("a/es.json", br#"{"DomainStatusList":[]}"#);
    let ran = world.run(&["reach", "--aws-json", "a"]);
    assert!(ran.stderr.contains("not used: 1 of 2 files (es.json); -v says why"), "{ran}");
    assert!(ran.stderr.contains("not whole: DescribeSecurityGroups: its last page"), "{ran}");
    let ran = world.run(&["-v", "reach", "--aws-json", "a"]);
    assert!(
        ran.stderr.contains("not used: es.json") && ran.stderr.contains("DomainStatusList"),
        "{ran}"
    );
    let ran = world.run(&["-q", "reach", "--aws-json", "a"]);
    assert_eq!(ran.stderr, "", "{ran}");
    world.file("b/vpcs.yaml", b"Vpcs: []");
    let ran = world.run(&["reach", "--aws-json", "b"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("vpcs.yaml") && ran.stderr.contains("--output json"), "{ran}");
}

#[test]
fn a_collection_whose_answer_is_empty_is_not_complete() {
    let world = World::new().with("NO_COLOR", "1");
    world.file("a/vpcs.json", r#"{"Vpcs":[{"VpcId":"vpc-1","OwnerId":"111122223333"}]}"#);
    let collect = ["collect", "--aws-json", "a", "-o", "s.json"];
    // What nobody asked for is no failure.
    assert_eq!(world.run(&collect).code, Some(0));
    world.file("a/SecurityGroups.json", b"");
    let ran = world.run(&collect);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stderr.contains("gap: security-groups"), "{ran}");
    let accepted = [&collect[..], &["--allow-gaps=security-groups"]].concat();
    assert_eq!(world.run(&accepted).code, Some(0));
}

#[test]
fn the_deciding_line_is_told_with_its_own_group() {
    let mut view = world();
    view["NetworkInterfaces"][0]["Groups"] = json!([{ "GroupId": "sg-1" }, { "GroupId": "sg-9" }]);
    view["SecurityGroups"].as_array_mut().expect("list").push(json!({
        "GroupId": "sg-9", "GroupName": "v6", "VpcId": "vpc-1",
        "IpPermissions": [super::world::permission("tcp", 443, 443, "0.0.0.0/0", Some("::/0"))],
    }));
    let snapshot = snapshot(vec![view]);
    for (port, group) in [("tcp/443", "sg-9"), ("tcp/22", "sg-1")] {
        for to in ["54.1.2.3", "2600:1f00::10"] {
            let answer = super::world::explain(&snapshot, "internet", to, port);
            let path = answer.configured.path().expect("a path");
            let entry = path.decided_by().entry.clone().unwrap_or_default();
            assert_eq!(&*path.decided_by().id, group, "{to} {port}");
            assert!(entry.starts_with(&format!("{group} ingress {port}")), "{entry}");
            let hop = path.hops().iter().find(|h| h.entry.as_ref() == Some(&entry));
            assert_eq!(hop.map(|h| &*h.id), Some(group), "{to} {port}");
        }
    }
    // Of a port that none lets in, the groups are all named.
    let said = super::world::explain(&snapshot, "internet", "i-1", "tcp/80");
    let path = said.configured.path().expect("a path");
    assert!(path.decided_by().entry.as_ref().is_some_and(|e| e.contains("sg-1, sg-9")));
}

#[test]
fn the_client_ports_are_those_that_answers_come_back_to() {
    let asked = |from: i32, to: i32, more: Option<(i32, i32)>| {
        let mut view = world();
        let mut entries = vec![
            super::world::entry(100, false, "-1", "allow", "0.0.0.0/0"),
            super::world::entry_ports(140, true, "allow", from, to),
        ];
        entries.extend(more.map(|(a, b)| super::world::entry_ports(150, true, "allow", a, b)));
        view["NetworkAcls"][0]["Entries"] = json!(entries);
        let world = with(&view);
        let explain = ["explain", "--from", "8.8.8.8", "--to", "i-1", "--port", "tcp/22"];
        let more = ["--snapshot", "s.json", "--format", "json"];
        let answer = json_of(&world.run(&[&explain[..], &more].concat()).stdout);
        let listed = json_of(&world.run(&[&["reach"][..], &more].concat()).stdout);
        let (said, row) = (&answer["verdict"], &listed["endpoints"][0]["client_ports"]);
        let said = said.as_str().unwrap_or_default().to_owned();
        if said != "blocked" {
            assert_eq!(*row, answer["client_ports"], "{listed:#}");
        }
        (said, answer["client_ports"].clone(), answer["decided_by"]["entry"].clone())
    };
    for (from, to, more, verdict, ports) in [
        (0, 65535, None, "permitted", json!(["0-65535"])),
        (1024, 65535, None, "permitted", json!(["1024-65535"])),
        (1024, 65535, Some((443, 443)), "permitted", json!(["443", "1024-65535"])),
        (32768, 65535, None, "partly", json!(["32768-65535"])),
        (32768, 65535, Some((443, 443)), "partly", json!(["443", "32768-65535"])),
    ] {
        let (said, client_ports, _) = asked(from, to, more);
        assert_eq!((said.as_str(), &client_ports), (verdict, &ports), "{from}-{to} {more:?}");
    }
    let (said, ports, entry) = asked(443, 443, None);
    assert_eq!((said.as_str(), &ports), ("blocked", &json!([])));
    let why = "egress lets answers out to client ports 443 only, below those that clients use";
    assert_eq!(entry, why);
}

#[test]
fn the_list_tells_the_client_ports_that_get_an_answer() {
    let listed = |from: i32| {
        let mut view = world();
        view["NetworkAcls"][0]["Entries"] = json!([
            super::world::entry(100, false, "-1", "allow", "0.0.0.0/0"),
            super::world::entry_ports(140, true, "allow", from, 65535),
        ]);
        let world = World::new().with("NO_COLOR", "1");
        let text = serde_json::to_vec(&snapshot(vec![view])).expect("json");
        world.file("s.json", text);
        world.run(&["reach", "--snapshot", "s.json"]).stdout
    };
    let partly = listed(32768);
    assert!(partly.contains("from 0.0.0.0/0, client ports 32768-65535  i-1"), "{partly}");
    let all = listed(1024);
    assert!(all.contains("permitted") && !all.contains("client ports"), "{all}");
}

#[test]
fn a_limit_of_answers_names_its_rule_and_a_blackhole_its_state() {
    let mut view = world();
    view["NetworkAcls"][0]["Entries"] = json!([
        super::world::entry(100, false, "-1", "allow", "0.0.0.0/0"),
        super::world::entry_ports(140, true, "allow", 49152, 65535),
    ]);
    let decider = |view: &Value| {
        let answer =
            super::world::explain(&snapshot(vec![view.clone()]), "internet", "54.1.2.3", "tcp/22");
        let path = answer.configured.path().expect("a path").clone();
        let entry = path.decided_by().entry.clone().unwrap_or_default();
        format!("{} {}: {entry}", answer.configured.verdict(), path.decided_by().id)
    };
    let said = decider(&view);
    assert!(said.starts_with("partly acl-1: egress of answers to client ports"), "{said}");
    assert!(said.contains("rule 140 allow") && said.contains("rule * deny"), "{said}");
    view["NetworkAcls"][0]["Entries"] = json!([
        super::world::entry(100, false, "-1", "allow", "0.0.0.0/0"),
        super::world::entry_ports(90, true, "deny", 1024, 40000),
        super::world::entry(100, true, "-1", "allow", "0.0.0.0/0"),
    ]);
    let said = decider(&view);
    assert!(said.contains("rule 90 deny"), "{said}");
    // What takes some clients away decides, not what passes the rest.
    let mut view = world();
    let entries = view["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
    entries.push(super::world::entry(50, true, "-1", "deny", "1.0.0.0/8"));
    let said = decider(&view);
    assert!(said.starts_with("partly acl-1:") && said.contains("rule 50 deny"), "{said}");
    let mut view = world();
    view["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(
        json!({ "DestinationCidrBlock": "1.0.0.0/8", "GatewayId": "igw-9", "State": "blackhole" }),
    );
    let said = decider(&view);
    assert!(said.starts_with("partly rtb-1:"), "{said}");
    assert!(said.contains("1.0.0.0/8 to igw-9, which is a blackhole"), "{said}");
    view["RouteTables"][1]["Routes"] = json!([
        view["RouteTables"][1]["Routes"][0],
        { "DestinationCidrBlock": "0.0.0.0/1", "GatewayId": "igw-1", "State": "active" },
    ]);
    let said = decider(&view);
    assert!(said.contains("no route for answers to 128.0.0.0/"), "{said}");
    let mut view = world();
    view["RouteTables"][1]["Routes"][1]["State"] = json!("blackhole");
    let said = decider(&view);
    assert!(said.contains("0.0.0.0/0 to igw-1, which is a blackhole"), "{said}");
}

#[test]
fn a_balancer_is_known_by_its_name_and_its_interface_stays_told() {
    let world = with(&super::rules::balanced("app"));
    let ran = world.run(&["reach", "--snapshot", "s.json"]);
    assert!(ran.stdout.contains("load balancer b eni-b"), "{ran}");
    let ran = world.run(&["reach", "--snapshot", "s.json", "--format", "json"]);
    let rows = json_of(&ran.stdout);
    let row = rows["endpoints"].as_array().expect("rows").iter().find(|r| r["host"] == "eni-b");
    assert_eq!(row.expect("the balancer")["owner"], "load balancer b");
    let to_b = ["--from", "internet", "--to", "54.5.5.5", "--port", "tcp/443"];
    let ran = world.run(&[&["explain", "--snapshot", "s.json"], &to_b[..]].concat());
    assert!(ran.stdout.contains("eni-b (load balancer b)"), "{ran}");
    world.file("spec.yaml", "version: 1\nroles: { web: { select: { names: i-1 } } }\n");
    let audit =
        ["audit", "spec.yaml", "--snapshot", "s.json", "--offline", "--no-history", "--format"];
    let ran = world.run(&[&audit[..], &["json"]].concat());
    let report = json_of(&ran.stdout);
    let findings = report["findings"].as_array().expect("findings");
    let of = |rule: &str| {
        let found = findings.iter().find(|f| {
            f["rule"] == rule && f["subject"].as_str().is_some_and(|s| s.starts_with("eni-b"))
        });
        found.unwrap_or_else(|| panic!("{rule}: {findings:#?}"))
    };
    let open = of("latent-exposure");
    assert_eq!(open["subject"], "eni-b tcp/443", "what a waiver names stays");
    let message = open["message"].as_str().unwrap_or_default();
    assert!(message.contains("load balancer b (eni-b) tcp/443"), "{message}");
}

/// No command: a listener is everybody's. What stands in the way is named all the same.
#[test]
fn what_a_balancer_without_a_group_lets_in_is_closed_by_words() {
    let world = with(&super::rules::balanced_open());
    world.file("spec.yaml", "version: 1\nroles: { web: { select: { names: i-1 } } }\n");
    let audit =
        ["audit", "spec.yaml", "--snapshot", "s.json", "--offline", "--no-history", "--format"];
    let ran = world.run(&[&audit[..], &["json"]].concat());
    let report = json_of(&ran.stdout);
    let findings = report["findings"].as_array().expect("findings");
    let of = |f: &&Value| f["subject"].as_str().is_some_and(|s| s.starts_with("eni-b"));
    let found = findings.iter().find(of).unwrap_or_else(|| panic!("{findings:#?}"));
    let mend = &found["mends"][0];
    let text = mend["text"].as_str().unwrap_or_default();
    assert!(text.contains("listener") && text.contains("take it away by hand"), "{found:#}");
    assert!(text.contains("or narrow what security-group sg-"), "{found:#}");
    assert_eq!(mend["command"], Value::Null, "{found:#}");
}

#[test]
fn of_closed_ways_to_a_host_the_one_that_a_route_leads_into_is_told() {
    let mut view = world();
    view["Vpcs"]
        .as_array_mut()
        .expect("list")
        .push(json!({ "VpcId": "vpc-9", "CidrBlock": "10.9.0.0/16" }));
    view["Subnets"]
        .as_array_mut()
        .expect("list")
        .push(json!({ "SubnetId": "subnet-9", "VpcId": "vpc-9", "CidrBlock": "10.9.0.0/24" }));
    view["RouteTables"].as_array_mut().expect("list").push(json!({ "RouteTableId": "rtb-9", "VpcId": "vpc-9",
        "Associations": [{ "SubnetId": "subnet-9" }],
        "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active" }] }));
    let mut acl = view["NetworkAcls"][0].clone();
    (acl["NetworkAclId"], acl["VpcId"]) = (json!("acl-9"), json!("vpc-9"));
    view["NetworkAcls"].as_array_mut().expect("list").push(acl);
    let mut nic = view["NetworkInterfaces"][1].clone();
    for (key, value) in [
        ("NetworkInterfaceId", "eni-9"),
        ("SubnetId", "subnet-9"),
        ("VpcId", "vpc-9"),
        ("PrivateIpAddress", "10.9.0.4"),
    ] {
        nic[key] = json!(value);
    }
    nic["PrivateIpAddresses"][0]["PrivateIpAddress"] = json!("10.9.0.4");
    nic["Attachment"] = Value::Null;
    view["NetworkInterfaces"].as_array_mut().expect("list").push(nic);
    view["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "pending-acceptance" },
        "RequesterVpcInfo": { "VpcId": "vpc-1" }, "AccepterVpcInfo": { "VpcId": "vpc-9" } }]);
    let said = super::world::said(&snapshot(vec![view]), "eni-9", "i-1", "tcp/22");
    assert_eq!(said, "blocked vpc-peering pcx-1");
}
