//! A test for each comparison rule, D1 to D9, that concerns groups.

use super::*;
use crate::exposure::Configuration;
use crate::exposure::fake::{Fake, ip};
use crate::model::{Gap, GapKind, PortSet, icmp_key};
use crate::reach::Layer;
use crate::snapshot::{Call, CallKind, Outcome, Snapshot};
use crate::spec::{self, Source, Spec};
use serde_json::{Value, json};

fn spec(group: &str) -> Spec {
    let text = format!(
        "version: 1\nnetworks:\n  office: [198.51.100.0/24]\ngroups:\n  sg-0000000000000001: {group}\n"
    );
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

/// A snapshot of one group with these permissions, on one interface at 203.0.113.1.
fn snapshot(ingress: Value, egress: Value) -> Snapshot {
    let mut snapshot = Snapshot::empty("2026-01-01T00:00:00Z".parse().expect("a time"));
    let view = json!({
        "Account": "111111111111", "Region": "us-west-1",
        "SecurityGroups": [{
            "GroupId": "sg-0000000000000001", "GroupName": "edge", "OwnerId": "111111111111",
            "VpcId": "vpc-1", "IpPermissions": ingress, "IpPermissionsEgress": egress,
        }],
        "NetworkInterfaces": [{
            "NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1",
            "PrivateIpAddresses": [{ "PrivateIpAddress": "10.0.0.1", "Primary": true,
                "Association": { "PublicIp": "203.0.113.1" } }],
            "Groups": [{ "GroupId": "sg-0000000000000001" }],
        }],
    });
    snapshot.regions.push(serde_json::from_value(view).expect("a view"));
    complete(&mut snapshot, Outcome::Complete);
    snapshot
}

fn complete(snapshot: &mut Snapshot, outcome: Outcome) {
    let call = |kind, outcome| Call {
        account: "111111111111".into(),
        region: "us-west-1".into(),
        kind,
        outcome,
        items: 1,
    };
    snapshot.calls = vec![
        call(CallKind::SecurityGroups, outcome),
        call(CallKind::NetworkInterfaces, Outcome::Complete),
    ];
}

fn open_to(port: u16, block: &str) -> Value {
    json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{ "CidrIp": block }] })
}

fn world() -> Fake {
    Fake::of(&["203.0.113.1", "10.0.0.1"])
}

fn one(spec: &Spec, snapshot: &Snapshot, fake: &Fake) -> Option<GroupDrift> {
    one_by(spec, snapshot, fake)
}

fn one_by(spec: &Spec, snapshot: &Snapshot, by: &dyn Configuration) -> Option<GroupDrift> {
    compare(spec, snapshot, by).groups.pop()
}

