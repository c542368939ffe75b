//! What the snapshot lacks, or contradicts itself in: unknown, with a gap, in every command.

use super::world::{explain, exposed, outcome, said, slice, snapshot, verdict, world};
use crate::common::World;
use portcullis::model::{AddressSet, Gap, GapKind};
use portcullis::reach::{Options, Query, QueryError, Reach};
use portcullis::snapshot::{Call, CallKind, Outcome, Snapshot};
use serde_json::{Value, json};

fn snap(view: &Value) -> Snapshot {
    snapshot(vec![view.clone()])
}

fn gaps(snapshot: &Snapshot) -> Vec<Gap> {
    Reach::new(snapshot, &Options::default()).gaps()
}

fn kinds(gaps: &[Gap]) -> Vec<GapKind> {
    gaps.iter().map(|g| g.kind).collect()
}

/// What a command prints and how it ends.
fn ran(snapshot: &Snapshot, arguments: &[&str]) -> crate::common::Ran {
    let world = World::new().with("NO_COLOR", "1");
    world.file("s.json", serde_json::to_vec(snapshot).expect("json"));
    world.run(&[arguments, &["--snapshot", "s.json"]].concat())
}

/// The world with the instance's own addresses and without its interface.
fn without_interface() -> Value {
    let mut w = world();
    w["NetworkInterfaces"].as_array_mut().expect("list").remove(0);
    w["Instances"][0]["PrivateIpAddress"] = json!("10.0.1.10");
    w["Instances"][0]["PublicIpAddress"] = json!("54.1.2.3");
    w["Instances"][0]["Tags"] = json!([{ "Key": "role", "Value": "web" }]);
    w
}

#[test]
fn an_instance_without_an_interface_is_unknown_everywhere() {
    let s = snap(&without_interface());
    assert_eq!(
        gaps(&s),
        [Gap::new(GapKind::NetworkInterfaces, "i-1", "none of its interfaces is in the snapshot",)]
    );
    for (from, to) in [("internet", "i-1"), ("internet", "54.1.2.3"), ("10.0.2.10", "10.0.1.10")] {
        let answer = explain(&s, from, to, "tcp/22");
        assert_eq!(answer.configured.verdict().to_string(), "unknown", "{from} {to}");
        assert_eq!(kinds(&answer.gaps), [GapKind::NetworkInterfaces], "{from} {to}");
    }
    let reach = Reach::new(&s, &Options::default());
    let internet = AddressSet::outside();
    assert_eq!(slice(&reach, "54.1.2.3", &internet, "tcp/22").verdict().to_string(), "unknown");
    assert_eq!(slice(&reach, "10.0.1.10", &internet, "tcp/22").verdict().to_string(), "blocked");
    let ran = ran(&s, &["reach"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(!ran.stdout.contains("nothing is exposed"), "{ran}");
    assert!(ran.stdout.contains("not seen: network-interfaces: i-1"), "{ran}");
}

#[test]
fn an_audit_tells_of_an_instance_without_an_interface() {
    let world = World::new().with("NO_COLOR", "1");
    let mut w = without_interface();
    w["Instances"].as_array_mut().expect("list").truncate(1);
    w["NetworkInterfaces"] = json!([]);
    let s = snap(&w);
    world.file("s.json", serde_json::to_vec(&s).expect("json"));
    world.file(
        "spec.yaml",
        "version: 1\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { ssh: { port: tcp/22, from: internet } }\n",
    );
    let arguments = [
        "audit",
        "spec.yaml",
        "--snapshot",
        "s.json",
        "--no-probe",
        "--no-history",
        "--allow-gaps=vantage,stale-snapshot",
    ];
    let ran = world.run(&arguments);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains("gap[network-interfaces]: i-1"), "{ran}");
}

#[test]
fn what_no_longer_runs_needs_no_interface() {
    for (state, said) in [("stopped", "it is stopped"), ("terminated", "it is terminated")] {
        let mut w = without_interface();
        w["Instances"][0]["State"] = json!({ "Name": state });
        let s = snap(&w);
        assert!(gaps(&s).is_empty(), "{state}: {:?}", gaps(&s));
        let ran = ran(&s, &["explain", "--from", "internet", "--to", "i-1", "--port", "tcp/22"]);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stdout.starts_with("blocked") && ran.stdout.contains(said), "{ran}");
    }
}

