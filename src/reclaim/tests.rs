use super::*;
use crate::cleanup::names::{Led, Names};
use crate::cleanup::{Claim, Resource};
use crate::drift;
use crate::exposure::fake::Fake;
use crate::model::{Endpoint, Protocol};
use crate::observation::{Observation, State};
use crate::resolve;
use crate::snapshot::{Call, CallKind, Outcome};
use crate::spec::{self, Source};
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const ACCOUNT: &str = "111111111111";

fn declared() -> Spec {
    let text = "version: 1
networks:
  office: [198.51.100.0/24]
roles:
  web: { select: { tags: { role: web } } }
groups:
  sg-0000000000000001: { ingress: [{ port: tcp/443, from: office }] }
";
    spec::load(&[Source::new("spec.yaml", text.as_bytes().to_vec())])
        .unwrap_or_else(|e| panic!("{e}"))
}

/// One thing of each kind that is used, and one of each that is not.
pub(super) fn snapshot() -> Snapshot {
    let tcp = |port: u16, block: &str| {
        json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "IpRanges": [{ "CidrIp": block }] })
    };
    let instance = |id: &str, state: &str, role: &str| {
        json!({ "BlockDeviceMappings": [{ "DeviceName": "/dev/sda1",
                "Ebs": { "VolumeId": format!("vol-of-{id}") } }],
            "InstanceType": "m5.large",
            "InstanceId": id, "ImageId": "ami-1", "State": { "Name": state }, "VpcId": "vpc-1",
            "LaunchTime": "2025-12-01T00:00:00+00:00",
            "Tags": [{ "Key": "role", "Value": role }, { "Key": "owner", "Value": "team-a" }] })
    };
    let group = |id: &str, name: &str, ingress: serde_json::Value| {
        json!({ "GroupId": id, "GroupName": name, "OwnerId": ACCOUNT, "VpcId": "vpc-1",
            "IpPermissions": ingress })
    };
    let interface = |id: &str, address: &str, group: &str, instance: Option<&str>| {
        json!({ "NetworkInterfaceId": id, "PrivateIpAddress": address, "VpcId": "vpc-1",
            "Status": if instance.is_some() { "in-use" } else { "available" },
            "AvailabilityZone": "us-east-1a",
            "Groups": [{ "GroupId": group }],
            "Attachment": instance.map(|i| json!({ "AttachmentId": "eni-attach-1", "InstanceId": i,
                "Status": "attached" })) })
    };
    // Fourteen days of which so many hours were told, and hours of the newest that moved 1 MB.
    let moved = |id: &str, hours: u32, bytes: u64, busy: usize| {
        let latest = [vec![1_000_000; busy], vec![999_999; 24 - busy]].concat();
        json!({ "InstanceId": id, "Days": vec![json!({ "Hours": hours, "Bytes": bytes }); 14],
            "LatestHours": latest })
    };
    let view = json!({
        "Account": ACCOUNT, "Region": "us-east-1",
        "Instances": [
            instance("i-web", "running", "web"), instance("i-orphan", "running", "none"),
            instance("i-scaled", "running", "none"), instance("i-served", "running", "none"),
            instance("i-off", "stopped", "none"),
            instance("i-quarantined", "stopped", "none"), instance("i-web-off", "stopped", "web"), instance("i-over", "terminated", "none"),
        ],
        "NetworkInterfaces": [
            interface("eni-web", "10.0.0.1", "sg-0000000000000001", Some("i-web")),
            interface("eni-orphan", "10.0.0.2", "sg-used", Some("i-orphan")),
            interface("eni-free", "10.0.0.3", "sg-used", None),
            interface("eni-launched", "10.0.0.4", "sg-used", None),
            interface("eni-routed", "10.0.0.5", "sg-used", None),
            interface("eni-target", "10.0.0.6", "sg-used", None),
        ],
        "SecurityGroups": [
            group("sg-0000000000000001", "web",
                json!([tcp(443, "198.51.100.0/24"), tcp(22, "0.0.0.0/0")])),
            group("sg-used", "used", json!([{ "IpProtocol": "-1",
                "UserIdGroupPairs": [{ "GroupId": "sg-named" }] }])),
            group("sg-named", "named", json!([tcp(443, "203.0.113.8/32")])),
            group("sg-unused", "unused", json!([tcp(22, "192.0.2.0/24")])),
            group("sg-default", "default", json!([])),
            group("sg-templated", "templated", json!([])),
            group("sg-by-name", "by-name", json!([])),
            group("sg-given", "given", json!([])),
            group("sg-configured", "configured", json!([])),
        ],
        "Traffic": [
            moved("i-orphan", 24, 300_000, 2),
            moved("i-served", 24, 24_000_000, 6),
        ],
        "LoadBalancers": [{ "LoadBalancerArn": "arn:lb", "AvailabilityZones": [
            { "LoadBalancerAddresses": [{ "AllocationId": "eipalloc-balancer" }] }] }],
        "RouteTables": [{ "RouteTableId": "rtb-1", "Routes": [
            { "DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": "eni-routed",
              "State": "blackhole" }] }],
        "LaunchTemplates": [{ "LaunchTemplateId": "lt-1", "LatestVersionNumber": 3, "Versions": [
            { "VersionNumber": 1, "LaunchTemplateData": { "SecurityGroupIds": ["sg-templated"] } },
            { "VersionNumber": 2, "LaunchTemplateData": { "SecurityGroups": ["by-name"] } },
            { "VersionNumber": 3, "DefaultVersion": true, "LaunchTemplateData": {
                "NetworkInterfaces": [{ "Groups": ["sg-given"] },
                    { "NetworkInterfaceId": "eni-launched" }] } },
        ] }],
        "LaunchConfigurations": [{ "LaunchConfigurationName": "old",
            "SecurityGroups": ["sg-configured"] }],
        "Volumes": [
            { "VolumeId": "vol-free", "State": "available", "AvailabilityZone": "us-east-1a" },
            { "VolumeId": "vol-used", "State": "in-use", "AvailabilityZone": "us-east-1a",
              "Attachments": [{ "InstanceId": "i-web", "Device": "/dev/sdf" }] },
            // Said to be free, and an instance says that it has it.
            { "VolumeId": "vol-of-i-web", "State": "available", "AvailabilityZone": "us-east-1a" },
            { "VolumeId": "vol-pod", "State": "available", "AvailabilityZone": "us-east-1a",
              "Tags": [{ "Key": "CSIVolumeName", "Value": "pvc-1" }] },
        ],
        "Addresses": [
            { "AllocationId": "eipalloc-free", "PublicIp": "203.0.113.9" },
            { "AllocationId": "eipalloc-trusted", "PublicIp": "203.0.113.8" },
            { "AllocationId": "eipalloc-balancer", "PublicIp": "203.0.113.7" },
            { "AllocationId": "eipalloc-used", "PublicIp": "203.0.113.1",
              "AssociationId": "eipassoc-1", "NetworkInterfaceId": "eni-web" },
        ],
        "AutoScalingGroups": [{ "AutoScalingGroupName": "asg",
            "Instances": [{ "InstanceId": "i-scaled" }] }],
        "TargetGroups": [{ "TargetGroupArn": "arn:tg", "TargetType": "instance", "VpcId": "vpc-1",
            "Targets": [
                { "Target": { "Id": "i-gone", "Port": 80 }, "State": "unused" },
                { "Target": { "Id": "i-served", "Port": 80 }, "State": "healthy" },
            ] }, { "TargetGroupArn": "arn:ip", "TargetType": "ip", "VpcId": "vpc-1",
            "Targets": [{ "Target": { "Id": "10.0.0.6", "Port": 80 }, "State": "initial" }] }],
    });
    let mut snapshot = Snapshot::empty("2026-01-01T00:00:00Z".parse().expect("a time"));
    snapshot.regions.push(serde_json::from_value(view).expect("a view"));
    snapshot.calls = CallKind::ALL
        .iter()
        .map(|kind| Call {
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            kind: *kind,
            outcome: Outcome::Complete,
            items: 3,
        })
        .collect();
    snapshot.sort();
    snapshot
}

