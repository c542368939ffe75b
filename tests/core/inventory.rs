//! Hosts from an inventory beside the spec, through the command line.

use crate::common::World;
use portcullis::snapshot::{Call, CallKind, Outcome, RegionView, Snapshot};
use serde_json::{Value, json};

const SPEC: &str = "version: 1
hosts:
  web-1: { addresses: [192.0.2.1], tags: { role: web } }
roles:
  web:
    select: { tags: { role: web } }
    count: { min: 3 }
    services: { https: { port: tcp/443, from: internet } }
";

const AUDIT: [&str; 5] = ["audit", "spec.yaml", "--no-cloud", "--no-probe", "--format=json"];

/// The report, and subjects of one rule's findings and gaps.
fn audit(world: &World, more: &[&str]) -> Value {
    let mut arguments = AUDIT.to_vec();
    arguments.extend(more);
    let ran = world.run(&arguments);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"))
}

#[test]
fn hosts_of_an_inventory_are_judged_as_declared_ones_are() {
    let world = World::new();
    world.file("spec.yaml", SPEC);
    let alone = audit(&world, &[]);
    let small = &alone["findings"][0];
    assert_eq!((&small["rule"], &small["measure"]), (&json!("role-too-small"), &json!(2)));

    world.file("hosts.csv", "name,addresses,role\nweb-2,192.0.2.2,web\ndb-1,192.0.2.9,db\n");
    world.file(
        "more.json",
        r#"{"_meta": {"hostvars": {"web-3": {"ansible_host": "192.0.2.3", "role": "web"}}}}"#,
    );
    let all = audit(&world, &["--inventory", "hosts.csv", "--inventory", "more.json"]);
    let text = all.to_string();
    assert!(!text.contains("role-too-small"), "three of three: {text}");
    // Three members; db-1 is in no role, which is told where it stands.
    let looked = &all["coverage"];
    assert_eq!((&looked["exposures"], &alone["coverage"]["exposures"]), (&json!(3), &json!(1)));
    assert!(text.contains("host-unknown") && text.contains("db-1 is live at 192.0.2.9"), "{text}");
}

/// Unknown is never no: what a role lacks may be where nobody could look, and where everybody could it is
/// lacking.
#[test]
fn what_an_account_that_could_not_be_entered_may_hold_is_a_gap_and_no_finding() {
    let world = World::new();
    let spec = |select: &str| {
        let role = format!("{{ select: {select}, count: {{ min: 2 }} }}");
        world.file("spec.yaml", format!("version: 1\nroles:\n  web: {role}\n"));
    };
    let mut snapshot = Snapshot::empty("2026-11-22T12:00:00Z".parse().expect("a time"));
    for (account, outcome) in [
        ("111111111111", Outcome::Complete),
        ("222222222222", Outcome::Denied("AccessDenied".into())),
    ] {
        let kinds = [CallKind::CallerIdentity, CallKind::Instances, CallKind::NetworkInterfaces];
        for kind in kinds.into_iter().take(if outcome.is_complete() { 3 } else { 1 }) {
            let (account, region) = (account.into(), "us-west-1".into());
            snapshot.calls.push(Call { account, region, kind, outcome: outcome.clone(), items: 0 });
        }
    }
    let mut view = RegionView::default();
    (view.account, view.region) = ("111111111111".into(), "us-west-1".into());
    snapshot.regions.push(view);
    world.file("snapshot.json", serde_json::to_string(&snapshot).expect("a snapshot"));
    let audit = |accepted: &str| {
        let accepted = format!("--allow-gaps=stale-snapshot{accepted}");
        world.run(&["audit", "spec.yaml", "--snapshot=snapshot.json", "--offline", &accepted])
    };

    spec("{ tags: { role: web } }");
    let blind = audit("");
    assert_eq!(blind.code, Some(3), "{blind}");
    for said in [
        "gap[account]: role web: role web has 0 live hosts, at least 2 are declared, and 222222222222/us-west-1 could not be read in full",
        "the selector of role web picks no host, and 222222222222/us-west-1",
    ] {
        assert!(blind.stdout.contains(said), "{said}: {blind}");
    }
    assert!(!blind.stdout.contains("role-too-small"), "{blind}");
    assert_eq!(audit(",account").code, Some(0), "it is accepted by its kind");

    spec("{ accounts: '222222222222' }");
    assert_eq!(audit("").code, Some(3), "the role looks there");
    spec("{ accounts: '111111111111' }");
    let seen = audit("");
    assert_eq!(seen.code, Some(1), "{seen}");
    let told = ["role-too-small", "selector-matches-nothing"];
    assert!(told.iter().all(|rule| seen.stdout.contains(rule)), "{seen}");
}

#[test]
fn what_is_wrong_with_an_inventory_is_told_at_once_and_nothing_is_judged() {
    let world = World::new();
    world.file("spec.yaml", SPEC);
    world.file("hosts.csv", "name,addresses\nweb-1,192.0.2.8\nweb-2,web-2.example\n");
    let mut arguments = AUDIT.to_vec();
    arguments.extend(["--inventory", "hosts.csv"]);
    let ran = world.run(&arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran}");
    assert!(ran.stderr.contains("--> hosts.csv:3:1"), "{ran}");
    assert!(ran.stderr.contains("error: the inventory cannot be used: 1 error"), "{ran}");

    world.file("hosts.csv", "name,addresses\nweb-1,192.0.2.8\n");
    let ran = world.run(&arguments);
    assert_eq!(ran.code, Some(2), "{ran}");
    for part in ["`web-1` is declared twice", "--> hosts.csv:2:1", "spec.yaml:3:3 too"] {
        assert!(ran.stderr.contains(part), "{part} in {ran}");
    }
    let gone = world.run(&["audit", "spec.yaml", "--no-cloud", "--inventory", "none.csv"]);
    assert!(gone.code == Some(2) && gone.stderr.contains("cannot read none.csv"), "{gone}");
}