#[test]
fn a_gateway_that_a_route_in_force_leads_to_and_nobody_listed_is_unknown() {
    let mut w = world();
    w["InternetGateways"] = json!([]);
    let s = snap(&w);
    let answer = explain(&s, "internet", "i-1", "tcp/22");
    assert_eq!(answer.configured.verdict().to_string(), "unknown");
    assert_eq!(kinds(&answer.gaps), [GapKind::InternetGateways]);
    assert!(exposed(&s).contains(&"54.1.2.3 tcp/22 unknown".into()), "{:?}", exposed(&s));
    assert_eq!(verdict(&w, "i-1", "8.8.8.8", "tcp/443"), "unknown");
    let ran = ran(&s, &["reach"]);
    assert!(
        ran.code == Some(3) && ran.stdout.contains("not seen: internet-gateways: igw-1"),
        "{ran}"
    );
    // Where the group keeps everybody out it blocks all the same.
    assert_eq!(said(&s, "internet", "i-1", "tcp/80"), "blocked security-group sg-1");
    // A route that AWS made a blackhole agrees with the listing, and so does none at all.
    for route in w["RouteTables"][1]["Routes"].as_array_mut().expect("list").iter_mut().skip(1) {
        route["State"] = json!("blackhole");
    }
    assert_eq!(verdict(&w, "internet", "i-1", "tcp/22"), "blocked");
    assert!(exposed(&snap(&w)).is_empty());
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").truncate(1);
    assert_eq!(verdict(&w, "internet", "i-1", "tcp/22"), "blocked");
}

#[test]
fn instances_that_were_asked_for_and_did_not_come_may_run_or_not() {
    let mut w = world();
    w["Instances"] = json!([]);
    let mut s = snap(&w);
    // The listing is whole and lacks what its own interface names.
    let answer = explain(&s, "internet", "i-1", "tcp/22");
    assert_eq!(answer.configured.verdict().to_string(), "unknown");
    assert_eq!(
        answer.gaps,
        [Gap::new(GapKind::Instances, "i-1", "the instance is not in the snapshot")]
    );
    let denied = Outcome::Denied("UnauthorizedOperation".into());
    outcome(&mut s, CallKind::Instances, Some(denied));
    for arguments in
        [&["reach"][..], &["explain", "--from", "internet", "--to", "i-1", "--port", "tcp/22"]]
    {
        let ran = ran(&s, arguments);
        assert_eq!(ran.code, Some(3), "{ran}");
        assert!(
            ran.stdout
                .contains("not seen: instances: 111122223333/eu-west-1: DescribeInstances denied"),
            "{ran}"
        );
        assert!(ran.stdout.contains("unknown") && !ran.stdout.contains("permitted"), "{ran}");
    }
    // Saved output that never asked takes them to run, and says so.
    outcome(&mut s, CallKind::Instances, None);
    let answer = explain(&s, "internet", "i-1", "tcp/22");
    assert_eq!(answer.configured.verdict().to_string(), "permitted");
    assert_eq!(kinds(&answer.gaps), [GapKind::Instances]);
    assert!(kinds(&gaps(&s)).contains(&GapKind::Instances));
}

#[test]
fn a_denied_call_that_lists_what_may_be_exposed_is_a_gap_of_reach() {
    for (kind, gap) in [
        (CallKind::Instances, GapKind::Instances),
        (CallKind::DbInstances, GapKind::DbInstances),
        (CallKind::LoadBalancers, GapKind::LoadBalancers),
        (CallKind::ClassicLoadBalancers, GapKind::LoadBalancers),
        (CallKind::Addresses, GapKind::Addresses),
    ] {
        let mut s = snap(&world());
        outcome(&mut s, kind, Some(Outcome::Denied("AccessDenied".into())));
        assert_eq!(kinds(&gaps(&s)), [gap]);
    }
}

