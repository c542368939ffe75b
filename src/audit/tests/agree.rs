//! All commands of a report, run from the first to the last.

use super::*;
use std::collections::BTreeSet;

/// A permission for one block: first port, last port, block.
type Part = (i64, i64, String);

fn parts(list: &Value) -> BTreeSet<Part> {
    let mut out = BTreeSet::new();
    for permission in list.as_array().expect("a list") {
        assert_eq!(permission["IpProtocol"], "tcp");
        let ports = (&permission["FromPort"], &permission["ToPort"]);
        let (from, to) = (ports.0.as_i64().expect("a port"), ports.1.as_i64().expect("a port"));
        for (key, name) in [("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")] {
            let ranges = permission[key].as_array().into_iter().flatten();
            out.extend(ranges.map(|r| (from, to, r[name].as_str().expect("a block").to_owned())));
        }
    }
    out
}

/// Runs every command of a report over the group, as the API would take them; each of `required`, a port
/// and a block, stays open once it is, and all are in the end.
fn run(report: &AuditReport, ingress: &Value, required: &[(i64, &str)]) -> Vec<String> {
    let mut live = parts(ingress);
    let open = |live: &BTreeSet<Part>| -> BTreeSet<(i64, String)> {
        let is = |(port, block): &&(i64, &str)| {
            let lets =
                |p: &Part| (p.0..=p.1).contains(port) && (p.2 == *block || p.2 == "0.0.0.0/0");
            live.iter().any(lets)
        };
        required.iter().filter(is).map(|(port, block)| (*port, (*block).to_owned())).collect()
    };
    let mends = report.findings.iter().flat_map(|f| &f.mends);
    let lines: Vec<String> = mends
        .filter_map(|m| m.command.as_deref())
        .flat_map(str::lines)
        .map(str::to_owned)
        .collect();
    for line in &lines {
        let (call, list) = line.split_once(" --ip-permissions '").expect("permissions");
        let list = serde_json::from_str(list.trim_end_matches('\'')).expect("JSON");
        let (before, these) = (open(&live), parts(&list));
        if call.contains("authorize-") {
            assert!(live.is_disjoint(&these), "InvalidPermission.Duplicate: {line}\n{lines:#?}");
            live.extend(these);
        } else {
            assert!(live.is_superset(&these), "InvalidPermission.NotFound: {line}\n{lines:#?}");
            live.retain(|p| !these.contains(p));
        }
        assert!(open(&live).is_superset(&before), "shut by {line}\n{lines:#?}");
    }
    assert_eq!(open(&live).len(), required.len(), "{live:#?}\n{lines:#?}");
    lines
}

fn wide(low: u16, high: u16) -> Value {
    let mut wide = open_to(low, "0.0.0.0/0");
    wide["ToPort"] = high.into();
    wide
}

#[test]
fn the_commands_of_a_report_put_each_permission_in_once_and_shut_nothing_declared() {
    let spec = spec(&format!(
        "      alt: {{ port: tcp/8080, from: internet }}\ngroups:\n  {SG}:\n    ingress:\n      - {{ port: tcp/443, from: internet }}\n      - {{ port: tcp/8080, from: internet }}\n"
    ));
    let live = json!([wide(8080, 8090), open_to(22, "198.51.100.0/24")]);
    let report = audit(&spec, &snapshot(live.clone()), &Observations::default());
    let required = [(443, "0.0.0.0/0"), (8080, "0.0.0.0/0"), (22, "198.51.100.0/24")];
    let lines = run(&report, &live, &required);
    assert_eq!(lines.iter().filter(|l| l.contains("revoke-")).count(), 1, "{lines:#?}");
    let drift = report.findings.iter().find(|f| f.rule == "drift-exposes").expect("told");
    let texts: Vec<&str> = drift.mends.iter().map(|m| m.text.as_str()).collect();
    assert!(
        texts.iter().any(|t| t.contains("tcp/443 from internet` do a part of it")),
        "{texts:#?}"
    );
    let stays = "`ingress tcp/22 from 198.51.100.0/24` stays, because service ssh of role web from office needs it";
    assert!(texts.iter().any(|t| t.contains(stays)), "{texts:#?}");
}

#[test]
fn what_a_service_needs_goes_with_no_command_alone_either() {
    // The group is declared without the port that its role requires, and nothing puts it in.
    let spec = spec(&format!(
        "      alt: {{ port: tcp/8080, from: internet }}\ngroups:\n  {SG}: {{ ingress: [{{ port: tcp/443, from: internet }}] }}\n"
    ));
    let live = json!([open_to(443, "0.0.0.0/0"), wide(8080, 8090), open_to(22, "198.51.100.0/24")]);
    let report = audit(&spec, &snapshot(live.clone()), &Observations::default());
    let required = [(443, "0.0.0.0/0"), (8080, "0.0.0.0/0"), (22, "198.51.100.0/24")];
    run(&report, &live, &required);
    for finding in &report.findings {
        let one = AuditReport { findings: vec![finding.clone()], ..report.clone() };
        run(&one, &live, &required);
    }
}

