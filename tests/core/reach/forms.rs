//! One flow gets one answer, however its ends are written.

use super::world::{permission, snapshot, verdict, world};
use portcullis::model::AddressSet;
use portcullis::reach::{Options, Query, QueryError, Reach};
use serde_json::{Value, json};

/// i-3 (10.0.1.11, 54.1.2.4) beside i-1, whose group lets in tcp/22 from i-3's public address only.
fn beside() -> Value {
    let mut w = world();
    let mut nic = w["NetworkInterfaces"][0].clone();
    nic["NetworkInterfaceId"] = json!("eni-3");
    nic["PrivateIpAddress"] = json!("10.0.1.11");
    nic["PrivateIpAddresses"] = json!([{ "PrivateIpAddress": "10.0.1.11", "Primary": true, "Association": { "PublicIp": "54.1.2.4" } }]);
    nic["Ipv6Addresses"] = json!([{ "Ipv6Address": "2600:1f00::11" }]);
    nic["Attachment"] = json!({ "InstanceId": "i-3", "DeviceIndex": 0 });
    nic["Groups"] = json!([{ "GroupId": "sg-2" }]);
    w["NetworkInterfaces"].as_array_mut().expect("list").push(nic);
    let host = json!({ "InstanceId": "i-3", "State": { "Name": "running" }, "VpcId": "vpc-1" });
    w["Instances"].as_array_mut().expect("list").push(host);
    w["SecurityGroups"][0]["IpPermissions"] =
        json!([permission("tcp", 22, 22, "54.1.2.4/32", None)]);
    w
}

/// What `reach --from` lists of i-1.
fn listed(w: &Value, from: &str) -> Vec<String> {
    let s = snapshot(vec![w.clone()]);
    let from: AddressSet = [from.parse().expect("a block")].into_iter().collect();
    let rows = Reach::new(&s, &Options::default()).exposed(&from).into_iter();
    let rows = rows.filter(|r| &*r.host == "i-1");
    rows.map(|r| format!("{} {}", r.address, r.configured.verdict())).collect()
}

#[test]
fn a_private_source_goes_to_a_public_address_as_its_own_public_one() {
    let w = beside();
    for from in ["i-3", "10.0.1.11", "10.0.1.11/32", "10.0.1.0/24", "54.1.2.4", "54.1.2.4/32"] {
        assert_eq!(verdict(&w, from, "54.1.2.3", "tcp/22"), "permitted", "{from}");
        assert_eq!(verdict(&w, from, "54.1.2.3/32", "tcp/22"), "permitted", "{from}");
        assert_eq!(verdict(&w, from, "54.1.2.3", "tcp/80"), "blocked", "{from}");
    }
    for from in ["10.0.1.11/32", "10.0.1.0/24", "54.1.2.4/32"] {
        assert_eq!(listed(&w, from), ["54.1.2.3 permitted"], "{from}");
    }
    // By its private address it is not let in, and by its public one it does not come there.
    for from in ["10.0.1.11", "10.0.1.11/32", "54.1.2.4"] {
        assert_eq!(verdict(&w, from, "10.0.1.10", "tcp/22"), "blocked", "{from}");
    }
    assert_eq!(verdict(&w, "54.1.2.4", "i-1", "tcp/22"), "permitted");
    assert_eq!(verdict(&w, "10.0.1.11", "i-1", "tcp/22"), "blocked");
    // Others have no such address.
    for from in ["i-2", "10.0.2.10", "10.0.2.10/32", "10.0.2.0/24", "192.168.0.0/16"] {
        assert_eq!(verdict(&w, from, "54.1.2.3", "tcp/22"), "blocked", "{from}");
    }
    assert!(listed(&w, "10.0.2.10/32").is_empty());
    // Of several it is some.
    assert_eq!(verdict(&w, "10.0.0.0/16", "54.1.2.3", "tcp/22"), "partly");
    assert_eq!(listed(&w, "10.0.0.0/16"), ["54.1.2.3 partly"]);
}