/// An account that could not be entered may have any address and expose anything.
#[test]
fn an_account_that_could_not_be_entered_is_a_gap_of_reach() {
    let asked = ["explain", "--from", "internet", "--to", "203.0.113.200", "--port", "tcp/22"];
    let mut none = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    for s in [&mut snap(&world()), &mut none] {
        s.calls.push(Call {
            account: "222233334444".into(),
            region: "us-east-1".into(),
            kind: CallKind::CallerIdentity,
            outcome: Outcome::Denied("AccessDenied".into()),
            items: 0,
        });
        assert!(kinds(&gaps(s)).contains(&GapKind::Account));
        for arguments in [&["reach"][..], &asked] {
            let ran = ran(s, arguments);
            assert_eq!(ran.code, Some(3), "{ran}");
            assert!(ran.stdout.contains("account: 222233334444/us-east-1"), "{ran}");
            assert!(!ran.stdout.contains("nothing is exposed"), "{ran}");
        }
        let verdict = ran(s, &asked).stdout;
        assert!(verdict.contains("unknown") && !verdict.contains("blocked"), "{verdict}");
    }
}

/// No client on the internet reaches a private address, whosever it is; loopback is this machine's own.
#[test]
fn a_private_address_that_nothing_has_is_not_reached_from_the_internet() {
    let none = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    let reach = Reach::new(&none, &Options::default());
    let from = |from: &AddressSet, to: &str| {
        let to = to.parse().expect("an address");
        let ports = portcullis::model::PortSet::one(443);
        let parts = reach.slices(to, None, from, portcullis::model::Protocol::Tcp, &ports);
        parts.iter().map(|(_, c)| c.verdict().to_string()).collect::<Vec<_>>()
    };
    for (to, verdict) in [
        ("10.20.1.13", "blocked"),
        ("fd00::13", "blocked"),
        ("203.0.113.7", "not-applicable"),
        ("127.0.0.1", "not-applicable"),
    ] {
        assert_eq!(from(&AddressSet::outside(), to), [verdict], "{to}");
        assert_eq!(from(&AddressSet::all(), to), ["not-applicable"], "{to}");
    }
}

#[test]
fn nothing_seen_is_not_called_clean() {
    let mut w = world();
    for rows in ["Instances", "NetworkInterfaces", "SecurityGroups", "RouteTables", "Subnets"] {
        w[rows] = json!([]);
    }
    let mut s = snap(&w);
    for call in &mut s.calls {
        call.outcome = Outcome::Denied("UnauthorizedOperation".into());
    }
    let told = ran(&s, &["reach"]);
    assert_eq!(told.code, Some(3), "{told}");
    assert!(told.stdout.starts_with("nothing of what could be seen is exposed"), "{told}");
    let told = ran(&snap(&w), &["reach"]);
    assert!(told.code == Some(0) && told.stdout == "nothing is exposed to internet\n", "{told}");
}

