//! A small account that every test changes a little.

use portcullis::model::{AddressSet, PortSet, PortSpec};
use portcullis::reach::{Configured, End, Explanation, Options, Query, Reach};
use portcullis::snapshot::{Call, CallKind, Outcome, RegionView, Snapshot};
use serde_json::{Value, json};

/// A VPC with a public subnet (i-1: 10.0.1.10, 54.1.2.3, 2600:1f00::10) and a private one (i-2:
/// 10.0.2.10); both groups let tcp/22 in from anywhere and everything out.
pub(crate) fn world() -> Value {
    let anywhere = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }], "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] }]);
    let group = |id: &str| json!({ "GroupId": id, "GroupName": "default", "VpcId": "vpc-1", "IpPermissions": [ssh()], "IpPermissionsEgress": anywhere });
    json!({
        "Account": "111122223333", "Region": "eu-west-1",
        "Instances": [
            { "InstanceId": "i-1", "State": { "Name": "running" }, "VpcId": "vpc-1" },
            { "InstanceId": "i-2", "State": { "Name": "running" }, "VpcId": "vpc-1" },
        ],
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": "eni-1", "InterfaceType": "interface", "Status": "in-use", "AvailabilityZone": "eu-west-1a",
                "SubnetId": "subnet-1", "VpcId": "vpc-1", "PrivateIpAddress": "10.0.1.10",
                "PrivateIpAddresses": [{ "PrivateIpAddress": "10.0.1.10", "Primary": true, "Association": { "PublicIp": "54.1.2.3" } }],
                "Ipv6Addresses": [{ "Ipv6Address": "2600:1f00::10" }],
                "Attachment": { "InstanceId": "i-1", "DeviceIndex": 0 }, "Groups": [{ "GroupId": "sg-1" }],
            },
            {
                "NetworkInterfaceId": "eni-2", "InterfaceType": "interface", "Status": "in-use", "AvailabilityZone": "eu-west-1b",
                "SubnetId": "subnet-2", "VpcId": "vpc-1", "PrivateIpAddress": "10.0.2.10",
                "PrivateIpAddresses": [{ "PrivateIpAddress": "10.0.2.10", "Primary": true }],
                "Attachment": { "InstanceId": "i-2", "DeviceIndex": 0 }, "Groups": [{ "GroupId": "sg-2" }],
            },
        ],
        "SecurityGroups": [group("sg-1"), group("sg-2")],
        "NetworkAcls": [{
            "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true,
            "Entries": [
                entry(100, false, "-1", "allow", "0.0.0.0/0"), entry(101, false, "-1", "allow", "::/0"),
                entry(100, true, "-1", "allow", "0.0.0.0/0"), entry(101, true, "-1", "allow", "::/0"),
            ],
        }],
        "RouteTables": [
            { "RouteTableId": "rtb-main", "VpcId": "vpc-1", "Associations": [{ "Main": true }], "Routes": [local()] },
            {
                "RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{ "SubnetId": "subnet-1" }],
                "Routes": [
                    local(),
                    { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active", "Origin": "CreateRoute" },
                    { "DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active", "Origin": "CreateRoute" },
                ],
            },
        ],
        "Subnets": [
            { "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-west-1a" },
            { "SubnetId": "subnet-2", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1b" },
        ],
        "Vpcs": [{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16" }],
        "InternetGateways": [{ "InternetGatewayId": "igw-1", "Attachments": [{ "VpcId": "vpc-1", "State": "available" }] }],
        "BpaOptions": { "InternetGatewayBlockMode": "off" },
    })
}

/// What makes of the world one like it with 9s, beside what a test exchanges of its own.
pub(crate) const NINES: [(&str, &str); 9] = [
    ("vpc-1", "vpc-91"),
    ("eni-", "eni-9"),
    ("\"i-", "\"i-9"),
    ("subnet-", "subnet-9"),
    ("\"rtb-", "\"rtb-9"),
    ("acl-1", "acl-91"),
    ("igw-1", "igw-91"),
    ("\"sg-", "\"sg-9"),
    ("54.1.2.3", "54.9.2.3"),
];

/// A view with texts exchanged, one pair after the other.
pub(crate) fn renamed<'t>(
    view: &Value,
    pairs: impl IntoIterator<Item = &'t (&'t str, &'t str)>,
) -> Value {
    let pairs = pairs.into_iter();
    let text = pairs.fold(view.to_string(), |text, (from, to)| text.replace(from, to));
    serde_json::from_str(&text).expect("JSON")
}

