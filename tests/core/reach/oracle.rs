//! A naive evaluator, point by point, that shares nothing with the engine, on random small accounts.

use super::world::{snapshot, world};
use ipnetwork::Ipv4Network;
use portcullis::model::{AddressSet, PortSet, Protocol};
use portcullis::reach::{Configured, Options, Reach, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const BLOCKS: [&str; 7] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "8.0.0.0/8",
    "8.8.8.0/24",
    "8.8.8.8/32",
    "10.0.0.0/8",
];
const SOURCES: [&str; 6] = ["8.8.8.8", "8.8.8.9", "8.9.9.9", "9.9.9.9", "1.1.1.1", "200.1.1.1"];
const PROTOCOLS: [(&str, &str); 3] = [("tcp", "6"), ("udp", "17"), ("-1", "-1")];
const RANGES: [(i32, i32); 6] = [(0, 65535), (1, 4), (3, 3), (4, 7), (1024, 65535), (32768, 60999)];
/// Ends of every range above, within the client ports.
const CLIENT_PORTS: [i32; 6] = [1024, 32767, 32768, 60999, 61000, 65535];

#[derive(Debug, Clone)]
struct Rule {
    protocol: usize,
    range: usize,
    block: usize,
}

#[derive(Debug, Clone)]
struct Entry {
    number: i32,
    egress: bool,
    allow: bool,
    rule: Rule,
}

#[derive(Debug, Clone)]
struct Account {
    groups: Vec<Vec<Rule>>,
    entries: Vec<Entry>,
    /// Block and whether it leads to the internet gateway.
    routes: Vec<(usize, bool)>,
}

fn rule() -> impl Strategy<Value = Rule> {
    (0..PROTOCOLS.len(), 0..RANGES.len(), 0..BLOCKS.len())
        .prop_map(|(protocol, range, block)| Rule { protocol, range, block })
}

fn account() -> impl Strategy<Value = Account> {
    let entry = (any::<bool>(), prop::bool::weighted(0.7), rule());
    (
        prop::collection::vec(prop::collection::vec(rule(), 0..4), 1..3),
        prop::collection::vec(entry, 0..7),
        prop::collection::btree_map(0..BLOCKS.len() - 1, prop::bool::weighted(0.8), 1..4),
        any::<u64>(),
    )
        .prop_map(|(groups, entries, routes, seed)| {
            // Numbers in an order of their own, so that the list's order tells nothing.
            let step = |i: usize| {
                ((seed.wrapping_mul(2_654_435_761).wrapping_add(i as u64 * 7_919)) % 97) as i32
            };
            let entries = entries
                .into_iter()
                .enumerate()
                .map(|(i, (egress, allow, rule))| Entry {
                    number: step(i) * 10 + i as i32,
                    egress,
                    allow,
                    rule,
                })
                .collect();
            Account { groups, entries, routes: routes.into_iter().collect() }
        })
}

fn view(account: &Account) -> Value {
    let mut w = world();
    let groups = account.groups.iter().enumerate().map(|(i, rules)| {
        let permissions: Vec<Value> = rules
            .iter()
            .map(|r| {
                let (from, to) = RANGES[r.range];
                json!({ "IpProtocol": PROTOCOLS[r.protocol].0, "FromPort": from, "ToPort": to, "IpRanges": [{ "CidrIp": BLOCKS[r.block] }] })
            })
            .collect();
        json!({ "GroupId": format!("sg-{i}"), "GroupName": "g", "IpPermissions": permissions })
    });
    w["SecurityGroups"] = groups.collect();
    w["NetworkInterfaces"][0]["Groups"] =
        (0..account.groups.len()).map(|i| json!({ "GroupId": format!("sg-{i}") })).collect();
    w["NetworkAcls"][0]["Entries"] = account
        .entries
        .iter()
        .map(|e| {
            let (from, to) = RANGES[e.rule.range];
            json!({
                "RuleNumber": e.number, "Egress": e.egress, "RuleAction": if e.allow { "allow" } else { "deny" },
                "Protocol": PROTOCOLS[e.rule.protocol].1, "CidrBlock": BLOCKS[e.rule.block], "PortRange": { "From": from, "To": to },
            })
        })
        .collect();
    w["RouteTables"][1]["Routes"] = account
        .routes
        .iter()
        .map(|(block, live)| json!({ "DestinationCidrBlock": BLOCKS[*block], "GatewayId": "igw-1", "State": if *live { "active" } else { "blackhole" } }))
        .collect();
    w
}

