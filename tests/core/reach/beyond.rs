//! What lies beyond a VPC or is not in the snapshot itself: private gateways, peered transit
//! gateways, balancers without a node; what surely blocks there is blocked, the rest unknown.

use super::rules::{balanced, balanced_open};
use super::world::*;
use portcullis::model::Gap;
use portcullis::reach::{Options, Reach};
use portcullis::snapshot::{CallKind, Outcome, Snapshot};
use serde_json::{Value, json};

fn snap(view: &Value) -> Snapshot {
    snapshot(vec![view.clone()])
}

/// The world whose private subnet leads to a virtual private gateway.
fn with_gateway() -> Value {
    let mut w = world();
    let out =
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "vgw-1", "State": "active" });
    w["RouteTables"][0]["Routes"].as_array_mut().expect("list").push(out);
    w["VpnConnections"] = json!([{ "VpnConnectionId": "vpn-1", "VpnGatewayId": "vgw-1", "State": "available", "VgwTelemetry": [{ "OutsideIpAddress": "18.1.1.1" }] }]);
    w
}

#[test]
fn a_private_gateway_leads_to_its_vpc_and_no_further() {
    let w = snap(&with_gateway());
    for (from, to, port, wanted) in [
        ("vgw-1", "10.0.2.10", "tcp/80", "blocked security-group sg-2"),
        ("vgw-1", "10.0.2.10", "tcp/22", "unknown route-table rtb-main"),
        // Answers of the public subnet go to the internet gateway.
        ("vgw-1", "10.0.1.10", "tcp/22", "blocked route-table rtb-1"),
        ("vgw-1", "54.1.2.3", "tcp/22", "blocked vpn-gateway vgw-1"),
        ("vgw-1", "10.0.2.99", "tcp/22", "blocked subnet subnet-2"),
        ("vgw-1", "10.0.7.7", "tcp/22", "blocked vpc vpc-1"),
        ("vgw-1", "172.16.0.1", "tcp/22", "blocked vpn-gateway vgw-1"),
        ("172.16.0.1", "10.0.2.99", "tcp/22", "blocked subnet subnet-2"),
        ("172.16.0.1", "10.0.7.7", "tcp/22", "blocked vpc vpc-1"),
        ("172.16.0.1", "10.0.2.10", "tcp/80", "blocked security-group sg-2"),
        ("i-2", "8.8.8.8", "tcp/80", "unknown vpn-gateway vgw-1"),
    ] {
        assert_eq!(said(&w, from, to, port), wanted, "{from} to {to} {port}");
    }
    // A gateway that leads to another VPC is no way in.
    let mut w = with_gateway();
    w["Vpcs"]
        .as_array_mut()
        .expect("list")
        .push(json!({ "VpcId": "vpc-2", "CidrBlock": "10.7.0.0/16" }));
    w["RouteTables"][0]["Routes"][1]["GatewayId"] = json!("vgw-2");
    let table = json!({ "RouteTableId": "rtb-2", "VpcId": "vpc-2", "Routes": [], "PropagatingVgws": ["vgw-1"] });
    w["RouteTables"].as_array_mut().expect("list").push(table);
    assert_eq!(said(&snap(&w), "vgw-1", "10.0.2.10", "tcp/22"), "blocked vpn-gateway vgw-1");
}

#[test]
fn the_end_of_a_tunnel_is_amazons_and_not_modelled() {
    let mut w = with_gateway();
    let answer = explain(&snap(&w), "8.8.8.8", "18.1.1.1", "tcp/80");
    assert_eq!(answer.configured.verdict().to_string(), "unknown");
    assert_eq!(answer.gaps[0].scope, "vpn-1");
    w["VpnConnections"][0]["State"] = json!("deleted");
    assert_eq!(said(&snap(&w), "8.8.8.8", "18.1.1.1", "tcp/80"), "blocked address 18.1.1.1");
}

/// Two accounts, each with a transit gateway of its own, peered: the world, and one like it with 9s.
fn peered() -> [Value; 2] {
    let mut w = world();
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(
        json!({ "DestinationCidrBlock": "10.9.0.0/16", "TransitGatewayId": "tgw-1", "State": "active" }),
    );
    w["TransitGatewayAttachments"] = json!([
        { "TransitGatewayAttachmentId": "tgw-attach-p", "TransitGatewayId": "tgw-1", "ResourceType": "peering", "ResourceId": "tgw-91", "State": "available", "AssociationRouteTableId": "tgw-rtb-1", "SubnetIds": [] },
        { "TransitGatewayAttachmentId": "tgw-attach-1", "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": "vpc-1", "State": "available", "AssociationRouteTableId": "tgw-rtb-1", "SubnetIds": ["subnet-1"] },
    ]);
    let route = json!([{ "DestinationCidrBlock": "10.9.0.0/16", "Type": "static", "State": "active", "TransitGatewayAttachments": [{ "TransitGatewayAttachmentId": "tgw-attach-p", "ResourceType": "peering", "ResourceId": "tgw-91" }] }]);
    let propagation = json!([{ "TransitGatewayAttachmentId": "tgw-attach-1", "ResourceType": "vpc", "ResourceId": "vpc-1" }]);
    w["TransitGatewayRouteTables"] = json!([{ "TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": route, "Propagations": propagation }]);
    // Each side is the other one with the names exchanged.
    let sides = [
        ("tgw-91", "tgw-X"),
        ("tgw-1", "tgw-91"),
        ("tgw-X", "tgw-1"),
        ("10.9.", "10.X."),
        ("10.0.", "10.9."),
        ("10.X.", "10.0."),
        ("tgw-attach-1", "tgw-attach-91"),
        ("tgw-rtb-1", "tgw-rtb-91"),
        ("2600:1f00::", "2600:1f99::"),
        ("111122223333", "444455556666"),
    ];
    let other = renamed(&w, sides.iter().chain(&NINES));
    [w, other]
}