pub(super) fn listed(snapshot: &Snapshot, observations: &Observations) -> Listing {
    let lets = Fake::of(&["10.0.0.1"]).lets("10.0.0.1", "tcp/22", &["0.0.0.0/0"]);
    listed_in(snapshot, observations, &lets)
}

fn listed_in(snapshot: &Snapshot, observations: &Observations, lets: &Fake) -> Listing {
    listed_by(snapshot, observations, lets, None)
}

fn listed_by(
    snapshot: &Snapshot,
    observations: &Observations,
    lets: &Fake,
    named: Option<&Led>,
) -> Listing {
    let spec = declared();
    let drifted = drift::compare(&spec, snapshot, lets);
    let resolution = resolve::resolve(&spec, snapshot);
    list(&Input {
        spec: &spec,
        snapshot,
        resolution: &resolution,
        drifted: &drifted,
        quarantined: &["i-quarantined"]
            .map(|id| {
                let item = crate::cleanup::ItemRef { kind: aws::INSTANCE.into(), id: id.into() };
                (item, "2025-12-31T12:30:00Z".parse().expect("a time"))
            })
            .into(),
        observations,
        named,
    })
}

pub(super) fn thing<'a>(listing: &'a Listing, id: &str) -> &'a Resource {
    listing.resources.iter().find(|r| r.id == id).unwrap_or_else(|| panic!("no {id}"))
}

