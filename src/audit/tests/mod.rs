//! Whole audits of a small world: one VPC, one host, the real reach.

mod agree;
mod layers;
mod measures;
mod mends;
mod random;

use super::*;
use crate::exposure::JourneyCell;
use crate::finding::{Finding, FindingStatus, Side};
use crate::model::{Confidence, Endpoint, Gap, Severity};
use crate::observation::{Observation, Observations, State, VantageSeen};
use crate::reach::{self, Reach};
use crate::resolve::resolve;
use crate::rule;
use crate::snapshot::{Call, CallKind, Outcome, Snapshot};
use crate::spec::{self, Source, Spec};
use jiff::Timestamp;
use serde_json::{Value, json};

const SG: &str = "sg-0000000000000001";

/// One web host at 203.0.113.10 (inside 10.0.0.10) whose group lets in what is given.
fn snapshot(ingress: Value) -> Snapshot {
    let all = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    let entry = |egress: bool| {
        json!({ "RuleNumber": 100, "Egress": egress, "Protocol": "-1", "RuleAction": "allow",
            "CidrBlock": "0.0.0.0/0" })
    };
    let view = json!({
        "Account": "111111111111", "Region": "us-west-1",
        "Vpcs": [{ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "State": "available",
            "CidrBlockAssociationSet": [{ "CidrBlock": "10.0.0.0/16", "CidrBlockState": { "State": "associated" } }] }],
        "Subnets": [{ "SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24" }],
        "InternetGateways": [{ "InternetGatewayId": "igw-1",
            "Attachments": [{ "VpcId": "vpc-1", "State": "available" }] }],
        "RouteTables": [{ "RouteTableId": "rtb-1", "VpcId": "vpc-1",
            "Associations": [{ "Main": true }],
            "Routes": [
                { "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active" },
                { "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active" }] }],
        "NetworkAcls": [{ "NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true,
            "Associations": [{ "SubnetId": "subnet-1" }], "Entries": [entry(false), entry(true)] }],
        "SecurityGroups": [{ "GroupId": SG, "GroupName": "web", "VpcId": "vpc-1",
            "OwnerId": "111111111111", "IpPermissions": ingress, "IpPermissionsEgress": all }],
        "Instances": [{ "InstanceId": "i-0abc", "State": { "Name": "running" }, "VpcId": "vpc-1",
            "SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.10", "PublicIpAddress": "203.0.113.10",
            "Tags": [{ "Key": "role", "Value": "web" }] }],
        "NetworkInterfaces": [{ "NetworkInterfaceId": "eni-1", "OwnerId": "111111111111",
            "InterfaceType": "interface", "Status": "in-use", "SubnetId": "subnet-1",
            "VpcId": "vpc-1", "PrivateIpAddress": "10.0.0.10", "SourceDestCheck": true,
            "PrivateIpAddresses": [{ "PrivateIpAddress": "10.0.0.10", "Primary": true,
                "Association": { "PublicIp": "203.0.113.10" } }],
            "Association": { "PublicIp": "203.0.113.10" },
            "Attachment": { "InstanceId": "i-0abc", "Status": "attached", "DeviceIndex": 0 },
            "Groups": [{ "GroupId": SG, "GroupName": "web" }] }],
        "BpaOptions": { "InternetGatewayBlockMode": "off" },
    });
    let mut snapshot = Snapshot::empty(at("2026-11-22T12:00:00Z"));
    snapshot.regions.push(serde_json::from_value(view).expect("a view"));
    snapshot.calls = CallKind::ALL
        .iter()
        .map(|kind| Call {
            account: "111111111111".into(),
            region: "us-west-1".into(),
            kind: *kind,
            outcome: Outcome::Complete,
            items: 1,
        })
        .collect();
    snapshot
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn open_to(port: u16, block: &str) -> Value {
    json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{ "CidrIp": block }] })
}