#[test]
fn r30_peered_transit_gateways_lead_on_from_table_to_table() {
    let [w, other] = peered();
    let ask = |w: &Value, other: &Value, port: &str| {
        said(&snapshot(vec![w.clone(), other.clone()]), "i-1", "10.9.1.10", port)
    };
    assert_eq!(ask(&w, &other, "tcp/22"), "permitted security-group sg-91");
    assert_eq!(ask(&w, &other, "tcp/80"), "blocked security-group sg-91");
    let both = snapshot(vec![w.clone(), other.clone()]);
    let answer = explain(&both, "i-1", "10.9.1.10", "tcp/22");
    let hops: Vec<&str> =
        answer.configured.path().expect("a path").hops().iter().map(|h| &*h.id).collect();
    let at = |id: &str| hops.iter().position(|h| *h == id);
    assert!(at("tgw-1") < at("tgw-91") && at("tgw-91") < at("vpc-91"), "{hops:?}");
    // Here no route to the peer.
    let mut here = w.clone();
    here["TransitGatewayRouteTables"][0]["Routes"] = json!([]);
    assert_eq!(ask(&here, &other, "tcp/80"), "blocked transit-gateway tgw-1");
    // There the table that the peering is associated with does not know the VPC.
    let mut there = other.clone();
    there["TransitGatewayRouteTables"][0]["Propagations"] = json!([]);
    assert_eq!(ask(&w, &there, "tcp/80"), "blocked transit-gateway tgw-91");
    // There no way back: the request would arrive, the answer does not.
    let mut there = other.clone();
    there["TransitGatewayRouteTables"][0]["Routes"] = json!([]);
    assert_eq!(ask(&w, &there, "tcp/80"), "blocked security-group sg-91");
    assert_eq!(ask(&w, &there, "tcp/22"), "blocked transit-gateway tgw-91");
    // The peer's account was not read: nobody knows.
    let mut there = other;
    there["TransitGatewayAttachments"].as_array_mut().expect("list").remove(0);
    assert_eq!(
        ask(&w, &there, "tcp/80"),
        "blocked security-group sg-91",
        "blocked whatever it does"
    );
    assert_eq!(ask(&w, &there, "tcp/22"), "unknown transit-gateway tgw-91");
}

/// Who is asked of as an address, as a block of one and in the list gets one answer.
#[test]
fn a_source_behind_a_transit_gateway_fares_alike_however_it_is_asked() {
    let [w, other] = peered();
    let mut closed = w.clone();
    closed["RouteTables"][1]["Routes"].as_array_mut().expect("list").pop();
    for (here, from) in [(&w, "10.9.1.10"), (&w, "10.9.2.10"), (&closed, "10.9.1.10")] {
        let both = snapshot(vec![here.clone(), other.clone()]);
        alike(&both, from, "10.0.1.10", "tcp/22");
    }
}

/// Two VPCs of one account and region behind one transit gateway: the world, and one like it with 9s.
fn behind_one_gateway() -> Value {
    let [mut w, mut other] = peered();
    for (view, vpc) in [(&mut w, "1"), (&mut other, "91")] {
        let route = &mut view["RouteTables"][1]["Routes"][3];
        route["TransitGatewayId"] = json!("tgw-1");
        view["TransitGatewayAttachments"] = json!([{ "TransitGatewayAttachmentId": format!("tgw-attach-{vpc}"), "TransitGatewayId": "tgw-1",
            "ResourceType": "vpc", "ResourceId": format!("vpc-{vpc}"), "State": "available", "AssociationRouteTableId": "tgw-rtb-1",
            "SubnetIds": [if vpc == "1" { "subnet-1" } else { "subnet-91" }], "Options": { "SecurityGroupReferencingSupport": "enable", "ApplianceModeSupport": "disable" } }]);
    }
    w["TransitGateways"] = json!([{ "TransitGatewayId": "tgw-1", "Options": { "SecurityGroupReferencingSupport": "enable" } }]);
    w["TransitGatewayRouteTables"][0]["Routes"] = json!([]);
    w["TransitGatewayRouteTables"][0]["Propagations"] = ["1", "91"].map(|vpc| json!({ "TransitGatewayAttachmentId": format!("tgw-attach-{vpc}"), "ResourceType": "vpc", "ResourceId": format!("vpc-{vpc}") })).into();
    other["TransitGatewayRouteTables"] = json!([]);
    for (key, rows) in w.as_object_mut().expect("a view") {
        if let (Value::Array(rows), Value::Array(more)) = (rows, &other[key.as_str()]) {
            rows.extend(more.iter().cloned());
        }
    }
    w
}