#[test]
fn each_icmp_is_declared_and_compared_over_its_own_family() {
    let spec = spec(
        "{ ingress: [{ port: icmp/echo, from: internet }, { port: icmpv6/echo, from: any }] }",
    );
    let echo = |protocol: &str, kind: u8, ranges: &Value| {
        let mut row = ranges.clone();
        row["IpProtocol"] = json!(protocol);
        (row["FromPort"], row["ToPort"]) = (json!(kind), json!(-1));
        row
    };
    let v4 = json!({ "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] });
    let v6 = json!({ "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] });
    let fits = json!([echo("icmp", 8, &v4), echo("icmpv6", 128, &v6)]);
    assert_eq!(one(&spec, &snapshot(fits.clone(), json!([])), &world()), None);
    // What matches nothing is told as that, and is no difference.
    let mut more = fits;
    more.as_array_mut().expect("list").push(echo("icmp", 8, &v6));
    let drift = compare(&spec, &snapshot(more, json!([])), &world());
    assert_eq!(drift.groups, []);
    let why =
        OddWhy::Invalid("icmp/echo from ::/0 matches nothing: no IPv6 packet carries icmp".into());
    assert_eq!(drift.odd.iter().map(|o| &o.why).collect::<Vec<_>>(), [&why]);
}

#[test]
fn d1_d10_one_permission_of_many_sources_is_as_many_of_one() {
    let spec =
        spec("{ ingress: [{ port: tcp/443, from: [192.0.2.0/24, office] }], egress: [any] }");
    let merged = json!([{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "IpRanges": [{ "CidrIp": "198.51.100.0/24" }, { "CidrIp": "192.0.2.0/24" }] }]);
    let apart = json!([open_to(443, "192.0.2.0/24"), open_to(443, "198.51.100.0/24")]);
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }], "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] }]);
    for ingress in [merged, apart] {
        assert_eq!(one(&spec, &snapshot(ingress, all.clone()), &world()), None);
    }
}

#[test]
fn d2_self_is_the_groups_own_id() {
    let spec = spec("{ ingress: [{ port: tcp/7800, from: self }] }");
    let live = json!([{ "IpProtocol": "tcp", "FromPort": 7800, "ToPort": 7800,
        "UserIdGroupPairs": [{ "GroupId": "sg-0000000000000001" }] }]);
    assert_eq!(one(&spec, &snapshot(live, json!([])), &world()), None);
}

#[test]
fn d3_every_protocol_has_no_ports_however_it_is_written() {
    let spec = spec("{ ingress: [{ port: all, from: 192.0.2.0/24 }] }");
    for (from, to) in [(None, None), (Some(0), Some(0)), (Some(-1), Some(-1))] {
        let live = json!([{ "IpProtocol": "-1", "FromPort": from, "ToPort": to,
            "IpRanges": [{ "CidrIp": "192.0.2.0/24" }] }]);
        assert_eq!(one(&spec, &snapshot(live, json!([])), &world()), None, "{from:?}");
    }
}

#[test]
fn d4_order_is_nothing() {
    let spec = spec(
        "{ ingress: [{ port: tcp/80, from: 192.0.2.0/24 }, { port: tcp/443, from: 192.0.2.0/24 }] }",
    );
    let live = json!([open_to(443, "192.0.2.0/24"), open_to(80, "192.0.2.0/24")]);
    assert_eq!(one(&spec, &snapshot(live, json!([])), &world()), None);
}

#[test]
fn d5_words_are_a_class_of_their_own() {
    let spec = spec(
        "{ name: front, ingress: [{ port: tcp/443, from: 192.0.2.0/24, description: customers }] }",
    );
    let mut live = open_to(443, "192.0.2.0/24");
    live["IpRanges"][0]["Description"] = "cust\nomers".into();
    let drift = one(&spec, &snapshot(json!([live]), json!([])), &world()).expect("drift");
    assert_eq!(drift.class, Class::Words);
    assert!(
        drift.diff.contains("-name front") && drift.diff.contains("+name edge"),
        "{}",
        drift.diff
    );
    assert!(drift.diff.contains("\"cust omers\""), "a line break is not a line: {}", drift.diff);
}

#[test]
fn d6_what_aws_makes_and_what_nobody_declared_is_not_drift() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: 192.0.2.0/24 }] }");
    let egress = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let mut snapshot = snapshot(json!([open_to(443, "192.0.2.0/24")]), egress);
    let default = json!({ "GroupId": "sg-0000000000000002", "GroupName": "default" });
    snapshot.regions[0].security_groups.push(serde_json::from_value(default).expect("a group"));
    assert_eq!(compare(&spec, &snapshot, &world()), Drifted::default());
}

#[test]
fn d8_drift_says_whether_what_can_be_reached_changes() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: internet }] }");
    let mut live = open_to(443, "0.0.0.0/0");
    live["Ipv6Ranges"] = json!([{ "CidrIpv6": "::/0" }]);
    // Something more is open, and the path lets it in.
    let extra = snapshot(json!([live, open_to(8080, "0.0.0.0/0")]), json!([]));
    let lets = world().lets("203.0.113.1", "tcp/8080", &["0.0.0.0/0"]);
    let drift = one(&spec, &extra, &lets).expect("drift");
    assert_eq!(drift.class, Class::Exposes);
    assert_eq!(drift.differences.len(), 1);
    let line = "+ingress tcp/8080 from 0.0.0.0/0  # changes what reaches eni-1";
    assert!(drift.diff.contains(line), "{}", drift.diff);
    assert!(drift.diff.starts_with("--- declared spec.yaml:5:"), "{}", drift.diff);
    // The same permission where another layer blocks: drift, but nothing changes.
    assert_eq!(one(&spec, &extra, &world()).map(|d| d.class), Some(Class::Harmless));

    // Something declared is not there, and only the group keeps it out.
    let none = snapshot(json!([]), json!([]));
    assert_eq!(one(&spec, &none, &world()).map(|d| d.class), Some(Class::Exposes));
    let mut routed = world();
    routed.blocker = Some(Layer::RouteTable);
    assert_eq!(one(&spec, &none, &routed).map(|d| d.class), Some(Class::Harmless));

    // Two halves of what is declared whole: other lines, the same packets.
    let halves = json!([open_to(443, "0.0.0.0/1"), open_to(443, "128.0.0.0/1"),
        { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] }]);
    let lets = world().lets("203.0.113.1", "tcp/443", &["0.0.0.0/0"]);
    assert_eq!(
        one(&spec, &snapshot(halves, json!([])), &lets).map(|d| d.class),
        Some(Class::Harmless)
    );
}