#[test]
fn what_the_source_itself_lets_out_counts_in_every_form() {
    let mut w = beside();
    w["SecurityGroups"][1]["IpPermissionsEgress"] = json!([]);
    for from in ["i-3", "10.0.1.11", "10.0.1.11/32", "54.1.2.4", "54.1.2.4/32"] {
        assert_eq!(verdict(&w, from, "54.1.2.3", "tcp/22"), "blocked", "{from}");
    }
    for from in ["10.0.1.11/32", "54.1.2.4/32", "10.0.0.0/16"] {
        assert!(listed(&w, from).is_empty(), "{from}");
    }
    // A stranger's egress nobody knows.
    assert_eq!(listed(&w, "54.1.2.4/31"), ["54.1.2.3 partly"]);
}

#[test]
fn a_neighbours_ipv6_address_is_judged_as_the_neighbour() {
    let mut w = beside();
    w["SecurityGroups"][0]["IpPermissions"] = json!([super::world::from_group("sg-2")]);
    for from in ["2600:1f00::11", "2600:1f00::11/128"] {
        assert_eq!(verdict(&w, from, "2600:1f00::10", "tcp/22"), "permitted", "{from}");
    }
    assert_eq!(listed(&w, "2600:1f00::11/128"), ["2600:1f00::10 permitted"]);
    assert!(listed(&w, "2600:1f00::99/128").is_empty());
}

#[test]
fn each_family_has_an_icmp_of_its_own() {
    let mut w = world();
    w["SecurityGroups"][0]["IpPermissions"] = json!([
        permission("icmp", 8, -1, "0.0.0.0/0", Some("::/0")),
        permission("icmpv6", 128, -1, "0.0.0.0/0", Some("::/0")),
    ]);
    for (to, port, said) in [
        ("54.1.2.3", "icmp/echo", "permitted"),
        ("2600:1f00::10", "icmpv6/echo", "permitted"),
        ("2600:1f00::10", "icmp/echo", "blocked"),
        ("54.1.2.3", "icmpv6/echo", "blocked"),
        ("i-1", "icmp/echo", "permitted"),
        ("i-1", "icmpv6/echo", "permitted"),
    ] {
        assert_eq!(verdict(&w, "internet", to, port), said, "{to} {port}");
    }
    assert_eq!(verdict(&w, "2600:1f01::/32", "2600:1f00::10", "icmp/echo"), "blocked");
    assert_eq!(verdict(&w, "i-1", "internet", "icmpv6/echo"), "permitted");
    assert_eq!(verdict(&w, "i-2", "internet", "icmpv6/echo"), "blocked");
}

#[test]
fn a_block_of_public_addresses_is_asked_about_one_by_one_where_it_holds_ours() {
    let w = beside();
    let s = snapshot(vec![w.clone()]);
    let query = Query {
        from: super::world::end("internet"),
        to: super::world::end("54.1.2.0/24"),
        protocol: None,
        ports: portcullis::model::PortSet::all(),
    };
    let said = Reach::new(&s, &Options::default()).explain(&query);
    assert!(
        matches!(&said, Err(QueryError::Unusable { why, .. }) if why.contains("ours")),
        "{said:?}"
    );
    assert_eq!(verdict(&w, "internet", "54.9.0.0/16", "tcp/22"), "unknown");
    assert_eq!(verdict(&w, "i-1", "54.9.0.0/16", "tcp/22"), "permitted");
}

#[test]
fn an_interface_is_no_client_of_itself() {
    let w = world();
    let s = snapshot(vec![w.clone()]);
    let reach = Reach::new(&s, &Options::default());
    // Half of all addresses: of those that a route inside leads from, the host's own only.
    let mut alone = w.clone();
    alone["NetworkInterfaces"].as_array_mut().expect("list").remove(1);
    alone["Instances"].as_array_mut().expect("list").remove(1);
    assert_eq!(listed(&alone, "0.0.0.0/1"), ["54.1.2.3 permitted"]);
    assert_eq!(listed(&w, "0.0.0.0/1"), ["10.0.1.10 partly", "54.1.2.3 permitted"]);
    for own in ["10.0.1.10/32", "54.1.2.3/32", "2600:1f00::10/128"] {
        assert!(listed(&w, own).is_empty(), "{own}");
    }
    // Asked by name it stands for one like it.
    let own = ["10.0.1.10/32".parse().expect("a block")].into_iter().collect();
    for (port, verdict) in [("tcp/22", "permitted"), ("tcp/80", "blocked")] {
        let said = super::world::slice(&reach, "10.0.1.10", &own, port);
        assert_eq!(said.verdict().to_string(), verdict, "{port}");
    }
}