#[test]
fn what_a_name_leads_to_is_in_use_and_what_nobody_answers_for_is_unknown() {
    let mut names = Names::default();
    for name in ["free.example", "orphan.example", "mute.example"] {
        names.add(name).expect("a name");
    }
    let to = |address: &str| Ok(BTreeSet::from([address.parse().expect("an address")]));
    let free = snapshot().regions[0]
        .addresses
        .iter()
        .find(|a| a.allocation_id.as_deref() == Some("eipalloc-free"))
        .and_then(|a| a.public_ip)
        .expect("its address");
    let answers = |mute: Result<BTreeSet<IpAddr>, String>| {
        Led::new(
            &names,
            BTreeMap::from([
                ("free.example".to_owned(), to(&free.to_string())),
                ("orphan.example".to_owned(), to("10.0.0.2")),
                ("mute.example".to_owned(), mute),
            ]),
            snapshot().taken_at,
        )
    };
    let none = Observations::default();
    let listing = |led: &Led| listed_by(&snapshot(), &none, &Fake::of(&[]), Some(led));
    let led = listing(&answers(Ok(BTreeSet::new())));
    assert!(!thing(&led, "eipalloc-free").candidate, "its next holder would have our name");
    assert_eq!(kinds(&thing(&led, "i-orphan").live), ["named"]);
    let other = thing(&led, "eipalloc-trusted");
    assert!(other.candidate && other.unknown.is_empty());
    assert!(other.dead[0].detail.contains("none of 3 names"), "{:?}", other.dead);
    let unled = listing(&answers(Err("request timed out".into())));
    let unknown = thing(&unled, "eipalloc-trusted").unknown.join(" ");
    assert!(unknown.contains("mute.example") && unknown.contains("timed out"), "{unknown}");
}

pub(super) fn kinds(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|c| c.kind.as_str()).collect()
}

