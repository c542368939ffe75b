//! What findings propose, and of whom they speak.

use super::*;
use crate::snapshot::RegionView;

/// Two roles: `web`, which everybody must reach, and `db`, which web must reach.
fn two_roles() -> Spec {
    let text = "version: 1\nnetworks:\n  lan: [10.0.0.0/16]\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: internet } }\n  db:\n    select: { tags: { role: db } }\n    services: { pg: { port: tcp/5432, from: web } }\n    count: { min: 0 }\nhosts:\n  far: { addresses: 192.0.2.200, tags: { role: db } }\n";
    spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_route_that_is_there_is_neither_made_again_nor_taken_from_others() {
    let spec = only_https();
    let mend = |target: Value| {
        let mut snapshot = snapshot(both());
        let routes = &mut snapshot.regions[0].route_tables[0].routes;
        routes[1] = serde_json::from_value(target).expect("a route");
        let report = audit(&spec, &snapshot, &Observations::default());
        let found = report.findings.into_iter().find(|f| f.subject == "i-0abc tcp/443");
        found.expect("told").mends.swap_remove(0)
    };
    let nat =
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active" });
    let kept = mend(nat);
    assert_eq!(kept.command, None, "{}", kept.text);
    assert!(kept.text.contains("a subnet whose table routes 0.0.0.0/0 to igw-1"), "{}", kept.text);
    let gone = json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole" });
    let replaced = mend(gone).command.unwrap_or_default();
    assert!(replaced.contains("replace-route") && replaced.contains("igw-1"), "{replaced}");
}

/// `db` of another VPC must be reached by `web` over a peering that was deleted: no permission mends that.
#[test]
fn a_service_over_a_peering_that_ended_stays_critical_and_says_so() {
    let text = "version: 1\nroles:\n  web: { select: { tags: { role: web } } }\n  db:\n    select: { tags: { role: db } }\n    services: { pg: { port: tcp/5432, from: web } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let found = |ingress: Value, listed: bool, state: &str| {
        let mut all = snapshot(both());
        let here = serde_json::to_string(&snapshot(ingress).regions[0]).expect("a view");
        let pairs = [
            ("10.0.0.", "10.9.0."),
            ("203.0.113.10", "203.0.113.11"),
            ("-1\"", "-9\""),
            ("us-west-9", "us-west-1"),
            ("\"-9\"", "\"-1\""),
            ("i-0abc", "i-0db"),
            ("\"web\"", "\"db\""),
            (SG, "sg-9"),
        ];
        let there = pairs.iter().fold(here, |text, (from, to)| text.replace(from, to));
        let mut there: RegionView = serde_json::from_str(&there).expect("a view");
        let route = |to: &str| {
            let route = json!({ "DestinationCidrBlock": to, "VpcPeeringConnectionId": "pcx-1", "State": state });
            serde_json::from_value(route).expect("a route")
        };
        there.route_tables[0].routes.push(route("10.0.0.0/16"));
        let here = &mut all.regions[0];
        here.route_tables[0].routes.push(route("10.9.0.0/16"));
        if listed {
            let peering = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "deleted" },
                "AccepterVpcInfo": { "VpcId": "vpc-1" }, "RequesterVpcInfo": { "VpcId": "vpc-9" } }]);
            here.vpc_peering_connections = serde_json::from_value(peering).expect("a peering");
        }
        here.vpcs.extend(there.vpcs);
        here.subnets.extend(there.subnets);
        here.internet_gateways.extend(there.internet_gateways);
        here.route_tables.extend(there.route_tables);
        here.network_acls.extend(there.network_acls);
        here.security_groups.extend(there.security_groups);
        here.instances.extend(there.instances);
        here.network_interfaces.extend(there.network_interfaces);
        let report = audit(&spec, &all, &Observations::default());
        let found = report.findings.iter().find(|f| f.subject == "i-0db tcp/5432");
        let found = found.unwrap_or_else(|| panic!("{:?}", told(&report)));
        assert_eq!(found.rule, "declared-blocked");
        (found.severity.to_string(), found.mends.clone())
    };
    for ingress in [json!([]), json!([open_to(5432, "10.0.0.0/16")])] {
        for (listed, state) in [(true, "active"), (true, "blackhole"), (false, "blackhole")] {
            let (severity, mends) = found(ingress.clone(), listed, state);
            assert_eq!(severity, "critical");
            let fix = &mends[0].text;
            assert!(fix.contains("pcx-1") && fix.contains("peering"), "{fix}");
            assert_eq!(mends[0].command, None);
        }
    }
}