const OTHER: &str = "sg-0000000000000002";

/// A second host of a role at 203.0.113.11 (inside 10.0.0.11), which carries a group.
fn add_host(snapshot: &mut Snapshot, role: &str, group: &str) {
    let view = &mut snapshot.regions[0];
    let mut other = view.network_interfaces[0].clone();
    other.network_interface_id = "eni-2".into();
    other.private_ip_address = "10.0.0.11".parse().ok();
    other.private_ip_addresses.clear();
    if let Some(association) = &mut other.association {
        association.public_ip = "203.0.113.11".parse().ok();
    }
    if let Some(attachment) = &mut other.attachment {
        attachment.instance_id = Some("i-0def".into());
    }
    other.groups[0].group_id = group.into();
    if view.security_groups.iter().all(|g| g.group_id != group) {
        let mut own = view.security_groups[0].clone();
        own.group_id = group.into();
        view.security_groups.push(own);
    }
    let mut host = view.instances[0].clone();
    host.instance_id = "i-0def".into();
    host.tags[0].value = role.into();
    view.instances.push(host);
    view.network_interfaces.push(other);
}

/// What closes the one port that nobody declared, in words and commands.
fn closes(report: &AuditReport, subject: &str) -> (Vec<String>, Vec<String>) {
    let all = report.findings.iter();
    let found = all.filter(|f| f.rule == "latent-exposure" && f.subject == subject);
    let mends: Vec<_> = found.flat_map(|f| &f.mends).collect();
    assert!(!mends.is_empty(), "{:#?}", told(report));
    let texts = mends.iter().map(|m| m.text.clone()).collect();
    (texts, mends.iter().filter_map(|m| m.command.clone()).collect())
}

#[test]
fn a_group_lets_in_those_clients_alone_that_carry_it() {
    let spec = spec(
        "      admin: { port: tcp/8080, from: app }\n  app: { select: { tags: { role: app } } }\n",
    );
    let by = |group: &str| {
        let peer = json!([{ "GroupId": group }]);
        let row = json!({ "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": peer });
        let mut snapshot = snapshot(json!([open_to(8080, "0.0.0.0/0"), row]));
        add_host(&mut snapshot, "app", OTHER);
        closes(&audit(&spec, &snapshot, &Observations::default()), "i-0abc tcp/8080")
    };
    let (_, commands) = by(OTHER);
    assert!(commands.len() == 1 && commands[0].contains("revoke-"), "{commands:#?}");
    // The clients carry another one: without the block they are cut off. So they are where the group
    // is of an account that nobody read.
    for group in [SG, "sg-0000000000000009"] {
        let (texts, commands) = by(group);
        let needs = "service admin of role web from app";
        assert!(commands.is_empty() && texts.iter().any(|t| t.contains(needs)), "{texts:#?}");
    }
}

#[test]
fn what_another_role_of_the_group_needs_as_it_is_stays_as_it_is() {
    let spec = spec(
        "  app: { select: { tags: { role: app } }, services: { alt: { port: tcp/8080, from: internet } } }\n",
    );
    let mut snapshot = snapshot(json!([open_to(8080, "192.0.2.7/32")]));
    add_host(&mut snapshot, "app", SG);
    let report = audit(&spec, &snapshot, &Observations::default());
    let (texts, commands) = closes(&report, "i-0abc tcp/8080");
    // Nothing to be put in: it is there.
    assert_eq!(commands, Vec::<String>::new());
    assert!(texts.iter().any(|t| t.contains("so it stays: give this host a group")), "{texts:#?}");
}

#[test]
fn resources_of_one_report_have_names_of_their_own() {
    let live = json!([]);
    let mut snapshot = snapshot(live);
    add_host(&mut snapshot, "web", OTHER);
    let report = audit(&spec(""), &snapshot, &Observations::default());
    let snippets =
        report.findings.iter().flat_map(|f| &f.mends).filter_map(|m| m.terraform.as_deref());
    let names: Vec<&str> =
        snippets.flat_map(str::lines).filter(|l| l.starts_with("resource ")).collect();
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    assert!(names.len() >= 4, "{names:#?}");
    assert_eq!(names.len(), distinct.len(), "{names:#?}");
}