#[test]
fn candidates_are_what_nothing_uses_with_evidence_of_two_calls_each() {
    let listing = listed(&snapshot(), &Observations::default());
    let candidates: Vec<(&str, &str, Vec<&str>)> = listing
        .resources
        .iter()
        .filter(|r| r.candidate)
        .map(|r| (r.id.as_str(), r.action.as_deref().unwrap_or("-"), kinds(&r.dead)))
        .collect();
    assert_eq!(
        candidates,
        [
            ("eipalloc-free", "mark", vec!["not-associated", "no-interface"]),
            ("eipalloc-trusted", "mark", vec!["not-associated", "no-interface"]),
            (
                "i-orphan",
                "stop",
                vec!["in-no-role", "in-no-target-group", "in-no-auto-scaling-group", "no-traffic"]
            ),
            (
                "i-quarantined",
                "terminate",
                vec!["in-no-role", "in-no-target-group", "in-no-auto-scaling-group"]
            ),
            // In use, and nevertheless of no role: its life is told, and `cleanup` judges.
            ("i-scaled", "stop", vec!["in-no-role", "in-no-target-group"]),
            ("i-served", "stop", vec!["in-no-role", "in-no-auto-scaling-group"]),
            ("eni-free", "mark", vec!["available", "no-route", "no-address"]),
            ("sg-unused", "mark", vec!["no-interface", "named-by-nothing"]),
            // What anybody may come through is the spec's word alone.
            ("sg-0000000000000001/ingress/tcp/22/22/0.0.0.0/0", "revoke", vec!["not-declared"]),
            ("vol-free", "snapshot", vec!["available", "no-device"]),
            ("vol-pod", "snapshot", vec!["available", "no-device"]),
            ("arn:tg/i-gone/80", "deregister", vec!["no-instance", "gets-no-clients"]),
        ]
    );
    for candidate in listing.resources.iter().filter(|r| r.candidate) {
        for claim in &candidate.dead {
            assert!(claim.at.is_some());
            let source = listing.sources.iter().find(|s| s.name == claim.source);
            let source = source.unwrap_or_else(|| panic!("no source {}", claim.source));
            assert!(source.complete && source.keeps, "{source:?}");
        }
    }
}

#[test]
fn an_undeclared_permission_that_changes_nothing_has_two_that_speak_against_it() {
    let shut = Fake::of(&["10.0.0.1"]);
    let listing = listed_in(&snapshot(), &Observations::default(), &shut);
    let permission = thing(&listing, "sg-0000000000000001/ingress/tcp/22/22/0.0.0.0/0");
    assert_eq!(kinds(&permission.dead), ["not-declared", "changes-nothing"]);
    assert_ne!(permission.dead[0].source, permission.dead[1].source);
    let declared = thing(&listing, "sg-0000000000000001/ingress/tcp/443/443/198.51.100.0/24");
    assert!(!declared.candidate);
}

#[test]
fn signs_of_life_are_told_whoever_calls_it_dead() {
    let listing = listed(&snapshot(), &Observations::default());
    for (id, live) in [
        ("i-served", "traffic"),
        ("i-scaled", "in-auto-scaling-group"),
        ("i-served", "in-target-group"),
        ("eni-web", "attached"),
        ("sg-used", "carried"),
        ("sg-named", "named"),
        ("sg-templated", "named"),
        ("sg-by-name", "named"),
        ("sg-given", "named"),
        ("sg-configured", "named"),
        ("eni-launched", "launched-with"),
        ("vol-used", "attached"),
        ("vol-of-i-web", "device-of"),
        ("sg-0000000000000001", "carried"),
        ("eipalloc-used", "associated"),
        ("eipalloc-balancer", "on-balancer"),
        ("eni-routed", "routed"),
        ("eni-target", "in-target-group"),
        ("arn:tg/i-served/80", "gets-clients"),
    ] {
        let thing = thing(&listing, id);
        assert!(kinds(&thing.live).contains(&live), "{id}: {:?}", thing.live);
    }
    assert_eq!(kinds(&thing(&listing, "sg-default").protected), ["default-group"]);
    assert_eq!(kinds(&thing(&listing, "vol-pod").protected), ["managed"]);
    // A permission lets it in, and would let in whoever gets it next.
    assert_eq!(kinds(&thing(&listing, "eipalloc-trusted").protected), ["let-in"]);
    // What a reference keeps alive is not called dead, so that it holds up nothing else.
    for id in ["eni-routed", "eni-target", "eni-launched", "eipalloc-balancer", "vol-of-i-web"] {
        assert!(!thing(&listing, id).candidate, "{id}");
    }
    assert!(listing.resources.iter().all(|r| r.id != "i-over"));
    assert!(!thing(&listing, "i-off").candidate);
}