/// The source's own route leads elsewhere, and the target's answers find no attachment in their zone.
#[test]
fn a_source_that_no_answer_gets_to_is_blocked_however_it_is_asked() {
    let mut w = with_attachment_subnets();
    for route in w["RouteTables"][1]["Routes"].as_array_mut().expect("list") {
        if route["TransitGatewayId"] == "tgw-1" {
            route["DestinationCidrBlock"] = json!("10.77.0.0/16");
        }
    }
    let at = w["Subnets"].as_array().expect("list").iter();
    let at = at.enumerate().find(|(_, s)| s["SubnetId"] == "subnet-t91").expect("a subnet").0;
    w["Subnets"][at]["AvailabilityZone"] = json!("eu-west-1c");
    let told = alike(&snap(&w), "10.0.1.10", "10.9.1.10", "tcp/22");
    assert_eq!(told, "blocked internet-gateway igw-1");
}

#[test]
fn r04_groups_count_through_a_transit_gateway_that_is_told_to() {
    let ask = |w: &Value, port: &str| {
        let told = alike(&snap(w), "10.0.1.10", "10.9.1.10", port);
        assert_eq!(asked(&snap(w), "10.0.1.0/24", "10.9.1.10", port), told, "as a block");
        told
    };
    let mut w = behind_one_gateway();
    assert_eq!(ask(&w, "tcp/22"), "permitted security-group sg-91");
    let at = w["SecurityGroups"].as_array().expect("list").iter();
    let at = at.enumerate().find(|(_, g)| g["GroupId"] == "sg-91").expect("a group").0;
    w["SecurityGroups"][at]["IpPermissions"] = json!([from_group("sg-1")]);
    assert_eq!(ask(&w, "tcp/22"), "permitted security-group sg-91");
    assert_eq!(ask(&w, "tcp/80"), "blocked security-group sg-91");
    let option = |at: &str| format!("{at}/Options/SecurityGroupReferencingSupport");
    let places =
        ["/TransitGateways/0", "/TransitGatewayAttachments/0", "/TransitGatewayAttachments/1"];
    for place in places {
        let mut off = w.clone();
        *off.pointer_mut(&option(place)).expect("an option") = json!("disable");
        assert_eq!(ask(&off, "tcp/22"), "blocked security-group sg-91", "{place}");
        let mut unread = w.clone();
        unread.pointer_mut(place).expect("a row")["Options"] = Value::Null;
        assert_eq!(ask(&unread, "tcp/22"), "unknown security-group sg-91", "{place}");
        assert_eq!(ask(&unread, "tcp/80"), "blocked security-group sg-91", "{place}");
        // A group that the client does not carry counts neither way.
        unread["SecurityGroups"][at]["IpPermissions"] = json!([from_group("sg-2")]);
        assert_eq!(ask(&unread, "tcp/22"), "blocked security-group sg-91", "{place}");
    }
    // Of several sources one gets through: what lets it in is told, not what the others meet.
    let s = snap(&w);
    let both = ["10.0.0.0/16".parse().expect("a block")].into_iter().collect();
    let part = slice(&Reach::new(&s, &Options::default()), "10.9.1.10", &both, "tcp/22");
    assert_eq!(part.verdict().to_string(), "partly");
    let opens = part.path().expect("a path").opened_by().expect("a permission");
    assert_eq!(opens.entry.as_deref(), Some("sg-91 ingress tcp/22 from sg-1"));
    // What goes out names no group of the other VPC.
    let mut out = w.clone();
    out["SecurityGroups"][0]["IpPermissionsEgress"] = json!([from_group("sg-91")]);
    assert_eq!(ask(&out, "tcp/22"), "blocked security-group sg-1");
}

/// The same with attachments in subnets of their own, acl-t1 of subnet-t1 and acl-t91 of subnet-t91, that
/// let everything through.
fn with_attachment_subnets() -> Value {
    let mut w = behind_one_gateway();
    for (at, vpc, block) in [(0, "1", "10.0.9.0/28"), (1, "91", "10.9.9.0/28")] {
        let id = format!("subnet-t{vpc}");
        w["TransitGatewayAttachments"][at]["SubnetIds"] = json!([id]);
        let subnet = json!({ "SubnetId": id, "VpcId": format!("vpc-{vpc}"), "CidrBlock": block, "AvailabilityZone": "eu-west-1a" });
        let acl = json!({ "NetworkAclId": format!("acl-t{vpc}"), "VpcId": format!("vpc-{vpc}"), "Associations": [{ "SubnetId": id }],
            "Entries": [entry(100, false, "-1", "allow", "0.0.0.0/0"), entry(100, true, "-1", "allow", "0.0.0.0/0")] });
        w["Subnets"].as_array_mut().expect("list").push(subnet);
        w["NetworkAcls"].as_array_mut().expect("list").push(acl);
    }
    w
}

/// The world with one more entry at the top of a network ACL.
fn denied(w: &Value, acl: &str, egress: bool, block: &str) -> Value {
    let mut w = w.clone();
    let mut acls = w["NetworkAcls"].as_array_mut().expect("list").iter_mut();
    let acl = acls.find(|a| a["NetworkAclId"] == acl).expect("an ACL");
    acl["Entries"].as_array_mut().expect("list").push(entry(1, egress, "-1", "deny", block));
    w
}

