//! Hosts that could not be looked for are no usage error.

use crate::common::World;
use serde_json::{Value, json};

#[test]
fn a_group_that_could_not_be_read_is_incomplete_evidence_and_one_that_is_not_there_an_error() {
    for (outcome, code) in
        [(json!({"is": "denied", "why": "AccessDenied"}), 3), (json!({"is": "complete"}), 2)]
    {
        let world = World::new();
        let folder = crate::common::checkout().join("fixtures/incidents/tokbox-2019");
        let text = |name| std::fs::read_to_string(folder.join(name)).expect("the incident's file");
        world.file("spec.yaml", text("spec.yaml"));
        let mut snapshot: Value = serde_json::from_str(&text("snapshot.json")).expect("JSON");
        for call in snapshot["calls"].as_array_mut().expect("calls") {
            if call["kind"] == "AutoScalingGroups" {
                call["outcome"] = outcome.clone();
            }
        }
        world.file("snapshot.json", snapshot.to_string());
        let words = ["gate", "--role", "enterprise-video", "--asg", "video", "--no-sweep"];
        let ran = world.run(&[&words[..], &["--snapshot", "snapshot.json"]].concat());
        assert_eq!(ran.code, Some(code), "{ran}");
        assert!(ran.stderr.contains("no Auto Scaling group video was read"), "{ran}");
        // `--host` takes what follows it, and says so of a spec.
        let words = ["gate", "--role", "enterprise-video", "--host", "i-0video03", "spec.yaml"];
        let ran = world.run(&words);
        assert!(ran.code == Some(2) && ran.stderr.contains("put specs before --host"), "{ran}");
        let words = ["gate", "--role", "enterprise-video", "--host", "i-0video03", "./"];
        let ran = world.run(&words);
        assert!(ran.code == Some(2) && ran.stderr.contains("put specs before --host"), "{ran}");
    }
}
