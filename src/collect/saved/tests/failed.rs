//! Answers that were asked for and did not come.

use super::{Folder, SUBNET};
use crate::snapshot::{CallKind, Outcome, Snapshot};

#[test]
fn an_empty_file_named_for_a_call_is_a_call_that_failed() {
    for (name, kind) in [
        ("SecurityGroups.json", CallKind::SecurityGroups),
        ("describe-security-groups.json", CallKind::SecurityGroups),
        ("ec2-describe-security-groups-eu-west-3.json", CallKind::SecurityGroups),
        ("ec2_instances.json", CallKind::Instances),
        ("rds-describe-db-instances.txt", CallKind::DbInstances),
        ("describe-listeners/arn-of-web.json", CallKind::Listeners),
        ("get-managed-prefix-list-entries-pl-1.json", CallKind::ManagedPrefixListEntries),
        ("describe-vpc-block-public-access-options.json", CallKind::VpcBpaOptions),
    ] {
        let f = Folder::new("failed", &[("subnets.json", SUBNET), (name, "")]);
        let saved = f.read().expect("read");
        let s = saved.snapshot;
        let outcome = s.outcome("111122223333", "eu-west-3", kind);
        let Outcome::Failed(why) = outcome else { panic!("{name}: {outcome:?}") };
        assert!(why.contains(name) && why.contains("empty"), "{why}");
        assert_eq!(s.regions.len(), 1, "{name}");
        assert_eq!(saved.ignored.len(), 1, "{name} is told as not used");
        assert_eq!(s.calls.len(), 2, "{name}: {:?}", s.calls);
    }
    // A name that means nothing to us is no call.
    for name in ["notes.txt", "describe-security-group-rules.json", "security-group-rules.json"] {
        let f = Folder::new("stranger", &[("subnets.json", SUBNET), (name, "")]);
        assert_eq!(f.read().expect("read").snapshot.calls.len(), 1, "{name}");
    }
    // Rows that another file has stand, and the answer is not whole.
    let more = ("describe-subnets-2.json", "");
    let s = Folder::new("some", &[("s.json", SUBNET), more]).read().expect("read").snapshot;
    let outcome = s.outcome("111122223333", "eu-west-3", CallKind::Subnets);
    assert!(matches!(outcome, Outcome::Truncated(_)), "{outcome:?}");
    assert_eq!(s.regions[0].subnets.len(), 1);
    // A folder of nothing but failures was never a collection.
    assert!(Folder::new("nothing", &[("SecurityGroups.json", "")]).read().is_err());
}

#[test]
fn entries_of_a_prefix_list_are_known_by_the_id_in_their_path() {
    let lists = r#"{"PrefixLists":[{"PrefixListId":"pl-0a1","OwnerId":"111122223333"}]}"#;
    let entries = r#"{"Entries":[{"Cidr":"198.51.100.0/24"}]}"#;
    for path in ["pl-0a1.json", "entries-pl-0a1.json", "pl-0a1-entries.json", "pl-0a1/page1.json"] {
        let f = Folder::new("named", &[("lists.json", lists), (path, entries)]);
        let s = f.read().expect("read").snapshot;
        assert!(s.regions[0].prefix_lists[0].networks().is_some(), "{path}");
        assert!(s.calls.iter().all(|c| c.outcome.is_complete()), "{path}: {:?}", s.calls);
    }
    let f = Folder::new("unnamed", &[("lists.json", lists), ("Entries.json", entries)]);
    let s = f.read().expect("read").snapshot;
    assert!(s.regions[0].prefix_lists[0].networks().is_none());
    let call = s.calls.iter().find(|c| c.kind == CallKind::ManagedPrefixListEntries);
    let said = format!("{:?}", call.expect("a call").outcome);
    assert!(said.contains("Entries.json") && said.contains("pl-"), "{said}");
}