#[test]
fn r15_the_acl_of_an_attachment_filters_what_passes_it() {
    let ask = |w: &Value| alike(&snap(w), "10.0.1.10", "10.9.1.10", "tcp/22");
    let permitted = "permitted security-group sg-91";
    let [all, here, there] = ["0.0.0.0/0", "10.0.0.0/16", "10.9.0.0/16"];
    let apart = with_attachment_subnets();
    assert_eq!(ask(&apart), permitted);
    for (acl, egress, block, blocks) in [
        // To the gateway: inbound, by the source. From it: outbound, by the destination.
        ("acl-t1", false, all, true),
        ("acl-t1", false, here, true),
        ("acl-t1", false, there, false),
        ("acl-t1", true, all, true),
        ("acl-t1", true, here, true),
        ("acl-t1", true, there, false),
        ("acl-t91", true, there, true),
        ("acl-t91", true, here, false),
        ("acl-t91", false, there, true),
        ("acl-t91", false, here, false),
        // The hosts' own subnets filter as ever.
        ("acl-91", false, here, true),
        ("acl-91", true, here, true),
        ("acl-1", true, there, true),
        ("acl-1", false, there, true),
    ] {
        let wanted = if blocks { format!("blocked network-acl {acl}") } else { permitted.into() };
        assert_eq!(ask(&denied(&apart, acl, egress, block)), wanted, "{acl} {egress} {block}");
    }
    // A host in the attachment's own subnet: what comes from the gateway is not filtered.
    let same = behind_one_gateway();
    for (acl, egress, block, blocks) in [
        ("acl-91", false, all, true),
        ("acl-91", false, here, false),
        ("acl-91", false, there, true),
        ("acl-91", true, here, true),
        ("acl-91", true, there, false),
        ("acl-1", true, there, true),
        ("acl-1", true, here, false),
        ("acl-1", false, here, true),
        ("acl-1", false, there, false),
    ] {
        let wanted = if blocks { format!("blocked network-acl {acl}") } else { permitted.into() };
        assert_eq!(ask(&denied(&same, acl, egress, block)), wanted, "{acl} {egress} {block}");
    }
}

#[test]
fn r15_which_subnet_of_an_attachment_is_passed_is_the_zones_or_unknown() {
    let ask = |w: &Value| alike(&snap(w), "10.0.1.10", "10.9.1.10", "tcp/22");
    let mut w = with_attachment_subnets();
    let more = json!({ "SubnetId": "subnet-t92", "VpcId": "vpc-91", "CidrBlock": "10.9.9.16/28", "AvailabilityZone": "eu-west-1b" });
    w["Subnets"].as_array_mut().expect("list").push(more);
    w["TransitGatewayAttachments"][1]["SubnetIds"] = json!(["subnet-t91", "subnet-t92"]);
    let shut = |w: &Value| denied(w, "acl-t91", true, "10.9.0.0/16");
    let open = |w: &Value| denied(w, "acl-91", true, "10.9.0.0/16");
    // Traffic stays in the zone that it came from, but for an appliance.
    assert_eq!(ask(&shut(&w)), "blocked network-acl acl-t91");
    assert_eq!(ask(&open(&w)), "permitted security-group sg-91");
    for mode in [json!("enable"), Value::Null] {
        w["TransitGatewayAttachments"][1]["Options"]["ApplianceModeSupport"] = mode;
        assert_eq!(ask(&w), "permitted security-group sg-91", "both let it through");
        assert_eq!(ask(&shut(&w)), "unknown network-acl acl-t91");
        assert_eq!(ask(&open(&w)), "unknown network-acl acl-91");
    }
    // One ACL of both is met in any case.
    let mut acls = w["NetworkAcls"].as_array_mut().expect("list").iter_mut();
    let acl = acls.find(|a| a["NetworkAclId"] == "acl-t91").expect("an ACL");
    acl["Associations"] = json!([{ "SubnetId": "subnet-t91" }, { "SubnetId": "subnet-t92" }]);
    assert_eq!(ask(&shut(&w)), "blocked network-acl acl-t91");
}

#[test]
fn of_equal_addresses_the_route_leads_to_one() {
    let [w, other] = peered();
    // A third VPC has the same addresses as the second.
    let third = other.to_string();
    let third = third.replace("vpc-91", "vpc-71").replace("eni-9", "eni-7");
    let third = third.replace("\"i-9", "\"i-7").replace("subnet-9", "subnet-7");
    let third = third.replace("444455556666", "777788889999").replace("54.9.2.3", "54.7.2.3");
    let third: Value = serde_json::from_str(&third).expect("json");
    let all = snapshot(vec![w, other, third]);
    assert_eq!(said(&all, "i-1", "10.9.1.10", "tcp/80"), "blocked security-group sg-91");
    let query = portcullis::reach::Query {
        from: end("internet"),
        to: end("10.9.1.10"),
        protocol: None,
        ports: portcullis::model::PortSet::all(),
    };
    let reach = portcullis::reach::Reach::new(&all, &portcullis::reach::Options::default());
    assert!(reach.explain(&query).is_err(), "from outside it is any of them");
}

