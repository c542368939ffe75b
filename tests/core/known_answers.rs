// Over 300 lines: it reads the answers of thirteen folders in their several forms.

//! What others published of real accounts: every answer that is in scope must come out.

use crate::reach::world;
use portcullis::cli::explain::machine;
use portcullis::collect::saved;
use portcullis::model::{AddressSet, PortSet, PortSpec, Protocol};
use portcullis::reach::{End, Options, Query, Reach, Verdict};
use portcullis::snapshot::Snapshot;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The folder beside the checkout, or the one the environment names.
fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("PORTCULLIS_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    Some(shared.join("known-answers")).filter(|d| d.is_dir())
}

fn json_of(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a readable answer");
    serde_json::from_str(&text).expect("json")
}

/// What was checked, and how many of the answers came out as a named gap.
#[derive(Default)]
struct Tally {
    asserted: usize,
    derived: usize,
    unknown: usize,
}

#[test]
fn known_answers() {
    let Some(dir) = folder() else {
        eprintln!("skipped: known answers: no ../shared/known-answers here");
        assert!(
            std::env::var_os("PORTCULLIS_REQUIRE_ALL").is_none(),
            "the known answers are required"
        );
        return;
    };
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(&dir).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    cases.retain(|c| c.join("expected.json").is_file());
    cases.sort();
    let mut tally = Tally::default();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let expected = json_of(&case.join("expected.json"));
        match &name[..2] {
            "17" => units(case, &mut tally),
            "22" => acl_order(case, &mut tally),
            "20" => cloudmapper(case, &mut tally),
            _ => flows(&name, case, &expected, &mut tally),
        }
    }
    let Tally { asserted, derived, unknown } = tally;
    println!(
        "known answers: {} folders, {asserted} asserted and {derived} derived answers hold, {unknown} of them as a named gap",
        cases.len()
    );
    assert!(asserted > 0 && derived > 0, "the folder is there and nothing was checked");
}

fn read(dir: &Path) -> Snapshot {
    let data =
        ["aws_configs", "account-data"].map(|d| dir.join(d)).into_iter().find(|d| d.is_dir());
    saved::read(&data.expect("a data folder"), jiff::Timestamp::UNIX_EPOCH).expect("a snapshot")
}

/// Resource ids in a text.
fn ids(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let known = [
        "i-", "igw-", "vpc-", "subnet-", "vgw-", "sg-", "eni-", "tgw-", "vpce-", "acl-", "pcx-",
        "rtb-",
    ];
    words
        .filter(|w| known.iter().any(|k| w.strip_prefix(k).is_some_and(|r| r.len() >= 8)))
        .map(Into::into)
        .collect()
}

fn ask(snapshot: &Snapshot, from: End, to: End, port: &str) -> Value {
    let spec: PortSpec = port.parse().expect("a port");
    let query = Query { from, to, protocol: Some(spec.protocol), ports: spec.ports };
    let answer = Reach::new(snapshot, &Options::default()).explain(&query).expect("an answer");
    machine(&answer)
}

