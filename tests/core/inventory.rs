//! Hosts from an inventory beside the spec, through the command line.

use crate::common::World;
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
    assert!(alone.to_string().contains("role-too-small"), "one of three: {alone}");

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