#[test]
fn an_answer_to_a_probe_is_life_and_a_refusal_is_not() {
    let address = "10.0.0.2".parse().expect("an address");
    let row = |state, port| Observation {
        confirmed: true,
        ..Observation::new(Endpoint { address, protocol: Protocol::Tcp, port }, state, "here")
    };
    let seen = |rows| Observations { rows, ..Observations::default() };
    let refused = listed(&snapshot(), &seen(vec![row(State::Refused, 80)]));
    assert!(thing(&refused, "i-orphan").live.is_empty());
    let open = listed(&snapshot(), &seen(vec![row(State::Refused, 80), row(State::Open, 443)]));
    let live = &thing(&open, "i-orphan").live;
    assert_eq!((kinds(live), live[0].source.as_str()), (vec!["answers-probe"], "probe"));
}

#[test]
fn what_was_not_read_is_never_absent() {
    for (denied, id) in [
        (CallKind::NetworkInterfaces, "sg-unused"),
        (CallKind::SecurityGroups, "sg-unused"),
        (CallKind::NetworkInterfaces, "eipalloc-free"),
        (CallKind::Instances, "arn:tg/i-gone/80"),
        (CallKind::TargetHealth, "i-orphan"),
        (CallKind::ClassicLoadBalancers, "i-orphan"),
        (CallKind::AutoScalingGroups, "i-orphan"),
        (CallKind::RouteTables, "eni-free"),
    ] {
        let mut snapshot = snapshot();
        for call in snapshot.calls.iter_mut().filter(|c| c.kind == denied) {
            call.outcome = Outcome::Denied("UnauthorizedOperation".into());
        }
        let listing = listed(&snapshot, &Observations::default());
        let thing = thing(&listing, id);
        let said = |u: &String| u.starts_with(denied.name()) && u.ends_with("Operation");
        assert!(thing.unknown.iter().any(said), "{id}: {:?}", thing.unknown);
        let name = format!("{} {ACCOUNT}/us-east-1", denied.name());
        assert!(thing.dead.iter().all(|c| c.source != name), "{id}: {:?}", thing.dead);
        let source = listing.sources.iter().find(|s| s.name == name).expect("a source");
        assert!(!source.complete);
    }
}

/// A balancer of the older API sends clients to an instance by its registration alone; such a one is no
/// target that could be taken out of a target group.
#[test]
fn whom_a_classic_balancer_knows_is_in_use() {
    let mut snapshot = snapshot();
    let arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/older";
    let group = json!({ "TargetGroupArn": "arn:older/80", "TargetType": "instance",
        "LoadBalancerArns": [arn],
        "Targets": [{ "Target": { "Id": "i-orphan", "Port": 80 } }, { "Target": { "Id": "i-gone", "Port": 80 } }] });
    snapshot.regions[0].target_groups.push(serde_json::from_value(group).expect("a group"));
    let listing = listed(&snapshot, &Observations::default());
    let registered = thing(&listing, "i-orphan");
    assert_eq!(kinds(&registered.live), ["in-load-balancer"]);
    assert_eq!(registered.live[0].detail, format!("registered with {arn}"));
    assert!(!kinds(&registered.dead).contains(&"in-no-target-group"));
    assert!(listing.resources.iter().all(|r| !r.id.starts_with("arn:older")));
}

