//! What lies in accounts and regions that nobody read: nothing that is missing there is a no.

use super::world::{explain, outcome, said, snapshot, world};
use portcullis::model::{Gap, GapKind};
use portcullis::reach::{Options, Reach};
use portcullis::snapshot::{CallKind, Snapshot};
use serde_json::{Value, json};

fn snap(view: &Value) -> Snapshot {
    snapshot(vec![view.clone()])
}

/// The verdict of a flow, and the kind and the scope of what was not seen.
fn asked(s: &Snapshot, from: &str, to: &str) -> (String, Vec<String>) {
    let answer = explain(s, from, to, "tcp/22");
    let gap = |g: &Gap| format!("{} {}", g.kind, g.scope);
    (answer.configured.verdict().to_string(), answer.gaps.iter().map(gap).collect())
}

/// i-1's subnet routes 10.9.0.0/16 to `target`; vpc-9 at its other side is another account's.
fn routed(target: (&str, &str)) -> Value {
    let mut w = world();
    w["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(
        json!({ "DestinationCidrBlock": "10.9.0.0/16", target.0: target.1, "State": "active" }),
    );
    w["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" },
        "RequesterVpcInfo": { "VpcId": "vpc-1", "Region": "eu-west-1" },
        "AccepterVpcInfo": { "VpcId": "vpc-9", "Region": "eu-central-1", "OwnerId": "444455556666" } }]);
    w["TransitGateways"] =
        json!([{ "TransitGatewayId": "tgw-1", "OwnerId": "111122223333", "State": "available" }]);
    let attachment = |id: &str, vpc: &str, subnet: &str| {
        json!({ "TransitGatewayAttachmentId": id, "TransitGatewayId": "tgw-1", "ResourceType": "vpc",
            "ResourceId": vpc, "State": "available", "AssociationRouteTableId": "tgw-rtb-1", "SubnetIds": [subnet] })
    };
    w["TransitGatewayAttachments"] = json!([
        attachment("tgw-attach-1", "vpc-1", "subnet-1"),
        attachment("tgw-attach-9", "vpc-9", "subnet-9")
    ]);
    w["TransitGatewayRouteTables"] = json!([{ "TransitGatewayRouteTableId": "tgw-rtb-1", "TransitGatewayId": "tgw-1",
        "Propagations": [], "Routes": [{ "DestinationCidrBlock": "10.9.0.0/16", "Type": "static", "State": "active",
            "TransitGatewayAttachments": [{ "TransitGatewayAttachmentId": "tgw-attach-9", "ResourceId": "vpc-9" }] }] }]);
    w
}

/// The same, with vpc-9 in the snapshot.
fn read(mut w: Value) -> Value {
    let vpc = json!({ "VpcId": "vpc-9", "CidrBlock": "10.9.0.0/16" });
    w["Vpcs"].as_array_mut().expect("list").push(vpc);
    w
}

#[test]
fn a_vpc_beyond_that_was_not_read_is_not_said_to_hold_nothing() {
    for target in [("VpcPeeringConnectionId", "pcx-1"), ("TransitGatewayId", "tgw-1")] {
        let w = routed(target);
        let (verdict, gaps) = asked(&snap(&w), "i-1", "10.9.0.4");
        assert_eq!(
            (verdict.as_str(), &gaps[..]),
            ("unknown", &["vpcs vpc-9".into()][..]),
            "{target:?}"
        );
        // One that was read and has no such subnet blocks; where nobody listed its subnets it may.
        let mut s = snap(&read(w));
        assert_eq!(said(&s, "i-1", "10.9.0.4", "tcp/22"), "blocked vpc vpc-9", "{target:?}");
        outcome(&mut s, CallKind::Subnets, None);
        let (verdict, gaps) = asked(&s, "i-1", "10.9.0.4");
        assert_eq!(
            (verdict.as_str(), &gaps[..]),
            ("unknown", &["subnets 111122223333/eu-west-1".into()][..]),
            "{target:?}"
        );
    }
    // A peering of which one side is not told.
    let mut w = routed(("VpcPeeringConnectionId", "pcx-1"));
    w["VpcPeeringConnections"][0]["AccepterVpcInfo"] = json!({});
    let (verdict, gaps) = asked(&snap(&w), "i-1", "10.9.0.4");
    assert_eq!((verdict.as_str(), &gaps[..]), ("unknown", &["vpc-peerings pcx-1".into()][..]));
}

