//! Mends of the layers before a host, and of permissions that name no block: what they do besides.

use super::*;
use std::collections::BTreeSet;

/// The mends of what is told of `i-0abc tcp/443`.
fn mends(snapshot: &Snapshot) -> Vec<crate::finding::Mend> {
    let report = audit(&only_https(), snapshot, &Observations::default());
    let found = report.findings.into_iter().find(|f| f.subject == "i-0abc tcp/443");
    found.expect("told").mends
}

fn commands(mends: &[crate::finding::Mend]) -> String {
    mends.iter().filter_map(|m| m.command.as_deref()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_gateway_that_the_routes_name_is_attached_and_no_other_is_made() {
    let mut snapshot = snapshot(both());
    snapshot.regions[0].internet_gateways[0].attachments.clear();
    let told = mends(&snapshot);
    assert_eq!(
        commands(&told),
        "aws ec2 attach-internet-gateway --region us-west-1 --vpc-id vpc-1 --internet-gateway-id igw-1"
    );
    assert_eq!(told[0].text, "attach igw-1 to vpc-1");
}

#[test]
fn a_route_of_the_main_table_names_whom_it_makes_public() {
    let mut snapshot = snapshot(both());
    let view = &mut snapshot.regions[0];
    view.route_tables[0].routes.truncate(1);
    let alone = mends(&snapshot)[0].text.clone();
    assert!(alone.contains("main table, so every subnet that gets no table"), "{alone}");
    let view = &mut snapshot.regions[0];
    for id in ["subnet-2", "subnet-3"] {
        let mut other = view.subnets[0].clone();
        other.subnet_id = id.into();
        view.subnets.push(other);
    }
    let own = json!({ "RouteTableId": "rtb-2", "VpcId": "vpc-1",
        "Associations": [{ "SubnetId": "subnet-3" }] });
    view.route_tables.push(serde_json::from_value(own).expect("a table"));
    let told = mends(&snapshot);
    let text = &told[0].text;
    assert!(text.contains("it is the main table: subnet-2 becomes public with it"), "{text}");
    assert!(!text.contains("subnet-3"), "it has a table of its own: {text}");
    // A table that subnets name themselves opens nobody else.
    let table = &mut snapshot.regions[0].route_tables[0];
    table.associations =
        serde_json::from_value(json!([{ "SubnetId": "subnet-1" }])).expect("associations");
    let text = mends(&snapshot)[0].text.clone();
    assert!(text.ends_with("to igw-1"), "{text}");
}

/// The list with these entries before the ones that let everything through.
fn with_acl(entries: Value) -> Snapshot {
    let mut snapshot = snapshot(both());
    let list = &mut snapshot.regions[0].network_acls[0].entries;
    let more: Vec<crate::snapshot::AclEntry> = serde_json::from_value(entries).expect("entries");
    list.extend(more);
    snapshot
}

fn deny(number: i32, egress: bool, protocol: &str, block: &str) -> Value {
    json!({ "RuleNumber": number, "Egress": egress, "Protocol": protocol, "RuleAction": "deny",
        "CidrBlock": block })
}

#[test]
fn an_allow_stands_before_the_rule_that_denies_and_not_before_others() {
    let other = deny(1, false, "17", "0.0.0.0/0");
    let told = mends(&with_acl(json!([other, deny(50, false, "6", "0.0.0.0/0")])));
    let command = commands(&told);
    assert!(command.contains("create-network-acl-entry"), "{command}");
    assert!(command.contains("--rule-number 10 --protocol 6 --rule-action allow"), "{command}");
    assert_eq!(command.lines().count(), 1, "answers leave as they did: {command}");
}

/// Gives the host an IPv6 address that the internet has a way to.
fn over_ipv6(view: &mut crate::snapshot::RegionView) {
    view.subnets[0].ipv6_cidr_block_association_set =
        serde_json::from_value(json!([{ "Ipv6CidrBlock": "2600:1f00:a::/64",
            "Ipv6CidrBlockState": { "State": "associated" } }]))
        .expect("a block");
    let route =
        json!({ "DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active" });
    view.route_tables[0].routes.push(serde_json::from_value(route).expect("a route"));
    let v6 = json!([{ "Ipv6Address": "2600:1f00:a::10" }]);
    view.network_interfaces[0].ipv6_addresses = serde_json::from_value(v6).expect("addresses");
}

/// What is exposed over IPv6 alone is looked for there, and not where most people look.
#[test]
fn the_family_is_told_of_what_is_exposed_over_one_alone() {
    let mut snapshot = with_acl(json!([
        { "RuleNumber": 101, "Egress": true, "Protocol": "-1", "RuleAction": "allow", "Ipv6CidrBlock": "::/0" },
        { "RuleNumber": 101, "Egress": false, "Protocol": "-1", "RuleAction": "allow", "Ipv6CidrBlock": "::/0" },
    ]));
    over_ipv6(&mut snapshot.regions[0]);
    let mut more = open_to(8080, "0.0.0.0/0");
    let said = |snapshot: &Snapshot, rule: &str, observations: &Observations| {
        let report = audit(&spec(""), snapshot, observations);
        let found = report.findings.into_iter().find(|f| f.rule == rule);
        found.map(|f| f.message).unwrap_or_default()
    };
    let add = |snapshot: &mut Snapshot, permission: &Value| {
        let permission = serde_json::from_value(permission.clone()).expect("a permission");
        snapshot.regions[0].security_groups[0].ip_permissions.push(permission);
    };
    let (mut v6, mut both) = (snapshot.clone(), snapshot);
    more["Ipv6Ranges"] = json!([{ "CidrIpv6": "::/0" }]);
    add(&mut both, &more);
    more["IpRanges"] = json!([]);
    add(&mut v6, &more);
    let nothing = Observations::default();
    let latent = said(&v6, "latent-exposure", &nothing);
    assert!(latent.contains(" over IPv6, which the spec says"), "{latent}");
    let latent = said(&both, "latent-exposure", &nothing);
    assert!(!latent.is_empty() && !latent.contains("over IPv"), "{latent}");
    let mut answered = seen(&[(8080, State::Open)]);
    answered.rows[0].address = "2600:1f00:a::10".parse().expect("an address");
    answered.vantages[0].outside_v6 = Some("2001:500::9".parse().expect("an address"));
    answered.vantages[0].controls_v6 = Some(true);
    let open = said(&v6, "undeclared-exposure", &answered);
    assert!(open.contains(" answers internet over IPv6 (open"), "{open}");
}

/// What decides of a part is the line that keeps the others out; it lets nobody in.
#[test]
fn of_a_part_that_is_exposed_both_lines_are_named() {
    let mut snapshot = with_acl(json!([{ "RuleNumber": 50, "Egress": false, "Protocol": "6",
        "RuleAction": "deny", "CidrBlock": "8.0.0.0/8", "PortRange": { "From": 8080, "To": 8080 } }]));
    let more = serde_json::from_value(open_to(8080, "0.0.0.0/0")).expect("a permission");
    snapshot.regions[0].security_groups[0].ip_permissions.push(more);
    let said = |snapshot: &Snapshot| {
        let report = audit(&spec(""), snapshot, &Observations::default());
        let latent = report.findings.into_iter().find(|f| f.rule == "latent-exposure");
        latent.map(|f| f.message).unwrap_or_default()
    };
    let message = said(&snapshot);
    let (_, of) = message.split_once("): ").expect("a part");
    let (opens, cuts) = of.split_once(" lets it in, and ").expect("both");
    assert!(opens.contains("sg-") && opens.contains("0.0.0.0/0"), "{message}");
    assert!(
        cuts.contains("rule 50 deny") && cuts.ends_with("takes a part of it away"),
        "{message}"
    );
    // A permission that lets in a part only is the one line there is.
    snapshot.regions[0].network_acls[0].entries.retain(|e| e.rule_number != 50);
    let group = &mut snapshot.regions[0].security_groups[0].ip_permissions;
    *group.last_mut().expect("one") =
        serde_json::from_value(open_to(8080, "0.0.0.0/1")).expect("a permission");
    let message = said(&snapshot);
    assert!(message.contains("0.0.0.0/1) lets it in") && !message.contains("away"), "{message}");
}

#[test]
fn a_deny_at_rule_1_makes_room() {
    let mut exact = deny(1, false, "6", "0.0.0.0/0");
    exact["PortRange"] = json!({ "From": 443, "To": 443 });
    let command = commands(&mends(&with_acl(json!([exact]))));
    assert!(command.starts_with("aws ec2 replace-network-acl-entry"), "{command}");
    assert!(command.contains("--rule-number 1 --protocol 6 --rule-action allow"), "{command}");
    // It denies more than what is declared: that stays denied, by the next number.
    let wide = deny(1, false, "6", "0.0.0.0/0");
    let told = mends(&with_acl(json!([wide])));
    let lines: Vec<String> = commands(&told).lines().map(str::to_owned).collect();
    assert!(lines[0].contains("create-network-acl-entry"), "{lines:#?}");
    assert!(lines[0].contains("--rule-number 2 --protocol 6 --rule-action deny"), "{lines:#?}");
    assert!(lines[1].contains("replace-network-acl-entry"), "{lines:#?}");
    assert!(lines[1].ends_with("--port-range From=443,To=443"), "{lines:#?}");
    // An allow that would win over the deny from then on is in the way.
    let allow = json!({ "RuleNumber": 2, "Egress": false, "Protocol": "17", "RuleAction": "allow",
        "CidrBlock": "10.0.0.0/8" });
    let told = mends(&with_acl(json!([deny(1, false, "6", "0.0.0.0/0"), allow])));
    assert_eq!(commands(&told), "");
    assert!(told[0].text.contains("give that rule and those after it higher numbers"), "{told:#?}");
}

#[test]
fn a_list_that_keeps_answers_in_is_mended_both_ways_at_once() {
    let both = json!([deny(50, false, "-1", "0.0.0.0/0"), deny(60, true, "6", "0.0.0.0/0")]);
    let command = commands(&mends(&with_acl(both)));
    let lines: Vec<&str> = command.lines().collect();
    assert!(lines[0].contains("--ingress --rule-number 10"), "{command}");
    assert!(lines[1].contains("--egress --rule-number 10"), "{command}");
    assert!(lines[1].ends_with("--port-range From=1024,To=65535"), "{command}");
    let out = commands(&mends(&with_acl(json!([deny(1, true, "6", "0.0.0.0/0")]))));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].contains("--egress --rule-number 2 --protocol 6 --rule-action deny"), "{out}");
    assert!(
        lines[1].contains("replace-network-acl-entry") && lines[1].contains("--egress"),
        "{out}"
    );
}

