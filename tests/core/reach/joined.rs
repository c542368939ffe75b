//! Two VPCs of both families, joined by a peering: IPv6 addresses are global, and still ours.

use super::world::*;
use portcullis::model::AddressSet;
use portcullis::reach::{Options, Reach};
use portcullis::snapshot::Snapshot;
use serde_json::{Value, json};

/// The world with IPv6 blocks, and one like it with 9s; each routes the other's blocks as it is told.
struct Pair {
    view: Value,
    /// Of the peering.
    state: &'static str,
}

const SIDES: [(&str, &str, &str, &str); 2] = [
    ("rtb-1", "10.0.0.0/16", "2600:1f00::/56", "10.9.0.0/16 2600:1f09::/56"),
    ("rtb-9", "10.9.0.0/16", "2600:1f09::/56", "10.0.0.0/16 2600:1f00::/56"),
];

impl Pair {
    fn new() -> Self {
        let mut near = world();
        near["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = json!([{ "Ipv6CidrBlock": "2600:1f00::/56", "Ipv6CidrBlockState": { "State": "associated" } }]);
        let local = json!({ "DestinationIpv6CidrBlock": "2600:1f00::/56", "GatewayId": "local", "State": "active" });
        near["RouteTables"][1]["Routes"].as_array_mut().expect("a list").push(local);
        Self { view: with_twin(&near, &[("rtb-19", "rtb-9")]), state: "active" }
    }

    fn table(&mut self, id: &str) -> &mut Vec<Value> {
        let tables = self.view["RouteTables"].as_array_mut().expect("a list");
        let table = tables.iter_mut().find(|t| t["RouteTableId"] == id).expect("the table");
        table["Routes"].as_array_mut().expect("a list")
    }

    /// Routes the other side's blocks of one family by the peering.
    fn route(&mut self, table: &str, family: usize, state: &str) {
        let (.., there) = SIDES.iter().find(|(id, ..)| *id == table).expect("a side");
        let block = there.split(' ').nth(family).expect("a block");
        let key = ["DestinationCidrBlock", "DestinationIpv6CidrBlock"][family];
        let row = json!({ key: block, "VpcPeeringConnectionId": "pcx-1", "State": state });
        self.table(table).push(row);
    }

    fn joined() -> Self {
        let mut pair = Self::new();
        for (table, ..) in SIDES {
            pair.route(table, 0, "active");
            pair.route(table, 1, "active");
        }
        pair
    }

    fn snapshot(&self) -> Snapshot {
        let mut view = self.view.clone();
        view["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": self.state },
            "RequesterVpcInfo": { "VpcId": "vpc-1" }, "AccepterVpcInfo": { "VpcId": "vpc-19" } }]);
        snapshot(vec![view])
    }

    /// What a path says, and what the same question by its addresses says.
    fn said(&self, from: &str, to: &str, port: &str) -> String {
        let snapshot = self.snapshot();
        let path = said(&snapshot, from, to, port);
        let source = AddressSet::one(from.parse().expect("an address"));
        let reach = Reach::new(&snapshot, &Options::default());
        let slice = slice(&reach, to, &source, port).verdict().to_string();
        assert!(
            path.starts_with(&slice),
            "{from} to {to} {port}: {path}, and by addresses {slice}"
        );
        path
    }
}

const HERE: &str = "2600:1f00::10";
const THERE: &str = "2600:1f09::10";

#[test]
fn r29_ipv6_goes_over_a_peering_as_ipv4_does() {
    let pair = Pair::joined();
    for (from, to) in [(HERE, THERE), (THERE, HERE), ("10.0.1.10", "10.9.1.10")] {
        assert!(pair.said(from, to, "tcp/22").starts_with("permitted"), "{from} to {to}");
        assert!(pair.said(from, to, "tcp/23").starts_with("blocked security-group"), "{from}");
    }
    // It is the peering that carries it: without an internet gateway it does so still.
    let mut inside = Pair::joined();
    inside.view["InternetGateways"] = json!([]);
    assert!(inside.said(HERE, THERE, "tcp/22").starts_with("permitted"));
}

#[test]
fn r03_a_group_of_the_peer_counts_for_ipv6_too() {
    let mut pair = Pair::joined();
    pair.view["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-19")]);
    assert_eq!(pair.said(THERE, HERE, "tcp/22"), "permitted security-group sg-1");
    // By the internet it carries no group.
    let mut apart = Pair::new();
    apart.view["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-19")]);
    assert_eq!(apart.said(THERE, HERE, "tcp/22"), "blocked security-group sg-1");
}