#[test]
fn only_the_owner_of_a_transit_gateway_sees_its_tables() {
    let mut w = read(routed(("TransitGatewayId", "tgw-1")));
    w["TransitGatewayAttachments"][0]["AssociationRouteTableId"] = Value::Null;
    w["TransitGatewayRouteTables"] = json!([]);
    assert_eq!(said(&snap(&w), "i-1", "10.9.0.4", "tcp/22"), "blocked transit-gateway tgw-1");
    w["TransitGateways"][0]["OwnerId"] = json!("444455556666");
    let (verdict, gaps) = asked(&snap(&w), "i-1", "10.9.0.4");
    assert_eq!((verdict.as_str(), &gaps[..]), ("unknown", &["transit-gateways tgw-1".into()][..]));
}

#[test]
fn an_address_of_a_vpc_whose_blocks_nobody_read_is_not_said_to_be_elsewhere() {
    let mut w = world();
    w["Vpcs"] = json!([]);
    w["Subnets"] = json!([]);
    let mut s = snap(&w);
    for kind in [CallKind::Vpcs, CallKind::Subnets] {
        outcome(&mut s, kind, None);
    }
    let (verdict, gaps) = asked(&s, "i-1", "10.0.9.9");
    assert_eq!(
        (verdict.as_str(), &gaps[..]),
        ("unknown", &["subnets 111122223333/eu-west-1".into()][..])
    );
}

/// The world in a subnet that 444455556666 shares.
fn shared() -> Value {
    let mut w = world();
    w["Vpcs"][0]["OwnerId"] = json!("444455556666");
    for subnet in w["Subnets"].as_array_mut().expect("list") {
        subnet["OwnerId"] = json!("444455556666");
    }
    w
}

#[test]
fn who_shares_a_vpc_does_not_see_all_of_it() {
    let s = snap(&shared());
    for address in ["10.0.1.99", "10.0.9.9"] {
        let (verdict, gaps) = asked(&s, "i-1", address);
        assert_eq!((verdict.as_str(), &gaps[..]), ("unknown", &["vpcs vpc-1".into()][..]));
    }
    let mut owner = shared();
    owner["Account"] = json!("444455556666");
    let s = snapshot(vec![shared(), owner]);
    assert_eq!(said(&s, "i-1", "10.0.1.99", "tcp/22"), "blocked subnet subnet-1");
    // The internet gateway is the owner's to show.
    let mut w = shared();
    w["InternetGateways"] = json!([]);
    w["RouteTables"] = json!([]);
    assert_eq!(asked(&snap(&w), "internet", "i-1").0, "unknown");
}

#[test]
fn r35_block_public_access_of_a_shared_subnet_is_its_owners() {
    let owner = |mode: &str| {
        let mut w = json!({ "Account": "444455556666", "Region": "eu-west-1" });
        w["BpaOptions"] = json!({ "InternetGatewayBlockMode": mode });
        w
    };
    for mode in ["off", "block-bidirectional"] {
        let mut w = shared();
        w["BpaOptions"]["InternetGatewayBlockMode"] = json!(mode);
        let s = snap(&w);
        let (verdict, gaps) = asked(&s, "internet", "i-1");
        let gap = ["vpc-bpa 444455556666/eu-west-1".to_owned()];
        assert_eq!((verdict.as_str(), &gaps[..]), ("unknown", &gap[..]), "{mode}");
        let reach = Reach::new(&s, &Options::default());
        let rows = reach.exposed(&portcullis::model::AddressSet::outside());
        assert!(rows.iter().any(|r| r.configured.gaps()[0].kind == GapKind::VpcBpa), "{rows:?}");
        // Whoever takes it to be off is told so.
        let reach = Reach::new(&s, &Options { assume_bpa_off: true });
        assert_eq!(reach.gaps().iter().map(|g| g.kind).collect::<Vec<_>>(), [GapKind::VpcBpa]);
        // Where it was read it decides, whichever account comes first.
        for account in ["444455556666", "000000000000"] {
            for (mode, verdict) in [("off", "permitted"), ("block-bidirectional", "blocked")] {
                let mut of = owner(mode);
                of["Account"] = json!(account);
                let w: Value =
                    serde_json::from_str(&w.to_string().replace("444455556666", account))
                        .expect("json");
                let views = if account < "1" { vec![of, w] } else { vec![w, of] };
                assert_eq!(asked(&snapshot(views), "internet", "i-1").0, verdict, "{account}");
            }
        }
    }
}

#[test]
fn an_address_that_nothing_has_is_nobodys_where_everything_was_read() {
    let w = world();
    assert_eq!(asked(&snap(&w), "internet", "54.99.99.99"), ("blocked".into(), vec![]));
    assert_eq!(asked(&snap(&w), "internet", "10.99.0.1").0, "blocked");
    // Beyond a gateway that was read to lead elsewhere there may be anybody.
    let gap = vec!["addresses 192.168.7.7".to_owned()];
    let inside = asked(&snap(&w), "172.16.0.0/12", "192.168.7.7");
    assert_eq!(inside, ("unknown".into(), gap));
}