fn matches(rule: &Rule, protocol: &str, address: Ipv4Addr, port: i32) -> bool {
    let (name, _) = PROTOCOLS[rule.protocol];
    let (low, high) = RANGES[rule.range];
    let block: Ipv4Network = BLOCKS[rule.block].parse().expect("a block");
    (name == "-1" || (name == protocol && low <= port && port <= high)) && block.contains(address)
}

fn acl(account: &Account, egress: bool, protocol: &str, address: Ipv4Addr, port: i32) -> bool {
    let mut entries: Vec<&Entry> = account.entries.iter().filter(|e| e.egress == egress).collect();
    entries.sort_by_key(|e| e.number);
    entries.into_iter().find(|e| matches(&e.rule, protocol, address, port)).is_some_and(|e| e.allow)
}

fn routed(account: &Account, address: Ipv4Addr) -> bool {
    let mut best: Option<(u8, bool)> = None;
    for (block, live) in &account.routes {
        let block: Ipv4Network = BLOCKS[*block].parse().expect("a block");
        if block.contains(address) && best.is_none_or(|(p, _)| block.prefix() > p) {
            best = Some((block.prefix(), *live));
        }
    }
    best.is_some_and(|(_, live)| live)
}

/// How many of the client ports get an answer from one source.
fn answers(account: &Account, protocol: &str, source: Ipv4Addr, port: i32) -> usize {
    let group = account.groups.iter().flatten().any(|r| matches(r, protocol, source, port));
    let passes = group && acl(account, false, protocol, source, port) && routed(account, source);
    let back = |client: &&i32| acl(account, true, protocol, source, **client);
    if passes { CLIENT_PORTS.iter().filter(back).count() } else { 0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_naive_evaluator(account in account(), port in 1u16..9, udp in any::<bool>()) {
        let snapshot = snapshot(vec![view(&account)]);
        let reach = Reach::new(&snapshot, &Options::default());
        let (name, protocol) = if udp { ("udp", Protocol::Udp) } else { ("tcp", Protocol::Tcp) };
        let address = "54.1.2.3".parse().expect("an address");
        let ask = |from: &AddressSet| {
            reach.slices(address, None, from, protocol, &PortSet::one(port)).remove(0).1
        };
        let whole = ask(&AddressSet::outside());
        for source in SOURCES {
            let source: Ipv4Addr = source.parse().expect("an address");
            let count = answers(&account, name, source, i32::from(port));
            let expected = match count {
                0 => Verdict::Blocked,
                n if n == CLIENT_PORTS.len() => Verdict::Permitted,
                _ => Verdict::Partly,
            };
            let one = ask(&AddressSet::one(source.into()));
            prop_assert_eq!(one.verdict(), expected, "{} to port {}", source, port);
            // The answer for the whole internet says the same of each of its members.
            match &whole {
                Configured::Permitted(_) => prop_assert_eq!(expected, Verdict::Permitted),
                Configured::Blocked(_) => prop_assert_eq!(expected, Verdict::Blocked),
                Configured::Partly(_, clients) => {
                    prop_assert_eq!(clients.addresses.contains(source.into()), count > 0);
                }
                other => prop_assert!(false, "nothing is unknown here: {:?}", other.verdict()),
            }
        }
    }

    #[test]
    fn slices_of_all_ports_agree_with_each_port_alone(account in account(), udp in any::<bool>()) {
        let snapshot = snapshot(vec![view(&account)]);
        let reach = Reach::new(&snapshot, &Options::default());
        let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
        let address = "54.1.2.3".parse().expect("an address");
        let from = AddressSet::outside();
        for (ports, configured) in reach.slices(address, None, &from, protocol, &PortSet::all()) {
            for port in ports.ranges().iter().flat_map(|(l, h)| [*l, *h]) {
                let alone = reach.slices(address, None, &from, protocol, &PortSet::one(port)).remove(0).1;
                prop_assert_eq!(&alone, &configured);
            }
        }
    }
}