#[test]
fn a_host_of_ours_must_be_let_out_on_ipv6_wherever_it_goes() {
    for mut pair in [Pair::joined(), Pair::new()] {
        assert!(pair.said(THERE, HERE, "tcp/22").starts_with("permitted"));
        let groups = pair.view["SecurityGroups"].as_array_mut().expect("a list");
        let own = groups.iter_mut().find(|g| g["GroupId"] == "sg-19").expect("the group");
        own["IpPermissionsEgress"] = json!([]);
        assert_eq!(pair.said(THERE, HERE, "tcp/22"), "blocked security-group sg-19");
    }
    // Without a route it leaves by nothing.
    let mut pair = Pair::new();
    pair.table("rtb-9").retain(|r| r["DestinationIpv6CidrBlock"] != "::/0");
    assert_eq!(pair.said(THERE, HERE, "tcp/22"), "blocked subnet subnet-19");
}

#[test]
fn where_answers_take_another_way_nobody_knows() {
    for table in ["rtb-1", "rtb-9"] {
        let mut pair = Pair::new();
        pair.route(table, 1, "active");
        for (from, to) in [(HERE, THERE), (THERE, HERE)] {
            assert!(pair.said(from, to, "tcp/22").starts_with("unknown"), "{table} {from}");
            // What surely blocks blocks all the same.
            assert!(pair.said(from, to, "tcp/23").starts_with("blocked security-group"), "{table}");
        }
    }
}

#[test]
fn the_blocks_of_a_joined_vpc_are_no_part_of_the_internet() {
    let said = |pair: &Pair| {
        let snapshot = pair.snapshot();
        let reach = Reach::new(&snapshot, &Options::default());
        slice(&reach, HERE, &AddressSet::outside(), "tcp/22").verdict().to_string()
    };
    assert_eq!(said(&Pair::joined()), "permitted");
    // Who else is behind a route that does not lead to the internet gets no answer.
    let mut wide = Pair::joined();
    wide.table("rtb-1").push(json!({ "DestinationIpv6CidrBlock": "2600::/16",
        "VpcPeeringConnectionId": "pcx-1", "State": "active" }));
    assert_eq!(said(&wide), "partly");
}

#[test]
fn most_of_the_internet_is_asked_about_strangers() {
    // A group lets its own hosts in, and the partner by its block.
    let mut pair = Pair::new();
    pair.view["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-1")]);
    let mut beside = pair.view["NetworkInterfaces"][0].clone();
    beside["NetworkInterfaceId"] = json!("eni-3");
    beside["PrivateIpAddress"] = json!("10.0.1.30");
    beside["PrivateIpAddresses"] = json!([]);
    beside["Ipv6Addresses"] = json!([{ "Ipv6Address": "2600:1f00::30" }]);
    beside["Attachment"] = Value::Null;
    pair.view["NetworkInterfaces"].as_array_mut().expect("a list").push(beside);
    assert!(pair.said("2600:1f00::30", HERE, "tcp/22").starts_with("permitted"));
    let snapshot = pair.snapshot();
    let reach = Reach::new(&snapshot, &Options::default());
    let partner = ["2a01::/32".parse().expect("a block")].into_iter().collect();
    let rest = AddressSet::outside().subtract(&partner);
    assert_eq!(slice(&reach, HERE, &rest, "tcp/22").verdict().to_string(), "blocked");
}

#[test]
fn r29_a_peering_that_is_over_blocks_by_itself() {
    for (state, route, wanted) in [
        ("active", "active", "permitted security-group sg-1"),
        ("deleted", "active", "blocked vpc-peering pcx-1"),
        ("deleted", "blackhole", "blocked route-table rtb-9"),
        ("pending-acceptance", "active", "blocked vpc-peering pcx-1"),
    ] {
        for (family, (from, to)) in [("10.9.1.10", "10.0.1.10"), (THERE, HERE)].iter().enumerate() {
            let mut pair = Pair { state, ..Pair::new() };
            pair.route("rtb-1", family, route);
            pair.route("rtb-9", family, route);
            // An IPv6 route that is a blackhole blocks as such.
            assert_eq!(pair.said(from, to, "tcp/22"), wanted, "{state} {from}");
        }
    }
}
