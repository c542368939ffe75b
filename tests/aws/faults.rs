//! The estate read through a network that throttles, fails, stalls and cuts.

use crate::world::{Server, both_accounts, collect, estate, incomplete, undisturbed, unexplained};
use portcullis::snapshot::{CallKind, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A quarter of all calls throttled, by the code of each service; then a fifth of the rest broken.
fn storm() -> Value {
    let mut rules = vec![json!({
        "service": "ec2", "probability": 0.25,
        "error": {"code": "RequestLimitExceeded", "status": 503},
    })];
    // Microburst knows the balancers by either name, by version.
    for service in ["elasticloadbalancing", "elbv2", "autoscaling", "rds", "sts"] {
        rules.push(json!({
            "service": service, "probability": 0.25,
            "error": {"code": "Throttling", "status": 400},
        }));
    }
    rules.extend([
        json!({"service": "*", "probability": 0.06, "error": {"code": "InternalError", "status": 500}}),
        json!({"service": "*", "probability": 0.04, "response": {"truncate_frac": 0.5}}),
        json!({"service": "*", "probability": 0.04, "response": {"abort_frac": 0.6}}),
        json!({"service": "*", "probability": 0.03, "reset": true}),
        json!({"service": "*", "probability": 0.10, "latency": {"min": 200, "max": 1500}}),
    ]);
    Value::Array(rules)
}

#[test]
fn what_a_storm_leaves_out_is_named_and_the_rest_is_equal() {
    let storm = Server::microburst(estate(), &storm());
    let collected = collect(&storm.url(), &both_accounts());
    let snapshot = collected.snapshot();

    let fired = storm.fired();
    let actions: BTreeSet<&str> = fired
        .iter()
        .filter_map(|f| f["action"].as_str())
        .map(|a| a.split(':').next().unwrap_or(a))
        .collect();
    assert!(fired.len() > 50, "only {} faults", fired.len());
    assert!(actions.len() >= 4, "only these faults: {actions:?}");

    assert_eq!(unexplained(&undisturbed().snapshot(), &snapshot), [""; 0]);
    // Seven attempts carry nearly every call through; the few that are left are named.
    let missing = incomplete(&snapshot);
    eprintln!("{} faults, {} calls not complete: {missing:?}", fired.len(), missing.len());
    assert!(missing.len() <= 3, "{missing:?}");
}

#[test]
fn an_answer_cut_in_two_is_never_a_shorter_list() {
    // Every answer of these comes cut, as often as it is asked for.
    let cut = ["DescribeInstances", "DescribeSecurityGroups", "DescribeTargetGroups"];
    let rules: Vec<Value> = cut
        .iter()
        .map(|operation| {
            json!({"service": "*", "operation": operation, "response": {"truncate_frac": 0.9}})
        })
        .collect();
    let proxy = Server::microburst(estate(), &Value::Array(rules));
    let collected = collect(
        &proxy.url(),
        &["--regions", "us-east-1", "--api-rate", "0", "--allow-gaps=vpc-bpa"],
    );
    assert_eq!(collected.code, Some(3));
    let snapshot = collected.snapshot();
    let named: Vec<&str> = incomplete(&snapshot).iter().map(|c| c.kind.name()).collect();
    assert_eq!(named, cut);
    assert!(snapshot.regions[0].instances.is_empty());
    assert!(!snapshot.regions[0].network_interfaces.is_empty());
}

#[test]
fn a_call_throttled_past_every_retry_is_throttled_and_costs_the_others_nothing() {
    let rules = json!([{
        "service": "autoscaling", "error": {"code": "Throttling", "status": 400},
    }]);
    let proxy = Server::microburst(estate(), &rules);
    let collected = collect(
        &proxy.url(),
        &["--regions", "us-east-1", "--api-rate", "0", "--allow-gaps=vpc-bpa,auto-scaling-groups"],
    );
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    let snapshot = collected.snapshot();
    let outcomes: Vec<_> = incomplete(&snapshot).iter().map(|c| (c.kind, &c.outcome)).collect();
    let throttled = Outcome::Throttled("Throttling".into());
    assert_eq!(outcomes, [(CallKind::AutoScalingGroups, &throttled)]);
}