#[test]
fn a_narrower_route_that_keeps_answers_is_what_the_mend_is_about() {
    let text = "version: 1\nnetworks: { partner: [8.8.8.0/24] }\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: partner } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let mend = |route: Value, everything: bool| {
        let mut snapshot = snapshot(json!([open_to(443, "0.0.0.0/0")]));
        let routes = &mut snapshot.regions[0].route_tables[0].routes;
        routes.truncate(if everything { 2 } else { 1 });
        routes.push(serde_json::from_value(route).expect("a route"));
        let report = audit(&spec, &snapshot, &Observations::default());
        let found = report.findings.into_iter().find(|f| f.rule == "declared-blocked");
        found.expect("told").mends.swap_remove(0)
    };
    let gone = json!({ "DestinationCidrBlock": "8.0.0.0/8", "NatGatewayId": "nat-1", "State": "blackhole" });
    for (everything, call) in [
        (
            true,
            "delete-route --region us-west-1 --route-table-id rtb-1 --destination-cidr-block 8.0.0.0/8",
        ),
        (
            false,
            "replace-route --region us-west-1 --route-table-id rtb-1 --destination-cidr-block 8.0.0.0/8 --gateway-id igw-1",
        ),
    ] {
        let mend = mend(gone.clone(), everything);
        let command = mend.command.unwrap_or_default();
        assert_eq!(command, format!("aws ec2 {call}"), "{}", mend.text);
    }
    let taken = json!({ "DestinationCidrBlock": "8.0.0.0/8", "TransitGatewayId": "tgw-1", "State": "active" });
    let mend = mend(taken, true);
    assert!(mend.command.is_none() && mend.text.contains("clients in 8.0.0.0/8"), "{}", mend.text);
}

#[test]
fn an_internet_gateway_is_no_way_between_private_addresses() {
    let text = "version: 1\nnetworks: { corp: [10.1.0.0/16] }\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: corp } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    // Its answers leave by the gateway, or by no route at all.
    for routes in [2, 1] {
        let mut snapshot = snapshot(json!([open_to(443, "10.0.0.0/8")]));
        snapshot.regions[0].route_tables[0].routes.truncate(routes);
        let report = audit(&spec, &snapshot, &Observations::default());
        let found = report.findings.iter().find(|f| f.rule == "declared-blocked").expect("told");
        let mend = &found.mends[0];
        assert_eq!(mend.command, None, "{}", mend.text);
        let missing = "a way is missing between 10.1.0.0/16 and 10.0.0.10";
        assert!(mend.text.contains(missing), "{}", mend.text);
    }
}

#[test]
fn a_mend_says_what_else_it_opens_and_whose_keys_it_needs() {
    let mut snapshot = snapshot(json!([]));
    let mut other = snapshot.regions[0].network_interfaces[0].clone();
    other.network_interface_id = "eni-2".into();
    other.private_ip_address = "10.0.0.11".parse().ok();
    other.private_ip_addresses.clear();
    other.association = None;
    other.attachment = None;
    snapshot.regions[0].network_interfaces.push(other);
    let text = |snapshot: &Snapshot| {
        let report = audit(&spec(""), snapshot, &Observations::default());
        let found = report.findings.iter().find(|f| f.subject == "i-0abc tcp/443").expect("told");
        found.mends[0].text.clone()
    };
    let one = text(&snapshot);
    assert!(one.ends_with("which opens it on all 2 interfaces that carry it"), "{one}");
    let empty = json!({ "Account": "222222222222", "Region": "us-west-1" });
    snapshot.regions.push(serde_json::from_value(empty).expect("a view"));
    let two = text(&snapshot);
    assert!(two.ends_with("(with credentials of account 111111111111)"), "{two}");
}

#[test]
fn a_family_that_fares_otherwise_is_named() {
    let mut snapshot = snapshot(both());
    let view = &mut snapshot.regions[0];
    let v6 = json!([{ "Ipv6Address": "2600:1f00:a::10" }]);
    view.network_interfaces[0].ipv6_addresses = serde_json::from_value(v6).expect("addresses");
    let told = |snapshot: &Snapshot| {
        let report = audit(&spec(""), snapshot, &seen(&[(443, State::Open)]));
        let found = report.findings.into_iter().find(|f| f.rule == "declared-blocked");
        found.expect("told").message
    };
    let message = told(&snapshot);
    assert!(
        message.starts_with("internet cannot reach https at i-0abc tcp/443 over IPv6"),
        "{message}"
    );
    // Where both are shut neither is to blame.
    snapshot.regions[0].security_groups[0].ip_permissions.clear();
    snapshot.regions[0].route_tables[0].routes.truncate(1);
    let report = audit(&spec(""), &snapshot, &Observations::default());
    let found = report.findings.iter().find(|f| f.subject == "i-0abc tcp/443").expect("told");
    assert!(!found.message.contains("over IPv"), "{}", found.message);
}

