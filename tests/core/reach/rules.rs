// Over 500 lines: one test a row of the semantics table, in its order.

use super::world::*;
use portcullis::model::{AddressSet, GapKind, PortSet, Protocol};
use portcullis::reach::{Configured, End, Options, Query, QueryError, Reach, Verdict};
use portcullis::snapshot::{CallKind, Outcome, Snapshot};
use serde_json::{Value, json};

fn snap(view: &Value) -> Snapshot {
    snapshot(vec![view.clone()])
}

#[test]
fn r01_groups_are_ored() {
    let mut w = world();
    w["SecurityGroups"].as_array_mut().expect("list").push(json!({ "GroupId": "sg-3", "GroupName": "x", "IpPermissions": [permission("tcp", 443, 443, "0.0.0.0/0", None)] }));
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/443"), "blocked");
    w["NetworkInterfaces"][0]["Groups"] = json!([{ "GroupId": "sg-1" }, { "GroupId": "sg-3" }]);
    for port in ["tcp/22", "tcp/443"] {
        assert_eq!(verdict(&w, "internet", "54.1.2.3", port), "permitted", "{port}");
    }
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/80"), "blocked security-group sg-1");
}

#[test]
fn r02_groups_belong_to_the_interface() {
    let mut w = world();
    // A second interface of i-1 with another group: its address answers by its own group only.
    let mut second = w["NetworkInterfaces"][0].clone();
    second["NetworkInterfaceId"] = json!("eni-3");
    second["PrivateIpAddress"] = json!("10.0.1.11");
    second["PrivateIpAddresses"] =
        json!([{ "PrivateIpAddress": "10.0.1.11", "Association": { "PublicIp": "54.1.2.4" } }]);
    second["Ipv6Addresses"] = json!([]);
    second["Attachment"] = json!({ "InstanceId": "i-1", "DeviceIndex": 1 });
    second["Groups"] = json!([{ "GroupId": "sg-http" }]);
    w["NetworkInterfaces"].as_array_mut().expect("list").push(second);
    w["SecurityGroups"].as_array_mut().expect("list").push(json!({ "GroupId": "sg-http", "GroupName": "x", "IpPermissions": [permission("tcp", 80, 80, "0.0.0.0/0", None)] }));
    let s = snap(&w);
    assert_eq!(said(&s, "internet", "54.1.2.3", "tcp/80"), "blocked security-group sg-1");
    assert_eq!(said(&s, "internet", "54.1.2.4", "tcp/22"), "blocked security-group sg-http");
    assert_eq!(verdict(&w, "internet", "54.1.2.4", "tcp/80"), "permitted");
}

#[test]
fn r03_a_group_source_is_private_addresses_only() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-2")]);
    assert_eq!(verdict(&w, "10.0.2.10", "10.0.1.10", "tcp/22"), "permitted");
    // By public address, through a NAT gateway or not, it does not match.
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked security-group sg-1");
    w["NetworkInterfaces"][1]["PrivateIpAddresses"][0]["Association"] =
        json!({ "PublicIp": "54.9.9.9" });
    w["RouteTables"][0]["Routes"] = w["RouteTables"][1]["Routes"].clone();
    assert_eq!(said(&snap(&w), "i-2", "54.1.2.3", "tcp/22"), "blocked security-group sg-1");
    w["SecurityGroups"][0]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "54.9.9.9/32", None)]);
    assert_eq!(verdict(&w, "i-2", "54.1.2.3", "tcp/22"), "permitted");
    assert_eq!(verdict(&w, "10.0.2.10", "10.0.1.10", "tcp/22"), "blocked");
}

#[test]
fn r06_the_default_group_allows_itself_and_all_egress() {
    let mut w = world();
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "sg-2" }] }]);
    assert_eq!(verdict(&w, "10.0.1.10", "10.0.2.10", "tcp/22"), "blocked");
    w["NetworkInterfaces"][0]["Groups"] = json!([{ "GroupId": "sg-2" }]);
    assert_eq!(verdict(&w, "10.0.1.10", "10.0.2.10", "tcp/22"), "permitted");
    assert_eq!(verdict(&w, "10.0.1.10", "10.0.2.10", "50"), "permitted");
}

#[test]
fn r07_protocols_by_name_and_by_number() {
    for (text, port) in
        [("6", "tcp/22"), ("tcp", "tcp/22"), ("50", "50"), ("-1", "udp/22"), ("-1", "50")]
    {
        let mut w = world();
        w["SecurityGroups"][0]["IpPermissions"] =
            json!([permission(text, 22, 22, "0.0.0.0/0", None)]);
        assert_eq!(verdict(&w, "internet", "54.1.2.3", port), "permitted", "{text} {port}");
        assert_eq!(
            verdict(&w, "internet", "54.1.2.3", "51"),
            if text == "-1" { "permitted" } else { "blocked" }
        );
    }
    let mut w = world();
    w["NetworkAcls"][0]["Entries"][0] = entry(100, false, "6", "allow", "0.0.0.0/0");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
    w["NetworkAcls"][0]["Entries"][0] = entry(100, false, "17", "allow", "0.0.0.0/0");
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked network-acl acl-1");
}

#[test]
fn r08_missing_and_minus_one_ports() {
    for (from, to, open, closed) in [
        (json!(-1), json!(50), "tcp/50", Some("tcp/51")),
        (json!(30), json!(-1), "tcp/65535", Some("tcp/29")),
        (json!(-1), json!(-1), "tcp/1", None),
        (Value::Null, Value::Null, "tcp/65535", None),
        (json!(0), json!(65535), "tcp/80", Some("udp/80")),
    ] {
        let mut w = world();
        let mut p = permission("tcp", 0, 0, "0.0.0.0/0", None);
        p["FromPort"] = from;
        p["ToPort"] = to;
        w["SecurityGroups"][0]["IpPermissions"] = json!([p]);
        assert_eq!(verdict(&w, "internet", "54.1.2.3", open), "permitted", "{open}");
        if let Some(closed) = closed {
            assert_eq!(verdict(&w, "internet", "54.1.2.3", closed), "blocked", "{closed}");
        }
    }
}

