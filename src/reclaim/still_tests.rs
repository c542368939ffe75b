use super::tests::{ACCOUNT, listed, snapshot, thing};
use super::*;
use crate::cleanup::{Claim, Resource};
use crate::snapshot::{CallKind, Outcome};
use serde_json::json;

/// Something that is different at the act.
type Change = fn(&mut Snapshot);

fn things(snapshot: &Snapshot) -> Listing {
    listed(snapshot, &Observations::default())
}

/// What of a thing's evidence is lost after a change.
fn after(id: &str, change: Change) -> Vec<String> {
    let planned = thing(&things(&snapshot()), id).dead.clone();
    assert!(planned.len() >= 2, "{id}: {planned:?}");
    let mut then = snapshot();
    change(&mut then);
    lost(&planned, thing(&things(&then), id), &then)
}

fn denied(snapshot: &mut Snapshot, call: CallKind) {
    let of = snapshot.calls.iter_mut().find(|c| c.kind == call).expect("a call");
    of.outcome = Outcome::Denied("AccessDenied".into());
}

#[test]
fn evidence_that_is_gone_or_cannot_be_read_at_the_act_is_lost() {
    for id in ["i-orphan", "eni-free", "sg-unused", "vol-free", "eipalloc-free", "arn:tg/i-gone/80"]
    {
        assert_eq!(after(id, |_| {}), Vec::<String>::new(), "{id}");
    }
    let rows: [(&str, Change, &str); 7] = [
        ("i-orphan", |s| denied(s, CallKind::MetricData), "rests on no-traffic, and now GetMetric"),
        ("i-orphan", |s| s.regions[0].traffic.clear(), "no-traffic (GetMetricData"),
        ("i-orphan", |s| denied(s, CallKind::AutoScalingGroups), "in-no-auto-scaling-group"),
        ("eni-free", |s| denied(s, CallKind::RouteTables), "no-route"),
        ("sg-unused", |s| denied(s, CallKind::NetworkInterfaces), "no-interface"),
        ("vol-free", |s| denied(s, CallKind::Instances), "no-device"),
        ("eipalloc-free", |s| denied(s, CallKind::NetworkInterfaces), "no-interface"),
    ];
    for (id, change, says) in rows {
        let lost = after(id, change);
        assert!(lost.iter().any(|why| why.contains(says)), "{id}: {says}: {lost:?}");
    }
}

#[test]
fn what_a_job_or_the_spec_says_is_not_asked_again() {
    let listing = things(&snapshot());
    let orphan = thing(&listing, "i-orphan");
    let said = |source: &str| Claim { source: source.into(), ..orphan.dead[0].clone() };
    assert_eq!(
        lost(&[said("spec"), said("nightly.sh")], orphan, &snapshot()),
        Vec::<String>::new()
    );
    assert_eq!(rests_on(&[said("nightly.sh")]), BTreeSet::new());
}

/// A permission of a group that nothing in its VPC uses for the peer, and then something does.
#[test]
fn a_permission_that_lets_something_in_meanwhile_is_not_needless() {
    let then = |change: Change| {
        let mut snapshot = snapshot();
        let view = &mut snapshot.regions[0];
        let vpc = json!({ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24" });
        view.vpcs = vec![serde_json::from_value(vpc).expect("a VPC")];
        let web = view.security_groups.iter_mut().find(|g| g.group_id == "sg-0000000000000001");
        let both = json!({ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{ "CidrIp": "198.51.100.7/32" }] });
        let both = serde_json::from_value(both).expect("a permission");
        web.expect("the group").ip_permissions.push(both);
        change(&mut snapshot);
        let id = "sg-0000000000000001/ingress/tcp/443/443/198.51.100.7/32";
        let now: Resource = thing(&things(&snapshot), id).clone();
        let at = Some(snapshot.taken_at);
        let claim = |kind: &str, source: String| Claim {
            kind: kind.into(),
            source,
            at,
            record: None,
            detail: String::new(),
        };
        let dead = [
            claim("not-declared", "spec".into()),
            claim("changes-nothing", format!("DescribeSecurityGroups {ACCOUNT}/us-east-1")),
        ];
        assert!(rests_on(&dead).contains(&CallKind::RouteTables));
        lost(&dead, &now, &snapshot)
    };
    assert_eq!(then(|_| {}), Vec::<String>::new(), "the office is let in by another permission");
    for call in [CallKind::Instances, CallKind::RouteTables] {
        let why = then(match call {
            CallKind::Instances => |s| denied(s, CallKind::Instances),
            _ => |s| denied(s, CallKind::RouteTables),
        });
        assert_eq!(why.len(), 1, "{call:?}: {why:?}");
        assert!(why[0].contains("denied"), "{why:?}");
    }
    let why = then(|s| {
        let web = s.regions[0].security_groups.iter_mut();
        let web = web.filter(|g| g.group_id == "sg-0000000000000001");
        web.for_each(|g| g.ip_permissions.retain(|p| p.ip_ranges[0].cidr_ip.prefix() != 24));
    });
    assert!(why.len() == 1 && why[0].contains("changes-nothing"), "{why:?}");
}

#[test]
fn what_was_stopped_and_moved_something_since_is_not_as_it_was_left() {
    // The quarantine began at half past twelve.
    for (newest, moved) in [("2025-12-31T12:00:00Z", false), ("2025-12-31T13:00:00Z", true)] {
        let mut snapshot = snapshot();
        let row = json!({ "InstanceId": "i-quarantined", "Newest": newest,
            "LatestHours": vec![5_000_000; 24] });
        snapshot.regions[0].traffic.push(serde_json::from_value(row).expect("a row"));
        let listing = things(&snapshot);
        let it = thing(&listing, "i-quarantined");
        assert_eq!(it.state.contains_key("moved"), moved, "{newest}: {:?}", it.state);
        assert_eq!(it.live, [], "what it moved before it was stopped is no life");
        assert_eq!(it.action.as_deref(), Some("terminate"));
    }
}

/// Whoever uses a thing between two looks leaves a trace in what AWS tells of it.
#[test]
fn a_restart_a_new_type_and_a_new_attachment_are_other_states() {
    let base = things(&snapshot());
    let changes: [(&str, Change); 6] = [
        ("i-orphan", |s| s.regions[0].instances[0].launch_time = Some("2026-01-01".into())),
        ("i-orphan", |s| s.regions[0].instances[0].instance_type = Some("m5.xlarge".into())),
        ("i-orphan", |s| {
            s.regions[0].instances[0].state_transition_reason = Some("User initiated".into());
        }),
        ("vol-free", |s| s.regions[0].volumes[0].volume_type = Some("io2".into())),
        ("vol-free", |s| s.regions[0].volumes[0].iops = Some(6000)),
        ("vol-free", |s| s.regions[0].volumes[0].throughput = Some(500)),
    ];
    for (n, (id, change)) in changes.into_iter().enumerate() {
        let mut then = snapshot();
        let view = &mut then.regions[0];
        view.instances.sort_by_key(|i| i.instance_id != "i-orphan");
        view.volumes.sort_by_key(|v| v.volume_id != "vol-free");
        change(&mut then);
        assert_ne!(thing(&things(&then), id).state, thing(&base, id).state, "{n}");
    }
}