#[test]
fn what_must_be_open_to_everybody_is_no_exposure_of_clients_inside() {
    let spec = two_roles();
    let open = snapshot(json!([open_to(443, "0.0.0.0/0")]));
    let report = audit(&spec, &open, &seen(&[(443, State::Open)]));
    assert_eq!(told(&report), Vec::<String>::new());
    // What nobody declared for anybody is told of them as well.
    let more = snapshot(json!([open_to(443, "0.0.0.0/0"), open_to(8080, "10.0.0.0/16")]));
    let report = audit(&spec, &more, &seen(&[(443, State::Open)]));
    let told = told(&report);
    assert!(told.contains(&"medium latent-exposure i-0abc tcp/8080 from lan".into()), "{told:?}");
}

#[test]
fn a_permission_that_something_declared_needs_is_not_simply_taken_out() {
    let mends = |ingress: Value| {
        let report = audit(&spec(""), &snapshot(ingress), &seen(&[(443, State::Open)]));
        let found = report.findings.into_iter().find(|f| f.rule == "latent-exposure");
        let mut mends = found.map(|f| f.mends).unwrap_or_default();
        mends.pop();
        mends
    };
    // ssh is for the office, and the only permission that lets the office in lets in everybody.
    let wide = mends(json!([open_to(443, "0.0.0.0/0"), open_to(22, "0.0.0.0/0")]));
    assert!(wide[0].text.contains("service ssh of role web from office"), "{}", wide[0].text);
    let command = wide[0].command.as_deref().unwrap_or_default();
    let lines: Vec<&str> = command.lines().collect();
    assert!(
        lines[0].contains("authorize-security-group-ingress")
            && lines[0].contains("198.51.100.0/24"),
        "{command}"
    );
    assert!(lines[1].contains("revoke-") && lines[1].contains("0.0.0.0/0"), "{command}");
    // Where the office has a permission of its own, the wide one goes.
    let both = json!([
        open_to(443, "0.0.0.0/0"),
        open_to(22, "0.0.0.0/0"),
        open_to(22, "198.51.100.0/24")
    ]);
    let own = mends(both);
    assert_eq!(own.len(), 1, "the office's own is nobody's exposure: {own:#?}");
    let command = own[0].command.as_deref().unwrap_or_default();
    assert!(command.starts_with("aws ec2 revoke-") && command.lines().count() == 1, "{command}");
}

#[test]
fn a_group_that_another_host_needs_as_it_is_keeps_its_permission() {
    let mut snapshot = snapshot(json!([open_to(443, "0.0.0.0/0")]));
    let view = &mut snapshot.regions[0];
    let mut other = view.network_interfaces[0].clone();
    other.network_interface_id = "eni-2".into();
    other.private_ip_address = "10.0.0.11".parse().ok();
    other.private_ip_addresses[0].private_ip_address = other.private_ip_address;
    let public = "203.0.113.11".parse().expect("an address");
    let own = &mut other.private_ip_addresses[0].association;
    for association in [&mut other.association, own].into_iter().flatten() {
        association.public_ip = Some(public);
    }
    if let Some(attachment) = &mut other.attachment {
        attachment.instance_id = Some("i-0def".into());
    }
    let mut host = view.instances[0].clone();
    host.instance_id = "i-0def".into();
    host.tags[0].value = "batch".into();
    view.instances.push(host);
    view.network_interfaces.push(other);
    let spec = spec("  batch:\n    select: { tags: { role: batch } }\n");
    let report = audit(&spec, &snapshot, &seen(&[(443, State::Open)]));
    let found = report.findings.iter().find(|f| f.subject == "i-0def tcp/443").expect("told");
    assert!(found.mends.iter().all(|m| m.command.is_none()), "{:#?}", found.mends);
    assert!(found.mends[0].text.contains("service https of role web from internet"));
}