#[test]
fn no_two_mends_of_a_report_take_one_number_of_a_list() {
    // Only ssh comes in, over either family; answers leave.
    let mut snapshot = with_acl(json!([
        { "RuleNumber": 101, "Egress": true, "Protocol": "-1", "RuleAction": "allow",
            "Ipv6CidrBlock": "::/0" },
    ]));
    let view = &mut snapshot.regions[0];
    let list = &mut view.network_acls[0].entries;
    let ssh = list.iter_mut().find(|e| !e.egress).expect("an entry");
    ssh.protocol = "6".into();
    ssh.port_range = serde_json::from_value(json!({ "From": 22, "To": 22 })).expect("ports");
    over_ipv6(view);
    let mut all = open_to(1, "0.0.0.0/0");
    all["ToPort"] = 65535.into();
    all["Ipv6Ranges"] = json!([{ "CidrIpv6": "::/0" }]);
    view.security_groups[0].ip_permissions =
        serde_json::from_value(json!([all])).expect("permissions");
    let spec = spec("      http: { port: tcp/80, from: internet }\n");
    let report = audit(&spec, &snapshot, &Observations::default());
    let lines: Vec<String> = report
        .findings
        .iter()
        .flat_map(|f| &f.mends)
        .filter_map(|m| m.command.as_deref())
        .flat_map(str::lines)
        .filter(|l| l.contains("create-network-acl-entry"))
        .map(str::to_owned)
        .collect();
    let number = |line: &String| {
        let mut words = line.split(' ').skip_while(|w| *w != "--rule-number");
        (line.contains("--egress"), words.nth(1).expect("a number").to_owned())
    };
    let numbers: BTreeSet<_> = lines.iter().map(number).collect();
    // Two services over two families, each once.
    assert_eq!((lines.len(), numbers.len()), (4, 4), "{lines:#?}");
}