#[test]
fn of_what_nobody_asked_for_nothing_is_said_and_what_was_denied_is_unknown() {
    let with = |outcome: Option<Outcome>| {
        let mut snapshot = snapshot();
        snapshot.calls.retain(|c| !c.kind.on_request() || outcome.is_some());
        let on_request = snapshot.calls.iter_mut().filter(|c| c.kind.on_request());
        on_request.for_each(|c| c.outcome = outcome.clone().expect("one"));
        let view = &mut snapshot.regions[0];
        (view.volumes, view.launch_templates, view.launch_configurations) = Default::default();
        let told = unread(&snapshot);
        (listed(&snapshot, &Observations::default()), told)
    };
    // A snapshot of before: no group is called unused, and nobody is held up by that.
    let (listing, told) = with(None);
    for id in ["sg-unused", "sg-templated"] {
        let group = thing(&listing, id);
        assert!(!group.candidate && group.unknown.is_empty(), "{group:?}");
    }
    assert!(listing.sources.iter().all(|s| s.complete), "{:?}", listing.sources);
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[0].contains("DescribeVolumes") && told[0].contains("was never made"), "{told:?}");
    // Denied, it could be named: the very group that is named by a template now is unknown.
    let (listing, told) = with(Some(Outcome::Denied("UnauthorizedOperation".into())));
    for id in ["sg-unused", "sg-templated"] {
        let group = thing(&listing, id);
        assert_eq!(group.unknown.len(), 3, "{group:?}");
        assert!(group.unknown[0].contains("DescribeLaunchTemplates"), "{group:?}");
    }
    assert!(thing(&listing, "sg-used").unknown.is_empty(), "it is carried, whatever names it");
    assert!(!thing(&listing, "eni-free").unknown.is_empty());
    assert!(listing.sources.iter().all(|s| s.complete), "{:?}", listing.sources);
    assert!(told[0].contains("denied: UnauthorizedOperation"), "{told:?}");
}

#[test]
fn a_volume_is_not_free_where_instances_do_not_tell_their_devices() {
    let mut snapshot = snapshot();
    snapshot.regions[0].instances[0].block_device_mappings = None;
    let listing = listed(&snapshot, &Observations::default());
    let free = thing(&listing, "vol-free");
    assert_eq!(kinds(&free.dead), ["available"]);
    assert_eq!(free.unknown, ["the instances were read without their devices"]);
}