#[test]
fn a_refusal_that_may_be_a_firewalls_says_nothing_of_the_host_and_hides_no_mend() {
    let spec = spec("");
    let refused = [(443, State::Refused)];
    let open = snapshot(both());
    let placed = audit(&spec, &open, &by_the_host(&refused));
    assert_eq!(told(&placed), ["high declared-refused i-0abc tcp/443 from internet"]);
    let finding = &placed.findings[0];
    assert_eq!(finding.confidence, Confidence::High);
    assert!(finding.message.contains("the path is open"), "{}", finding.message);

    let unplaced = audit(&spec, &open, &seen(&refused));
    assert_eq!(told(&unplaced), told(&placed), "it does not work, whoever refuses");
    let finding = &unplaced.findings[0];
    assert_eq!(finding.confidence, Confidence::Low);
    assert!(!finding.message.contains("path is open"), "{}", finding.message);
    assert!(finding.message.contains("or a firewall on the way"), "{}", finding.message);
    assert!(finding.why.contains("may be a firewall's"), "{}", finding.why);
    let fix = finding.mends.last().map_or("", |m| &m.text);
    assert!(fix.contains("firewall"), "{fix}");

    // Where the group blocks it, that and its mend are what to tell.
    let shut = snapshot(json!([open_to(22, "198.51.100.0/24")]));
    let unplaced = audit(&spec, &shut, &seen(&refused));
    assert_eq!(told(&unplaced), ["critical declared-blocked i-0abc tcp/443 from internet"]);
    let command = unplaced.findings[0].mends[0].command.as_deref().unwrap_or_default();
    assert!(command.contains("authorize-security-group-ingress"), "{command}");
    let placed = audit(&spec, &shut, &by_the_host(&refused));
    assert_eq!(told(&placed), ["critical unexplained-answer i-0abc tcp/443 from internet"]);
}

#[test]
fn all_traffic_that_a_few_may_send_stays_open_to_them() {
    let spec = spec("    allow:\n      - { port: all, from: office }\n");
    let all = json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let open = snapshot(json!([open_to(443, "0.0.0.0/0"), all]));
    let report = audit(&spec, &open, &seen(&[(443, State::Open)]));
    let others = report.findings.iter().find(|f| f.subject.ends_with("other protocols"));
    let mend = &others.expect("told").mends[0];
    // The same permission lets in the rest: the commands stand once in the report, with the first.
    let first = report.findings.iter().flat_map(|f| &f.mends).find(|m| m.command.is_some());
    let lines: Vec<&str> =
        first.expect("a command").command.as_deref().unwrap_or_default().lines().collect();
    let all = r#""IpProtocol":"-1","IpRanges":[{"CidrIp":"198.51.100.0/24"}]"#;
    assert!(lines.iter().any(|l| l.contains("authorize-") && l.contains(all)), "{lines:#?}");
    assert!(lines.last().is_some_and(|l| l.contains("revoke-")), "{lines:#?}");
    assert!(mend.text.contains("all traffic that may be of role web from office"), "{}", mend.text);
}

#[test]
fn each_layer_that_blocks_has_its_own_mend() {
    let spec = spec("");
    for (name, change, words) in [
        (
            "route",
            (|s: &mut Snapshot| drop(s.regions[0].route_tables[0].routes.pop()))
                as fn(&mut Snapshot),
            "create-route --region us-west-1 --route-table-id rtb-1 --destination-cidr-block 0.0.0.0/0 --gateway-id igw-1",
        ),
        (
            "acl",
            |s| s.regions[0].network_acls[0].entries[0].rule_action = "deny".into(),
            "create-network-acl-entry --region us-west-1 --network-acl-id acl-1 --ingress --rule-number 10 --protocol 6 --rule-action allow --cidr-block 0.0.0.0/0 --port-range From=443,To=443",
        ),
        (
            "answers",
            |s| s.regions[0].network_acls[0].entries[1].rule_action = "deny".into(),
            "create-network-acl-entry --region us-west-1 --network-acl-id acl-1 --egress --rule-number 10 --protocol 6 --rule-action allow --cidr-block 0.0.0.0/0 --port-range From=1024,To=65535",
        ),
        (
            "bpa",
            |s| {
                if let Some(bpa) = &mut s.regions[0].bpa_options {
                    bpa.internet_gateway_block_mode = Some("block-bidirectional".into());
                }
            },
            "create-vpc-block-public-access-exclusion --region us-west-1 --subnet-id subnet-1",
        ),
        (
            "address",
            |s| {
                let interface = &mut s.regions[0].network_interfaces[0];
                interface.association = None;
                interface.private_ip_addresses[0].association = None;
                s.regions[0].instances[0].public_ip_address = None;
            },
            "associate-address --region us-west-1 --network-interface-id eni-1 --private-ip-address 10.0.0.10",
        ),
    ] {
        let mut snapshot = snapshot(both());
        change(&mut snapshot);
        let report = audit(&spec, &snapshot, &Observations::default());
        let found = report.findings.iter().find(|f| f.subject == "i-0abc tcp/443");
        let found = found.unwrap_or_else(|| panic!("{name}: {:?}", told(&report)));
        assert_eq!(found.rule, "declared-blocked", "{name}");
        let commands: Vec<&str> = report
            .findings
            .iter()
            .flat_map(|f| &f.mends)
            .filter_map(|m| m.command.as_deref())
            .collect();
        assert!(
            commands.iter().any(|c| c.contains(words)),
            "{name}: {commands:#?} {:?}",
            found.path
        );
    }
}