#[test]
fn r30_an_attachment_is_put_together_from_every_account_that_sees_it() {
    let [w, other] = peered();
    // A second account sees the first one's attachment without its association.
    let mut seen = other;
    let mut row = w["TransitGatewayAttachments"][1].clone();
    row["AssociationRouteTableId"] = Value::Null;
    row["SubnetIds"] = Value::Null;
    seen["TransitGatewayAttachments"].as_array_mut().expect("list").push(row);
    let table = json!({ "TransitGatewayRouteTableId": "tgw-rtb-1" });
    seen["TransitGatewayRouteTables"].as_array_mut().expect("list").push(table);
    let both = snapshot(vec![w, seen]);
    assert_eq!(said(&both, "i-1", "10.9.1.10", "tcp/22"), "permitted security-group sg-91");
}

#[test]
fn r04_groups_of_a_peer_in_another_region_do_not_count() {
    let [mut w, mut other] = peered();
    let peering = |region: &str| json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" }, "AccepterVpcInfo": { "VpcId": "vpc-1", "Region": "eu-west-1" }, "RequesterVpcInfo": { "VpcId": "vpc-91", "Region": region } }]);
    for (view, to) in [(&mut w, "10.9.0.0/16"), (&mut other, "10.0.0.0/16")] {
        view["RouteTables"][1]["Routes"][3] = json!({ "DestinationCidrBlock": to, "VpcPeeringConnectionId": "pcx-1", "State": "active" });
    }
    other["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-1")]);
    for (region, wanted) in [("eu-west-1", "permitted"), ("eu-west-2", "blocked")] {
        w["VpcPeeringConnections"] = peering(region);
        let both = snapshot(vec![w.clone(), other.clone()]);
        assert_eq!(
            said(&both, "i-1", "10.9.1.10", "tcp/22"),
            format!("{wanted} security-group sg-91")
        );
    }
}

#[test]
fn r31_a_balancer_without_a_node_is_blocked_by_what_surely_blocks() {
    let mut w = balanced("app");
    w["NetworkInterfaces"].as_array_mut().expect("list").pop();
    w["LoadBalancers"][0]["LoadBalancerName"] = json!("b");
    w["LoadBalancers"][0]["SecurityGroups"] = json!(["sg-b"]);
    let to = |w: &Value, port: &str| said(&snap(w), "internet", "b", port);
    assert!(to(&w, "tcp/443").starts_with("unknown load-balancer b"), "{}", to(&w, "tcp/443"));
    assert_eq!(to(&w, "tcp/80"), "blocked security-group sg-b");
    // The group opens a port that no listener has.
    w["Listeners"][0]["Port"] = json!(8000);
    assert!(to(&w, "tcp/443").starts_with("blocked load-balancer arn"), "{}", to(&w, "tcp/443"));
    assert_eq!(to(&w, "tcp/8000"), "blocked security-group sg-b");
    // Nobody asked it for its listeners.
    w["LoadBalancers"][0]["ListenersUnread"] = json!(true);
    assert!(to(&w, "tcp/443").starts_with("unknown load-balancer"));
}

#[test]
fn r31_listeners_that_nobody_asked_for_are_not_none() {
    let mut w = balanced("app");
    w["Listeners"] = json!([]);
    let asked = |w: &Value| said(&snap(w), "internet", "54.5.5.5", "tcp/443");
    assert!(asked(&w).starts_with("blocked load-balancer"), "{}", asked(&w));
    w["LoadBalancers"][0]["ListenersUnread"] = json!(true);
    assert!(asked(&w).starts_with("unknown load-balancer"), "{}", asked(&w));
    let answer = explain(&snap(&w), "internet", "54.5.5.5", "tcp/443");
    assert_eq!(answer.gaps[0].kind.name(), "load-balancers");
}

#[test]
fn an_instance_sends_by_each_of_its_interfaces() {
    let mut w = world();
    let mut second = w["NetworkInterfaces"][1].clone();
    second["NetworkInterfaceId"] = json!("eni-3");
    second["PrivateIpAddress"] = json!("10.0.2.30");
    second["PrivateIpAddresses"] = json!([{ "PrivateIpAddress": "10.0.2.30" }]);
    second["Attachment"] = json!({ "InstanceId": "i-1", "DeviceIndex": 1 });
    w["NetworkInterfaces"].as_array_mut().expect("list").push(second);
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "10.0.2.0/24", None)]);
    assert_eq!(said(&snap(&w), "10.0.1.10", "i-2", "tcp/22"), "blocked security-group sg-2");
    assert_eq!(said(&snap(&w), "i-1", "i-2", "tcp/22"), "permitted security-group sg-2");
    assert_eq!(said(&snap(&w), "i-1", "i-2", "tcp/80"), "blocked security-group sg-2");
}

#[test]
fn the_way_out_by_nat_passes_its_subnet() {
    let mut w = world();
    w["NatGateways"] = json!([{ "NatGatewayId": "nat-1", "State": "available", "SubnetId": "subnet-1", "VpcId": "vpc-1", "NatGatewayAddresses": [{ "PublicIp": "54.7.7.7", "PrivateIp": "10.0.1.77" }] }]);
    let out =
        json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active" });
    w["RouteTables"][0]["Routes"].as_array_mut().expect("list").push(out);
    let answer = explain(&snap(&w), "i-2", "8.8.8.8", "tcp/80");
    let machine = portcullis::cli::explain::machine(&answer);
    let path = json!(["i-2", "subnet-2", "vpc-1", "nat-1", "subnet-1", "igw-1", "internet"]);
    assert_eq!(machine["path"], path);
    // What answers there must come back to the gateway's own ports.
    let mut cut = snap(&w);
    outcome(&mut cut, CallKind::NatGateways, Some(Outcome::Truncated("x".into())));
    assert_eq!(said(&cut, "i-2", "8.8.8.8", "tcp/80"), "permitted security-group sg-2");
}