#[test]
fn an_unused_group_says_what_was_not_looked_at() {
    let mut snapshot = snapshot();
    let peering = json!({ "VpcPeeringConnectionId": "pcx-1", "Status": { "Code": "active" },
        "RequesterVpcInfo": { "VpcId": "vpc-1" }, "AccepterVpcInfo": { "VpcId": "vpc-theirs" } });
    snapshot.regions[0]
        .vpc_peering_connections
        .push(serde_json::from_value(peering).expect("a peering"));
    let listing = listed(&snapshot, &Observations::default());
    let said = &thing(&listing, "sg-unused").dead[1].detail;
    for part in [
        "ECS",
        "Spot",
        "Fleet",
        "Lambda",
        "Batch",
        "EventBridge",
        "CodeBuild",
        "groups of the peer vpc-theirs",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn what_is_condemned_is_not_condemned_again_and_shows_by_whom() {
    let mut snapshot = snapshot();
    let mark = crate::snapshot::Tag { key: aws::CONDEMNED_TAG.into(), value: "sha256:1 t".into() };
    let view = &mut snapshot.regions[0];
    let volume = view.volumes.iter_mut().find(|v| v.volume_id == "vol-free").expect("it");
    volume.tags.push(mark.clone());
    let id = Some("eipalloc-free");
    let address = view.addresses.iter_mut().find(|a| a.allocation_id.as_deref() == id);
    address.expect("it").tags.push(mark);
    let listing = listed(&snapshot, &Observations::default());
    for (id, action) in [("vol-free", "delete"), ("eipalloc-free", "release")] {
        let thing = thing(&listing, id);
        assert_eq!(thing.action.as_deref(), Some(action));
        assert_eq!(thing.state[crate::cleanup::CONDEMNED], "sha256:1 t");
        assert!(thing.candidate && thing.protected.is_empty());
    }
}

#[test]
fn the_group_of_quarantine_stays_while_nobody_is_in_it() {
    let mut snapshot = snapshot();
    let rows = &mut snapshot.regions[0].security_groups;
    let row = rows.iter_mut().find(|g| g.group_id == "sg-unused").expect("it");
    row.tags.push(crate::snapshot::Tag { key: aws::QUARANTINE_TAG.into(), value: "x".into() });
    let listing = listed(&snapshot, &Observations::default());
    let group = thing(&listing, "sg-unused");
    assert!(!group.candidate);
    assert_eq!(kinds(&group.protected), ["quarantine-group"]);
}

#[test]
fn between_idle_and_busy_traffic_says_nothing() {
    let said = |change: &dyn Fn(&mut crate::snapshot::Traffic)| {
        let mut snapshot = snapshot();
        snapshot.regions[0].traffic.iter_mut().for_each(change);
        let listing = listed(&snapshot, &Observations::default());
        let orphan = thing(&listing, "i-orphan");
        let live = kinds(&orphan.live).contains(&"traffic");
        (live, kinds(&orphan.dead).contains(&"no-traffic"))
    };
    assert_eq!(said(&|_| {}), (false, true), "idle for two weeks, updates and all");
    // A day at the line, an hour that nobody told, a day that nobody told: no proof of idleness.
    assert_eq!(said(&|t| t.days[13].bytes = 5_000_000), (false, false));
    assert_eq!(said(&|t| t.days[13].hours = 23), (false, false));
    assert_eq!(said(&|t| t.days.truncate(13)), (false, false));
    assert_eq!(said(&|t| t.days.clear()), (false, false));
    // A quarter of a day at 1 MB an hour is use; less may be updates.
    let busy = |n: usize| {
        move |t: &mut crate::snapshot::Traffic| {
            t.days[0].bytes = 24_000_000;
            t.latest_hours = vec![1_000_000; n];
        }
    };
    assert_eq!(said(&busy(5)), (false, false));
    assert_eq!(said(&busy(6)), (true, false));
    // Nobody asked: nothing is said.
    let mut snapshot = snapshot();
    snapshot.regions[0].traffic.clear();
    let listing = listed(&snapshot, &Observations::default());
    let orphan = thing(&listing, "i-orphan");
    assert!(!kinds(&orphan.dead).contains(&"no-traffic") && orphan.unknown.is_empty());
}

#[test]
fn tags_protect_unless_they_say_no_and_keepers_are_respected() {
    for (key, value, protected) in [
        ("protect", "true", vec!["tag-protect"]),
        ("Portcullis:Protect", "", vec!["tag-protect"]),
        ("protect", "\u{fffd}", vec!["tag-protect"]),
        ("protect", "false", vec![]),
        ("kubernetes.io/cluster/a", "owned", vec!["managed"]),
        ("aws:cloudformation:stack-name", "x", vec!["managed"]),
        ("protection-level", "3", vec![]),
    ] {
        let mut snapshot = snapshot();
        let rows = &mut snapshot.regions[0].instances;
        let row = rows.iter_mut().find(|i| i.instance_id == "i-orphan").expect("it");
        row.tags.push(crate::snapshot::Tag { key: key.into(), value: value.into() });
        let listing = listed(&snapshot, &Observations::default());
        assert_eq!(kinds(&thing(&listing, "i-orphan").protected), protected, "{key}={value}");
    }
}

#[test]
fn a_thing_is_asked_where_it_is() {
    let of = |kind: &str, id: &str| {
        let item = crate::cleanup::ItemRef { kind: kind.into(), id: id.into() };
        let at = addresses(&snapshot(), &item);
        at.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of(aws::INSTANCE, "i-orphan"), ["10.0.0.2"]);
    assert_eq!(of(aws::INTERFACE, "eni-free"), ["10.0.0.3"]);
    assert_eq!(of(aws::ADDRESS, "eipalloc-free"), ["203.0.113.9"]);
    assert_eq!(of(aws::GROUP, "sg-used"), [""; 0]);
}

#[test]
fn strata_owner_and_state_are_there() {
    let listing = listed(&snapshot(), &Observations::default());
    let orphan = thing(&listing, "i-orphan");
    assert_eq!(orphan.owner.as_deref(), Some("team-a"));
    assert_eq!(orphan.domain.as_deref(), Some("us-east-1a"));
    for (key, value) in
        [("age", "10 to 99 days"), ("image", "ami-1"), ("region", "us-east-1"), ("owner", "team-a")]
    {
        assert_eq!(orphan.attributes.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert_eq!(orphan.state["state"], "running");
    assert_eq!(orphan.state["interfaces"], "eni-orphan (sg-used)");
    assert_eq!(orphan.immutable["account"], ACCOUNT);
}