#[test]
fn a_list_that_is_read_by_half_is_not_kept() {
    let lists = r#"{"PrefixLists":[{"PrefixListId":"pl-1","OwnerId":"111122223333"},{"PrefixListId":"pl-2"}]}"#;
    let (page, more) = (
        r#"{"Entries":[{"Cidr":"198.51.100.0/24"}]}"#,
        r#"{"Entries":[{"Cidr":"192.0.2.0/24"}],"NextToken":"x"}"#,
    );
    let read = |name: &str, first: &str| {
        let f = Folder::new(name, &[("l.json", lists), ("pl-1.json", first), ("pl-2.json", page)]);
        f.read().expect("read").snapshot.regions.remove(0).prefix_lists
    };
    let lists = read("half", more);
    assert!(lists[0].networks().is_none() && lists[1].networks().is_some());
    assert!(read("bad-entry", r#"{"Entries":[{"Cidr":"none"}]}"#)[0].networks().is_none());
    assert_eq!(read("both", &format!("{more}{page}"))[0].networks().map(|n| n.len()), Some(2));

    let tables = r#"{"TransitGatewayRouteTables":[{"TransitGatewayRouteTableId":"tgw-rtb-1"}]}"#;
    let routes = r#"{"Routes":[{"DestinationCidrBlock":"10.0.0.0/8","State":"active"}],"AdditionalRoutesAvailable":true}"#;
    let f = Folder::new("tgw", &[("t.json", tables), ("tgw-rtb-1.json", routes)]);
    let view = f.read().expect("read").snapshot.regions.remove(0);
    assert!(view.transit_gateway_route_tables[0].routes.is_none());
}

/// An instance with eni-1 in sg-1, and a listing of interfaces.
fn listing(name: &str, listed: &str) -> Snapshot {
    let instances = r#"{"Reservations":[{"OwnerId":"111122223333","Instances":[{"InstanceId":"i-1","NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.1","Groups":[{"GroupId":"sg-1"}]}]}]}]}"#;
    Folder::new(name, &[("i.json", instances), ("n.json", listed)]).read().expect("read").snapshot
}

#[test]
fn an_instance_and_a_listing_that_disagree_are_believed_on_neither_side() {
    let why = |s: &Snapshot| {
        let call = s.calls.iter().find(|c| c.kind == CallKind::NetworkInterfaces);
        call.expect("a call").outcome.to_string()
    };
    let nic = |group: &str| {
        format!(
            r#"{{"NetworkInterfaces":[{{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.1","Groups":[{{"GroupId":"{group}"}}]}}]}}"#
        )
    };
    let same = listing("same", &nic("sg-1"));
    assert_eq!(why(&same), "complete");
    let other = listing("other", &nic("sg-2"));
    assert!(other.regions[0].network_interfaces[0].groups.is_empty());
    assert!(why(&other).contains("eni-1: its instance shows other groups"), "{}", why(&other));
    let none = listing("none", r#"{"NetworkInterfaces":[]}"#);
    assert!(none.regions[0].network_interfaces.is_empty());
    assert!(why(&none).contains("eni-1") && why(&none).contains("lacks it"), "{}", why(&none));
    // A listing that is known to be cut contradicts nobody.
    let cut = listing("cut", r#"{"NetworkInterfaces":[],"NextToken":"x"}"#);
    assert_eq!(cut.regions[0].network_interfaces.len(), 1);
}

#[test]
fn a_source_of_a_kind_that_is_not_known_leaves_the_group_unread() {
    let group = |more: &str| {
        let text = format!(
            r#"{{"SecurityGroups":[{{"GroupId":"sg-1","OwnerId":"111122223333","IpPermissions":[{{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[]{more}}}]}}]}}"#
        );
        Folder::new("source", &[("g.json", &text)]).read().expect("read").snapshot
    };
    let new = group(r#","SomeNewSources":[{"Id":"x"}]"#);
    assert!(new.regions[0].security_groups.is_empty());
    assert!(new.calls[0].outcome.to_string().contains("SomeNewSources"), "{:?}", new.calls);
    assert_eq!(group(r#","SomeNewSources":[]"#).regions[0].security_groups.len(), 1);
}