/// i-2 behind an application balancer that may send to it at tcp/8443.
fn behind() -> Value {
    let mut w = balanced("app");
    w["LoadBalancers"][0]["LoadBalancerName"] = json!("b");
    let groups = w["SecurityGroups"].as_array_mut().expect("list");
    groups[1]["IpPermissions"] = json!([
        { "IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "UserIdGroupPairs": [{ "GroupId": "sg-b" }] }
    ]);
    groups[2]["IpPermissionsEgress"] = groups[0]["IpPermissionsEgress"].clone();
    w
}

#[test]
fn what_is_closed_by_itself_and_open_through_a_balancer_is_said_to_be() {
    let notes = |w: &Value, to: &str, port: &str| {
        let answer = explain(&snap(w), "internet", to, port);
        assert_eq!(answer.configured.verdict().to_string(), "blocked");
        answer.notes.into_iter().map(|n| n.text).collect::<Vec<_>>()
    };
    let open = "internet-facing balancer b is reached at HTTPS:443 and forwards to it at port 8443: it is exposed through that";
    for to in ["i-2", "eni-2", "10.0.2.10"] {
        assert_eq!(notes(&behind(), to, "tcp/443"), [open], "{to}");
    }
    // Not to others, not from an internal one, and not where any of both ways is surely closed.
    assert!(explain(&snap(&behind()), "internet", "i-1", "tcp/443").notes.is_empty());
    let mut internal = behind();
    internal["LoadBalancers"][0]["Scheme"] = json!("internal");
    let mut deaf = behind();
    deaf["SecurityGroups"][2]["IpPermissions"] = json!([]);
    let mut shut = behind();
    shut["SecurityGroups"][1]["IpPermissions"] = json!([]);
    let mut idle = behind();
    idle["TargetGroups"][0]["Targets"][0]["State"] = json!("draining");
    for (what, w) in [("internal", internal), ("deaf", deaf), ("shut", shut), ("idle", idle)] {
        assert!(notes(&w, "i-2", "tcp/443").is_empty(), "{what}");
    }
    // A rule sends there as well as a default action does.
    let mut rule = behind();
    let forward = rule["Listeners"][0]["DefaultActions"].take();
    rule["Listeners"][0]["DefaultActions"] = json!([{ "Type": "fixed-response" }]);
    rule["Listeners"][0]["RuleActions"] = forward;
    assert_eq!(notes(&rule, "i-2", "tcp/443"), [open]);
    // What nobody read is no reason to keep silent.
    let mut unread = behind();
    unread["TargetGroups"][0].as_object_mut().expect("a group").remove("Targets");
    let may = "internet-facing balancer b may forward to it: what of that balancer decides was not all read";
    assert_eq!(notes(&unread, "i-2", "tcp/443"), [may]);
    let mut rules = behind();
    rules["Listeners"] = json!([]);
    rules["TargetGroups"][0]["LoadBalancerArns"] =
        json!([rules["LoadBalancers"][0]["LoadBalancerArn"]]);
    assert_eq!(notes(&rules, "i-2", "tcp/443"), [may]);
    // Packets that a network balancer passes on are judged with the target's own groups.
    let w = balanced_open();
    assert!(notes(&w, "i-2", "tcp/443")[0].contains("is reached at TCP:443"));
    assert!(notes(&balanced("net"), "i-2", "tcp/443").is_empty());
}

#[test]
fn r19_a_protocol_that_only_an_acl_names_is_not_lost_among_all_others() {
    let mut w = world();
    w["NetworkInterfaces"][0]["Ipv6Addresses"] = json!([]);
    w["SecurityGroups"][0]["IpPermissions"] =
        json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let listed = |w: &Value| exposed(&snap(w));
    let all = listed(&w);
    assert_eq!(all.len(), 4, "{all:?}");
    // An ACL that lets in nothing but GRE.
    let entries = w["NetworkAcls"][0]["Entries"].clone();
    w["NetworkAcls"][0]["Entries"][0] = entry(100, false, "47", "allow", "0.0.0.0/0");
    assert_eq!(listed(&w), ["54.1.2.3 47 permitted"]);
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "47"), "permitted");
    assert_eq!(verdict(&w, "internet", "54.1.2.3", "50"), "blocked");
    // One that denies the very number that would stand for all others.
    w["NetworkAcls"][0]["Entries"] = entries;
    let denies = entry(50, false, "0", "deny", "0.0.0.0/0");
    w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list").push(denies);
    assert_eq!(listed(&w).len(), 4, "{:?}", listed(&w));
    // What an ACL names and treats like the rest needs no line of its own.
    let alike = entry(50, false, "47", "allow", "0.0.0.0/0");
    *w["NetworkAcls"][0]["Entries"].as_array_mut().expect("list").last_mut().expect("one") = alike;
    assert_eq!(listed(&w), all);
}