#[test]
fn r09_icmp_types_and_codes() {
    let icmp = |from, to| {
        let mut w = world();
        w["SecurityGroups"][0]["IpPermissions"] =
            json!([permission("icmp", from, to, "0.0.0.0/0", None)]);
        w
    };
    assert_eq!(exposed(&snap(&icmp(8, -1))), ["54.1.2.3 icmp/echo permitted"]);
    assert_eq!(exposed(&snap(&icmp(8, 0))), ["54.1.2.3 icmp/echo permitted"]);
    assert_eq!(exposed(&snap(&icmp(8, 9))), ["54.1.2.3 icmp/8/9 permitted"]);
    for code in [-1, 0] {
        assert_eq!(verdict(&icmp(8, code), "internet", "54.1.2.3", "icmp/echo"), "permitted");
        assert_eq!(verdict(&icmp(8, code), "internet", "54.1.2.3", "icmp/8/0"), "permitted");
    }
    assert_eq!(exposed(&snap(&icmp(-1, -1))), ["54.1.2.3 icmp permitted"]);
    assert!(exposed(&snap(&icmp(-1, 9))).is_empty(), "a code without a type matches nothing");
    // An echo needs its answer, by the ACL's own field.
    let mut w = icmp(-1, -1);
    let mut deny = entry(50, true, "1", "deny", "0.0.0.0/0");
    deny["IcmpTypeCode"] = json!({ "Type": 0, "Code": -1 });
    w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list").push(deny);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "icmp/echo"), "blocked network-acl acl-1");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "icmp/3"), "permitted");
}

#[test]
fn r10_merged_permissions_are_one_source_each() {
    let mut w = world();
    let mut p = permission("tcp", 22, 22, "198.51.100.0/24", None);
    p["IpRanges"]
        .as_array_mut()
        .expect("list")
        .push(json!({ "CidrIp": "203.0.113.0/24", "Description": "b" }));
    w["SecurityGroups"][0]["IpPermissions"] = json!([p]);
    for (from, expected) in
        [("198.51.100.7", "permitted"), ("203.0.113.7", "permitted"), ("8.8.8.8", "blocked")]
    {
        assert_eq!(verdict(&w, from, "54.1.2.3", "tcp/22"), expected, "{from}");
    }
}

#[test]
fn r11_prefix_lists_and_unresolved_ones() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissions"] = json!([{ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{ "PrefixListId": "pl-1" }] }]);
    let s = snap(&w);
    assert_eq!(said(&s, "8.8.8.8", "54.1.2.3", "tcp/22"), "unknown security-group sg-1");
    assert_eq!(explain(&s, "8.8.8.8", "54.1.2.3", "tcp/22").gaps[0].kind, GapKind::PrefixLists);
    assert_eq!(verdict(&w, "8.8.8.8", "54.1.2.3", "tcp/23"), "blocked");
    w["PrefixLists"] = json!([{ "PrefixListId": "pl-1", "Entries": [{ "Cidr": "8.8.8.0/24" }] }]);
    assert_eq!(verdict(&w, "8.8.8.8", "54.1.2.3", "tcp/22"), "permitted");
    assert_eq!(verdict(&w, "9.9.9.9", "54.1.2.3", "tcp/22"), "blocked");
    assert_eq!(exposed(&snap(&w)), ["54.1.2.3 tcp/22 partly"]);
    // A list is of one family: unread, it says nothing of the other one.
    w["PrefixLists"] = json!([{ "PrefixListId": "pl-1", "AddressFamily": "IPv4" }]);
    assert_eq!(verdict(&w, "8.8.8.8", "54.1.2.3", "tcp/22"), "unknown");
    assert_eq!(verdict(&w, "2600:9000::1", "2600:1f00::10", "tcp/22"), "blocked");
    w["PrefixLists"] = json!([{ "PrefixListId": "pl-1" }]);
    assert_eq!(verdict(&w, "2600:9000::1", "2600:1f00::10", "tcp/22"), "unknown");
}

#[test]
fn r12_internet_is_coverage() {
    let mut w = world();
    let mut p = permission("tcp", 22, 22, "0.0.0.0/1", None);
    w["SecurityGroups"][0]["IpPermissions"] = json!([p]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "partly");
    p["IpRanges"].as_array_mut().expect("list").push(json!({ "CidrIp": "128.0.0.0/1" }));
    w["SecurityGroups"][0]["IpPermissions"] = json!([p]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
    w["SecurityGroups"][0]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "10.0.0.0/8", None)]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "blocked");
    w["SecurityGroups"][0]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "198.51.100.0/24", None)]);
    let s = snap(&w);
    let reach = Reach::new(&s, &Options::default());
    let office: AddressSet = ["198.51.100.0/24".parse().expect("a block")].into_iter().collect();
    assert_eq!(slice(&reach, "54.1.2.3", &office, "tcp/22").verdict(), Verdict::Permitted);
    assert_eq!(
        slice(&reach, "54.1.2.3", &AddressSet::outside(), "tcp/22").verdict(),
        Verdict::Partly
    );
}

#[test]
fn r13_groups_are_stateful() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissionsEgress"] = json!([]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted", "the answer passes");
    assert_eq!(said(&snap(&w), "10.0.1.10", "8.8.8.8", "tcp/443"), "blocked security-group sg-1");
}