/// What two views hold, as one.
pub(crate) fn merged(near: &Value, far: &Value) -> Value {
    let mut all = near.clone();
    for (key, rows) in all.as_object_mut().expect("a view") {
        if let (Value::Array(rows), Value::Array(more)) = (rows, &far[key.as_str()]) {
            rows.extend(more.iter().cloned());
        }
    }
    all
}

/// A view with one like it beside it in one account: `vpc-1` and `vpc-19`, `sg-1` and `sg-19`, 10.0 and 10.9.
pub(crate) fn with_twin(near: &Value, more: &[(&str, &str)]) -> Value {
    let kinds = ["vpc", "subnet", "i", "eni", "sg", "acl", "rtb", "igw"];
    let ids = kinds.iter().flat_map(|kind| ["1", "2"].map(|n| format!("\"{kind}-{n}\"")));
    let ids: Vec<(String, String)> =
        ids.map(|id| (id.clone(), format!("{}9\"", id.trim_end_matches('"')))).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let own = [
        ("10.0.", "10.9."),
        ("2600:1f00:", "2600:1f09:"),
        ("54.1.2.3", "54.1.2.9"),
        ("rtb-main", "rtb-main9"),
    ];
    merged(near, &renamed(near, ids.iter().chain(&own).chain(more)))
}

/// tcp/22 from anywhere, both families.
pub(crate) fn ssh() -> Value {
    permission("tcp", 22, 22, "0.0.0.0/0", Some("::/0"))
}

/// One permission.
pub(crate) fn permission(protocol: &str, from: i32, to: i32, v4: &str, v6: Option<&str>) -> Value {
    let v6: Vec<Value> = v6.iter().map(|b| json!({ "CidrIpv6": b })).collect();
    let v4: Vec<Value> = if v4.is_empty() { Vec::new() } else { vec![json!({ "CidrIp": v4 })] };
    json!({ "IpProtocol": protocol, "FromPort": from, "ToPort": to, "IpRanges": v4, "Ipv6Ranges": v6 })
}

/// A permission from a group.
pub(crate) fn from_group(group: &str) -> Value {
    json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{ "GroupId": group }] })
}

/// One ACL entry, of the family of its block.
pub(crate) fn entry(number: i32, egress: bool, protocol: &str, action: &str, block: &str) -> Value {
    let key = if block.contains(':') { "Ipv6CidrBlock" } else { "CidrBlock" };
    json!({ "RuleNumber": number, "Egress": egress, "Protocol": protocol, "RuleAction": action, key: block })
}

/// The same with ports.
pub(crate) fn entry_ports(number: i32, egress: bool, action: &str, from: i32, to: i32) -> Value {
    let mut entry = entry(number, egress, "6", action, "0.0.0.0/0");
    entry["PortRange"] = json!({ "From": from, "To": to });
    entry
}