/// A network balancer whose target lets in the VPC only: its own address, and no client's.
fn inside_only() -> Value {
    let mut w = balanced_open();
    w["SecurityGroups"][1]["IpPermissions"] =
        json!([permission("tcp", 8443, 8443, "10.0.0.0/16", None)]);
    w
}

#[test]
fn r31_whether_a_client_keeps_its_address_is_not_guessed() {
    let asked = |w: &Value| explain(&snap(w), "internet", "54.5.5.5", "tcp/443");
    let verdict = |w: &Value| asked(w).configured.verdict().to_string();
    let mut w = inside_only();
    assert_eq!(verdict(&w), "blocked");
    w["TargetGroups"][0]["Attributes"] = json!({ "preserve_client_ip.enabled": "false" });
    assert_eq!(verdict(&w), "permitted");
    // Nobody read which: where it decides it is unknown.
    w["TargetGroups"][0]["Attributes"] = Value::Null;
    assert_eq!(verdict(&w), "unknown");
    assert!(asked(&w).gaps.iter().any(|g| g.why.contains("keeps its clients' addresses")));
    let mut s = snap(&w);
    outcome(&mut s, CallKind::TargetGroupAttributes, None);
    let gaps = explain(&s, "internet", "54.5.5.5", "tcp/443").gaps;
    assert!(gaps[0].why.contains("describe-target-group-attributes"), "{gaps:?}");
    // Where both ways come to the same it does not matter.
    let mut open = balanced_open();
    open["TargetGroups"][0]["Attributes"] = Value::Null;
    assert_eq!(verdict(&open), "permitted");
    open["SecurityGroups"][1]["IpPermissions"] = json!([]);
    assert_eq!(verdict(&open), "blocked");
    // AWS fixes it for UDP, whatever carries the packet.
    w["TargetGroups"][0]["TargetType"] = json!("ip");
    w["TargetGroups"][0]["Targets"][0]["Target"]["Id"] = json!("10.0.2.10");
    w["TargetGroups"][0]["Protocol"] = json!("TCP_UDP");
    assert_eq!(verdict(&w), "blocked");
    // Attributes that were read and lack it are as AWS makes them, which is said.
    w["TargetGroups"][0]["Protocol"] = json!("TCP");
    w["TargetGroups"][0]["Attributes"] = json!({});
    let answer = asked(&w);
    assert_eq!(answer.configured.verdict().to_string(), "permitted");
    let path = answer.configured.path().expect("a path");
    assert_eq!(path.assumptions()[0].code, "PRESERVE_CLIENT_IP_IS_DISABLED");
}

/// The world with a peering to vpc-9 of another account, whose sg-9 is let in.
fn peer_unread() -> Value {
    let mut w = world();
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(
        json!({ "DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active" }),
    );
    w["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" },
        "RequesterVpcInfo": { "VpcId": "vpc-1", "Region": "eu-west-1" },
        "AccepterVpcInfo": { "VpcId": "vpc-9", "Region": "eu-west-1", "OwnerId": "444455556666" } }]);
    let mut group = from_group("sg-9");
    group["UserIdGroupPairs"][0] = json!({ "GroupId": "sg-9", "UserId": "444455556666",
        "VpcId": "vpc-9", "VpcPeeringConnectionId": "pcx-1", "PeeringStatus": "active" });
    w["SecurityGroups"][0]["IpPermissions"] = json!([group]);
    w
}

#[test]
fn r04_who_carries_a_group_of_a_peer_that_was_not_read_is_unknown() {
    let w = peer_unread();
    let answer = explain(&snap(&w), "10.9.0.4", "i-1", "tcp/22");
    assert_eq!(answer.configured.verdict().to_string(), "unknown");
    let told = |gaps: &[Gap]| gaps.iter().any(|g| g.scope == "vpc-9" && g.why.contains("not read"));
    assert!(told(&answer.gaps), "{:?}", answer.gaps);
    // Audits ask by block.
    let s = snap(&w);
    let reach = Reach::new(&s, &Options::default());
    let peer = ["10.9.0.0/16".parse().expect("a block")].into_iter().collect();
    assert!(told(slice(&reach, "10.0.1.10", &peer, "tcp/22").gaps()));
    assert_eq!(slice(&reach, "10.0.1.10", &peer, "tcp/80").verdict().to_string(), "blocked");
    // Nobody else carries it, and no peering that ended brings it.
    assert_eq!(verdict(&w, "172.16.0.1", "i-1", "tcp/22"), "blocked");
    assert_eq!(verdict(&w, "10.0.2.10", "i-1", "tcp/22"), "blocked");
    assert_eq!(verdict(&w, "8.8.8.8", "54.1.2.3", "tcp/22"), "blocked");
    for (key, state) in [("PeeringStatus", "deleted"), ("VpcPeeringConnectionId", "pcx-2")] {
        let mut w = peer_unread();
        w["SecurityGroups"][0]["IpPermissions"][0]["UserIdGroupPairs"][0][key] = json!(state);
        assert_eq!(verdict(&w, "10.9.0.4", "i-1", "tcp/22"), "blocked", "{key}");
    }
    // A group of the VPC itself stands on none of the peer's interfaces.
    let mut w = peer_unread();
    w["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-2")]);
    assert_eq!(verdict(&w, "10.9.0.4", "i-1", "tcp/22"), "blocked");
}