#[test]
fn r14_interfaces_without_groups_by_type() {
    let mut w = world();
    w["NetworkInterfaces"][0]["Groups"] = json!([]);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "unknown security-group eni-1");
    w["NetworkInterfaces"][0]["InterfaceType"] = json!("nat_gateway");
    w["NetworkInterfaces"][0]["Attachment"] = Value::Null;
    w["NetworkInterfaces"][0].as_object_mut().expect("object").remove("Attachment");
    w["NatGateways"] = json!([{ "NatGatewayId": "nat-1", "State": "available", "SubnetId": "subnet-1", "NatGatewayAddresses": [{ "NetworkInterfaceId": "eni-1", "PublicIp": "54.1.2.3" }] }]);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked nat-gateway nat-1");
    assert!(exposed(&snap(&w)).is_empty());
}

#[test]
fn r15_entries_by_number_first_match_wins() {
    let mut w = world();
    let entries = w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
    entries.push(entry_ports(90, false, "deny", 20, 30));
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked network-acl acl-1");
    let answer = explain(&snap(&w), "internet", "54.1.2.3", "tcp/22");
    let decider = answer.configured.path().expect("a path").decided_by().clone();
    assert!(decider.entry.is_some_and(|e| e.contains("rule 90 deny")));
    w["NetworkAcls"][0]["Entries"]
        .as_array_mut()
        .expect("list")
        .push(entry_ports(80, false, "allow", 22, 22));
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
}

/// Who is kept out is what a partly answer is about: the deny that does it, where there is one, else
/// the line that lets only some in.
#[test]
fn r15_a_partly_answer_names_the_line_that_cuts() {
    let decided = |lines: Vec<Value>| {
        let mut w = world();
        let entries = w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
        entries.retain(|e| e["Egress"] == true);
        entries.extend(lines);
        let answer = explain(&snap(&w), "internet", "54.1.2.3", "tcp/22");
        let path = answer.configured.path().expect("a path");
        let by = path.decided_by();
        assert!(
            path.hops().iter().all(|h| !h.entry.as_deref().is_some_and(|e| e.contains("deny")))
        );
        (answer.configured.verdict(), by.entry.as_deref().unwrap_or("").to_owned())
    };
    let all = || entry(100, false, "-1", "allow", "0.0.0.0/0");
    let deny = |n, block| entry(n, false, "6", "deny", block);
    assert_eq!(
        decided(vec![deny(90, "8.8.8.0/24"), deny(91, "9.0.0.0/8"), all()]),
        (Verdict::Partly, "ingress rule 91 deny tcp 9.0.0.0/8".into())
    );
    assert_eq!(
        decided(vec![entry(100, false, "6", "allow", "9.0.0.0/8")]),
        (Verdict::Partly, "ingress rule 100 allow tcp 9.0.0.0/8".into())
    );
    // A deny of what nobody has to reach decides nothing.
    let (verdict, by) = decided(vec![deny(90, "10.9.0.0/16"), deny(110, "8.8.8.0/24"), all()]);
    assert_eq!(verdict, Verdict::Permitted);
    assert!(!by.contains("deny"), "{by}");
}

#[test]
fn r16_the_answer_needs_the_clients_port() {
    let with = |allow: Option<(i32, i32)>| {
        let mut w = world();
        let entries = w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
        entries.retain(|e| e["Egress"] != true);
        if let Some((from, to)) = allow {
            entries.push(entry_ports(100, true, "allow", from, to));
        }
        explain(&snap(&w), "internet", "54.1.2.3", "tcp/22").configured
    };
    assert_eq!(with(Some((1024, 65535))).verdict(), Verdict::Permitted);
    let Configured::Partly(path, clients) = with(Some((32768, 60999))) else {
        panic!("partly expected")
    };
    assert_eq!(clients.ports, PortSet::range(32768, 60999));
    assert_eq!(&*path.decided_by().id, "acl-1");
    assert_eq!(with(None).verdict(), Verdict::Blocked);
    assert_eq!(with(Some((22, 443))).verdict(), Verdict::Blocked);
}

#[test]
fn r16_what_denies_the_answers_is_told_by_its_number() {
    for (from, to, port) in [
        ("internet", "54.1.2.3", "tcp/22"),
        ("internet", "54.1.2.3", "icmp/8"),
        ("internet", "54.1.2.3", "50"),
    ] {
        let mut w = world();
        let all = permission("-1", -1, -1, "0.0.0.0/0", None);
        w["SecurityGroups"][0]["IpPermissions"] = json!([all]);
        let said = |w: &Value| {
            let answer = explain(&snap(w), from, to, port).configured;
            assert_eq!(answer.verdict(), Verdict::Blocked, "{port}");
            answer.path().expect("a path").decided_by().entry.as_deref().unwrap_or("").to_owned()
        };
        let entries = w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
        entries.push(entry(90, true, "-1", "deny", "0.0.0.0/0"));
        assert_eq!(said(&w), "egress denies every answer (rule 90 deny all 0.0.0.0/0)");
        let entries = w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list");
        entries.retain(|e| e["Egress"] != true);
        assert_eq!(said(&w), "egress denies every answer (rule * deny, no entry matches)");
    }
}

#[test]
fn r17_no_acl_inside_a_subnet() {
    let mut w = world();
    w["NetworkAcls"][0]["Entries"] = json!([]);
    assert_eq!(said(&snap(&w), "10.0.1.10", "10.0.2.10", "tcp/22"), "blocked network-acl acl-1");
    w["NetworkInterfaces"][1]["SubnetId"] = json!("subnet-1");
    assert_eq!(verdict(&w, "10.0.1.10", "10.0.2.10", "tcp/22"), "permitted");
}

