//! What is planned of a whole account: what holds a class, and what frees it.

use super::*;
use crate::cleanup::plan::{Author, DraftInput, Phase, Pins, Plan, PlanReport, Population, draft};
use crate::cleanup::policy::Policy;
use crate::cleanup::{Digest, Guards, Listing, Memory, Reason, Target};
use crate::drift;
use crate::reach::{self, Reach};
use crate::resolve;
use crate::snapshot::{Call, CallKind, Outcome};
use crate::spec::{self, Source as File};
use serde_json::{Value, json};

const ACCOUNT: &str = "111111111111";
const GROUP: &str = "sg-0000000000000001";

const POLICY: &str = "version: 1
limits:
  max_items: 25
  max_items_per_day: 25
  max_percent_stratum: 20%
  max_percent_total: 20%
  ramp: [1, 5, 25]
  soak: [15m]
  max_retries: 5
  quarantine: 14d
  deadline: 3d
  valid: 24h
sources: {floor: 0, delta: 90%, max_age: 1h, max_ahead: 120s}
minimum: {any: 0}
";

fn spec_of(text: &str) -> Spec {
    let text = format!("version: 1\nnetworks: {{ office: [198.51.100.0/24] }}\n{text}");
    spec::load(&[File::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

/// Servers of a role that have traffic, three of none that are idle, and as many of none as told that have
/// traffic; one group with permissions for so many ports.
fn account(busy: usize, ports: u16) -> Snapshot {
    let mut ids: Vec<(String, &str, bool)> =
        (0..30).map(|n| (format!("i-web-{n:02}"), "web", true)).collect();
    ids.extend((0..3).map(|n| (format!("i-idle-{n}"), "none", false)));
    ids.extend((0..busy).map(|n| (format!("i-busy-{n}"), "batch", true)));
    let each = |row: &dyn Fn(usize, &(String, &str, bool)) -> Value| -> Vec<Value> {
        ids.iter().enumerate().map(|(n, it)| row(n, it)).collect()
    };
    let tcp = |port: u16| {
        json!({ "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
            "IpRanges": [{ "CidrIp": "198.51.100.0/24" }] })
    };
    let view = json!({
        "Account": ACCOUNT, "Region": "us-east-1",
        "Instances": each(&|_, (id, role, _)| json!({ "InstanceId": id, "ImageId": "ami-1",
            "State": { "Name": "running" }, "VpcId": "vpc-1",
            "LaunchTime": "2025-12-01T00:00:00+00:00", "BlockDeviceMappings": [],
            "Tags": [{ "Key": "role", "Value": role }] })),
        "NetworkInterfaces": each(&|n, (id, _, _)| json!({
            "NetworkInterfaceId": format!("eni-{id}"), "PrivateIpAddress": format!("10.0.0.{n}"),
            "VpcId": "vpc-1", "Status": "in-use", "AvailabilityZone": "us-east-1a",
            "Groups": [{ "GroupId": GROUP }],
            "Attachment": { "AttachmentId": "eni-attach-1", "InstanceId": id, "Status": "attached" } })),
        "SecurityGroups": [{ "GroupId": GROUP, "GroupName": "web", "OwnerId": ACCOUNT,
            "VpcId": "vpc-1", "IpPermissions": (1..=ports).map(tcp).collect::<Vec<_>>() }],
        "Traffic": each(&|_, (id, _, busy)| {
            let bytes = if *busy { 24_000_000 } else { 300_000 };
            json!({ "InstanceId": id, "Days": vec![json!({ "Hours": 24, "Bytes": bytes }); 14],
                "LatestHours": vec![bytes / 24; 24] })
        }),
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

fn listed(spec: &Spec, snapshot: &Snapshot, phase: Phase) -> Listing {
    let resolution = resolve::resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    let input = Input {
        spec,
        snapshot,
        resolution: &resolution,
        drifted: &drift::compare(spec, snapshot, &reach),
        quarantined: &BTreeMap::new(),
        observations: &Observations::default(),
        named: None,
    };
    if phase == Phase::Repair { repairs(&input) } else { list(&input) }
}

fn drafted(spec: &Spec, snapshot: &Snapshot, phase: Phase) -> (Plan, PlanReport) {
    let listing = listed(spec, snapshot, phase);
    let first = once(&listing, snapshot, phase, None).1;
    once(&listing, snapshot, phase, first.learned.as_ref())
}

fn once(
    listing: &Listing,
    snapshot: &Snapshot,
    phase: Phase,
    memory: Option<&Memory>,
) -> (Plan, PlanReport) {
    let policy = Policy::read("policy.yaml", POLICY.as_bytes()).expect("a policy");
    let digest = Digest::of(b"");
    let author = Author { name: "alice".into(), requested_by: None };
    let pins = json!({ "tool": "1", "policy": digest, "trust": digest });
    let pins: Pins = serde_json::from_value(pins).expect("pins");
    let target = Target {
        provider: "aws".into(),
        partition: "aws".into(),
        account: ACCOUNT.into(),
        regions: BTreeSet::from(["us-east-1".to_owned()]),
        scope: "nightly".into(),
    };
    draft(&DraftInput {
        population: Population::Whole,
        listing,
        selector: &BTreeMap::new(),
        acts: &aws::acts(),
        policy: &policy,
        today: 0,
        memory,
        classifier: Some(&digest),
        notes: &[],
        receipt: None,
        phase,
        target: &target,
        author: &author,
        pins: &pins,
        now: snapshot.taken_at,
        guards: Guards::all(),
    })
}

fn planned(plan: &Plan) -> Vec<&str> {
    plan.items.iter().map(|i| i.id.as_str()).collect()
}

const WEB: &str = "roles: { web: { select: { tags: { role: web } } } }\n";

#[test]
fn what_lives_undeclared_holds_the_others_until_it_is_declared_or_protected() {
    let idle = ["i-idle-0", "i-idle-1", "i-idle-2"];
    let spec = spec_of(WEB);
    let (plan, report) = drafted(&spec, &account(0, 3), Phase::Quarantine);
    assert_eq!((planned(&plan), report.worst()), (idle.to_vec(), None));
    let (plan, _) = drafted(&spec, &account(4, 3), Phase::Quarantine);
    assert_eq!(planned(&plan), [""; 0], "one class holds it all");
    let everything = plan.strata.iter().find(|s| s.key.is_empty()).expect("everything");
    let why = everything.held.iter().find(|w| w.reason == Reason::ControlLiveHit).expect("held");
    for part in [
        "4 of 72 things that are proven live are called dead: ",
        "i-busy-0 (traffic)",
        "i-busy-2 (traffic) and 1 more. ",
        "Declare a role that picks them, and nothing calls them dead; tagged portcullis:protect they",
    ] {
        assert!(why.says.contains(part), "{part}: {}", why.says);
    }
    let of = |id: &str| plan.refused.iter().find(|r| r.item.as_ref().is_some_and(|i| i.id == id));
    assert!(of("i-idle-0").is_some_and(|r| r.says.contains("i-busy-0")), "{:?}", plan.refused);
    // Both ways out are ways out.
    let both = "roles: { web: { select: { tags: { role: web } } }, \
                batch: { select: { tags: { role: batch } } } }\n";
    let declared = spec_of(both);
    let (plan, report) = drafted(&declared, &account(4, 3), Phase::Quarantine);
    assert_eq!((planned(&plan), report.worst()), (idle.to_vec(), None));
    let tagged = |busy: usize| {
        let mut now = account(busy, 3);
        for row in now.regions[0].instances.iter_mut().filter(|i| i.instance_id.contains("busy")) {
            let tag = json!([{ "Key": "portcullis:protect", "Value": "batch" }]);
            row.tags.extend(serde_json::from_value::<Vec<_>>(tag).expect("a tag"));
        }
        drafted(&spec, &now, Phase::Quarantine)
    };
    let (plan, report) = tagged(4);
    assert_eq!((planned(&plan), report.worst()), (idle.to_vec(), None), "{:#?}", plan.refused);
    // Of many the tag says as well that whoever calls them dead is wrong: declared they are not called so.
    let (plan, report) = tagged(20);
    let worst = report.worst().map(|w| w.reason);
    assert_eq!((planned(&plan), worst), (vec![""; 0], Some(Reason::StratumAnomaly)));
    let (plan, report) = drafted(&declared, &account(20, 3), Phase::Quarantine);
    assert_eq!((planned(&plan), report.worst()), (idle.to_vec(), None));
}

/// What a group lacks is all of one type and often of one group: that it concentrates there is no alarm.
#[test]
fn many_that_are_missing_are_repaired_by_the_cap() {
    let ports: Vec<String> =
        (1..=30).map(|p| format!("{{ port: tcp/{p}, from: office }}")).collect();
    let spec =
        spec_of(&format!("{WEB}groups: {{ {GROUP}: {{ ingress: [{}] }} }}\n", ports.join(", ")));
    let (plan, report) = drafted(&spec, &account(0, 22), Phase::Repair);
    assert_eq!((report.candidates, report.worst()), (8, None), "{:#?}", plan.refused);
    let capped = plan.refused.iter().filter(|r| r.reason == Reason::Capped).count();
    assert_eq!((plan.items.len(), capped), (6, 2), "20 % of the 30: {:#?}", plan.refused);
    assert!(plan.items.iter().all(|i| i.risk == crate::cleanup::Risk::Exposing));
    // Where most of a class are missing, that is how it was read.
    let (plan, report) = drafted(&spec, &account(0, 12), Phase::Repair);
    let why = report.worst().expect("an alarm");
    assert_eq!((why.reason, planned(&plan)), (Reason::StratumAnomaly, vec![""; 0]));
    assert!(why.says.contains("18 of 30 are called missing: 60 %"), "{}", why.says);
}