#[test]
fn d8_another_group_of_the_interface_makes_it_harmless() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: 192.0.2.0/24 }] }");
    let mut snapshot =
        snapshot(json!([open_to(443, "192.0.2.0/24"), open_to(8080, "0.0.0.0/0")]), json!([]));
    let lets = world().lets("203.0.113.1", "tcp/8080", &["0.0.0.0/0"]);
    assert_eq!(one(&spec, &snapshot, &lets).map(|d| d.class), Some(Class::Exposes));
    let other = json!({ "GroupId": "sg-0000000000000002", "GroupName": "other",
        "IpPermissions": [open_to(8080, "0.0.0.0/0")] });
    let view = &mut snapshot.regions[0];
    view.security_groups.push(serde_json::from_value(other).expect("a group"));
    let id = json!({ "GroupId": "sg-0000000000000002" });
    view.network_interfaces[0].groups.push(serde_json::from_value(id).expect("a ref"));
    assert_eq!(one(&spec, &snapshot, &lets).map(|d| d.class), Some(Class::Harmless));
}

#[test]
fn d9_identity_is_the_id_and_never_an_address_or_a_name() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: 192.0.2.0/24 }] }");
    let mut snapshot = snapshot(json!([open_to(443, "192.0.2.0/24")]), json!([]));
    snapshot.regions[0].security_groups[0].group_name = "another".into();
    snapshot.regions[0].network_interfaces[0].private_ip_address = Some(ip("10.9.9.9"));
    assert_eq!(one(&spec, &snapshot, &world()), None, "no name is declared, none is compared");
}

#[test]
fn a_group_is_missing_only_where_every_group_was_listed() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: 192.0.2.0/24 }] }");
    let mut snapshot = snapshot(json!([]), json!([]));
    snapshot.regions[0].security_groups.clear();
    assert_eq!(one(&spec, &snapshot, &world()).map(|d| d.class), Some(Class::Missing));
    for outcome in [Outcome::Denied("no".into()), Outcome::Truncated("no".into()), Outcome::Missing]
    {
        complete(&mut snapshot, outcome);
        let drifted = compare(&spec, &snapshot, &world());
        assert!(drifted.groups.is_empty());
        assert_eq!(drifted.gaps.first().map(|g| g.kind), Some(GapKind::SecurityGroups));
    }
}

#[test]
fn a_group_may_be_in_an_account_that_could_not_be_entered() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: 192.0.2.0/24 }] }");
    let mut snapshot = snapshot(json!([]), json!([]));
    let group = std::mem::take(&mut snapshot.regions[0].security_groups).remove(0).group_id;
    snapshot.calls.push(Call {
        account: "222222222222".into(),
        region: "us-west-1".into(),
        kind: CallKind::CallerIdentity,
        outcome: Outcome::Denied("AccessDenied".into()),
        items: 0,
    });
    let drifted = compare(&spec, &snapshot, &world());
    assert_eq!(drifted.groups, []);
    let names = |g: &&Gap| g.kind == GapKind::Account && g.scope == group;
    let gap = drifted.gaps.iter().find(names).expect("a gap of the group");
    assert!(gap.why.contains("222222222222/us-west-1"), "{gap}");
}

#[test]
fn permissions_that_match_nothing_are_told() {
    let live = json!([
        { "IpProtocol": "icmp", "FromPort": -1, "ToPort": 4, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] },
        { "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
          "UserIdGroupPairs": [{ "GroupId": "sg-00000000000000ff", "UserId": "111111111111" }] },
        { "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
          "UserIdGroupPairs": [{ "GroupId": "sg-00000000000000ee", "PeeringStatus": "deleted",
            "VpcPeeringConnectionId": "pcx-1" }] },
    ]);
    let mut snapshot = snapshot(live, json!([]));
    let empty = Spec::default();
    let odd = compare(&empty, &snapshot, &world()).odd;
    assert_eq!(odd.len(), 3, "{odd:#?}");
    assert!(matches!(&odd[0].why, OddWhy::Invalid(w) if w.contains("any type with code 4")));
    // A listing with holes proves nothing gone.
    complete(&mut snapshot, Outcome::Truncated("page 2".into()));
    assert_eq!(compare(&empty, &snapshot, &world()).odd.len(), 2);
}

