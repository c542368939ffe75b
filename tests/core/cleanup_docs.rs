//! The examples of `docs/cleanup/`: their commands are commands of this binary, and the two roles of
//! the workflow stay apart.

use crate::common::{World, checkout};
use crate::rollout_docs::commands;
use clap::Parser;
use portcullis::cli::Cli;
use serde_json::Value;

fn file(name: &str) -> String {
    std::fs::read_to_string(checkout().join("docs/cleanup").join(name)).expect("an example")
}

#[test]
fn every_command_of_the_examples_is_one_of_this_binary() {
    for (name, least) in [("README.md", 7), ("github-actions.yml", 2)] {
        let found = commands(&file(name));
        assert!(found.len() >= least, "{name}: {} commands were found", found.len());
        for words in found {
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{name}: {}\n{error}", words.join(" "));
            }
        }
    }
}

#[test]
fn planning_has_no_role_that_acts_and_applying_takes_nothing_from_a_branch() {
    let workflow: Value = serde_saphyr::from_str(&file("github-actions.yml")).expect("YAML");
    let job = |name: &str| workflow["jobs"][name].to_string();
    let (plan, apply) = (job("plan"), job("apply"));
    assert!(plan.contains("READ_ROLE") && !plan.contains("APPLY"), "{plan}");
    assert!(apply.contains("APPLY_ROLE") && !apply.contains("cleanup plan"), "{apply}");
    for job in [&plan, &apply] {
        assert!(job.contains("repository.default_branch"), "{job}");
        assert!(job.contains("vars.PORTCULLIS_TRUST_DIGEST"), "{job}");
        assert!(job.contains("\"environment\""), "{job}");
    }
}

#[test]
fn the_policy_of_apply_is_printed_and_an_unknown_action_is_told() {
    let run = World::new().run(&["cleanup", "policy", "--aws", "--actions", "stop"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let policy: Value = serde_json::from_str(&run.stdout).expect("a policy");
    let text = policy.to_string();
    assert!(text.contains("ec2:StopInstances") && text.contains("ec2:StartInstances"), "{text}");
    assert!(!text.contains("ec2:TerminateInstances"), "{text}");
    let run = World::new().run(&["cleanup", "policy", "--aws", "--actions", "explode"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains("the actions are") && run.stderr.contains("stop"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_policy_of_the_examples_is_one() {
    let text = file("cleanup-policy.yaml");
    let policy = portcullis::cleanup::policy::Policy::read("cleanup-policy.yaml", text.as_bytes());
    let limits = policy.expect("a policy").limits;
    assert_eq!((limits.max_items, limits.max_items_per_day), (25, 25));
}