#[test]
fn r18_acl_by_association_else_the_default() {
    let mut w = world();
    w["NetworkAcls"].as_array_mut().expect("list").push(json!({ "NetworkAclId": "acl-new", "VpcId": "vpc-1", "Associations": [{ "SubnetId": "subnet-1" }] }));
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked network-acl acl-new");
    // The association may have been in a row that could not be read.
    w["NetworkAcls"].as_array_mut().expect("list").pop();
    let mut s = snap(&w);
    outcome(&mut s, CallKind::NetworkAcls, Some(Outcome::Truncated("a row".into())));
    assert_eq!(said(&s, "internet", "54.1.2.3", "tcp/22"), "unknown network-acl subnet-1");
}

#[test]
fn r19_families_are_separate_lists() {
    let mut w = world();
    w["NetworkAcls"][0]["Entries"]
        .as_array_mut()
        .expect("list")
        .push(entry(50, false, "-1", "deny", "::/0"));
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
    assert_eq!(
        said(&snap(&w), "2600:9000::1", "2600:1f00::10", "tcp/22"),
        "blocked network-acl acl-1"
    );
}

#[test]
fn r20_route_table_by_association_else_main() {
    let mut w = world();
    w["RouteTables"][1]["Associations"] = json!([]);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked route-table rtb-main");
    w["RouteTables"][0]["Routes"] = w["RouteTables"][1]["Routes"].clone();
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
}

#[test]
fn r21_the_longest_prefix_wins() {
    let mut w = world();
    let routes = w["RouteTables"][1]["Routes"].as_array_mut().expect("list");
    routes.push(json!({ "DestinationCidrBlock": "8.8.8.0/24", "TransitGatewayId": "tgw-1", "State": "active" }));
    assert_eq!(verdict(&w, "8.8.8.8", "54.1.2.3", "tcp/22"), "blocked");
    assert_eq!(verdict(&w, "9.9.9.9", "54.1.2.3", "tcp/22"), "permitted");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "partly");
    // Static beats propagated at equal length.
    let routes = w["RouteTables"][1]["Routes"].as_array_mut().expect("list");
    routes.insert(0, json!({ "DestinationCidrBlock": "9.9.9.0/24", "GatewayId": "vgw-1", "State": "active", "Origin": "EnableVgwRoutePropagation" }));
    routes.push(json!({ "DestinationCidrBlock": "9.9.9.0/24", "GatewayId": "igw-1", "State": "active", "Origin": "CreateRoute" }));
    assert_eq!(verdict(&w, "9.9.9.9", "54.1.2.3", "tcp/22"), "permitted");
}

#[test]
fn r22_dead_routes_and_gateways() {
    let mut w = world();
    w["RouteTables"][1]["Routes"][1]["State"] = json!("blackhole");
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked route-table rtb-1");
    let mut w = world();
    w["InternetGateways"][0]["Attachments"] = json!([{ "VpcId": "vpc-9", "State": "available" }]);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked internet-gateway igw-1");
    let mut w = world();
    w["RouteTables"][0]["Routes"].as_array_mut().expect("list").push(
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active" }),
    );
    w["NatGateways"] = json!([{ "NatGatewayId": "nat-1", "State": "deleted", "SubnetId": "subnet-1", "NatGatewayAddresses": [{ "PublicIp": "54.1.2.9" }] }]);
    assert_eq!(said(&snap(&w), "10.0.2.10", "8.8.8.8", "tcp/443"), "blocked nat-gateway nat-1");
    w["NatGateways"][0]["State"] = json!("available");
    assert_eq!(verdict(&w, "10.0.2.10", "8.8.8.8", "tcp/443"), "permitted");
}

#[test]
fn r23_public_by_route_not_by_setting() {
    let mut w = world();
    w["Subnets"][0]["MapPublicIpOnLaunch"] = json!(true);
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").truncate(1);
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked route-table rtb-1");
}

#[test]
fn r24_exposure_needs_a_public_address() {
    let mut w = world();
    w["NetworkInterfaces"][0]["PrivateIpAddresses"][0] = json!({ "PrivateIpAddress": "10.0.1.10" });
    w["NetworkInterfaces"][0]["Ipv6Addresses"] = json!([]);
    assert!(exposed(&snap(&w)).is_empty());
    // A secondary address, by the elastic address's own row.
    w["NetworkInterfaces"][0]["PrivateIpAddresses"] =
        json!([{ "PrivateIpAddress": "10.0.1.10" }, { "PrivateIpAddress": "10.0.1.20" }]);
    w["Addresses"] = json!([{ "PublicIp": "54.7.7.7", "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.1.20" }]);
    assert_eq!(exposed(&snap(&w)), ["54.7.7.7 tcp/22 permitted"]);
}

#[test]
fn r24_an_address_that_only_another_row_shows() {
    let mut w = world();
    w["NetworkInterfaces"][0]["PrivateIpAddresses"][0] = json!({ "PrivateIpAddress": "10.0.1.10" });
    w["NetworkInterfaces"][0]["Ipv6Addresses"] = json!([]);
    // An elastic address that names the instance only.
    let mut e = w.clone();
    e["Addresses"] =
        json!([{ "PublicIp": "54.7.7.7", "AllocationId": "eipalloc-1", "InstanceId": "i-1" }]);
    assert_eq!(exposed(&snap(&e)), ["54.7.7.7 tcp/22 permitted"]);
    assert_eq!(verdict(&e, "internet", "i-1", "tcp/22"), "permitted");
    // The instance's own row.
    let mut i = w.clone();
    i["Instances"][0]["PublicIpAddress"] = json!("54.7.7.7");
    assert_eq!(exposed(&snap(&i)), ["54.7.7.7 tcp/22 permitted"]);
    // One whose interface nobody described is not left out in silence.
    w["Addresses"] = json!([{ "PublicIp": "54.7.7.7", "AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-9" }]);
    let s = snap(&w);
    let gaps = Reach::new(&s, &Options::default()).gaps();
    assert!(gaps.iter().any(|g| g.scope == "eipalloc-1"), "{gaps:?}");
}