fn spec(more: &str) -> Spec {
    let text = format!(
        "version: 1\nnetworks:\n  office: [198.51.100.0/24]\nroles:\n  web:\n    select: {{ tags: {{ role: web }} }}\n    services:\n      https: {{ port: tcp/443, from: internet }}\n      ssh: {{ port: tcp/22, from: office, expect: ssh }}\n{more}"
    );
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

/// `web` must be reached at tcp/443 and nothing else.
fn only_https() -> Spec {
    let text = "version: 1\nroles:\n  web:\n    select: { tags: { role: web } }\n    services: { https: { port: tcp/443, from: internet } }\n    allow: [ { port: tcp/22, from: internet } ]\n";
    spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
}

fn seen(rows: &[(u16, State)]) -> Observations {
    let vantage = VantageSeen {
        outside_v4: Some("192.0.2.9".parse().expect("an address")),
        controls_v4: Some(true),
        ..VantageSeen::new("out")
    };
    let endpoint = |port| Endpoint {
        address: "203.0.113.10".parse().expect("an address"),
        protocol: crate::model::Protocol::Tcp,
        port,
    };
    let rows = rows.iter().map(|(port, state)| Observation {
        confirmed: *state == State::Open,
        tries: 2,
        ..Observation::new(endpoint(*port), *state, "out")
    });
    Observations { vantages: vec![vantage], rows: rows.collect(), profiled: Vec::new() }
}

/// The same, where every answer is known to be the host's own.
fn by_the_host(rows: &[(u16, State)]) -> Observations {
    let mut seen = seen(rows);
    seen.rows.iter_mut().for_each(|o| o.by = Some(o.address));
    seen
}

fn audit_at(
    spec: &Spec,
    snapshot: &Snapshot,
    observations: &Observations,
    options: &Options,
    now: &str,
) -> AuditReport {
    let resolution = resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options::default());
    let rules = rule::builtin().expect("the built-in rules load");
    run(&Input {
        spec,
        snapshot,
        resolution: &resolution,
        reach: &reach,
        observations,
        facts: &crate::fact::Facts::default(),
        rules: &rules,
        gaps: &[],
        options,
        now: at(now),
    })
}

fn audit(spec: &Spec, snapshot: &Snapshot, observations: &Observations) -> AuditReport {
    audit_at(spec, snapshot, observations, &Options::default(), "2026-11-22T12:00:00Z")
}

/// Findings as one line each.
fn told(report: &AuditReport) -> Vec<String> {
    let line = |f: &Finding| {
        let source = f.source.as_ref().map(|s| format!(" from {s}")).unwrap_or_default();
        format!("{} {} {}{source}", f.severity, f.rule, f.subject)
    };
    report.findings.iter().map(line).collect()
}

fn both() -> Value {
    json!([open_to(443, "0.0.0.0/0"), open_to(22, "198.51.100.0/24")])
}

#[test]
fn what_is_as_declared_has_no_finding_and_what_was_not_seen_is_a_gap() {
    let spec = spec("");
    let report = audit(&spec, &snapshot(both()), &seen(&[(443, State::Open), (22, State::Silent)]));
    assert_eq!(told(&report), Vec::<String>::new());
    let gaps: Vec<String> = report.gaps.iter().map(ToString::to_string).collect();
    assert_eq!(
        gaps,
        [
            "vantage: office: no vantage lies in this source, so 1 required exposure rests on the configuration alone"
        ]
    );
    assert_eq!((report.coverage.hosts, report.coverage.probed), (1, 2));
}