#[test]
fn a_list_opens_more_than_one_host_and_the_mend_says_whom() {
    let mut exact = deny(50, false, "6", "0.0.0.0/0");
    exact["PortRange"] = json!({ "From": 443, "To": 443 });
    let mut snapshot = with_acl(json!([exact]));
    let alone = mends(&snapshot)[0].text.clone();
    assert!(alone.ends_with("before the one that denies it"), "{alone}");
    let view = &mut snapshot.regions[0];
    let mut other = view.network_interfaces[0].clone();
    other.network_interface_id = "eni-2".into();
    other.private_ip_address = "10.0.0.11".parse().ok();
    other.private_ip_addresses.clear();
    other.association = None;
    other.attachment = None;
    view.network_interfaces.push(other);
    let text = mends(&snapshot)[0].text.clone();
    let besides =
        "; that opens all of subnet-1 to 0.0.0.0/0: eni-2 as well, where their groups let it in";
    assert!(text.ends_with(besides), "{text}");
}

#[test]
fn what_a_prefix_list_lets_in_is_revoked_by_the_list() {
    let list = json!({ "IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080,
        "PrefixListIds": [{ "PrefixListId": "pl-1" }] });
    let mut snapshot = snapshot(json!([open_to(443, "0.0.0.0/0"), list]));
    let blocks = json!({ "PrefixListId": "pl-1", "PrefixListName": "l", "AddressFamily": "IPv4",
        "State": "create-complete", "Entries": [{ "Cidr": "8.0.0.0/8" }] });
    snapshot.regions[0].prefix_lists.push(serde_json::from_value(blocks).expect("a list"));
    let report = audit(&spec(""), &snapshot, &Observations::default());
    let found = report.findings.iter().find(|f| f.rule == "latent-exposure").expect("told");
    let command = found.mends[0].command.as_deref().unwrap_or_default();
    assert!(command.starts_with("aws ec2 revoke-security-group-ingress"), "{command}");
    assert!(command.contains(r#""PrefixListIds":[{"PrefixListId":"pl-1"}]"#), "{command}");
}

#[test]
fn a_permission_for_a_group_that_is_gone_is_revoked() {
    let gone = json!({ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
        "UserIdGroupPairs": [{ "GroupId": "sg-0dead", "UserId": "111111111111" }] });
    let report = audit(
        &spec(""),
        &snapshot(json!([open_to(443, "0.0.0.0/0"), gone])),
        &Observations::default(),
    );
    let found = report.findings.iter().find(|f| f.rule == "permission-stale").expect("told");
    let command = found.mends[0].command.as_deref().unwrap_or_default();
    assert!(command.starts_with("aws ec2 revoke-security-group-ingress"), "{command}");
    let pair = r#""UserIdGroupPairs":[{"GroupId":"sg-0dead","UserId":"111111111111"}]"#;
    assert!(command.contains(pair) && command.contains(r#""FromPort":22"#), "{command}");
}

/// `web` may reach `db`; each host carries a group of its own.
fn web_and_db(egress: Value) -> (Spec, Snapshot) {
    let mut snapshot = snapshot(json!([open_to(443, "0.0.0.0/0")]));
    let view = &mut snapshot.regions[0];
    view.security_groups[0].ip_permissions_egress = serde_json::from_value(egress).expect("egress");
    let mut group = view.security_groups[0].clone();
    group.group_id = "sg-00000000000000db".into();
    group.ip_permissions.clear();
    view.security_groups.push(group);
    let mut interface = view.network_interfaces[0].clone();
    interface.network_interface_id = "eni-2".into();
    interface.private_ip_address = "10.0.0.20".parse().ok();
    interface.private_ip_addresses[0].private_ip_address = interface.private_ip_address;
    interface.private_ip_addresses[0].association = None;
    interface.association = None;
    interface.groups[0].group_id = "sg-00000000000000db".into();
    if let Some(attachment) = &mut interface.attachment {
        attachment.instance_id = Some("i-0db".into());
    }
    view.network_interfaces.push(interface);
    let mut host = view.instances[0].clone();
    host.instance_id = "i-0db".into();
    host.public_ip_address = None;
    host.tags[0].value = "db".into();
    view.instances.push(host);
    let text = "version: 1\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: internet } }\n  db:\n    select: { tags: { role: db } }\n    services: { pg: { port: tcp/5432, from: web } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    (spec, snapshot)
}

fn mend_of_db(spec: &Spec, snapshot: &Snapshot) -> String {
    let report = audit(spec, snapshot, &Observations::default());
    let found = report.findings.iter().find(|f| f.subject == "i-0db tcp/5432").expect("told");
    found.mends[0].command.clone().unwrap_or_default()
}

#[test]
fn a_role_is_let_in_by_its_group_where_nobody_else_carries_it() {
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let (spec, mut snapshot) = web_and_db(all);
    let command = mend_of_db(&spec, &snapshot);
    assert!(
        command.contains(&format!(r#""UserIdGroupPairs":[{{"GroupId":"{SG}"}}]"#)),
        "{command}"
    );
    assert!(command.contains("--group-id sg-00000000000000db"), "{command}");
    // Somebody else carries it: then it says more than the role.
    let mut other = snapshot.regions[0].network_interfaces[0].clone();
    other.network_interface_id = "eni-3".into();
    other.private_ip_address = "10.0.0.30".parse().ok();
    other.private_ip_addresses[0].private_ip_address = other.private_ip_address;
    other.private_ip_addresses[0].association = None;
    other.association = None;
    other.attachment = None;
    snapshot.regions[0].network_interfaces.push(other);
    let command = mend_of_db(&spec, &snapshot);
    assert!(command.contains(r#""CidrIp":"10.0.0.10/32""#), "{command}");
}

#[test]
fn what_a_group_lets_in_is_revoked_by_the_group() {
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let (spec, mut snapshot) = web_and_db(all);
    let pair = |port: u16| {
        json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "UserIdGroupPairs": [{ "GroupId": SG, "UserId": "111111111111" }] })
    };
    snapshot.regions[0].security_groups[1].ip_permissions =
        serde_json::from_value(json!([pair(5432), pair(8080)])).expect("permissions");
    let report = audit(&spec, &snapshot, &Observations::default());
    let found = report.findings.iter().find(|f| f.subject == "i-0db tcp/8080").expect("told");
    let command = found.mends[0].command.as_deref().unwrap_or_default();
    assert!(command.starts_with("aws ec2 revoke-security-group-ingress"), "{command}");
    assert!(command.contains(r#""FromPort":8080"#) && command.contains(SG), "{command}");
    assert!(!command.contains("5432"), "the role needs that one: {command}");
}

/// What goes out reaches none of the group's hosts, and decides all the same what they reach.
#[test]
fn a_drift_of_egress_alone_says_what_it_may_change() {
    let of = |egress: &str| {
        let spec = spec(&format!(
            "groups:\n  {SG}: {{ ingress: [{{ port: tcp/443, from: 0.0.0.0/0 }}, {{ port: tcp/22, from: office }}], egress: [{egress}] }}\n"
        ));
        let report = audit(&spec, &snapshot(both()), &seen(&[(443, State::Open)]));
        let drift = report.findings.into_iter().find(|f| f.subject == SG).expect("drift");
        assert_eq!(drift.rule, "drift-harmless");
        (drift.message, drift.diff.unwrap_or_default())
    };
    let (message, diff) = of("{ port: tcp/443, to: 198.51.100.0/24 }");
    let ends = "what reaches its hosts does not change; what these themselves reach may";
    assert!(message.ends_with(ends), "{message}");
    let line =
        "+egress all to 0.0.0.0/0  # may change what its hosts reach, nothing that reaches them";
    assert!(diff.contains(line), "{diff}");
}

#[test]
fn half_the_internet_is_permitted_by_its_own_block() {
    let wide = json!({ "IpProtocol": "-1",
        "IpRanges": [{ "CidrIp": "128.0.0.0/1" }, { "CidrIp": "198.51.100.0/24" }] });
    let report = audit(&only_https(), &snapshot(json!([wide])), &Observations::default());
    let commands = report.findings.iter().flat_map(|f| &f.mends).filter_map(|m| m.command.as_ref());
    let own = r#"[{"FromPort":443,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"128.0.0.0/1"}],"ToPort":443}]"#;
    let put_in = |c: &&String| c.contains("authorize-") && c.contains(own) && c.contains("revoke-");
    assert_eq!(commands.clone().filter(put_in).count(), 1, "{:#?}", commands.collect::<Vec<_>>());
}

#[test]
fn clients_whose_own_group_keeps_them_in_are_not_let_in_to_it() {
    let only_dns = json!([{ "IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let (spec, snapshot) = web_and_db(only_dns);
    let command = mend_of_db(&spec, &snapshot);
    assert!(command.starts_with("aws ec2 authorize-security-group-egress"), "{command}");
    assert!(command.contains(&format!("--group-id {SG}")), "{command}");
    assert!(command.contains(r#""CidrIp":"10.0.0.20/32""#), "{command}");
}

#[test]
fn a_host_outside_every_cloud_rests_on_no_configuration() {
    let text = "version: 1\nroles:\n  far:\n    select: { tags: { role: far } }\n    services: { https: { port: tcp/443, from: internet } }\nhosts:\n  edge: { addresses: 203.0.113.77, tags: { role: far } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let report = audit(&spec, &snapshot(both()), &Observations::default());
    let gaps: Vec<String> = report.gaps.iter().map(ToString::to_string).collect();
    assert!(
        gaps.iter().any(|g| g.contains("1 required exposure rests on nothing: hosts outside")),
        "{gaps:#?}"
    );
    assert!(!gaps.iter().any(|g| g.contains("configuration alone")), "{gaps:#?}");
}
