//! What people really save: other encodings, packed files, queried lists, half an answer.

use super::*;

const GROUP: &str = r#"{"SecurityGroups":[{"GroupId":"sg-1","GroupName":"é","IpPermissions":[]}]}"#;

/// A folder with one file of these bytes.
fn bytes(name: &str, file: &str, bytes: &[u8]) -> Folder {
    let f = Folder::new(name, &[]);
    fs::write(f.0.join(file), bytes).expect("a file");
    f
}

fn said(f: &Folder) -> String {
    f.read().expect_err("an error").to_string()
}

#[test]
fn a_redirection_in_powershell_writes_utf_16() {
    let wide = |unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        GROUP.encode_utf16().chain([10]).flat_map(unit).collect()
    };
    for (name, mark, text) in [
        ("utf16-le", [0xff, 0xfe].as_slice(), wide(u16::to_le_bytes)),
        ("utf16-be", &[0xfe, 0xff], wide(u16::to_be_bytes)),
        ("utf8-mark", &[0xef, 0xbb, 0xbf], GROUP.into()),
    ] {
        let s = bytes(name, "sg.json", &[mark, &text].concat()).read().expect(name).snapshot;
        assert_eq!(s.regions[0].security_groups[0].group_name, "é", "{name}");
        assert!(s.calls.iter().all(|c| c.outcome.is_complete()), "{name}");
    }
    assert!(said(&bytes("utf16-cut", "sg.json", &[0xff, 0xfe, b'{'])).contains("UTF-16"));
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let packed = said(&bytes("gz", "describe-vpcs.json.gz", &[0x1f, 0x8b, 8, 0]));
    assert!(packed.contains("describe-vpcs.json.gz") && packed.contains("unpack it"), "{packed}");
    let yaml = Folder::new("yaml", &[("vpcs.yaml", "Vpcs:\n- VpcId: vpc-1\n")]).read();
    let error = yaml.expect_err("an error");
    let said = error.to_string();
    assert!(said.contains("vpcs.yaml: not JSON"), "{said}");
    assert!(error.hint().is_some_and(|h| h.contains("--output json")));
    let f = Folder::new("keys", &[("sg.json", GROUP), ("es.json", r#"{"DomainStatusList":[]}"#)]);
    let (_, why) = f.read().expect("read").ignored.remove(0);
    assert!(why.contains("DomainStatusList"), "{why}");
    // Beside readable answers it is told, and its call was never made.
    let f = Folder::new("yaml-too", &[("sg.json", GROUP), ("vpcs.yaml", "Vpcs: []")]);
    let saved = f.read().expect("read");
    assert_eq!((saved.files, saved.ignored.len()), (2, 1));
}

#[test]
fn a_queried_list_is_read_and_never_taken_to_be_whole() {
    let cases = [
        (
            "groups",
            r#"[{"GroupId":"sg-1","VpcId":"vpc-1","IpPermissions":[]}]"#,
            CallKind::SecurityGroups,
        ),
        (
            "instances",
            r#"[{"InstanceId":"i-1","ImageId":"ami-1","State":{"Name":"running"},"SecurityGroups":[{"GroupId":"sg-1"}],"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","PrivateIpAddress":"10.0.0.1"}]}]"#,
            CallKind::Instances,
        ),
        ("reservations", r#"[{"ReservationId":"r-1","Instances":[]}]"#, CallKind::Instances),
        (
            "tables",
            r#"[{"RouteTableId":"rtb-1","Routes":[],"VpcId":"vpc-1"}]"#,
            CallKind::RouteTables,
        ),
        (
            "acls",
            r#"[{"NetworkAclId":"acl-1","Entries":[],"VpcId":"vpc-1"}]"#,
            CallKind::NetworkAcls,
        ),
        (
            "subnets",
            r#"[{"SubnetId":"subnet-1","SubnetArn":"","VpcId":"vpc-1"}]"#,
            CallKind::Subnets,
        ),
        (
            "interfaces",
            r#"[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1"}]"#,
            CallKind::NetworkInterfaces,
        ),
    ];
    for (name, text, kind) in cases {
        let s = Folder::new(name, &[("x.json", text)]).read().expect(name).snapshot;
        let kinds: Vec<CallKind> = s.calls.iter().map(|c| c.kind).collect();
        assert_eq!(kinds, [kind], "{name}: nothing else was asked for");
        let Outcome::Truncated(why) = &s.calls[0].outcome else { panic!("{name}: {:?}", s.calls) };
        assert!(why.contains("x.json: a bare list"), "{why}");
    }
    let s = Folder::new("of-instance", &[("x.json", cases[1].1)]).read().expect("read").snapshot;
    let nic = &s.regions[0].network_interfaces[0];
    assert_eq!(nic.attachment.as_ref().and_then(|a| a.instance_id.as_deref()), Some("i-1"));
    // Pages in a list are whole answers.
    let pages = format!("[{SUBNET},{}]", SUBNET.replace("subnet-1", "subnet-2"));
    let s = Folder::new("pages-list", &[("x.json", &pages)]).read().expect("read").snapshot;
    assert!(s.calls[0].outcome.is_complete() && s.regions[0].subnets.len() == 2);
}

#[test]
fn a_classic_balancers_attributes_are_no_broken_answer() {
    let attributes = r#"{"LoadBalancerAttributes":{"CrossZoneLoadBalancing":{"Enabled":true}}}"#;
    let f = Folder::new("classic", &[("sg.json", GROUP), ("elb/weblb", attributes)]);
    let saved = f.read().expect("read");
    assert!(saved.snapshot.calls.iter().all(|c| c.outcome.is_complete()));
    assert_eq!(saved.ignored.len(), 1);
}

#[test]
fn what_says_that_there_is_more_is_not_whole() {
    let routes = r#"{"Routes":[],"AdditionalRoutesAvailable":true}"#;
    let f = Folder::new("more-routes", &[("search-tgw-rtb-1.json", routes)]);
    let s = f.read().expect("read").snapshot;
    assert!(matches!(s.calls[0].outcome, Outcome::Truncated(_)), "{:?}", s.calls);
    let wrapped = r#"{"TransitGatewayStaticRoutes":[{"TransitGatewayRouteTableId":"tgw-rtb-1","Routes":[],"AdditionalRoutesAvailable":true}]}"#;
    assert!(truncated("more-routes-wrapped", wrapped).contains("tgw-rtb-1 has more routes"));
}

#[test]
fn two_modes_of_block_public_access_are_none() {
    let mode = |m: &str| {
        format!(r#"{{"VpcBlockPublicAccessOptions":{{"InternetGatewayBlockMode":"{m}"}}}}"#)
    };
    let same = Folder::new("bpa", &[("1.json", &mode("off")), ("2.json", &mode("off"))]);
    assert!(same.read().expect("read").snapshot.calls[0].outcome.is_complete());
    for folders in [["a.json", "b.json"], ["a/x.json", "b/x.json"]] {
        let [a, b] = folders;
        let f = Folder::new("bpa-two", &[(a, &mode("off")), (b, &mode("block-bidirectional"))]);
        let s = f.read().expect("read").snapshot;
        assert!(matches!(s.calls[0].outcome, Outcome::Truncated(_)), "{folders:?}: {:?}", s.calls);
    }
}

#[test]
fn listeners_are_asked_for_balancer_by_balancer() {
    let arn = |n: &str| {
        format!("arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/net/{n}/1")
    };
    let balancers =
        ["a", "b", "c"].map(|n| format!(r#"{{"LoadBalancerArn":"{}","Type":"network"}}"#, arn(n)));
    let listener = format!(r#"{{"ListenerArn":"l","LoadBalancerArn":"{}","Port":80}}"#, arn("a"));
    let f = Folder::new(
        "asked",
        &[
            ("lb.json", &format!(r#"{{"LoadBalancers":[{}]}}"#, balancers.join(","))),
            ("a.json", &format!(r#"{{"Listeners":[{listener}]}}"#)),
            (
                &format!("elbv2-describe-listeners/{}", arn("b").replace('/', "%2F")),
                r#"{"Listeners":[]}"#,
            ),
        ],
    );
    let s = f.read().expect("read").snapshot;
    let unread: Vec<bool> =
        s.regions[0].load_balancers.iter().map(|b| b.listeners_unread).collect();
    assert_eq!(unread, [false, false, true], "c was not asked");
}
