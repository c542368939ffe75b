//! Answers that were asked for and did not come.

use super::{Folder, SUBNET};
use crate::snapshot::{CallKind, Outcome};

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