#[test]
fn a_name_of_several_balancers_or_databases_is_refused() {
    let asked = |s: &Snapshot, to: &str| {
        let query = Query {
            from: super::world::end("internet"),
            to: super::world::end(to),
            protocol: None,
            ports: portcullis::model::PortSet::all(),
        };
        Reach::new(s, &Options::default()).explain(&query)
    };
    let refused = |s: &Snapshot, to: &str, ids: &[&str]| match asked(s, to) {
        Err(QueryError::Unusable { why, .. }) => {
            assert!(ids.iter().all(|id| why.contains(id)), "{why}");
        }
        other => panic!("{to}: {other:?}"),
    };
    let balancer = |arn: &str| json!({ "LoadBalancerArn": arn, "LoadBalancerName": "web", "Type": "application", "Scheme": "internet-facing" });
    let database = |arn: Value| json!({ "DBInstanceIdentifier": "orders", "DBInstanceArn": arn, "PubliclyAccessible": true });
    let (mut a, mut b) = (world(), json!({ "Account": "222233334444", "Region": "us-east-1" }));
    a["LoadBalancers"] = json!([balancer("arn:a/web/1")]);
    b["LoadBalancers"] = json!([balancer("arn:b/web/1")]);
    a["DbInstances"] = json!([database(json!("arn:aws:rds:eu-west-1:111122223333:db:orders"))]);
    b["DbInstances"] = json!([database(Value::Null)]);
    let s = snapshot(vec![a.clone(), b]);
    refused(&s, "web", &["several load balancers", "arn:a/web/1", "arn:b/web/1"]);
    let ids = ["arn:aws:rds:eu-west-1:111122223333:db:orders", "222233334444/us-east-1/orders"];
    refused(&s, "orders", &["several databases", ids[0], ids[1]]);
    assert!(asked(&s, "arn:b/web/1").is_ok() && asked(&s, ids[0]).is_ok());
    // Each has a gap of its own.
    let scopes: Vec<String> =
        gaps(&s).into_iter().filter(|g| g.kind == GapKind::DbInstances).map(|g| g.scope).collect();
    assert_eq!(scopes, [ids[1], ids[0]]);
    // A name across kinds is none either.
    a["Instances"][1]["Tags"] = json!([{ "Key": "Name", "Value": "web" }]);
    refused(&snap(&a), "web", &["several things", "i-2", "arn:a/web/1"]);
}

#[test]
fn a_public_database_whose_interface_shows_no_public_address_is_a_gap_of_both() {
    let mut w = world();
    let mut own = w["NetworkInterfaces"][1].clone();
    own["NetworkInterfaceId"] = json!("eni-db");
    own["PrivateIpAddress"] = json!("10.0.1.50");
    own["PrivateIpAddresses"] = json!([{ "PrivateIpAddress": "10.0.1.50", "Primary": true }]);
    own["SubnetId"] = json!("subnet-1");
    own["Description"] = json!("RDSNetworkInterface");
    own["Attachment"] = Value::Null;
    w["NetworkInterfaces"].as_array_mut().expect("list").push(own);
    w["DbInstances"] = json!([{ "DBInstanceIdentifier": "orders", "PubliclyAccessible": true, "VpcSecurityGroups": [{ "VpcSecurityGroupId": "sg-2" }], "DBSubnetGroup": { "VpcId": "vpc-1", "Subnets": [{ "SubnetIdentifier": "subnet-1" }] } }]);
    let s = snap(&w);
    assert_eq!(kinds(&gaps(&s)), [GapKind::DbInstances]);
    let answer = explain(&s, "internet", "orders", "tcp/22");
    assert_ne!(answer.configured.verdict().to_string(), "blocked");
    assert_eq!(answer.gaps, gaps(&s));
    // What its groups keep out needs no address to be kept out.
    assert_eq!(verdict(&w, "internet", "orders", "tcp/80"), "blocked");
}

