//! IPv6 between VPCs of ours: its addresses are global, and its routes alone tell which way it goes.

use super::world::*;
use portcullis::model::{AddressSet, Family};
use portcullis::reach::{Options, Reach};
use portcullis::snapshot::Snapshot;
use serde_json::{Value, json};

/// The world, and one like it with 9s: i-91 has 10.9.1.10 and `there`, i-1 has `here` for its IPv6 address.
fn two(here: &str, there: &str) -> [Value; 2] {
    let mut w = world();
    let blocks = json!([{ "Ipv6CidrBlock": "2600:1f00::/56", "Ipv6CidrBlockState": { "State": "associated" } }]);
    w["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] = blocks;
    let sides = [("10.0.", "10.9."), ("2600:1f00::", there)];
    let mut both = [renamed(&w, &[("2600:1f00::", here)]), renamed(&w, sides.iter().chain(&NINES))];
    both[1]["SecurityGroups"][0]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "", Some(&format!("{here}/56")))]);
    both
}

/// The two with a peering, and routes for IPv6 into it.
fn peered(here: &str, there: &str) -> [Value; 2] {
    let mut both = two(here, there);
    for (view, to) in both.iter_mut().zip([there, here]) {
        let route = json!({ "DestinationIpv6CidrBlock": format!("{to}/56"), "VpcPeeringConnectionId": "pcx-1", "State": "active" });
        view["RouteTables"][1]["Routes"].as_array_mut().expect("list").push(route);
    }
    both[0]["VpcPeeringConnections"] = json!([{ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" },
        "AccepterVpcInfo": { "VpcId": "vpc-1" }, "RequesterVpcInfo": { "VpcId": "vpc-91" } }]);
    both
}

/// One account and region that holds both.
fn snap(both: &[Value; 2]) -> Snapshot {
    snapshot(vec![merged(&both[0], &both[1])])
}

#[test]
fn r29_ipv6_takes_a_peering_as_ipv4_does() {
    for (here, there) in [("2600:1f00::", "2600:1f99::"), ("fd00:1::", "fd00:99::")] {
        let (from, to) = (format!("{here}10"), format!("{there}10"));
        let ask = |both: &[Value; 2], port: &str| alike(&snap(both), &from, &to, port);
        let both = peered(here, there);
        assert_eq!(ask(&both, "tcp/22"), "permitted security-group sg-91", "{here}");
        assert_eq!(ask(&both, "tcp/80"), "blocked security-group sg-91");
        assert_eq!(said(&snap(&both), "i-1", &to, "tcp/22"), "permitted security-group sg-91");
        // Through a peering groups count.
        let mut by_group = both.clone();
        by_group[1]["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-1")]);
        assert_eq!(ask(&by_group, "tcp/22"), "permitted security-group sg-91");
        // One that ended keeps them out, whatever groups say.
        let mut ended = both.clone();
        ended[0]["VpcPeeringConnections"][0]["Status"]["Code"] = json!("deleted");
        assert_eq!(ask(&ended, "tcp/22"), "blocked vpc-peering pcx-1");
        assert_eq!(ask(&ended, "tcp/80"), "blocked vpc-peering pcx-1");
        // Nobody there has the address; the peering leads to it all the same.
        assert!(
            said(&snap(&both), "i-1", &format!("{there}99"), "tcp/22")
                .starts_with("blocked vpc vpc-91")
        );
    }
}

#[test]
fn r25_an_ipv6_address_of_ours_in_another_vpc_is_no_stranger() {
    let (from, to) = ("2600:1f00::10", "2600:1f99::10");
    let ask = |both: &[Value; 2]| alike(&snap(both), from, to, "tcp/22");
    let both = two("2600:1f00::", "2600:1f99::");
    assert_eq!(ask(&both), "permitted security-group sg-91");
    let mut closed = both.clone();
    closed[0]["SecurityGroups"][0]["IpPermissionsEgress"] = json!([]);
    assert_eq!(ask(&closed), "blocked security-group sg-1");
    // The whole block of a VPC is those who are in it, and whoever is asked as a stranger stays one.
    let of = |both: &[Value; 2], block: &str| said(&snap(both), block, to, "tcp/22");
    assert_eq!(of(&both, "2600:1f00::/56"), "permitted security-group sg-91");
    assert_eq!(of(&closed, "2600:1f00::/56"), "blocked security-group sg-1");
    assert_eq!(of(&closed, "2600:1f77::/56"), "blocked security-group sg-91");
    let mut unrouted = both.clone();
    unrouted[0]["RouteTables"][1]["Routes"].as_array_mut().expect("list").pop();
    assert_eq!(ask(&unrouted), "blocked subnet subnet-1");
    let mut denied = both.clone();
    denied[0]["NetworkAcls"][0]["Entries"].as_array_mut().expect("list").remove(3);
    assert_eq!(ask(&denied), "blocked network-acl acl-1");
    // A group counts through no internet gateway.
    let mut by_group = both.clone();
    by_group[1]["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-1")]);
    assert_eq!(ask(&by_group), "blocked security-group sg-91");
    // An internet that holds us is no more than the internet.
    let mut open = closed.clone();
    open[1]["SecurityGroups"][0]["IpPermissions"] = json!([ssh()]);
    let s = snap(&open);
    let reach = Reach::new(&s, &Options::default());
    let all = slice(&reach, to, &AddressSet::outside(), "tcp/22");
    assert_eq!(all.verdict().to_string(), "permitted");
}