#[test]
fn r24_an_interface_of_no_known_subnet_is_unknown() {
    let mut w = world();
    w["NetworkInterfaces"][0]["SubnetId"] = json!(null);
    assert_eq!(exposed(&snap(&w))[0], "54.1.2.3 tcp unknown");
}

#[test]
fn r25_answers_to_private_sources_leave_by_no_internet_gateway() {
    let w = world();
    assert_eq!(said(&snap(&w), "192.168.1.1", "10.0.1.10", "tcp/22"), "blocked route-table rtb-1");
}

#[test]
fn r28_an_address_of_a_delegated_block() {
    let mut w = world();
    w["NetworkInterfaces"][0]["Ipv6Prefixes"] = json!(["2600:1f00:0:0:1::/80"]);
    assert_eq!(verdict(&w, "internet", "2600:1f00:0:0:1::5", "tcp/22"), "permitted");
    let s = snap(&w);
    let gaps = Reach::new(&s, &Options::default()).gaps();
    assert!(gaps.iter().any(|g| g.scope == "eni-1"), "{gaps:?}");
}

#[test]
fn r03_a_private_block_is_judged_source_by_source() {
    let mut w = world();
    w["SecurityGroups"][1]["IpPermissions"] = json!([from_group("sg-1")]);
    let mut third = w["NetworkInterfaces"][0].clone();
    third["NetworkInterfaceId"] = json!("eni-3");
    third["PrivateIpAddress"] = json!("10.0.1.11");
    third["PrivateIpAddresses"] = json!([]);
    third["Ipv6Addresses"] = json!([]);
    third["Groups"] = json!([{ "GroupId": "sg-2" }]);
    w["NetworkInterfaces"].as_array_mut().expect("list").push(third);
    let s = snap(&w);
    let reach = Reach::new(&s, &Options::default());
    let from: AddressSet = ["10.0.1.0/24".parse().expect("a block")].into_iter().collect();
    let Configured::Partly(_, clients) = slice(&reach, "10.0.2.10", &from, "tcp/22") else {
        panic!("partly")
    };
    assert_eq!(clients.addresses.to_string(), "10.0.1.10/32");
    // Both commands answer alike.
    assert_eq!(verdict(&w, "10.0.1.0/24", "10.0.2.10", "tcp/22"), "partly");
}

#[test]
fn r32_a_database_is_known_by_its_place_and_groups() {
    let mut w = world();
    w["DbInstances"] = json!([{ "DBInstanceIdentifier": "db", "PubliclyAccessible": true, "VpcSecurityGroups": [{ "VpcSecurityGroupId": "sg-1" }], "DBSubnetGroup": { "VpcId": "vpc-1", "Subnets": [{ "SubnetIdentifier": "subnet-1" }] } }]);
    // No interface shows it: its groups and its subnets decide all the same.
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/22"), "permitted security-group sg-1");
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/80"), "blocked security-group sg-1");
    w["DbInstances"][0]["Endpoint"] = json!({ "Address": "db.example.org", "Port": 22 });
    assert_eq!(verdict(&w, "internet", "db.example.org", "tcp/22"), "permitted");
    assert_eq!(said(&snap(&w), "10.0.2.10", "db", "tcp/80"), "blocked security-group sg-1");
    assert_eq!(said(&snap(&w), "10.0.2.10", "db", "tcp/22"), "unknown address db");
    // It may stand in any subnet of its group: where they differ nobody knows.
    w["DbInstances"][0]["DBSubnetGroup"]["Subnets"] =
        json!([{ "SubnetIdentifier": "subnet-1" }, { "SubnetIdentifier": "subnet-2" }]);
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/22"), "unknown address db");
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/80"), "blocked security-group sg-1");
    w["DbInstances"][0]["DBSubnetGroup"]["Subnets"] = json!([{ "SubnetIdentifier": "subnet-2" }]);
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/22"), "blocked route-table rtb-main");
    w["DbInstances"][0]["DBSubnetGroup"]["Subnets"] = json!([{ "SubnetIdentifier": "subnet-1" }]);
    w["DbInstances"][0]["DBInstanceStatus"] = json!("stopped");
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/22"), "blocked instance db");
    w["DbInstances"][0]["DBInstanceStatus"] = json!("available");
    w["NetworkInterfaces"][0]["Description"] = json!("RDSNetworkInterface");
    assert_eq!(verdict(&w, "internet", "db", "tcp/22"), "permitted");
    let open = snap(&w);
    assert!(Reach::new(&open, &Options::default()).gaps().is_empty());
    w["DbInstances"][0]["PubliclyAccessible"] = json!(false);
    w["NetworkInterfaces"][0]["PrivateIpAddresses"][0]["Association"] = Value::Null;
    assert_eq!(said(&snap(&w), "internet", "db", "tcp/22"), "blocked internet internet");
}

#[test]
fn r25_the_gateway_drops_private_ends() {
    let w = world();
    assert_eq!(said(&snap(&w), "internet", "10.0.1.10", "tcp/22"), "blocked internet internet");
    assert_eq!(said(&snap(&w), "internet", "i-2", "tcp/22"), "blocked internet internet");
    assert_eq!(said(&snap(&w), "10.0.1.99", "8.8.8.8", "tcp/22"), "blocked internet-gateway igw-1");
    assert_eq!(said(&snap(&w), "8.8.8.8", "54.99.99.99", "tcp/22"), "blocked address 54.99.99.99");
}

