//! `rules list`, `explain` and `test` as people run them.

use crate::common::World;
use serde_json::Value;

const MINE: &str = "id: edge-console
order: 150
kind: exposure
title: The edge's console is open
severity: critical
confidence: high
when: { declared: [absent, forbidden], observed: open }
if: \"'edge' in roles && first_port == 8443\"
message: \"{subject} is the console\"
why: it is the console
fix: close it
examples:
  - given: { declared: absent, observed: open-confirmed, facts: { roles: [edge], first_port: 8443 } }
counter_examples:
  - given: { declared: absent, observed: open-confirmed }
    instead: undeclared-exposure
";

#[test]
fn the_built_in_rules_are_listed_explained_and_pass_their_examples() {
    let world = World::new();
    let list = world.run(&["rules", "list"]);
    assert_eq!(list.code, Some(0), "{list}");
    let at =
        |id: &str| list.stdout.find(&format!("  {id} ")).unwrap_or_else(|| panic!("{id}: {list}"));
    assert!(at("unexplained-answer") < at("declared-blocked"), "in the order they are tried");

    let explain = world.run(&["rules", "explain", "declared-blocked"]);
    for heading in ["What it yields", "Why it matters", "What to do", "When", "Where it is written"]
    {
        assert!(explain.stdout.contains(&format!("\n{heading}\n")), "{heading}: {explain}");
    }
    let facts = world.run(&["rules", "explain"]);
    assert!(facts.stdout.contains("admin_port"), "{facts}");

    let test = world.run(&["rules", "test", "--format", "json"]);
    assert_eq!(test.code, Some(0), "{test}");
    let answer: Value = serde_json::from_str(&test.stdout).expect("JSON");
    assert_eq!(answer["failed"], 0);
    let rules = answer["rules"].as_u64().unwrap_or(0);
    assert!(answer["examples"].as_array().is_some_and(|e| e.len() as u64 >= 2 * rules));
}

#[test]
fn a_folder_adds_rules_and_its_examples_are_run() {
    let world = World::new();
    world.file("mine/console.yaml", MINE);
    let ran = world.run(&["rules", "test", "--rules", "mine"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    world.file("mine/console.yaml", MINE.replace("first_port == 8443\"", "first_port == 8444\""));
    let ran = world.run(&["rules", "test", "--rules", "mine"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    let says = "mine/console.yaml:13: example of edge-console: rule undeclared-exposure takes it";
    assert!(ran.stdout.contains(says), "{ran}");
}

#[test]
fn wrong_rules_are_refused_with_file_and_line() {
    let world = World::new();
    world.file("mine/a.yaml", MINE.replace("'edge' in roles", "'edge' in rolls"));
    world.file("mine/b.yaml", MINE.replace("id: edge-console", "id: latent-exposure"));
    let ran = world.run(&["rules", "list", "--rules", "mine"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran}");
    assert!(ran.stderr.contains("mine/a.yaml:8:5: cannot use `rolls`"), "{ran}");
    assert!(
        ran.stderr.contains("mine/b.yaml:1:5: cannot use the id `latent-exposure` twice"),
        "{ran}"
    );
    let ran = world.run(&["rules", "list", "--rules", "nowhere"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    let ran = world.run(&["rules", "explain", "latent-exposur"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("did you mean"), "{ran}");
}