fn local() -> Value {
    json!({ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable" })
}

/// A snapshot of views, every call complete.
pub(crate) fn snapshot(views: Vec<Value>) -> Snapshot {
    let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    for view in views {
        let view: RegionView = serde_json::from_value(view).expect("a view");
        for kind in CallKind::ALL {
            let (account, region) = (view.account.clone(), view.region.clone());
            snapshot.calls.push(Call {
                account,
                region,
                kind: *kind,
                outcome: Outcome::Complete,
                items: 0,
            });
        }
        snapshot.regions.push(view);
    }
    snapshot
}

/// Sets what came of one call everywhere; `None` means that it was never made.
pub(crate) fn outcome(snapshot: &mut Snapshot, kind: CallKind, outcome: Option<Outcome>) {
    snapshot.calls.retain_mut(|call| match (&outcome, call.kind == kind) {
        (Some(outcome), true) => {
            call.outcome = outcome.clone();
            true
        }
        (None, true) => false,
        (_, false) => true,
    });
}

/// An end as the command line reads it.
pub(crate) fn end(text: &str) -> End {
    match (text, text.parse()) {
        ("internet", _) => End::Internet,
        (_, Ok(address)) => End::Address(address),
        _ => match text.parse::<ipnetwork::IpNetwork>() {
            Ok(block) => End::Network([block].into_iter().collect()),
            Err(_) => End::Resource(text.into()),
        },
    }
}

/// One question.
pub(crate) fn explain(snapshot: &Snapshot, from: &str, to: &str, port: &str) -> Explanation {
    let spec: PortSpec = port.parse().expect("a port");
    let query =
        Query { from: end(from), to: end(to), protocol: Some(spec.protocol), ports: spec.ports };
    Reach::new(snapshot, &Options::default()).explain(&query).expect("an answer")
}

/// `verdict kind id`: what decides, in three words.
pub(crate) fn said(snapshot: &Snapshot, from: &str, to: &str, port: &str) -> String {
    let answer = explain(snapshot, from, to, port);
    let path = answer.configured.path().expect("a path");
    let by = path.decided_by();
    format!("{} {} {}", answer.configured.verdict(), by.layer, by.id)
}

/// As [`said`], of an address that fares alike as a block of one and in the list.
pub(crate) fn alike(snapshot: &Snapshot, from: &str, to: &str, port: &str) -> String {
    let told = said(snapshot, from, to, port);
    let (verdict, _) = told.split_once(' ').expect("a verdict");
    let block = format!("{from}/{}", if from.contains(':') { 128 } else { 32 });
    let spec: PortSpec = port.parse().expect("a port");
    let set = [block.parse().expect("a block")].into_iter().collect();
    let rows = Reach::new(snapshot, &Options::default()).exposed(&set);
    let row = rows.iter().find(|r| {
        r.address.to_string() == to
            && r.ports.is_superset(&spec.ports)
            && r.protocol == spec.protocol
    });
    let listed = row.map_or("blocked".to_owned(), |r| r.configured.verdict().to_string());
    let asked = asked(snapshot, &block, to, port);
    let (block, _) = asked.split_once(' ').expect("a verdict");
    assert_eq!((listed.as_str(), block), (verdict, verdict), "{from} to {to}: {told}, {asked}");
    told
}

/// As [`said`], as audits ask: of a block.
pub(crate) fn asked(snapshot: &Snapshot, block: &str, to: &str, port: &str) -> String {
    let set = [block.parse().expect("a block")].into_iter().collect();
    let one = slice(&Reach::new(snapshot, &Options::default()), to, &set, port);
    let by = one.path().expect("a path").decided_by();
    format!("{} {} {}", one.verdict(), by.layer, by.id)
}

/// The verdict of a world.
pub(crate) fn verdict(view: &Value, from: &str, to: &str, port: &str) -> String {
    explain(&snapshot(vec![view.clone()]), from, to, port).configured.verdict().to_string()
}

/// What the internet reaches: `address proto/ports verdict`.
pub(crate) fn exposed(snapshot: &Snapshot) -> Vec<String> {
    let reach = Reach::new(snapshot, &Options::default());
    reach
        .exposed(&AddressSet::outside())
        .into_iter()
        .map(|e| {
            let spec = PortSpec::new(e.protocol, e.ports);
            format!("{} {spec} {}", e.address, e.configured.verdict())
        })
        .collect()
}

/// The one answer for a port by `slices`.
pub(crate) fn slice(reach: &Reach<'_>, address: &str, from: &AddressSet, port: &str) -> Configured {
    let spec: PortSpec = port.parse().expect("a port");
    let address = address.parse().expect("an address");
    let mut slices = reach.slices(address, None, from, spec.protocol, &spec.ports);
    assert_eq!(slices.len(), 1, "one port has one answer");
    let all: PortSet = slices[0].0.clone();
    assert_eq!(all, spec.ports);
    slices.remove(0).1
}