fn flows(name: &str, case: &Path, expected: &Value, tally: &mut Tally) {
    let snapshot = read(case);
    for flow in expected["asserted_by_source"].as_array().into_iter().flatten() {
        let title = format!("{name}: {}", flow["name"].as_str().unwrap_or_default());
        let text = |key: &str| flow[key].as_str().unwrap_or_default();
        let decided = text("decided_at");
        let from = match text("src") {
            "any" => End::Internet,
            "vgw" => End::Resource(
                ids(&flow.to_string())
                    .into_iter()
                    .find(|i| i.starts_with("vgw-"))
                    .expect("a gateway"),
            ),
            "vpc" => End::Resource(snapshot.regions[0].vpcs[0].vpc_id.clone()),
            _ if !text("from").is_empty() => End::Resource(text("from").into()),
            address => world::end(address),
        };
        let dport = flow["dport"].as_u64().unwrap_or(80);
        for to in text("dst").split(',') {
            // A flow without a port is one that no permission lists; the balancer's servers are
            // asked on the port it sends to.
            let port = if to.starts_with("i-") {
                "tcp/22".into()
            } else {
                format!("{}/{dport}", flow["proto"].as_str().unwrap_or("tcp"))
            };
            let answer = ask(&snapshot, from.clone(), world::end(to), &port);
            let wanted = match text("verdict") {
                "allowed" => "permitted",
                other => other,
            };
            let got = answer["verdict"].as_str().expect("a verdict");
            tally.asserted += 1;
            if got == "unknown" {
                let kinds: Vec<&str> = answer["gaps"]
                    .as_array()
                    .expect("gaps")
                    .iter()
                    .filter_map(|g| g["kind"].as_str())
                    .collect();
                assert!(!kinds.is_empty(), "{title}: unknown without a gap");
                // Only where the data lacks an input, or the part is said to be not modelled.
                let lacking = name.starts_with("07") || name.starts_with("10");
                assert!(lacking || kinds.contains(&"not-modelled"), "{title}: {answer:#}");
                tally.unknown += 1;
                continue;
            }
            assert_eq!(got, wanted, "{title}: {answer:#}");
            let decider = answer["decided_by"].to_string();
            let far_gateway = decided.starts_with("vgw-") && decider.contains("security-group");
            if wanted == "blocked" && !far_gateway {
                let named = ids(decided);
                let words = [
                    ("security_group", "security-group"),
                    ("load balancer", "load-balancer"),
                    ("aws backbone", "\"address\""),
                    ("internet", "internet"),
                    ("vpc", "vpc"),
                ];
                let word = words.iter().find(|(w, _)| decided.starts_with(w)).map(|(_, k)| *k);
                let fits = named.iter().any(|id| decider.contains(id.as_str()))
                    || (word.is_some_and(|w| decider.contains(w))
                        && named.iter().all(|id| id.starts_with("eni-") || id.starts_with("sg-")));
                assert!(fits, "{title}: decided at {decided}, not {decider}");
            }
            let path: Vec<&str> = answer["path"]
                .as_array()
                .expect("a path")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let mut rest = path.iter();
            for id in flow["path"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .flat_map(ids)
            {
                assert!(rest.any(|p| *p == id), "{title}: {id} is not in its place on {path:?}");
            }
        }
    }
    derived(name, &snapshot, expected, tally);
}

/// Internet exposure of each public address, as an independent evaluator computed it.
fn derived(name: &str, snapshot: &Snapshot, expected: &Value, tally: &mut Tally) {
    let reach = Reach::new(snapshot, &Options::default());
    let rows = reach.exposed(&AddressSet::outside());
    for wanted in expected["derived_by_analyst"].as_array().into_iter().flatten() {
        let address = wanted["public_ip"].as_str().expect("an address");
        let missing = wanted["missing_inputs"].as_array().is_some_and(|m| !m.is_empty());
        let verdict = if missing { Verdict::Unknown } else { Verdict::Permitted };
        let open = |protocol: Protocol| -> PortSet {
            rows.iter()
                .filter(|r| {
                    r.address.to_string() == address
                        && r.protocol == protocol
                        && r.configured.verdict() == verdict
                })
                .filter(|r| *r.sources == AddressSet::all_v4())
                .fold(PortSet::empty(), |all, r| all.union(&r.ports))
        };
        let ports = |key: &str| -> PortSet {
            let list = wanted[key].as_array().expect("ports").iter();
            list.map(|p| p.as_str().expect("a port").parse::<PortSet>().expect("a port"))
                .fold(PortSet::empty(), |a, p| a.union(&p))
        };
        assert_eq!(open(Protocol::Tcp), ports("tcp_open_from_any"), "{name} {address} tcp");
        assert_eq!(open(Protocol::Udp), ports("udp_open_from_any"), "{name} {address} udp");
        let echo = open(Protocol::Icmp).contains(portcullis::model::icmp_key(8, 0));
        assert_eq!(echo, wanted["icmp_echo"].as_bool().expect("a word"), "{name} {address} icmp");
        let row = rows.iter().find(|r| r.address.to_string() == address);
        if missing {
            let gaps = row.expect("a row").configured.gaps();
            for (input, kind) in
                [("NetworkAcls", "network-acls"), ("InternetGateways", "internet-gateways")]
            {
                let lacks = wanted["missing_inputs"].to_string().contains(input);
                assert_eq!(
                    lacks,
                    gaps.iter().any(|g| g.kind.name() == kind),
                    "{name} {address}: {input}"
                );
            }
            tally.unknown += 1;
        }
        if let (Some(row), Some(eni)) = (row, wanted["eni"].as_str()) {
            assert_eq!(&*row.interface, eni);
        }
        tally.derived += 1;
    }
}

/// Single permissions, each on an interface of its own account.
fn units(case: &Path, tally: &mut Tally) {
    let groups = json_of(&case.join("SecurityGroupTest.json"));
    let answers: [(&str, &[&str], &[&str]); 11] = [
        ("Single port ", &["tcp/22"], &["tcp/21", "tcp/23", "udp/22"]),
        ("Half Open Beginning", &["tcp/1", "tcp/22"], &["tcp/23"]),
        ("Half Open Ending", &["tcp/65530", "tcp/65535"], &["tcp/65529"]),
        ("Full Interval Ports", &["tcp/1", "tcp/65535"], &["udp/1"]),
        ("ALL Traffic", &["tcp/1", "udp/65535", "icmp/echo", "50"], &[]),
        ("Closed interval", &["tcp/45", "tcp/50"], &["tcp/44", "tcp/51"]),
        ("Invalid interval beginning", &["tcp/1", "tcp/50"], &["tcp/51"]),
        ("Invalid interval end", &["tcp/30", "tcp/65535"], &["tcp/29"]),
        ("ICMP types with just type", &["icmp/8/0", "icmp/8/255"], &["icmp/9", "icmp/0"]),
        ("ICMP types with type and code", &["icmp/8/9"], &["icmp/8/0", "icmp/9"]),
        ("ICMP types invalid with code only", &[], &["icmp/8/9", "icmp/0/9", "icmp/echo"]),
    ];
    for (name, open, closed) in answers {
        let rows = groups["SecurityGroups"].as_array().expect("groups");
        let row = rows.iter().find(|g| g["GroupName"] == name).expect(name);
        let mut view = world::world();
        view["SecurityGroups"] = json!([row]);
        view["NetworkInterfaces"][0]["Groups"] = json!([{ "GroupId": row["GroupId"] }]);
        for (ports, wanted) in [(open, "permitted"), (closed, "blocked")] {
            for port in ports {
                assert_eq!(
                    world::verdict(&view, "1.2.3.4", "54.1.2.3", port),
                    wanted,
                    "{name} {port}"
                );
            }
        }
        tally.asserted += 1;
    }
    let row = groups["SecurityGroups"]
        .as_array()
        .expect("groups")
        .iter()
        .find(|g| g["GroupName"] == "Stateful TCP rules")
        .expect("the group");
    let mut view = world::world();
    view["SecurityGroups"] = json!([row]);
    view["NetworkInterfaces"][0]["Groups"] = json!([{ "GroupId": row["GroupId"] }]);
    for (from, to, port, wanted) in [
        ("1.2.3.4", "54.1.2.3", "tcp/22", "permitted"),
        ("10.0.1.10", "5.6.7.8", "tcp/80", "permitted"),
        ("10.0.1.10", "1.2.3.4", "tcp/22", "blocked"),
    ] {
        assert_eq!(world::verdict(&view, from, to, port), wanted, "stateful: {from} to {to}");
    }
    tally.asserted += 1;
}

/// Entries in an order that is not that of their numbers.
fn acl_order(case: &Path, tally: &mut Tally) {
    for case in json_of(&case.join("cases.json")).as_array().expect("cases") {
        let mut view = world::world();
        let mut entries: Vec<Value> = case["entries"].as_array().expect("entries").clone();
        entries.retain(|e| e["Egress"] == false);
        entries.extend([
            world::entry(1, true, "-1", "allow", "0.0.0.0/0"),
            world::entry(2, true, "-1", "allow", "::/0"),
        ]);
        view["NetworkAcls"][0]["Entries"] = json!(entries);
        for (key, from, to) in [
            ("ingress_open_ipv4", "8.8.8.8", "54.1.2.3"),
            ("ingress_open_ipv6", "2600:9000::1", "2600:1f00::10"),
        ] {
            let wanted = if case[key] == true { "permitted" } else { "blocked" };
            assert_eq!(world::verdict(&view, from, to, "tcp/22"), wanted, "{} {key}", case["name"]);
        }
        tally.asserted += 1;
    }
}

/// No ACLs and no route tables were collected: what is public there is unknown, and says so.
fn cloudmapper(case: &Path, tally: &mut Tally) {
    let snapshot = read(case);
    let reach = Reach::new(&snapshot, &Options::default());
    let rows = reach.exposed(&AddressSet::outside());
    let task: Vec<_> = rows.iter().filter(|r| r.address.to_string() == "3.80.3.41").collect();
    assert_eq!(task.len(), 1);
    assert_eq!(
        (task[0].ports.to_string().as_str(), task[0].configured.verdict()),
        ("443", Verdict::Unknown)
    );
    assert!(*task[0].sources == AddressSet::all_v4() && !task[0].configured.gaps().is_empty());
    let bastion: Vec<_> = rows.iter().filter(|r| r.address.to_string() == "1.2.3.4").collect();
    assert!(bastion.iter().all(|r| r.sources.size() == 17), "tcp/22 from two blocks only");
    let gaps = reach.gaps();
    for balancer in ["loadbalancer/weblb", "loadbalancer/app/demo/qwerty"] {
        assert!(
            gaps.iter().any(|g| g.scope.ends_with(balancer)),
            "{balancer} is public and has no known address"
        );
    }
    tally.asserted += 2;
    tally.unknown += 2;
}
