//! Random small estates whose mends are all run, round after round, as the API would take them.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const ROLES: [&str; 3] = ["web", "app", "db"];
const GROUPS: [&str; 4] = ["sg-a", "sg-b", "sg-c", "sg-d"];
/// What permissions and ACL entries name: everybody, a network, inside, one host of each role.
const BLOCKS: [&str; 6] = [
    "0.0.0.0/0",
    "198.51.100.0/24",
    "10.0.0.0/16",
    "10.0.0.10/32",
    "10.0.0.11/32",
    "203.0.113.10/32",
];
const PORTS: [(i64, i64); 5] = [(443, 443), (8080, 8080), (0, 65535), (400, 500), (8080, 8090)];
const SOURCES: [&str; 4] = ["internet", "office", "app", "web"];

#[derive(Debug, Clone)]
struct Estate {
    /// For each group its permissions: all protocols or TCP, ports, and a block or a group.
    groups: Vec<Vec<(bool, usize, Result<usize, usize>)>>,
    /// For each host its groups.
    carries: Vec<BTreeSet<usize>>,
    /// Entries of the list before the last, which allows: direction, whether it allows, ports, block.
    entries: Vec<(bool, bool, usize, usize)>,
    /// For each role its services: port and source.
    services: Vec<Vec<(u16, &'static str)>>,
}

fn estate() -> impl Strategy<Value = Estate> {
    let peer = prop_oneof![
        2 => (0..BLOCKS.len()).prop_map(Ok),
        1 => (0..GROUPS.len()).prop_map(Err),
    ];
    let permission = (prop::bool::weighted(0.2), 0..PORTS.len(), peer);
    let entry = (any::<bool>(), any::<bool>(), 0..PORTS.len(), 0..BLOCKS.len());
    let service = (select(vec![443u16, 8080]), select(SOURCES.to_vec()));
    (
        prop::collection::vec(prop::collection::vec(permission, 0..4), GROUPS.len()),
        prop::collection::vec(prop::collection::btree_set(0..GROUPS.len(), 1..3), ROLES.len()),
        prop::collection::vec(entry, 0..4),
        prop::collection::vec(prop::collection::vec(service, 0..3), ROLES.len()),
    )
        .prop_map(|(groups, carries, entries, services)| Estate {
            groups,
            carries,
            entries,
            services,
        })
}

impl Estate {
    fn spec(&self) -> Spec {
        let mut text =
            String::from("version: 1\nnetworks: { office: [198.51.100.0/24] }\nroles:\n");
        for (role, services) in ROLES.iter().zip(&self.services) {
            // Nobody serves himself: that is another thing.
            let own = services.iter().filter(|(_, source)| source != role).enumerate();
            let rows: Vec<String> = own
                .map(|(i, (port, from))| format!("s{i}: {{ port: tcp/{port}, from: {from} }}"))
                .collect();
            let rows = rows.join(", ");
            text += &format!(
                "  {role}: {{ select: {{ tags: {{ role: {role} }} }}, services: {{ {rows} }} }}\n"
            );
        }
        spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
    }

    fn view(&self) -> Value {
        let mut view = serde_json::to_value(&snapshot(json!([])).regions[0]).expect("a view");
        let all = view["SecurityGroups"][0]["IpPermissionsEgress"].clone();
        let groups = GROUPS.iter().zip(&self.groups).map(|(id, permissions)| {
            let rows = permissions.iter().map(|(every, ports, peer)| {
                let mut row = match every {
                    true => json!({ "IpProtocol": "-1" }),
                    false => json!({ "IpProtocol": "tcp", "FromPort": PORTS[*ports].0, "ToPort": PORTS[*ports].1 }),
                };
                match peer {
                    Ok(block) => row["IpRanges"] = json!([{ "CidrIp": BLOCKS[*block] }]),
                    Err(group) => row["UserIdGroupPairs"] = json!([{ "GroupId": GROUPS[*group] }]),
                }
                row
            });
            let mut rows: Vec<Value> = rows.collect();
            rows.sort_by_key(Value::to_string);
            rows.dedup();
            json!({ "GroupId": id, "GroupName": id, "VpcId": "vpc-1", "OwnerId": "111111111111",
                "IpPermissions": rows, "IpPermissionsEgress": all })
        });
        view["SecurityGroups"] = groups.collect();
        let (interface, host) =
            (view["NetworkInterfaces"][0].clone(), view["Instances"][0].clone());
        (view["NetworkInterfaces"], view["Instances"]) = (json!([]), json!([]));
        for (i, (role, carries)) in ROLES.iter().zip(&self.carries).enumerate() {
            let of = |value: &Value| -> Value {
                let text = value.to_string().replace("10.0.0.10", &format!("10.0.0.1{i}"));
                let text = text.replace("203.0.113.10", &format!("203.0.113.1{i}"));
                let text = text.replace("i-0abc", &format!("i-{role}"));
                serde_json::from_str(&text.replace("eni-1", &format!("eni-{role}"))).expect("JSON")
            };
            let (mut interface, mut host) = (of(&interface), of(&host));
            interface["Groups"] =
                carries.iter().map(|g| json!({ "GroupId": GROUPS[*g] })).collect();
            host["Tags"][0]["Value"] = json!(role);
            view["NetworkInterfaces"].as_array_mut().expect("a list").push(interface);
            view["Instances"].as_array_mut().expect("a list").push(host);
        }
        let list = view["NetworkAcls"][0]["Entries"].as_array_mut().expect("a list");
        for (i, (egress, allow, ports, block)) in self.entries.iter().enumerate() {
            list.push(json!({ "RuleNumber": 10 + i, "Egress": egress, "Protocol": "6",
                "RuleAction": if *allow { "allow" } else { "deny" }, "CidrBlock": BLOCKS[*block],
                "PortRange": { "From": PORTS[*ports].0, "To": PORTS[*ports].1 } }));
        }
        view
    }
}

/// The words of a command, whose quoted ones have no quote in them.
fn words(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        match i % 2 {
            0 => out.extend(part.split_whitespace().map(str::to_owned)),
            _ => out.push(part.to_owned()),
        }
    }
    out
}