#[test]
fn r28_ipv6_is_its_own_world() {
    let mut w = world();
    assert_eq!(exposed(&snap(&w)), ["54.1.2.3 tcp/22 permitted", "2600:1f00::10 tcp/22 permitted"]);
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").pop();
    assert_eq!(exposed(&snap(&w)), ["54.1.2.3 tcp/22 permitted"]);
    // ::/0 in a group without an IPv6 address is no exposure.
    let mut w = world();
    w["NetworkInterfaces"][0]["Ipv6Addresses"] = json!([]);
    assert_eq!(exposed(&snap(&w)), ["54.1.2.3 tcp/22 permitted"]);
    // An egress-only gateway lets nothing in.
    let mut w = world();
    w["RouteTables"][1]["Routes"][2] = json!({ "DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1", "State": "active" });
    assert_eq!(exposed(&snap(&w)), ["54.1.2.3 tcp/22 permitted"]);
}

/// A network balancer in the public subnet, whose one target is i-2 on port 8443.
pub(super) fn balanced(kind: &str) -> Value {
    let mut w = world();
    let arn =
        format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/{kind}/b/1");
    let description = format!("ELB {kind}/b/1");
    w["NetworkInterfaces"].as_array_mut().expect("list").push(json!({
        "NetworkInterfaceId": "eni-b", "InterfaceType": if kind == "net" { "network_load_balancer" } else { "interface" },
        "Description": description, "Status": "in-use", "AvailabilityZone": "eu-west-1a", "SubnetId": "subnet-1", "VpcId": "vpc-1",
        "PrivateIpAddress": "10.0.1.50", "Association": { "PublicIp": "54.5.5.5" },
        "Groups": if kind == "net" { json!([]) } else { json!([{ "GroupId": "sg-b" }]) },
    }));
    w["SecurityGroups"].as_array_mut().expect("list").push(json!({ "GroupId": "sg-b", "GroupName": "b", "IpPermissions": [permission("tcp", 443, 443, "0.0.0.0/0", None)] }));
    w["LoadBalancers"] = json!([{ "LoadBalancerArn": arn, "Type": if kind == "net" { "network" } else { "application" }, "Scheme": "internet-facing", "State": { "Code": "active" }, "Attributes": { "load_balancing.cross_zone.enabled": "true" } }]);
    w["Listeners"] = json!([{ "ListenerArn": "l", "LoadBalancerArn": arn, "Port": 443, "Protocol": if kind == "net" { "TCP" } else { "HTTPS" }, "DefaultActions": [{ "Type": "forward", "TargetGroupArn": "tg" }] }]);
    w["TargetGroups"] = json!([{ "TargetGroupArn": "tg", "Port": 8443, "TargetType": "instance", "Attributes": { "preserve_client_ip.enabled": "true" }, "Targets": [{ "Target": { "Id": "i-2", "Port": 8443 }, "State": "healthy" }] }]);
    w
}

/// The same with a target that lets the balancer's clients in.
pub(super) fn balanced_open() -> Value {
    let mut w = balanced("net");
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 8443, 8443, "0.0.0.0/0", None)]);
    w
}

#[test]
fn r31_balancers() {
    // A network balancer passes packets on: the target's groups decide on the target's port.
    let mut w = balanced("net");
    assert_eq!(said(&snap(&w), "internet", "54.5.5.5", "tcp/443"), "blocked security-group sg-2");
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 8443, 8443, "0.0.0.0/0", None)]);
    assert_eq!(verdict(&w, "internet", "54.5.5.5", "tcp/443"), "permitted");
    assert!(
        said(&snap(&w), "internet", "54.5.5.5", "tcp/8443")
            .starts_with("blocked load-balancer arn")
    );
    // The client's address is kept, so the target may admit some clients only.
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 8443, 8443, "8.0.0.0/8", None)]);
    assert_eq!(verdict(&w, "8.8.8.8", "54.5.5.5", "tcp/443"), "permitted");
    assert_eq!(verdict(&w, "9.9.9.9", "54.5.5.5", "tcp/443"), "blocked");
    assert_eq!(verdict(&w, "internet", "54.5.5.5", "tcp/443"), "partly");
    // Without cross-zone the node reaches targets of its own zone only.
    w["LoadBalancers"][0]["Attributes"] = json!({ "load_balancing.cross_zone.enabled": "false" });
    assert!(said(&snap(&w), "8.8.8.8", "54.5.5.5", "tcp/443").starts_with("blocked load-balancer"));
    // All unhealthy means all get traffic.
    w["LoadBalancers"][0]["Attributes"] = json!({ "load_balancing.cross_zone.enabled": "true" });
    w["TargetGroups"][0]["Targets"][0]["State"] = json!("unhealthy");
    assert_eq!(verdict(&w, "8.8.8.8", "54.5.5.5", "tcp/443"), "permitted");
    // An application balancer answers itself; a port without listener stays closed behind an open group.
    let mut w = balanced("app");
    assert_eq!(verdict(&w, "internet", "54.5.5.5", "tcp/443"), "permitted");
    w["Listeners"][0]["Port"] = json!(8000);
    assert!(
        said(&snap(&w), "internet", "54.5.5.5", "tcp/443").starts_with("blocked load-balancer")
    );
    assert_eq!(said(&snap(&w), "internet", "54.5.5.5", "tcp/8000"), "blocked security-group sg-b");
}