/// Everybody who carries the group is touched, and one name alone looks like one host.
#[test]
fn d8_how_many_interfaces_a_difference_touches_is_told() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: internet, description: customers }] }");
    let mut live = open_to(443, "0.0.0.0/0");
    live["Ipv6Ranges"] = json!([{ "CidrIpv6": "::/0" }]);
    let mut snapshot = snapshot(json!([live, open_to(8080, "0.0.0.0/0")]), json!([]));
    let mut fake = Fake::of(&["203.0.113.1", "203.0.113.2", "203.0.113.3", "10.0.0.1"]).lets(
        "203.0.113.1",
        "tcp/8080",
        &["0.0.0.0/0"],
    );
    for n in 2..=3 {
        let mut other = snapshot.regions[0].network_interfaces[0].clone();
        other.network_interface_id = format!("eni-{n}");
        let public = format!("203.0.113.{n}");
        let association = &mut other.private_ip_addresses[0].association;
        association.as_mut().expect("one").public_ip = Some(ip(&public));
        snapshot.regions[0].network_interfaces.push(other);
        fake = fake.lets(&public, "tcp/8080", &["0.0.0.0/0"]);
    }
    let drift = one(&spec, &snapshot, &fake).expect("drift");
    assert!(drift.diff.contains("# changes what reaches eni-1 and 2 more"), "{}", drift.diff);
    // What is put in is described as it is declared, or its words would be the next drift.
    snapshot.regions[0].security_groups[0].ip_permissions.clear();
    let drift = one(&spec, &snapshot, &world()).expect("drift");
    let words = drift.differences.iter().map(|d| d.description.as_deref());
    assert!(words.clone().count() > 0 && words.flatten().all(|w| w == "customers"));
}