#[test]
fn a_peering_that_ended_keeps_out_whoever_is_at_its_other_side() {
    let mut both = peered("2600:1f00::", "2600:1f99::");
    for (view, to) in both.iter_mut().zip(["10.9.0.0/16", "10.0.0.0/16"]) {
        let route = &mut view["RouteTables"][1]["Routes"][3];
        *route = json!({ "DestinationCidrBlock": to, "VpcPeeringConnectionId": "pcx-1", "State": "active" });
    }
    both[1]["SecurityGroups"][0]["IpPermissions"] = json!([]);
    let ask = |both: &[Value; 2]| {
        let told = alike(&snap(both), "10.0.1.10", "10.9.1.10", "tcp/22");
        for block in ["10.0.1.10/32", "10.0.1.0/24"] {
            assert_eq!(asked(&snap(both), block, "10.9.1.10", "tcp/22"), told, "{block}");
        }
        told
    };
    assert_eq!(ask(&both), "blocked security-group sg-91");
    both[0]["VpcPeeringConnections"][0]["Status"]["Code"] = json!("deleted");
    assert_eq!(ask(&both), "blocked vpc-peering pcx-1");
    // AWS makes its routes blackholes, and lists it no more after a while.
    for at in [0, 1] {
        both[at]["RouteTables"][1]["Routes"][3]["State"] = json!("blackhole");
    }
    assert_eq!(ask(&both), "blocked route-table rtb-1");
    both[0]["VpcPeeringConnections"] = json!([]);
    assert_eq!(ask(&both), "blocked route-table rtb-1");
}

#[test]
fn answers_that_take_another_way_than_the_request_are_unknown() {
    for closed in [0, 1] {
        let mut both = peered("2600:1f00::", "2600:1f99::");
        both[closed]["RouteTables"][1]["Routes"].as_array_mut().expect("list").pop();
        let told = alike(&snap(&both), "2600:1f00::10", "2600:1f99::10", "tcp/22");
        assert!(told.starts_with("unknown route-table rtb-91"), "{closed}: {told}");
    }
}

/// Whoever has an address of a peered VPC comes in by the peering: the internet's answers are whole without.
#[test]
fn a_route_to_a_peered_vpc_takes_nothing_from_the_internet() {
    let mut both = peered("2600:1f00::", "2600:1f99::");
    both[1]["SecurityGroups"][0]["IpPermissions"] = json!([ssh()]);
    let to = "2600:1f99::10";
    let ask = |s: &Snapshot| {
        let reach = Reach::new(s, &Options::default());
        slice(&reach, to, &AddressSet::outside(), "tcp/22").verdict().to_string()
    };
    assert_eq!(ask(&snap(&both)), "permitted");
    assert_eq!(said(&snap(&both), "internet", to, "tcp/22"), "permitted security-group sg-91");
    // The peer's own row was not read: the peering says what is its.
    let there = both[1].clone();
    let mut alone = there.clone();
    alone["VpcPeeringConnections"] = both[0]["VpcPeeringConnections"].clone();
    assert_eq!(ask(&snapshot(vec![alone.clone()])), "partly", "nothing says whose they are");
    let block = json!([{ "Ipv6CidrBlock": "2600:1f00::/56" }]);
    alone["VpcPeeringConnections"][0]["AccepterVpcInfo"]["Ipv6CidrBlockSet"] = block;
    assert_eq!(ask(&snapshot(vec![alone.clone()])), "permitted");
    // What else the route takes is the internet's.
    alone["RouteTables"][1]["Routes"][3]["DestinationIpv6CidrBlock"] = json!("2600:1f00::/40");
    assert_eq!(ask(&snapshot(vec![alone])), "partly");
}

/// Their addresses are global, and still nobody on the internet has them.
#[test]
fn whoever_is_let_in_by_the_block_of_a_vpc_is_no_internet() {
    for both in [two("2600:1f00::", "2600:1f99::"), peered("2600:1f00::", "2600:1f99::")] {
        let s = snap(&both);
        let to = "2600:1f99::10";
        assert_eq!(said(&s, "internet", to, "tcp/22"), "blocked security-group sg-91");
        assert!(exposed(&s).iter().all(|row| !row.starts_with(to)), "{:?}", exposed(&s));
        let reach = Reach::new(&s, &Options::default());
        let one = ["2600:1f77::1/128".parse().expect("a block")].into_iter().collect();
        let rest = AddressSet::outside().subtract(&one).of_family(Family::V6);
        assert_eq!(slice(&reach, to, &rest, "tcp/22").verdict().to_string(), "blocked");
        // What is open to more than that is open to them all.
        let mut open = both.clone();
        open[1]["SecurityGroups"][0]["IpPermissions"] =
            json!([permission("tcp", 22, 22, "", Some("2600::/16"))]);
        assert_eq!(said(&snap(&open), "internet", to, "tcp/22"), "partly security-group sg-91");
    }
}

/// Audits ask for the internet without the networks that something else is declared for.
#[test]
fn what_is_left_of_the_internet_without_a_partner_is_none_of_ours() {
    let mut both = peered("2600:1f00::", "2600:1f99::");
    both[1]["SecurityGroups"][0]["IpPermissions"] = json!([from_group("sg-1")]);
    let s = snap(&both);
    let reach = Reach::new(&s, &Options::default());
    let partner = ["2600:1f77::/56".parse().expect("a block")].into_iter().collect();
    for from in [AddressSet::outside(), AddressSet::outside().subtract(&partner)] {
        let from = from.of_family(Family::V6);
        let told = slice(&reach, "2600:1f99::10", &from, "tcp/22");
        assert_eq!(told.verdict().to_string(), "blocked");
        let rows = reach.exposed(&from).into_iter();
        assert_eq!(rows.filter(|r| r.address.to_string() == "2600:1f99::10").count(), 0);
    }
}