#[test]
fn r29_peering_needs_routes_on_both_sides() {
    let mut w = world();
    let text = w.to_string();
    let other = text
        .replace("vpc-1", "vpc-2")
        .replace("10.0.", "10.9.")
        .replace("eni-", "eni-9")
        .replace("\"i-", "\"i-9")
        .replace("subnet-", "subnet-9")
        .replace("acl-1", "acl-9")
        .replace("rtb-", "rtb-9")
        .replace("igw-1", "igw-9")
        .replace("sg-", "sg-9")
        .replace("54.1.2.3", "54.2.2.2")
        .replace("2600:1f00::", "2600:1f99::")
        .replace("111122223333", "444455556666");
    let mut other: Value = serde_json::from_str(&other).expect("json");
    w["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "AccepterVpcInfo": { "VpcId": "vpc-1" }, "RequesterVpcInfo": { "VpcId": "vpc-2" }, "Status": { "Code": "active" } }]);
    let route = |to: &str| json!({ "DestinationCidrBlock": to, "VpcPeeringConnectionId": "pcx-1", "State": "active" });
    let both = |a: &Value, b: &Value| {
        said(&snapshot(vec![a.clone(), b.clone()]), "10.0.1.10", "10.9.2.10", "tcp/22")
    };
    assert!(both(&w, &other).starts_with("blocked internet-gateway igw-1"), "{}", both(&w, &other));
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(route("10.9.0.0/16"));
    assert_eq!(both(&w, &other), "blocked subnet subnet-92", "no way back");
    other["RouteTables"][0]["Routes"].as_array_mut().expect("list").push(route("10.0.0.0/16"));
    assert!(both(&w, &other).starts_with("permitted"), "{}", both(&w, &other));
    w["VpcPeeringConnections"][0]["Status"]["Code"] = json!("deleted");
    assert_eq!(both(&w, &other), "blocked vpc-peering pcx-1");
}

#[test]
fn r34_state_matters() {
    let mut w = world();
    w["Instances"][0]["State"]["Name"] = json!("stopped");
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "blocked instance i-1");
    let mut w = world();
    w["NetworkInterfaces"][0]["Status"] = json!("available");
    assert_eq!(
        said(&snap(&w), "internet", "54.1.2.3", "tcp/22"),
        "blocked network-interface eni-1"
    );
}

#[test]
fn r35_block_public_access_overrides_everything() {
    let mut w = world();
    w["BpaOptions"]["InternetGatewayBlockMode"] = json!("block-ingress");
    assert!(
        said(&snap(&w), "internet", "54.1.2.3", "tcp/22")
            .starts_with("blocked block-public-access")
    );
    w["BpaExclusions"] = json!([{ "ExclusionId": "x", "InternetGatewayExclusionMode": "allow-egress", "ResourceArn": "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1", "State": "create-complete" }]);
    assert!(
        said(&snap(&w), "internet", "54.1.2.3", "tcp/22")
            .starts_with("blocked block-public-access")
    );
    w["BpaExclusions"][0]["InternetGatewayExclusionMode"] = json!("allow-bidirectional");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "permitted");
    // An exclusion that is being made or taken back may be in force or not.
    for (state, wanted) in [
        ("create-in-progress", "unknown"),
        ("update-in-progress", "unknown"),
        ("delete-in-progress", "unknown"),
        ("disable-in-progress", "unknown"),
        ("some-new-state", "unknown"),
        ("create-failed", "blocked"),
        ("delete-complete", "blocked"),
        ("disable-complete", "blocked"),
    ] {
        w["BpaExclusions"][0]["State"] = json!(state);
        let answer = explain(&snap(&w), "internet", "54.1.2.3", "tcp/22");
        assert_eq!(answer.configured.verdict().to_string(), wanted, "{state}");
        let told = answer.gaps.iter().any(|g| g.scope == "x" && g.why.contains(state));
        assert_eq!(told, wanted == "unknown", "{state}: {:?}", answer.gaps);
    }
    // One that lets nothing in either way changes nothing.
    w["BpaExclusions"][0]["State"] = json!("create-in-progress");
    w["BpaExclusions"][0]["InternetGatewayExclusionMode"] = json!("allow-egress");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), "blocked");
    // Not asked in saved output: the default, as a named assumption, with the gap listed.
    let mut s = snap(&world());
    outcome(&mut s, CallKind::VpcBpaOptions, None);
    let answer = explain(&s, "internet", "54.1.2.3", "tcp/22");
    assert_eq!(answer.configured.verdict(), Verdict::Permitted);
    assert_eq!(answer.configured.path().expect("a path").assumptions()[0].code, "VPC_BPA_OFF");
    assert_eq!(answer.gaps[0].kind, GapKind::VpcBpa);
    // Denied is unknown, unless it is taken to be off.
    outcome(&mut s, CallKind::VpcBpaOptions, None);
    let mut s = snap(&world());
    outcome(&mut s, CallKind::VpcBpaOptions, Some(Outcome::Denied("no".into())));
    assert!(said(&s, "internet", "54.1.2.3", "tcp/22").starts_with("unknown block-public-access"));
    let reach = Reach::new(&s, &Options { assume_bpa_off: true });
    assert_eq!(
        slice(&reach, "54.1.2.3", &AddressSet::outside(), "tcp/22").verdict(),
        Verdict::Permitted
    );
    assert_eq!(
        slice(&reach, "54.1.2.3", &AddressSet::outside(), "tcp/80").verdict(),
        Verdict::Blocked
    );
}

#[test]
fn r36_what_is_not_modelled_is_said() {
    let mut w = world();
    w["RouteTables"][1]["Routes"][1] = json!({ "DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-fw", "State": "active" });
    let answer = explain(&snap(&w), "internet", "54.1.2.3", "tcp/22");
    assert_eq!(answer.configured.verdict(), Verdict::Unknown);
    assert_eq!(answer.gaps[0].kind, GapKind::NotModelled);
    // Another layer blocks for sure.
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/80"), "blocked");
    // A target of a kind that nobody knows, and a state that is neither active nor a blackhole.
    for route in [
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "SomeNewArn": "arn:x", "State": "active" }),
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "filtered" }),
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "new-state" }),
    ] {
        w["RouteTables"][1]["Routes"][1] = route.clone();
        let answer = explain(&snap(&w), "internet", "54.1.2.3", "tcp/22");
        assert_eq!(answer.configured.verdict(), Verdict::Unknown, "{route}");
        assert_eq!(answer.gaps[0].kind, GapKind::NotModelled, "{route}");
        assert_eq!(verdict(&w, "i-1", "8.8.8.8", "tcp/443"), "unknown", "{route}");
    }
}