/// The snapshot of a whole VPC, so that the engine itself can be asked.
fn whole(ingress: Value) -> Snapshot {
    let mut snapshot = snapshot(ingress, json!([]));
    let view = &mut snapshot.regions[0];
    let more = json!({
        "Account": "111111111111", "Region": "us-west-1",
        "Vpcs": [{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16" }],
        "Subnets": [{ "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24" }],
        "InternetGateways": [{ "InternetGatewayId": "igw-1", "Attachments": [{ "VpcId": "vpc-1", "State": "available" }] }],
        "RouteTables": [{ "RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{ "Main": true }],
            "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active" },
                { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active" }] }],
        "NetworkAcls": [{ "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Entries": [
            { "RuleNumber": 100, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0" },
            { "RuleNumber": 100, "Egress": true, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0" }] }],
    });
    let more: crate::snapshot::RegionView = serde_json::from_value(more).expect("a view");
    let (groups, mut nics) = (view.security_groups.clone(), view.network_interfaces.clone());
    nics[0].vpc_id = Some("vpc-1".into());
    nics[0].subnet_id = Some("subnet-1".into());
    *view =
        crate::snapshot::RegionView { security_groups: groups, network_interfaces: nics, ..more };
    snapshot.calls = CallKind::ALL
        .iter()
        .map(|kind| Call {
            account: "111111111111".into(),
            region: "us-west-1".into(),
            kind: *kind,
            outcome: Outcome::Complete,
            items: 0,
        })
        .collect();
    snapshot
}

fn class(spec: &Spec, snapshot: &Snapshot) -> Option<Class> {
    let reach = crate::reach::Reach::new(snapshot, &crate::reach::Options::default());
    one_by(spec, snapshot, &reach).map(|g| g.class)
}

fn all_from_itself() -> Value {
    json!({ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "sg-0000000000000001" }] })
}

#[test]
fn d8_what_reach_calls_open_is_not_called_harmless() {
    let spec = spec("{ ingress: [{ port: all, from: self }] }");
    let live = || whole(json!([all_from_itself(), open_to(22, "198.51.100.0/24")]));
    let exposed = live();
    assert_eq!(class(&spec, &exposed), Some(Class::Exposes));
    // The public address stands with the interface and not with its private address, or elsewhere.
    let mut s = live();
    let nic = &mut s.regions[0].network_interfaces[0];
    nic.association = nic.private_ip_addresses[0].association.take();
    assert_eq!(class(&spec, &s), Some(Class::Exposes));
    let mut s = live();
    let view = &mut s.regions[0];
    view.network_interfaces[0].private_ip_addresses[0].association = None;
    assert_eq!(class(&spec, &s), Some(Class::Harmless), "it has no public address");
    s.regions[0].addresses.push(crate::snapshot::Address {
        public_ip: Some(ip("203.0.113.1")),
        network_interface_id: Some("eni-1".into()),
        private_ip_address: Some(ip("10.0.0.1")),
        ..Default::default()
    });
    assert_eq!(class(&spec, &s), Some(Class::Exposes));
}

#[test]
fn d8_a_broader_block_changes_no_less_than_one_inside_it() {
    let spec = spec("{ ingress: [{ port: all, from: self }] }");
    for block in ["10.0.0.0/24", "10.0.0.0/16", "10.0.0.0/8"] {
        let s = whole(json!([all_from_itself(), open_to(22, block)]));
        assert_eq!(class(&spec, &s), Some(Class::Exposes), "{block}");
    }
    let s = whole(json!([all_from_itself(), open_to(22, "172.16.0.0/12")]));
    assert_eq!(class(&spec, &s), Some(Class::Harmless), "no route leads there");
}

/// Whoever carries a group that nobody read, and whoever carries one where not every interface was
/// listed, may be let in: that is no harmless difference.
#[test]
fn d8_what_nobody_could_see_is_not_called_harmless() {
    let spec = spec("{ ingress: [{ port: all, from: self }] }");
    let from = |group: &str| {
        json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{
            "GroupId": group, "VpcId": "vpc-2", "VpcPeeringConnectionId": "pcx-1" }] })
    };
    let s = whole(json!([all_from_itself(), from("sg-000000000000beef")]));
    assert_eq!(class(&spec, &s), Some(Class::Exposes), "of a VPC that was not read");
    let mut gone = from("sg-000000000000beef");
    gone["UserIdGroupPairs"][0]["PeeringStatus"] = json!("deleted");
    let s = whole(json!([all_from_itself(), gone]));
    assert_eq!(class(&spec, &s), Some(Class::Harmless), "its peering is gone");

    let mut s = whole(json!([all_from_itself(), open_to(22, "172.16.0.0/12")]));
    assert_eq!(class(&spec, &s), Some(Class::Harmless), "no route leads there");
    s.regions[0].network_interfaces.clear();
    assert_eq!(class(&spec, &s), Some(Class::Harmless), "nobody carries it");
    let interfaces = s.calls.iter_mut().find(|c| c.kind == CallKind::NetworkInterfaces);
    interfaces.expect("a call").outcome = Outcome::Denied("UnauthorizedOperation".into());
    let reach = crate::reach::Reach::new(&s, &crate::reach::Options::default());
    let drift = one_by(&spec, &s, &reach).expect("drift");
    assert_eq!(drift.class, Class::Exposes);
    assert_eq!(drift.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), [GapKind::NetworkInterfaces]);
    assert!(drift.diff.contains("# may change what can be reached"), "{}", drift.diff);
}

/// The API revokes what is named to the letter: packets do not tell these apart, it does.
#[test]
fn what_is_taken_out_is_named_as_it_is_written() {
    let spec = spec("{ ingress: [{ port: tcp/443, from: office }] }");
    let icmp = |code: i32| {
        json!({ "IpProtocol": "icmp", "FromPort": 8, "ToPort": code,
            "IpRanges": [{ "CidrIp": "198.51.100.0/24" }] })
    };
    let mut tcp = open_to(1, "203.0.113.0/24");
    tcp["ToPort"] = json!(65535);
    let live = json!([open_to(443, "198.51.100.0/24"), icmp(0), icmp(-1), tcp]);
    let drift = one(&spec, &snapshot(live, json!([])), &world()).expect("drift");
    let written: Vec<_> = drift.differences.iter().map(|d| d.written.clone()).collect();
    let echo = vec![PortSet::one(icmp_key(8, 0)), PortSet::icmp_type(8)];
    assert_eq!(written, [vec![PortSet::range(1, 65535)], echo]);
}