/// Each peer of each permission by itself.
fn parts(list: &Value) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for row in list.as_array().into_iter().flatten() {
        for (key, name) in
            [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId")]
        {
            for peer in row[key].as_array().into_iter().flatten() {
                let mut one =
                    json!({ "IpProtocol": row["IpProtocol"], key: [{ name: peer[name] }] });
                if row["IpProtocol"] != "-1" {
                    (one["FromPort"], one["ToPort"]) =
                        (row["FromPort"].clone(), row["ToPort"].clone());
                }
                out.insert(one.to_string());
            }
        }
    }
    out
}

/// Does to the account what a command does; the API's error where it would refuse.
fn run(view: &mut Value, line: &str) -> Result<(), String> {
    let words = words(line);
    let of =
        |key: &str| words.iter().position(|w| w == key).and_then(|i| words.get(i + 1).cloned());
    let call = words[2].as_str();
    if let Some((verb, direction)) = call.split_once("-security-group-") {
        let key = if direction == "ingress" { "IpPermissions" } else { "IpPermissionsEgress" };
        let id = of("--group-id").expect("a group");
        let groups = view["SecurityGroups"].as_array_mut().expect("a list");
        let group = groups.iter_mut().find(|g| g["GroupId"] == *id).expect("a group that is there");
        let these =
            parts(&serde_json::from_str(&of("--ip-permissions").expect("a list")).expect("JSON"));
        let mut live = parts(&group[key]);
        let (refused, why) = match verb {
            "authorize" => (!live.is_disjoint(&these), "InvalidPermission.Duplicate"),
            _ => (!live.is_superset(&these), "InvalidPermission.NotFound"),
        };
        if refused {
            return Err(why.into());
        }
        match verb {
            "authorize" => live.extend(these),
            _ => live.retain(|p| !these.contains(p)),
        }
        group[key] = live.iter().map(|p| serde_json::from_str::<Value>(p).expect("JSON")).collect();
        return Ok(());
    }
    if call == "create-network-acl-entry" {
        let egress = words.iter().any(|w| w == "--egress");
        let number: i64 = of("--rule-number").and_then(|n| n.parse().ok()).expect("a number");
        let list = view["NetworkAcls"][0]["Entries"].as_array_mut().expect("a list");
        if list.iter().any(|e| e["Egress"] == egress && e["RuleNumber"] == number) {
            return Err("NetworkAclEntryAlreadyExists".into());
        }
        let mut entry = json!({ "RuleNumber": number, "Egress": egress, "Protocol": of("--protocol"),
            "RuleAction": of("--rule-action"), "CidrBlock": of("--cidr-block") });
        if let Some(range) = of("--port-range") {
            let ends: Vec<i64> =
                range.split(',').filter_map(|end| end.split_once('=')?.1.parse().ok()).collect();
            entry["PortRange"] = json!({ "From": ends[0], "To": ends[1] });
        }
        list.push(entry);
        return Ok(());
    }
    Err(format!("the world has no {call}"))
}

/// What is required and not wholly open, by subject and source.
fn shut(report: &AuditReport) -> BTreeSet<String> {
    let rules = ["declared-blocked", "partly-reachable"];
    let found = report.findings.iter().filter(|f| rules.contains(&&*f.rule));
    found.map(|f| format!("{} from {}", f.subject, f.source.as_deref().unwrap_or(""))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_runs_all_mends_is_never_refused_and_shuts_nothing_required(estate in estate()) {
        let (spec, mut view) = (estate.spec(), estate.view());
        let mut before: Option<BTreeSet<String>> = None;
        let mut ran = Vec::new();
        for _ in 0..6 {
            let mut snapshot = snapshot(json!([]));
            snapshot.regions[0] = serde_json::from_value(view.clone()).expect("a view");
            let report = audit(&spec, &snapshot, &Observations::default());
            let shut = shut(&report);
            if let Some(before) = before {
                prop_assert!(shut.is_subset(&before), "{before:?} became {shut:?} by {ran:#?}");
            }
            before = Some(shut);
            let mends = report.findings.iter().flat_map(|f| &f.mends);
            ran = mends.filter_map(|m| m.command.as_deref()).flat_map(str::lines).map(str::to_owned).collect();
            if ran.is_empty() {
                break;
            }
            for line in &ran {
                let done = run(&mut view, line);
                prop_assert!(done.is_ok(), "{done:?}: {line}\n{ran:#?}");
            }
        }
        // What a command can open is open in the end: nothing but words is left.
        let left = ran.iter().filter(|line| line.contains("authorize-")).count();
        prop_assert_eq!(left, 0, "{:#?}", ran);
    }
}