#[test]
fn clients_inside_the_vpc_are_no_internet() {
    let mut w = world();
    w["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = json!([{ "Ipv6CidrBlock": "2600:1f00::/56", "Ipv6CidrBlockState": { "State": "associated" } }]);
    let local = json!({ "DestinationIpv6CidrBlock": "2600:1f00::/56", "GatewayId": "local", "State": "active", "Origin": "CreateRouteTable" });
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(local);
    let rows = ["54.1.2.3 tcp/22 permitted", "2600:1f00::10 tcp/22 permitted"];
    assert_eq!(exposed(&snap(&w)), rows);
    assert_eq!(verdict(&w, "internet", "2600:1f00::10", "tcp/22"), "permitted");
    // The route is what says it where the VPC was not read.
    let mut alone = w.clone();
    alone["Vpcs"] = json!([]);
    assert_eq!(exposed(&snap(&alone)), rows);
    // Without a route to the rest, it is reached from nowhere outside.
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").remove(2);
    assert_eq!(exposed(&snap(&w)), rows[..1]);
    assert_eq!(said(&snap(&w), "internet", "2600:1f00::10", "tcp/22"), "blocked route-table rtb-1");
}

#[test]
fn a_name_that_a_denied_call_may_hide_is_not_said_to_be_nothing() {
    let mut s = snap(&world());
    let asked = ["explain", "--from", "internet", "--to", "orders"];
    assert_eq!(ran(&s, &asked).code, Some(2), "everything was seen: it is a mistake");
    outcome(&mut s, CallKind::DbInstances, Some(Outcome::Denied("AccessDenied".into())));
    let told = ran(&s, &asked);
    assert_eq!(told.code, Some(3), "{told}");
    assert!(told.stderr.contains("DescribeDBInstances denied"), "{told}");
}

#[test]
fn a_nat_gateway_that_a_route_in_force_leads_to_and_nobody_listed_is_unknown() {
    let mut w = world();
    let route = |state: &str| json!({ "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": state, "Origin": "CreateRoute" });
    w["RouteTables"][0]["Routes"].as_array_mut().expect("list").push(route("active"));
    let answer = explain(&snap(&w), "i-2", "8.8.8.8", "tcp/443");
    assert_eq!(answer.configured.verdict().to_string(), "unknown");
    assert_eq!(kinds(&answer.gaps), [GapKind::NatGateways]);
    w["RouteTables"][0]["Routes"][1] = route("blackhole");
    assert_eq!(verdict(&w, "i-2", "8.8.8.8", "tcp/443"), "blocked");
}

/// The world that lets in its own group only.
fn own_group_only() -> Value {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissions"] = json!([super::world::from_group("sg-1")]);
    w
}

#[test]
fn an_address_whose_interface_nobody_listed_may_carry_any_group() {
    let mut s = snap(&own_group_only());
    assert_eq!(said(&s, "10.0.1.99", "i-1", "tcp/22"), "blocked security-group sg-1");
    for listing in [None, Some(Outcome::Truncated("its last page names a next one".into()))] {
        outcome(&mut s, CallKind::NetworkInterfaces, listing);
        let answer = explain(&s, "10.0.1.99", "i-1", "tcp/22");
        assert_eq!(answer.configured.verdict().to_string(), "unknown");
        assert_eq!(kinds(&answer.gaps), [GapKind::NetworkInterfaces]);
        let ran = ran(&s, &["explain", "--from=10.0.1.99", "--to=i-1", "--port=tcp/22"]);
        assert_eq!(ran.code, Some(3), "{ran}");
        // What an interface that was read carries is known, and a port that no group opens is closed.
        assert_eq!(said(&s, "10.0.2.10", "i-1", "tcp/22"), "blocked security-group sg-1");
        assert_eq!(said(&s, "10.0.1.99", "i-1", "tcp/80"), "blocked security-group sg-1");
    }
    // So may one whose instance is there without its interface.
    let mut w = own_group_only();
    w["Instances"].as_array_mut().expect("list").push(
        json!({ "InstanceId": "i-3", "State": { "Name": "running" }, "VpcId": "vpc-1", "PrivateIpAddress": "10.0.1.99" }),
    );
    assert_eq!(verdict(&w, "10.0.1.99", "i-1", "tcp/22"), "unknown");
    assert_eq!(verdict(&w, "10.0.1.98", "i-1", "tcp/22"), "blocked");
    // And where the destination is a group that nobody can tell the members of.
    let mut w = world();
    let mut to = super::world::from_group("sg-2");
    to["IpProtocol"] = json!("-1");
    w["SecurityGroups"][0]["IpPermissionsEgress"] = json!([to]);
    let mut s = snap(&w);
    assert_eq!(said(&s, "i-1", "10.0.2.99", "tcp/22"), "blocked security-group sg-1");
    outcome(&mut s, CallKind::NetworkInterfaces, None);
    assert!(said(&s, "i-1", "10.0.2.99", "tcp/22").starts_with("unknown"));
}

#[test]
fn a_private_database_with_a_public_address_is_believed_on_neither_side() {
    let mut w = world();
    w["NetworkInterfaces"][0]["Description"] = json!("RDSNetworkInterface");
    w["NetworkInterfaces"][0]["Attachment"] = Value::Null;
    w["DbInstances"] = json!([{ "DBInstanceIdentifier": "db1", "PubliclyAccessible": false,
        "VpcSecurityGroups": [{ "VpcSecurityGroupId": "sg-1" }], "DBSubnetGroup": { "VpcId": "vpc-1", "Subnets": [{ "SubnetIdentifier": "subnet-1" }] } }]);
    w["Instances"].as_array_mut().expect("list").remove(0);
    let s = snap(&w);
    for to in ["db1", "54.1.2.3"] {
        let answer = explain(&s, "internet", to, "tcp/22");
        assert_eq!(answer.configured.verdict().to_string(), "unknown", "{to}");
        assert_eq!(kinds(&answer.gaps), [GapKind::DbInstances], "{to}");
        assert_eq!(said(&s, "internet", to, "tcp/80"), "blocked security-group sg-1", "{to}");
    }
    assert!(exposed(&s).contains(&"54.1.2.3 tcp/22 unknown".into()), "{:?}", exposed(&s));
    assert_eq!(ran(&s, &["reach"]).code, Some(3));
    // Inside the VPC nothing is in doubt.
    assert_eq!(verdict(&w, "10.0.2.10", "10.0.1.10", "tcp/22"), "permitted");
    w["DbInstances"][0]["PubliclyAccessible"] = json!(true);
    assert_eq!(verdict(&w, "internet", "db1", "tcp/22"), "permitted");
}

/// The world as `aws ... describe-*` prints it, one file a key.
fn answers(view: &Value) -> World {
    let world = World::new().with("NO_COLOR", "1");
    for (key, rows) in view.as_object().expect("a view") {
        let (key, rows) = match key.as_str() {
            "Account" | "Region" => continue,
            "Instances" => ("Reservations", json!([{ "Instances": rows }])),
            "BpaOptions" => ("VpcBlockPublicAccessOptions", rows.clone()),
            key => (key, rows.clone()),
        };
        let name = format!("saved/111122223333/eu-west-1/{key}.json");
        world.file(&name, json!({ key: rows }).to_string());
    }
    world
}

#[test]
fn a_prefix_list_that_ends_before_its_end_is_no_no() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissions"] = json!([{ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListIds": [{ "PrefixListId": "pl-1" }] }]);
    w["PrefixLists"] = json!([{ "PrefixListId": "pl-1", "AddressFamily": "IPv4" }]);
    let world = answers(&w);
    let entries = "saved/111122223333/eu-west-1/pl-1.json";
    let page = json!({ "Entries": [{ "Cidr": "198.51.100.0/24" }] });
    world.file(entries, page.to_string());
    let explain = ["explain", "--from=8.8.8.8", "--to=54.1.2.3", "--port=tcp/22"];
    let run = |arguments: &[&str]| world.run(&[arguments, &["--aws-json", "saved"]].concat());
    assert!(run(&explain).stdout.starts_with("blocked"), "{}", run(&explain));
    let mut cut = page.clone();
    cut["NextToken"] = json!("more");
    world.file(entries, cut.to_string());
    let told = run(&explain);
    assert_eq!(told.code, Some(3), "{told}");
    assert!(told.stdout.starts_with("unknown"), "{told}");
    assert!(told.stdout.contains("not seen: prefix-lists: pl-1"), "{told}");
    let reach = run(&["reach"]);
    assert_eq!(reach.code, Some(3), "{reach}");
    assert!(!reach.stdout.contains("nothing is exposed"), "{reach}");
    // What is forbidden to everybody is not said to hold.
    world.file(
        "spec.yaml",
        "version: 1\nroles:\n  web:\n    select: { names: \"i-*\" }\n    forbid: [{ port: tcp/22, from: internet }]\n",
    );
    let audit =
        run(&["audit", "spec.yaml", "--no-probe", "--no-history", "--allow-gaps=vantage,vpc-bpa"]);
    assert_eq!(audit.code, Some(3), "{audit}");
    assert!(audit.stdout.contains("gap[prefix-lists]: pl-1"), "{audit}");
    // With its next page it is whole again.
    world.file(entries, format!("{cut}\n{page}"));
    assert!(run(&explain).stdout.starts_with("blocked"), "{}", run(&explain));
}