#[test]
fn a_missing_permission_is_named_with_the_change_that_mends_it() {
    let spec = spec("");
    let missing = snapshot(json!([open_to(22, "198.51.100.0/24")]));
    let report = audit(&spec, &missing, &seen(&[(443, State::Silent)]));
    assert_eq!(told(&report), ["critical declared-blocked i-0abc tcp/443 from internet"]);
    let finding = &report.findings[0];
    assert!(finding.message.contains(SG), "{}", finding.message);
    let mend = &finding.mends[0];
    let command = mend.command.as_deref().unwrap_or_default();
    assert!(
        command.starts_with(&format!(
            "aws ec2 authorize-security-group-ingress --region us-west-1 --group-id {SG} --ip-permissions '[{{"
        )),
        "{command}"
    );
    assert!(command.contains(r#""CidrIp":"0.0.0.0/0""#) && command.contains(r#""FromPort":443"#));
    let terraform = mend.terraform.as_deref().unwrap_or_default();
    assert!(terraform.contains("aws_vpc_security_group_ingress_rule"), "{terraform}");
    let declared = finding.evidence.iter().find(|e| e.side == Side::Declared).expect("declared");
    assert_eq!((declared.file.as_deref(), declared.line), (Some("spec.yaml"), Some(8)));
    assert!(finding.evidence.iter().any(|e| e.side == Side::Configured));
    assert!(finding.evidence.iter().any(|e| e.side == Side::Observed));
    // Without any probe the model alone finds it too.
    let unprobed = audit(&spec, &missing, &Observations::default());
    assert_eq!(told(&unprobed), told(&report));
    assert_eq!(unprobed.findings[0].fingerprint, finding.fingerprint);
}

#[test]
fn what_nobody_declared_is_latent_until_it_answers() {
    let spec = spec("");
    let mut wide = both();
    wide.as_array_mut().expect("a list").push(open_to(8080, "0.0.0.0/0"));
    let snapshot = snapshot(wide);
    let silent = audit(&spec, &snapshot, &seen(&[(443, State::Open), (8080, State::Silent)]));
    assert_eq!(told(&silent), ["medium latent-exposure i-0abc tcp/8080 from internet"]);
    let command = silent.findings[0].mends[0].command.as_deref().unwrap_or_default();
    assert!(
        command.contains("revoke-security-group-ingress") && command.contains("8080"),
        "{command}"
    );
    let open = audit(&spec, &snapshot, &seen(&[(443, State::Open), (8080, State::Open)]));
    assert_eq!(told(&open), ["high undeclared-exposure i-0abc tcp/8080 from internet"]);
}

#[test]
fn an_admin_port_is_critical_and_an_answer_past_the_model_too() {
    let spec = spec("");
    let ssh = snapshot(json!([open_to(443, "0.0.0.0/0"), open_to(22, "0.0.0.0/0")]));
    let report = audit(&spec, &ssh, &seen(&[(443, State::Open), (22, State::Open)]));
    assert_eq!(told(&report), ["critical undeclared-exposure i-0abc tcp/22 from internet"]);
    let refused = [(443, State::Open), (9000, State::Refused)];
    let report = audit(&spec, &snapshot(both()), &by_the_host(&refused));
    assert_eq!(told(&report), ["critical unexplained-answer i-0abc tcp/9000 from internet"]);
    // A firewall on the way refuses in the host's name: it passed nothing.
    assert_eq!(told(&audit(&spec, &snapshot(both()), &seen(&refused))), Vec::<String>::new());
}

#[test]
fn a_waiver_holds_for_its_exact_tuple_until_its_very_instant() {
    let mut wide = both();
    wide.as_array_mut().expect("a list").push(open_to(8080, "0.0.0.0/0"));
    let snapshot = snapshot(wide);
    let waiver = |endpoint: &str| {
        spec(&format!(
            "waivers:\n  - {{ finding: latent-exposure, endpoint: {endpoint}, source: internet, owner: ops@example.org, reason: migration, until: 2026-12-31T00:00:00Z }}\n"
        ))
    };
    let spec = waiver("i-0abc tcp/8080");
    let run = |spec: &Spec, now| {
        audit_at(spec, &snapshot, &seen(&[(443, State::Open)]), &Options::default(), now)
    };
    let held = run(&spec, "2026-12-30T23:59:59Z");
    assert_eq!(told(&held), ["medium latent-exposure i-0abc tcp/8080 from internet"]);
    assert!(
        matches!(&held.findings[0].status, FindingStatus::Waived { owner, .. } if owner == "ops@example.org")
    );
    assert_eq!(held.failing().count(), 0);

    let over = run(&spec, "2026-12-31T00:00:00Z");
    assert_eq!(
        told(&over),
        [
            "medium latent-exposure i-0abc tcp/8080 from internet",
            "medium waiver-expired latent-exposure i-0abc tcp/8080 from internet",
        ]
    );
    assert!(over.findings.iter().all(|f| f.status == FindingStatus::Open));

    let other = run(&waiver("i-0abc tcp/8081"), "2026-12-01T00:00:00Z");
    let rules: Vec<&str> = other.findings.iter().map(|f| f.rule.as_str()).collect();
    assert_eq!(rules, ["latent-exposure", "waiver-unmatched"]);
    assert_eq!(other.findings[0].status, FindingStatus::Open);
}

#[test]
fn a_denied_call_is_a_gap_and_never_clean() {
    let spec = spec("");
    let mut blind = snapshot(both());
    blind.regions[0].security_groups.clear();
    for call in &mut blind.calls {
        if call.kind == CallKind::SecurityGroups {
            call.outcome = Outcome::Denied("UnauthorizedOperation".into());
        }
    }
    let report = audit(&spec, &blind, &seen(&[(443, State::Silent)]));
    assert!(report.gaps.iter().any(|g| g.kind.name() == "security-groups"), "{:#?}", report.gaps);
    let found = report.findings.iter().find(|f| f.subject == "i-0abc tcp/443").expect("a finding");
    assert_eq!((found.rule.as_str(), found.confidence), ("declared-silent", Confidence::Low));
}

#[test]
fn what_only_a_cleanup_asks_for_is_no_gap_of_an_audit() {
    let mut snapshot = snapshot(both());
    let before = audit(&spec(""), &snapshot, &Observations::default());
    for call in snapshot.calls.iter_mut().filter(|c| c.kind.on_request()) {
        call.outcome = Outcome::Denied("UnauthorizedOperation".into());
    }
    let after = audit(&spec(""), &snapshot, &Observations::default());
    let gaps = |report: &AuditReport| report.open_gaps().cloned().collect::<Vec<_>>();
    assert_eq!(gaps(&after), gaps(&before));
}

/// A journey that this run could not try is not mended: a run that tried says so.
#[test]
fn a_journey_that_could_not_be_seen_is_gone_from_no_baseline() {
    let spec = spec("    journeys: { web: { any_of: [https] } }\n");
    let run = |state, controls| {
        let mut seen = seen(&[(443, state), (22, State::Silent)]);
        seen.vantages[0].controls_v4 = Some(controls);
        audit(&spec, &snapshot(both()), &seen)
    };
    let broken = run(State::Silent, true);
    let baseline = Baseline::of(&broken, None);
    let became = |mut report: AuditReport| {
        baseline.apply("b.json", &mut report);
        let used = report.baseline.unwrap_or_default();
        let is = |e: &&Entry| e.rule == "journey-broken";
        (used.stale.iter().any(|e| is(&e)), used.undecided.iter().any(|e| is(&e)))
    };
    assert!(told(&broken).iter().any(|t| t.contains("journey-broken i-0abc journey web")));
    let blind = run(State::Silent, false);
    let unseen: Vec<Gap> = blind.journeys.iter().filter_map(JourneyCell::unseen).collect();
    assert_eq!(unseen.len(), 1);
    assert_eq!(unseen[0].scope, blind.journeys[0].subject());
    assert_eq!(became(blind), (false, true));
    assert_eq!(became(run(State::Open, true)), (true, false), "it works");
}

#[test]
fn thresholds_overrides_and_accepted_gaps_are_applied_here() {
    let spec = spec("");
    let mut wide = both();
    wide.as_array_mut().expect("a list").push(open_to(8080, "0.0.0.0/0"));
    let snapshot = snapshot(wide);
    let options = Options {
        fail_on: Severity::High,
        allow_gaps: ["vantage".to_owned()].into(),
        severities: [("latent-exposure".to_owned(), Severity::High)].into(),
        ..Options::default()
    };
    let run = |options: &Options| {
        audit_at(&spec, &snapshot, &seen(&[(443, State::Open)]), options, "2026-11-22T12:00:00Z")
    };
    let report = run(&options);
    assert_eq!(told(&report), ["high latent-exposure i-0abc tcp/8080 from internet"]);
    assert_eq!((report.failing().count(), report.open_gaps().count()), (1, 0));
    let plain = run(&Options { fail_on: Severity::High, ..Options::default() });
    assert_eq!((plain.failing().count(), plain.open_gaps().count()), (0, 1));
}

#[test]
fn roles_hosts_and_groups_are_judged_too() {
    let spec = spec(&format!(
        "    count: {{ min: 3 }}\n  ghost:\n    select: {{ tags: {{ role: ghost }} }}\ngroups:\n  {SG}: {{ ingress: [{{ port: tcp/443, from: internet }}] }}\n  sg-00000000000000aa: {{ ingress: [] }}\n"
    ));
    // What a service needs stays, whatever the group's declaration says.
    let mut live = both();
    live.as_array_mut().expect("a list").push(open_to(9, "198.51.100.0/24"));
    let mut snapshot = snapshot(live);
    let stranger =
        json!({ "InstanceId": "i-0def", "State": { "Name": "running" }, "VpcId": "vpc-1" });
    snapshot.regions[0].instances.push(serde_json::from_value(stranger).expect("an instance"));
    let report = audit(&spec, &snapshot, &seen(&[(443, State::Open)]));
    let found: Vec<String> = told(&report);
    for want in [
        "high role-too-small role web",
        "medium selector-matches-nothing role ghost",
        "high host-unknown i-0def",
        "high group-missing sg-00000000000000aa",
    ] {
        let want = want.replace("high host-unknown", "medium host-unknown");
        assert!(found.contains(&want), "{want}: {found:#?}");
    }
    let drift = report.findings.iter().find(|f| f.subject == SG).expect("drift");
    assert_eq!(drift.rule, "drift-exposes");
    let diff = drift.diff.as_deref().unwrap_or_default();
    assert!(
        diff.contains("+ingress tcp/22 from 198.51.100.0/24  # changes what reaches eni-1"),
        "{diff}"
    );
    let commands: Vec<&str> = drift.mends.iter().filter_map(|m| m.command.as_deref()).collect();
    let call = "security-group-ingress --region us-west-1 --group-id";
    // `internet` is both families, and the live group has one of them.
    let list = r#"'[{"FromPort":443,"IpProtocol":"tcp","Ipv6Ranges":[{"CidrIpv6":"::/0"}],"ToPort":443}]'"#;
    assert_eq!(commands[0], format!("aws ec2 authorize-{call} {SG} --ip-permissions {list}"));
    let list = r#"'[{"FromPort":9,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"198.51.100.0/24"}],"ToPort":9}]'"#;
    assert_eq!(commands[1], format!("aws ec2 revoke-{call} {SG} --ip-permissions {list}"));
    let snippets: Vec<&str> = drift.mends.iter().filter_map(|m| m.terraform.as_deref()).collect();
    let put = format!(
        "resource \"aws_vpc_security_group_ingress_rule\" \"tcp_443\" {{\n  security_group_id = \"{SG}\"\n  ip_protocol       = \"tcp\"\n  from_port         = 443\n  to_port           = 443\n  cidr_ipv6         = \"::/0\"\n}}\n"
    );
    let out = format!(
        "# remove the aws_vpc_security_group_ingress_rule (or the inline ingress block) of {SG}:\n# ingress tcp/9 from 198.51.100.0/24\n"
    );
    assert_eq!(snippets, [put, out]);
}

#[test]
fn a_role_whose_only_host_is_stopped_is_a_finding() {
    let mut snapshot = snapshot(both());
    snapshot.regions[0].instances[0].state.name = "stopped".into();
    let report = audit(&spec(""), &snapshot, &Observations::default());
    assert_eq!(told(&report), ["high role-not-live role web"]);
    let finding = &report.findings[0];
    assert!(finding.message.contains("i-0abc is not live"), "{}", finding.message);
    assert_eq!((report.coverage.not_live, report.not_judged.len()), (1, 0));
}

#[test]
fn what_a_deadline_left_out_does_not_count_as_probed() {
    let seen = seen(&[(443, State::Open), (22, State::Unprobed), (8080, State::Unprobed)]);
    let report = audit(&spec(""), &snapshot(both()), &seen);
    assert_eq!(report.coverage.probed, 1);
}

#[test]
fn equal_inputs_give_equal_reports() {
    let spec = spec("");
    let snapshot = snapshot(json!([open_to(8080, "0.0.0.0/0"), open_to(22, "0.0.0.0/0")]));
    let observations = seen(&[(443, State::Silent), (22, State::Open)]);
    let report = audit(&spec, &snapshot, &observations);
    assert_eq!(report, audit(&spec, &snapshot, &observations));
    assert!(report.findings.is_sorted_by(|a, b| a.severity >= b.severity));
    assert!(report.gaps.is_sorted());
}

#[test]
fn a_live_host_that_answers_nothing_is_told_as_one() {
    let text = "version: 1\nroles:\n  web:\n    select: { tags: { role: web } }\n    services:\n      https: { port: tcp/443, from: internet }\n      alt: { port: tcp/8443, from: internet }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let open = snapshot(json!([open_to(443, "0.0.0.0/0"), open_to(8443, "0.0.0.0/0")]));
    let half = snapshot(json!([open_to(443, "0.0.0.0/0")]));
    let told = |snapshot: &Snapshot, states: &[(u16, State)]| {
        let report = audit(&spec, snapshot, &seen(states));
        let silent = report.findings.into_iter().find(|f| f.rule == "host-silent");
        silent.map(|f| format!("{}: {}", f.subject, f.message))
    };
    let down = [(443, State::Silent), (8443, State::Unreachable)];
    let says = "i-0abc: i-0abc is live by its cloud and lets its services through, and none of alt, https answered";
    assert_eq!(told(&open, &down).as_deref(), Some(says));
    // A refusal is an answer, wherever it comes from, and what is blocked says nothing of the host.
    assert_eq!(told(&open, &[(443, State::Silent), (8443, State::Refused)]), None);
    assert_eq!(
        told(&open, &[(443, State::Silent), (8443, State::Silent), (22, State::Refused)]),
        None
    );
    assert_eq!(told(&half, &down), None);
    // Nobody asked, or only one service: that is told by its own row.
    assert_eq!(told(&open, &[(443, State::Silent)]), None);
    assert_eq!(told(&open, &[]), None);
}
