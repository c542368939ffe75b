use super::*;
use crate::snapshot::{CallKind, Outcome};
use std::fs;

/// A folder of its own that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root =
            std::env::temp_dir().join(format!("portcullis-saved-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).expect("a folder");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Self(root)
    }

    fn read(&self) -> Result<Saved, SavedError> {
        read_all(&self.0, Some(Timestamp::UNIX_EPOCH))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SUBNET: &str = r#"{"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1","OwnerId":"111122223333","AvailabilityZone":"eu-west-3b","CidrBlock":"10.0.0.0/24"}]}"#;

#[test]
fn place_from_path_then_rows_then_unknown() {
    let group = r#"{"SecurityGroups":[{"GroupId":"sg-1","GroupName":"g","IpPermissions":[]}]}"#;
    let f = Folder::new("place", &[("accounts/444455556666/us-gov-west-1/any.json", group)]);
    let s = f.read().expect("read").snapshot;
    assert_eq!(
        (s.regions[0].account.as_str(), s.regions[0].region.as_str()),
        ("444455556666", "us-gov-west-1")
    );

    let f = Folder::new("rows", &[("a.json", SUBNET), ("b.json", group)]);
    let s = f.read().expect("read").snapshot;
    assert_eq!(s.regions.len(), 1);
    assert_eq!(
        (s.regions[0].account.as_str(), s.regions[0].region.as_str()),
        ("111122223333", "eu-west-3")
    );
    assert_eq!(s.regions[0].security_groups.len(), 1);

    let f = Folder::new("none", &[("b.json", group)]);
    let s = f.read().expect("read").snapshot;
    assert_eq!(
        (s.regions[0].account.as_str(), s.regions[0].region.as_str()),
        ("unknown", "unknown")
    );
}

#[test]
fn one_bad_row_truncates_and_leaves_the_rest() {
    let f = Folder::new(
        "bad-row",
        &[(
            "x.json",
            r#"{"SecurityGroups":[{"GroupId":"sg-1","GroupName":"g","IpPermissions":[]},{"GroupId":"sg-2","IpPermissions":"no"},{"GroupName":"h"}]}"#,
        )],
    );
    let s = f.read().expect("read").snapshot;
    assert_eq!(s.regions[0].security_groups.len(), 1);
    let Outcome::Truncated(why) = s.outcome("unknown", "unknown", CallKind::SecurityGroups) else {
        panic!("truncated expected")
    };
    assert!(why.contains("sg-2") && why.contains("1 more"), "{why}");
    assert_eq!(s.outcome("unknown", "unknown", CallKind::NetworkAcls), Outcome::Missing);
}

#[test]
fn pages_one_after_the_other_and_a_cut_one() {
    let f = Folder::new(
        "pages",
        &[("s", &format!("{SUBNET}\n{}", SUBNET.replace("subnet-1", "subnet-2")))],
    );
    let s = f.read().expect("read").snapshot;
    assert_eq!(s.regions[0].subnets.len(), 2);
    assert!(s.calls.iter().all(|c| c.outcome.is_complete()));

    let f = Folder::new("cut", &[("s.json", &format!("{SUBNET}{{\"Subnets\":[{{"))]);
    let s = f.read().expect("read").snapshot;
    assert!(matches!(s.calls[0].outcome, Outcome::Truncated(_)), "{:?}", s.calls);
}

#[test]
fn bounds_and_refusals_say_what_is_wrong() {
    let said = |f: &Folder| f.read().expect_err("an error").to_string();
    assert!(said(&Folder::new("empty", &[])).contains("holds no file"));
    assert!(said(&Folder::new("text", &[("a.json", "hello")])).contains("not JSON"));
    assert!(
        said(&Folder::new("other", &[("a.json", "{\"Regions\":[]}")]))
            .contains("none of its 1 files")
    );
    let f = Folder::new("utf8", &[]);
    fs::write(f.0.join("a.json"), b"{\"Vpcs\": \"\xff\"}").expect("a file");
    assert!(said(&f).contains("byte 11 is not UTF-8"), "{}", said(&f));
    assert!(read(&f.0.join("nowhere"), Timestamp::UNIX_EPOCH).is_err());
}

#[cfg(unix)]
#[test]
fn a_link_back_up_is_followed_once_and_a_circle_is_an_error() {
    let f = Folder::new("loop", &[("d/s.json", SUBNET)]);
    std::os::unix::fs::symlink(&f.0, f.0.join("d/up")).expect("a link");
    assert_eq!(f.read().expect("read").snapshot.regions[0].subnets.len(), 1);
    std::os::unix::fs::symlink(f.0.join("x"), f.0.join("x")).expect("a link");
    assert!(f.read().is_err());
}

#[test]
fn ignored_files_are_told() {
    let f = Folder::new(
        "ignored",
        &[("s.json", SUBNET), ("notes.txt", "hi"), ("r.json", "{\"Regions\":[]}")],
    );
    let ignored = f.read().expect("read").ignored;
    assert_eq!(ignored.len(), 2);
    assert!(ignored.iter().any(|(p, why)| p.ends_with("notes.txt") && why.contains("not JSON")));
}

#[test]
fn balancers_wrapped_raw_and_classic() {
    let arn = "arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/net/n/1";
    let tg = "arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/t/1";
    let f = Folder::new(
        "balancers",
        &[
            (
                "LoadBalancers.json",
                &format!(
                    r#"{{"LoadBalancers":[{{"LoadBalancerArn":"{arn}","Type":"network","State":{{"Code":"active"}}}}]}}"#
                ),
            ),
            (
                "LoadBalancerListeners.json",
                &format!(
                    r#"{{"LoadBalancerListeners":[{{"LoadBalancerArn":"{arn}","Listeners":[{{"ListenerArn":"{arn}/l","LoadBalancerArn":"{arn}","Port":80,"DefaultActions":[{{"Type":"forward","ForwardConfig":{{"TargetGroups":[{{"TargetGroupArn":"{tg}"}}]}}}}]}}]}}]}}"#
                ),
            ),
            (
                "TargetGroups.json",
                &format!(r#"{{"TargetGroups":[{{"TargetGroupArn":"{tg}","Port":22}}]}}"#),
            ),
            (
                &format!(
                    "elbv2-describe-target-health/{}",
                    tg.replace(':', "%3A").replace('/', "%2F")
                ),
                r#"{"TargetHealthDescriptions":[{"Target":{"Id":"i-1","Port":22},"TargetHealth":{"State":"healthy"}}]}"#,
            ),
            (
                "elb.json",
                r#"{"LoadBalancerDescriptions":[{"LoadBalancerName":"w","Scheme":"internet-facing","ListenerDescriptions":[{"Listener":{"LoadBalancerPort":8000,"InstancePort":9000,"Protocol":"HTTP"}}],"Instances":[{"InstanceId":"i-2"}]}]}"#,
            ),
        ],
    );
    let s = f.read().expect("read").snapshot;
    let v = &s.regions[0];
    assert_eq!(v.load_balancers.len(), 2);
    let l = v.listeners.iter().find(|l| l.port == Some(80)).expect("the listener");
    assert_eq!(l.default_actions[0].forward_target_group_arns, [tg]);
    let t = v.target_groups.iter().find(|t| t.port == Some(22)).expect("the group");
    assert_eq!(t.targets.as_ref().map(Vec::len), Some(1));
    let classic = v.target_groups.iter().find(|t| t.port == Some(9000)).expect("a classic one's");
    assert!(classic.is_of_classic() && !t.is_of_classic());
    let of = |kind| s.outcome(&v.account, &v.region, kind);
    assert!(of(CallKind::LoadBalancers).is_complete());
    assert!(of(CallKind::ClassicLoadBalancers).is_complete());
}

/// Two calls have one name: an answer of the one says nothing of the other.
#[test]
fn classic_balancers_are_another_call_than_the_newer_ones() {
    let of = |name: &str, file: &str, text: &str| {
        let vpcs = ("v.json", r#"{"Vpcs":[{"VpcId":"vpc-1"}]}"#);
        let s = Folder::new(name, &[(file, text), vpcs]).read().expect("read").snapshot;
        let others = s.calls.iter().filter(|c| c.kind != CallKind::Vpcs);
        others.map(|c| (c.kind, c.outcome.is_complete())).collect::<Vec<_>>()
    };
    let classic = r#"{"LoadBalancerDescriptions":[{"LoadBalancerName":"w","VPCId":"vpc-1"}]}"#;
    assert_eq!(of("classic", "a.json", classic), [(CallKind::ClassicLoadBalancers, true)]);
    let odd = r#"{"LoadBalancerDescriptions":[{"LoadBalancerName":"w","ListenerDescriptions":[{"Listener":{}}]}]}"#;
    assert_eq!(of("odd", "a.json", odd), [(CallKind::ClassicLoadBalancers, false)]);
    let failed = of("denied", "elb-describe-load-balancers.json", "");
    assert_eq!(failed, [(CallKind::ClassicLoadBalancers, false)]);
    let failed = of("denied-v2", "elbv2-describe-load-balancers.json", "");
    assert_eq!(failed, [(CallKind::LoadBalancers, false)]);
}

#[test]
fn an_interface_only_the_instance_shows_is_an_interface() {
    let f = Folder::new(
        "embedded",
        &[(
            "r.json",
            r#"{"Reservations":[{"OwnerId":"111122223333","Instances":[{"InstanceId":"i-1","State":{"Code":16,"Name":"running"},"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.1","Groups":[{"GroupId":"sg-1"}],"Association":null}]},{"InstanceId":"i-2","NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.2"}]}]}]}"#,
        )],
    );
    let s = f.read().expect("read").snapshot;
    let ids: Vec<_> =
        s.regions[0].network_interfaces.iter().map(|i| i.network_interface_id.as_str()).collect();
    assert_eq!(ids, ["eni-1", "eni-1@i-2"]);
}

/// The outcome of the only call of a folder with one file, and how many rows it left.
fn truncated(name: &str, text: &str) -> String {
    let s = Folder::new(name, &[("x.json", text)]).read().expect("read").snapshot;
    match &s.calls.first().expect("a call").outcome {
        Outcome::Truncated(why) => why.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn rows_that_are_no_objects_are_noted_and_never_a_panic() {
    for (key, item) in [
        ("Reservations", r#""x""#),
        ("Reservations", r#"{"Instances":[{"InstanceId":"i-1","NetworkInterfaces":["eni-1"]}]}"#),
        (
            "Reservations",
            r#"{"Instances":[{"InstanceId":"i-1","NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","Attachment":"x"}]}]}"#,
        ),
        ("Listeners", r#""x""#),
        ("LoadBalancerListeners", "5"),
        ("LoadBalancerDescriptions", "null"),
        ("LoadBalancerAttributes", "[]"),
        ("LoadBalancerTargetHealth", r#""x""#),
        ("TransitGatewayAttachments", r#""x""#),
        ("TransitGatewayVpcAttachments", r#""x""#),
        ("TransitGatewayStaticRoutes", r#""x""#),
        ("TransitGatewayPropagations", r#""x""#),
        ("PrefixLists", r#""x""#),
    ] {
        assert!(!truncated("no-object", &format!("{{\"{key}\":[{item}]}}")).is_empty());
    }
    assert_eq!(
        truncated("no-list", r#"{"SecurityGroups":null}"#),
        "x.json: SecurityGroups is no list"
    );
}

#[test]
fn a_filter_that_cannot_be_read_whole_is_not_read_at_all() {
    let group = |p: &str| format!(r#"{{"SecurityGroups":[{{"GroupId":"sg-1"{p}}}]}}"#);
    let acl =
        |e: &str| format!(r#"{{"NetworkAcls":[{{"NetworkAclId":"acl-1","Entries":[{e}]}}]}}"#);
    for (text, says) in [
        (group(""), "sg-1: it has no IpPermissions"),
        (group(r#","IpPermissions":[{"IpProtocol":"tcpp"}]"#), "sg-1: its IpProtocol is `tcpp`"),
        (group(r#","IpPermissions":[{}]"#), "sg-1: its IpProtocol is ``"),
        (r#"{"NetworkAcls":[{"NetworkAclId":"acl-1"}]}"#.into(), "acl-1: it has no Entries"),
        (r#"{"RouteTables":[{"RouteTableId":"rtb-1"}]}"#.into(), "rtb-1: it has no Routes"),
        (
            acl(r#"{"Egress":false,"Protocol":"-1","RuleAction":"deny","CidrBlock":"0.0.0.0/0"}"#),
            "acl-1: it has no RuleNumber",
        ),
        (
            acl(r#"{"RuleNumber":1,"Egress":false,"Protocol":"-1","CidrBlock":"0.0.0.0/0"}"#),
            "acl-1: its RuleAction is ``",
        ),
        (
            acl(r#"{"RuleNumber":1,"Egress":false,"Protocol":"-1","RuleAction":"deny"}"#),
            "acl-1: an entry has no block",
        ),
    ] {
        assert_eq!(truncated("flaw", &text), format!("x.json: {says}"));
    }
    // Some tools write an empty list as null.
    let text = group(r#","IpPermissions":null,"Description":"""#);
    let s = Folder::new("null", &[("x.json", &text)]).read().expect("read").snapshot;
    assert!(s.calls[0].outcome.is_complete());
}

#[test]
fn a_page_that_names_the_next_one_is_not_the_last() {
    let page = |id: &str, rest: &str| {
        format!(r#"{{"Vpcs":[{{"VpcId":"{id}","OwnerId":"111122223333"}}]{rest}}}"#)
    };
    let first = page("vpc-1", r#","NextToken":"t""#);
    assert!(truncated("first-page", &first).contains("names a next one"));
    let last = page("vpc-2", "");
    let f = Folder::new("both-pages", &[("1.json", &first), ("2.json", &last)]);
    assert!(f.read().expect("read").snapshot.calls[0].outcome.is_complete());
}

#[test]
fn an_empty_text_stands_for_nothing() {
    let text = r#"{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"","Association":{"PublicIp":"54.1.2.3","AllocationId":""}}]}"#;
    let s = Folder::new("no-text", &[("x.json", text)]).read().expect("read").snapshot;
    assert!(s.calls[0].outcome.is_complete(), "{:?}", s.calls);
    assert_eq!(s.regions[0].network_interfaces[0].private_ip_address, None);
}

#[test]
fn what_belongs_to_a_row_may_stand_in_another_folder() {
    let list = r#"{"PrefixLists":[{"PrefixListId":"pl-1","OwnerId":"111122223333"}]}"#;
    let arn = "arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/t/1";
    let f = Folder::new(
        "folders",
        &[
            (
                "a/health.json",
                &format!(
                    r#"{{"LoadBalancerTargetHealth":[{{"TargetGroupArn":"{arn}","TargetHealthDescriptions":[]}}]}}"#
                ),
            ),
            ("b/groups.json", &format!(r#"{{"TargetGroups":[{{"TargetGroupArn":"{arn}"}}]}}"#)),
            ("b/managed.json", list),
            ("c/owned.json", r#"{"PrefixLists":[{"PrefixListId":"pl-1","Cidrs":["8.8.8.0/24"]}]}"#),
        ],
    );
    let s = f.read().expect("read").snapshot;
    let view = &s.regions[0];
    assert_eq!(view.target_groups[0].targets.as_ref().map(Vec::len), Some(0));
    let entries = view.prefix_lists.iter().filter_map(|p| p.entries.as_ref());
    assert_eq!(entries.map(Vec::len).collect::<Vec<_>>(), [1]);
}

#[test]
fn health_and_attributes_are_known_by_the_arn_in_their_path_and_never_dropped_unsaid() {
    let arn = "arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/t/1f";
    let health = r#"{"TargetHealthDescriptions":[{"Target":{"Id":"i-1","Port":80},"TargetHealth":{"State":"healthy"}}]}"#;
    let cross = r#"{"Attributes":[{"Key":"load_balancing.cross_zone.enabled","Value":"true"}]}"#;
    let f = Folder::new(
        "arns",
        &[
            ("groups.json", &format!(r#"{{"TargetGroups":[{{"TargetGroupArn":"{arn}"}}]}}"#)),
            (&format!("{arn}.json"), health),
            (&format!("{arn}/attributes.json"), cross),
            ("elb/health-of-t.json", health),
            (&format!("{}gone/2a/health.json", arn.trim_end_matches("t/1f")), health),
        ],
    );
    let saved = f.read().expect("read");
    let group = &saved.snapshot.regions[0].target_groups[0];
    assert_eq!(group.targets.as_ref().map(Vec::len), Some(1));
    assert_eq!(group.attributes.as_ref().map(|a| a.len()), Some(1));
    let told: Vec<String> =
        saved.ignored.iter().map(|(p, why)| format!("{}: {why}", p.display())).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("targetgroup/gone/2a, which no saved answer describes"), "{told:#?}");
    assert!(told[1].contains("which target group it is of: name the file by its ARN"), "{told:#?}");
}

/// A launch template with a latest version, and the versions that were saved.
fn templates(latest: i64, versions: &[i64]) -> Snapshot {
    let list = format!(
        r#"{{"LaunchTemplates":[{{"LaunchTemplateId":"lt-1","LatestVersionNumber":{latest}}}]}}"#
    );
    let rows: Vec<String> = versions
        .iter()
        .map(|n| {
            format!(
                r#"{{"LaunchTemplateId":"lt-1","VersionNumber":{n},"LaunchTemplateData":{{"SecurityGroupIds":["sg-{n}"]}}}}"#
            )
        })
        .collect();
    let rows = format!(r#"{{"LaunchTemplateVersions":[{}]}}"#, rows.join(","));
    let name = format!("templates-{latest}-{}", versions.len());
    let f = Folder::new(&name, &[("a.json", &list), ("b/versions.json", &rows)]);
    f.read().expect("read").snapshot
}

#[test]
fn versions_find_their_template_and_one_that_is_not_there_is_told() {
    let of = |s: &Snapshot| {
        let groups = s.regions[0].launch_templates[0].versions.iter().flatten();
        let groups = groups.flat_map(|v| v.launch_template_data.security_group_ids.clone());
        let outcome = s.calls.iter().find(|c| c.kind == CallKind::LaunchTemplateVersions);
        (groups.collect::<Vec<_>>(), outcome.expect("the call").outcome.to_string())
    };
    let (groups, outcome) = of(&templates(3, &[3, 1, 2]));
    assert_eq!((groups.join(" "), outcome.as_str()), ("sg-1 sg-2 sg-3".into(), "complete"));
    // `--versions $Latest $Default` gives two of three: the third may name anything.
    let (groups, outcome) = of(&templates(3, &[1, 3]));
    assert_eq!(groups, ["sg-1", "sg-3"], "what is there is kept");
    assert_eq!(outcome, "truncated: lt-1: version 2 is not saved");
    let (_, outcome) = of(&templates(2, &[]));
    assert_eq!(outcome, "truncated: lt-1: no version of it is saved");
    // A version without its content would look like one that names nothing.
    let bare = r#"{"LaunchTemplateVersions":[{"LaunchTemplateId":"lt-1","VersionNumber":1}]}"#;
    assert!(truncated("bare-version", bare).contains("it has no LaunchTemplateData"));
}

#[test]
fn volumes_and_launch_configurations_are_read_by_their_keys() {
    let volumes = r#"{"Volumes":[{"VolumeId":"vol-1","State":"available","AvailabilityZone":"eu-west-1a",
        "Attachments":[],"CreateTime":"2020-01-01T00:00:00+00:00"}]}"#;
    let configurations = r#"{"LaunchConfigurations":[{"LaunchConfigurationName":"old","LaunchConfigurationARN":
        "arn:aws:autoscaling:eu-west-1:111122223333:launchConfiguration:1:launchConfigurationName/old",
        "SecurityGroups":["sg-1"]}]}"#;
    let instances = r#"{"Reservations":[{"OwnerId":"111122223333","Instances":[{"InstanceId":"i-1",
        "BlockDeviceMappings":[{"DeviceName":"/dev/sda1","Ebs":{"VolumeId":"vol-2"}}]}]}]}"#;
    let f = Folder::new(
        "volumes",
        &[("v.json", volumes), ("c.json", configurations), ("i.json", instances)],
    );
    let s = f.read().expect("read").snapshot;
    let view = &s.regions[0];
    assert_eq!((view.account.as_str(), view.region.as_str()), ("111122223333", "eu-west-1"));
    assert_eq!(view.volumes[0].state.as_deref(), Some("available"));
    assert_eq!(view.launch_configurations[0].security_groups, ["sg-1"]);
    let devices = view.instances[0].block_device_mappings.as_ref().expect("devices");
    assert_eq!(devices[0].ebs.as_ref().and_then(|e| e.volume_id.as_deref()), Some("vol-2"));
    assert!(s.calls.iter().all(|c| c.outcome.is_complete()), "{:?}", s.calls);
}

#[test]
fn of_two_rows_that_differ_none_is_kept() {
    let group = |port: u16| {
        format!(
            r#"{{"SecurityGroups":[{{"GroupId":"sg-1","OwnerId":"111122223333","IpPermissions":[{{"IpProtocol":"tcp","FromPort":{port},"ToPort":{port}}}]}}]}}"#
        )
    };
    let f = Folder::new("twice", &[("1.json", &group(22)), ("2.json", &group(22))]);
    let s = f.read().expect("read").snapshot;
    assert_eq!(s.regions[0].security_groups.len(), 1);
    assert!(s.calls[0].outcome.is_complete());

    let f = Folder::new("differ", &[("1.json", &group(22)), ("2.json", &group(23))]);
    let s = f.read().expect("read").snapshot;
    assert!(s.regions[0].security_groups.is_empty());
    let Outcome::Truncated(why) = &s.calls[0].outcome else { panic!("{:?}", s.calls) };
    assert_eq!(why, "sg-1: two rows of it differ");
}

mod failed;
mod forms;
