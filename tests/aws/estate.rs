//! What a collection that nothing disturbs gives.

use crate::world::{FIRST, both_accounts, collect, estate, incomplete, undisturbed};
use portcullis::snapshot::{CallKind, RegionView};

#[test]
fn the_whole_estate_is_read_in_every_account_and_region() {
    let collected = undisturbed();
    let snapshot = collected.snapshot();
    // Block-public-access, which moto lacks, is the only gap; it is not accepted here.
    assert_eq!(collected.code, Some(3), "{}", collected.stderr);
    assert!(incomplete(&snapshot).is_empty(), "{:?}", incomplete(&snapshot));

    let sum = |rows: fn(&RegionView) -> usize| snapshot.regions.iter().map(rows).sum::<usize>();
    assert_eq!(snapshot.regions.len(), 4);
    assert!(sum(|v| v.vpcs.len()) >= 3);
    assert!(sum(|v| v.security_groups.len()) >= 300);
    assert!(sum(|v| v.instances.len()) >= 1_000);
    // Each kind of row that moto knows is there in each account and region, in its parts too.
    for view in &snapshot.regions {
        let counts = [
            view.network_interfaces.len(),
            view.network_acls.iter().filter(|a| !a.is_default && a.entries.len() > 2).count(),
            view.route_tables.iter().filter(|t| t.routes.len() > 1).count(),
            view.subnets.len(),
            view.internet_gateways.iter().filter(|g| !g.attachments.is_empty()).count(),
            view.egress_only_internet_gateways.len(),
            view.nat_gateways.iter().filter(|g| !g.nat_gateway_addresses.is_empty()).count(),
            view.addresses.iter().filter(|a| a.network_interface_id.is_some()).count(),
            view.prefix_lists
                .iter()
                .filter(|l| l.entries.as_ref().is_some_and(|e| e.len() == 5))
                .count(),
            view.vpc_peering_connections.iter().filter(|p| p.status.code == "active").count(),
            view.vpc_endpoints.iter().filter(|e| !e.route_table_ids.is_empty()).count(),
            view.transit_gateways.len(),
            view.transit_gateway_attachments
                .iter()
                .filter(|a| a.subnet_ids.as_ref().is_some_and(|s| s.len() == 2))
                .count(),
            view.transit_gateway_route_tables
                .iter()
                .filter(|t| t.routes.as_ref().is_some_and(|r| !r.is_empty()))
                .filter(|t| t.propagations.as_ref().is_some_and(|p| !p.is_empty()))
                .count(),
            view.load_balancers.iter().filter(|b| b.attributes.is_some()).count(),
            view.listeners
                .iter()
                .filter(|l| l.rule_actions.as_ref().is_some_and(|a| !a.is_empty()))
                .count(),
            view.target_groups
                .iter()
                .filter(|g| g.targets.as_ref().is_some_and(|t| t.len() == 4))
                .count(),
            view.load_balancers
                .iter()
                .filter(|b| b.balancer_type.as_deref() == Some("classic"))
                .filter(|b| {
                    let arn = format!(
                        "arn:aws:elasticloadbalancing:{}:{}:loadbalancer/older",
                        view.region, view.account
                    );
                    b.load_balancer_arn == arn && b.security_groups.len() == 1
                })
                .count(),
            view.target_groups
                .iter()
                .filter(|g| g.is_of_classic() && g.port == Some(9443))
                .filter(|g| g.targets.as_ref().is_some_and(|t| t.len() == 3))
                .count(),
            view.auto_scaling_groups.iter().filter(|g| g.instances.len() == 2).count(),
            view.db_instances.iter().filter(|d| d.publicly_accessible).count(),
        ];
        assert!(counts.iter().all(|c| *c > 0), "{}/{}: {counts:?}", view.account, view.region);
    }
}

#[test]
fn the_same_account_twice_gives_the_same_bytes_but_for_the_time() {
    let again = collect(&estate().url(), &both_accounts());
    assert_ne!(again.file, undisturbed().file, "the time differs");
    assert_eq!(again.timeless(), undisturbed().timeless());
}

#[test]
fn the_gap_that_moto_leaves_is_accepted_by_name() {
    let mut arguments = both_accounts();
    arguments.push("--allow-gaps=vpc-bpa");
    let accepted = collect(&estate().url(), &arguments);
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    assert!(accepted.stderr.contains("accepted gap: vpc-bpa"), "{}", accepted.stderr);
}

#[test]
fn credentials_of_another_account_read_nothing() {
    let wrong = "arn:aws:iam::210987654321:role/portcullis-read";
    let asked = ["--account", "999999999999", "--account", wrong, "--regions", "eu-west-1"];
    let collected = collect(&estate().url(), &asked);
    assert_eq!(collected.code, Some(3));
    let snapshot = collected.snapshot();
    assert!(snapshot.regions.iter().all(|v| v.account == "210987654321"));
    let refused = snapshot.outcome("999999999999", "eu-west-1", CallKind::CallerIdentity);
    assert!(refused.to_string().contains("another account"), "{refused}");
    assert!(!collected.file.contains(FIRST) || !collected.stderr.contains(FIRST));
}

#[test]
fn what_only_a_cleanup_asks_for_is_read_where_it_is_asked_for() {
    let plain = undisturbed().snapshot();
    assert!(plain.calls.iter().all(|c| !c.kind.on_request()), "nobody asked");
    let asked =
        ["--regions", "us-east-1", "--api-rate", "0", "--allow-gaps=vpc-bpa", "--for-cleanup"];
    let collected = collect(&estate().url(), &asked);
    assert_eq!(collected.code, Some(0), "{}", collected.stderr);
    let snapshot = collected.snapshot();
    let view = &snapshot.regions[0];
    let on_request = || CallKind::ALL.iter().filter(|k| k.on_request());
    for kind in on_request() {
        assert!(snapshot.outcome(FIRST, "us-east-1", *kind).is_complete(), "{kind:?}");
    }
    // Every instance names its volumes, and every volume its instance.
    let devices = view.instances.iter().flat_map(|i| i.block_device_mappings.iter().flatten());
    let devices: Vec<_> = devices.filter_map(|d| d.ebs.as_ref()?.volume_id.clone()).collect();
    assert!(devices.len() >= 100, "{}", devices.len());
    assert!(devices.iter().all(|id| view.volumes.iter().any(|v| v.volume_id == *id)));
    let template =
        view.launch_templates.iter().find(|t| t.launch_template_name.as_deref() == Some("workers"));
    let versions = template.and_then(|t| t.versions.as_ref()).expect("its versions");
    let numbers: Vec<i64> = versions.iter().map(|v| v.version_number).collect();
    assert_eq!(numbers, [1, 2, 3], "between the default and the latest too");
    assert_eq!(versions[0].launch_template_data.security_group_ids.len(), 1);
    assert_eq!(versions[1].launch_template_data.network_interfaces[0].groups.len(), 1);
    assert_eq!(view.launch_configurations[0].security_groups.len(), 1);
    // The rest is what a plain collection reads.
    let mut rest = view.clone();
    (rest.volumes, rest.launch_templates, rest.launch_configurations) = Default::default();
    assert_eq!(Some(&rest), plain.view(FIRST, "us-east-1"));
}