#[test]
fn r04_a_peer_that_was_read_is_judged_interface_by_interface() {
    let mut other = peer_unread();
    let nic = json!({ "NetworkInterfaceId": "eni-9", "InterfaceType": "interface", "Status": "in-use", "SubnetId": "subnet-9",
        "VpcId": "vpc-9", "PrivateIpAddress": "10.9.0.4", "Groups": [{ "GroupId": "sg-9" }] });
    let table = json!({ "RouteTableId": "rtb-9", "VpcId": "vpc-9", "Associations": [{ "Main": true }],
        "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": "pcx-1", "State": "active" }] });
    let acl = json!({ "NetworkAclId": "acl-9", "VpcId": "vpc-9", "IsDefault": true, "Entries": [entry(1, false, "-1", "allow", "0.0.0.0/0"), entry(1, true, "-1", "allow", "0.0.0.0/0")] });
    let group = json!({ "GroupId": "sg-9", "GroupName": "9", "VpcId": "vpc-9", "IpPermissionsEgress": [permission("-1", -1, -1, "0.0.0.0/0", None)] });
    for (list, row) in [
        ("NetworkInterfaces", nic),
        ("RouteTables", table),
        ("NetworkAcls", acl),
        ("SecurityGroups", group),
        (
            "Subnets",
            json!({ "SubnetId": "subnet-9", "VpcId": "vpc-9", "CidrBlock": "10.9.0.0/24" }),
        ),
        ("Vpcs", json!({ "VpcId": "vpc-9", "CidrBlock": "10.9.0.0/16" })),
    ] {
        other[list].as_array_mut().expect("list").push(row);
    }
    let asked = |w: &Value, block: &str, port: &str| {
        let s = snap(w);
        let from = [block.parse().expect("a block")].into_iter().collect();
        let reach = Reach::new(&s, &Options::default());
        slice(&reach, "10.0.1.10", &from, port).verdict().to_string()
    };
    assert_eq!(verdict(&other, "10.9.0.4", "10.0.1.10", "tcp/22"), "permitted");
    for (block, port, wanted) in [
        ("10.9.0.4/32", "tcp/22", "permitted"),
        ("10.9.0.0/16", "tcp/22", "permitted"),
        ("10.9.0.0/16", "tcp/80", "blocked"),
        ("10.9.0.5/32", "tcp/22", "blocked"),
    ] {
        assert_eq!(asked(&other, block, port), wanted, "{block} {port}");
    }
    let mut ended = other.clone();
    ended["VpcPeeringConnections"][0]["Status"]["Code"] = json!("deleted");
    assert_eq!(asked(&ended, "10.9.0.0/16", "tcp/22"), "blocked");
    // Where others may be there that nobody listed, nobody knows.
    let mut s = snap(&other);
    outcome(&mut s, CallKind::NetworkInterfaces, None);
    let reach = Reach::new(&s, &Options::default());
    let from = ["10.9.0.5/32".parse().expect("a block")].into_iter().collect();
    assert_eq!(slice(&reach, "10.0.1.10", &from, "tcp/22").verdict().to_string(), "unknown");
}

/// One account, two VPCs of one transit gateway: 10.0.1.10 (sg-1) and 10.9.1.10 (sg-19).
fn through() -> Value {
    let mut w = with_twin(&world(), &[]);
    for table in w["RouteTables"].as_array_mut().expect("a list") {
        let there = if table["VpcId"] == "vpc-1" { "10.9.0.0/16" } else { "10.0.0.0/16" };
        let route = json!({ "DestinationCidrBlock": there, "TransitGatewayId": "tgw-1", "State": "active" });
        table["Routes"].as_array_mut().expect("a list").push(route);
    }
    let attached = |id: &str, vpc: &str, subnet: &str| json!({ "TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "ResourceType": "vpc", "ResourceId": vpc, "State": "available", "AssociationRouteTableId": "tgw-rtb-1", "SubnetIds": [subnet] });
    w["TransitGatewayAttachments"] = json!([
        attached("tgw-attach-1", "vpc-1", "subnet-1"),
        attached("tgw-attach-9", "vpc-19", "subnet-19")
    ]);
    let propagated = |id: &str, vpc: &str| json!({ "TransitGatewayAttachmentId": id, "ResourceType": "vpc", "ResourceId": vpc });
    w["TransitGatewayRouteTables"] = json!([{ "TransitGatewayRouteTableId": "tgw-rtb-1", "Routes": [],
        "Propagations": [propagated("tgw-attach-1", "vpc-1"), propagated("tgw-attach-9", "vpc-19")] }]);
    w
}

#[test]
fn r30_whether_a_group_counts_over_a_transit_gateway_is_not_guessed() {
    let mut w = through();
    assert_eq!(verdict(&w, "10.9.1.10", "10.0.1.10", "tcp/22"), "permitted");
    w["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-19")]);
    assert_eq!(verdict(&w, "10.9.1.10", "10.0.1.10", "tcp/22"), "unknown");
    assert_eq!(verdict(&w, "10.9.1.10", "10.0.1.10", "tcp/23"), "blocked");
}
