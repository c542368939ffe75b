//! Calls that the account may not make: a gap on exactly the rows that they blind.

use crate::world::{FIRST, Server, collect, estate, incomplete, undisturbed};
use portcullis::snapshot::{CallKind, Outcome, RegionView};
use serde_json::json;

const ONE_REGION: [&str; 5] = ["--regions", "us-east-1", "--api-rate", "0", "--allow-gaps=vpc-bpa"];

fn whole() -> RegionView {
    undisturbed().snapshot().view(FIRST, "us-east-1").unwrap().clone()
}

#[test]
fn a_denied_list_is_the_only_one_that_is_empty() {
    let rules = json!([{
        "service": "ec2", "operation": "DescribeNetworkInterfaces",
        "error": {"code": "UnauthorizedOperation", "status": 403},
    }]);
    let proxy = Server::microburst(estate(), &rules);
    let collected = collect(&proxy.url(), &ONE_REGION);
    assert_eq!(collected.code, Some(3));
    assert!(
        collected.stderr.contains("DescribeNetworkInterfaces denied: UnauthorizedOperation"),
        "{}",
        collected.stderr
    );
    let snapshot = collected.snapshot();
    let outcomes: Vec<_> = incomplete(&snapshot).iter().map(|c| (c.kind, &c.outcome)).collect();
    let denied = Outcome::Denied("UnauthorizedOperation".into());
    assert_eq!(outcomes, [(CallKind::NetworkInterfaces, &denied)]);

    let expected = RegionView { network_interfaces: Vec::new(), ..whole() };
    assert_eq!(snapshot.regions, [expected]);
    // Denied is final: asking seven times would be rude.
    assert_eq!(proxy.fired().len(), 1);
}

#[test]
fn a_part_that_is_denied_blinds_its_own_row_only() {
    let rules = json!([{
        "service": "*", "operation": "DescribeTargetHealth", "times": 1,
        "error": {"code": "AccessDenied", "status": 403},
    }]);
    let proxy = Server::microburst(estate(), &rules);
    let collected = collect(&proxy.url(), &ONE_REGION);
    assert_eq!(collected.code, Some(3));
    let snapshot = collected.snapshot();
    let outcomes: Vec<_> =
        incomplete(&snapshot).iter().map(|c| (c.kind, c.outcome.to_string())).collect();
    let one = "truncated: 1 of 2 parts: denied: AccessDenied".to_owned();
    assert_eq!(outcomes, [(CallKind::TargetHealth, one)]);
    let blind = snapshot.regions[0].target_groups.iter().filter(|g| g.targets.is_none()).count();
    assert_eq!(blind, 1);

    let mut expected = whole();
    let rows = expected.target_groups.iter_mut().zip(&snapshot.regions[0].target_groups);
    rows.filter(|(_, seen)| seen.targets.is_none()).for_each(|(row, _)| row.targets = None);
    assert_eq!(snapshot.regions, [expected]);
}

#[test]
fn an_account_that_cannot_be_entered_is_a_gap_and_the_other_is_read() {
    let rules = json!([{
        "service": "sts", "operation": "AssumeRole",
        "error": {"code": "AccessDenied", "status": 403},
    }]);
    let proxy = Server::microburst(estate(), &rules);
    let mut arguments = ONE_REGION.to_vec();
    arguments.extend(["--account", FIRST, "--account", crate::world::ROLE]);
    let collected = collect(&proxy.url(), &arguments);
    assert_eq!(collected.code, Some(3));
    assert!(
        collected.stderr.contains("gap: account: 210987654321/us-east-1"),
        "{}",
        collected.stderr
    );
    let snapshot = collected.snapshot();
    assert_eq!(snapshot.regions, [whole()]);
    let outcome = snapshot.outcome("210987654321", "us-east-1", CallKind::CallerIdentity);
    let why = format!("AssumeRole of {}: AccessDenied", crate::world::ROLE);
    assert_eq!(outcome, Outcome::Denied(why));
}

#[test]
fn what_only_a_cleanup_asks_for_is_denied_by_itself() {
    let rules = json!([
        {"service": "ec2", "operation": "DescribeVolumes",
         "error": {"code": "UnauthorizedOperation", "status": 403}},
        {"service": "ec2", "operation": "DescribeLaunchTemplateVersions",
         "error": {"code": "UnauthorizedOperation", "status": 403}},
    ]);
    let proxy = Server::microburst(estate(), &rules);
    let mut arguments = ONE_REGION.to_vec();
    arguments.push("--for-cleanup");
    let collected = collect(&proxy.url(), &arguments);
    assert_eq!(collected.code, Some(3));
    let snapshot = collected.snapshot();
    let outcomes: Vec<_> = incomplete(&snapshot).iter().map(|c| c.kind).collect();
    assert_eq!(outcomes, [CallKind::Volumes, CallKind::LaunchTemplateVersions]);
    let view = &snapshot.regions[0];
    assert!(view.volumes.is_empty() && !view.launch_configurations.is_empty());
    // A template without its versions is not one that names nothing.
    assert!(!view.launch_templates.is_empty());
    assert!(view.launch_templates.iter().all(|t| t.versions.is_none()));
    // A plain collection asks for none of it.
    assert_eq!(collect(&proxy.url(), &ONE_REGION).code, Some(0));
}