#[test]
fn r36_a_firewalls_endpoint_is_no_gateway_endpoint() {
    let mut w = world();
    w["RouteTables"][1]["Routes"][1] =
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vpce-9", "State": "active" });
    assert_eq!(said(&snap(&w), "internet", "54.1.2.3", "tcp/22"), "unknown route-table rtb-1");
}

#[test]
fn r36_an_edge_route_to_another_subnet_changes_nothing() {
    let mut w = world();
    for (block, wanted) in [("10.0.2.0/24", "permitted"), ("10.0.1.0/24", "unknown")] {
        let edge = json!({ "RouteTableId": "rtb-e", "VpcId": "vpc-1", "Associations": [{ "GatewayId": "igw-1" }], "Routes": [{ "DestinationCidrBlock": block, "NetworkInterfaceId": "eni-fw", "State": "active" }] });
        let tables = w["RouteTables"].as_array_mut().expect("list");
        tables.truncate(2);
        tables.push(edge);
        assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/22"), wanted, "{block}");
    }
}

#[test]
fn r39_amazons_own_services_are_not_filtered() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissionsEgress"] = json!([]);
    w["NetworkAcls"][0]["Entries"] = json!([]);
    for (to, port) in [
        ("169.254.169.254", "tcp/80"),
        ("169.254.169.253", "udp/53"),
        ("169.254.169.123", "udp/123"),
        ("10.0.0.2", "udp/53"),
    ] {
        assert_eq!(verdict(&w, "i-1", to, port), "permitted", "{to}");
    }
    assert_eq!(verdict(&w, "i-1", "8.8.8.8", "udp/53"), "blocked");
}

#[test]
fn r37_identity_by_id_never_by_name() {
    let mut w = world();
    // Every group is called "default": only the id counts.
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 443, 443, "0.0.0.0/0", None)]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "tcp/443"), "blocked");
    let mut twin = w.clone();
    twin["Account"] = json!("444455556666");
    twin["NetworkInterfaces"][1]["NetworkInterfaceId"] = json!("eni-twin");
    twin["NetworkInterfaces"][1]["VpcId"] = json!("vpc-7");
    twin["NetworkInterfaces"].as_array_mut().expect("list").remove(0);
    let s = snapshot(vec![w, twin]);
    let query = Query {
        from: End::Internet,
        to: End::Address("10.0.2.10".parse().expect("an address")),
        protocol: Some(Protocol::Tcp),
        ports: PortSet::one(22),
    };
    let error = Reach::new(&s, &Options::default()).explain(&query).expect_err("ambiguous");
    assert!(matches!(error, QueryError::Ambiguous { ref candidates, .. } if candidates.len() == 2));
}

#[test]
fn r38_missing_input_blinds_exactly_its_rows() {
    for (kind, gap) in [
        (CallKind::NetworkAcls, GapKind::NetworkAcls),
        (CallKind::RouteTables, GapKind::RouteTables),
        (CallKind::InternetGateways, GapKind::InternetGateways),
        (CallKind::SecurityGroups, GapKind::SecurityGroups),
    ] {
        let mut w = world();
        let list = match kind {
            CallKind::NetworkAcls => "NetworkAcls",
            CallKind::RouteTables => "RouteTables",
            CallKind::InternetGateways => "InternetGateways",
            _ => "SecurityGroups",
        };
        w[list] = json!([]);
        let mut s = snap(&w);
        outcome(&mut s, kind, Some(Outcome::Denied("no".into())));
        let answer = explain(&s, "internet", "54.1.2.3", "tcp/22");
        assert_eq!(answer.configured.verdict(), Verdict::Unknown, "{kind:?}");
        assert!(answer.gaps.iter().any(|g| g.kind == gap), "{kind:?}: {:?}", answer.gaps);
        // What the groups surely block stays blocked.
        if kind != CallKind::SecurityGroups {
            assert_eq!(
                explain(&s, "internet", "54.1.2.3", "tcp/80").configured.verdict(),
                Verdict::Blocked
            );
            assert!(exposed(&s).contains(&"54.1.2.3 tcp/22 unknown".to_owned()), "{kind:?}");
        }
    }
    // A call that nothing references blinds nothing.
    let mut s = snap(&world());
    outcome(&mut s, CallKind::LoadBalancers, None);
    assert_eq!(
        explain(&s, "internet", "54.1.2.3", "tcp/22").configured.verdict(),
        Verdict::Permitted
    );
    // Who owns an address is unknown where interfaces could not be listed.
    outcome(&mut s, CallKind::NetworkInterfaces, Some(Outcome::Throttled("x".into())));
    assert_eq!(said(&s, "8.8.8.8", "54.99.99.99", "tcp/22"), "unknown address 54.99.99.99");
}

#[test]
fn slices_partition_what_was_asked() {
    let s = snap(&world());
    let reach = Reach::new(&s, &Options::default());
    let ports = PortSet::range(1, 1000);
    let address = "54.1.2.3".parse().expect("an address");
    let slices = reach.slices(address, None, &AddressSet::outside(), Protocol::Tcp, &ports);
    let all = slices.iter().fold(PortSet::empty(), |all, (p, _)| {
        assert!(!all.intersects(p), "disjoint");
        all.union(p)
    });
    assert_eq!(all, ports);
    assert_eq!(slices.len(), 2);
    let nobody = "192.0.2.7".parse().expect("an address");
    let slices = reach.slices(nobody, None, &AddressSet::outside(), Protocol::Tcp, &ports);
    assert_eq!(slices, [(ports, Configured::NotApplicable)]);
}
