use super::*;
use crate::snapshot::{
    Address, Association, Attachment, Call, Instance, InstanceState, Interface, InterfaceIpv6,
    Outcome, PrivateAddress, RegionView, Tag, UNKNOWN_ACCOUNT,
};
use crate::spec::{self, Role, Source};
use std::net::IpAddr;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

fn instance(id: &str, state: &str, tags: &[(&str, &str)]) -> Instance {
    Instance {
        instance_id: id.into(),
        state: InstanceState { name: state.into() },
        vpc_id: Some("vpc-1".into()),
        tags: tags.iter().map(|(k, v)| tag(k, v)).collect(),
        ..Instance::default()
    }
}

fn interface(id: &str, instance: Option<&str>, private: &str) -> Interface {
    Interface {
        network_interface_id: id.into(),
        status: Some(if instance.is_some() { "in-use" } else { "available" }.into()),
        private_ip_address: Some(ip(private)),
        attachment: instance
            .map(|i| Attachment { instance_id: Some(i.into()), ..Attachment::default() }),
        ..Interface::default()
    }
}

fn snapshot(view: RegionView) -> Snapshot {
    let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    for kind in [CallKind::Instances, CallKind::NetworkInterfaces] {
        let (account, region) = (view.account.clone(), view.region.clone());
        snapshot.calls.push(Call { account, region, kind, outcome: Outcome::Complete, items: 0 });
    }
    snapshot.regions.push(view);
    snapshot
}

fn view() -> RegionView {
    RegionView { account: "111111111111".into(), region: "r1".into(), ..RegionView::default() }
}

fn spec(text: &str) -> Spec {
    spec::load(&[Source::new("s.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
}

fn shown(host: &Host) -> Vec<String> {
    host.addresses
        .iter()
        .map(|a| format!("{}{}", a.address, if a.public { " public" } else { "" }))
        .collect()
}

#[test]
fn a_host_has_every_address_of_every_interface() {
    let second = PrivateAddress {
        private_ip_address: Some(ip("10.0.0.6")),
        association: Some(Association {
            public_ip: Some(ip("203.0.113.6")),
            ..Association::default()
        }),
        ..PrivateAddress::default()
    };
    let mut first = interface("eni-1", Some("i-1"), "10.0.0.5");
    first.private_ip_addresses = vec![second];
    first.ipv6_addresses = ["2001:db8::5", "fd00::5"]
        .iter()
        .map(|a| InterfaceIpv6 { ipv6_address: a.parse().ok() })
        .collect();
    let elastic = Address {
        public_ip: Some(ip("203.0.113.7")),
        network_interface_id: Some("eni-2".into()),
        ..Address::default()
    };
    let resolution = resolve(
        &Spec::default(),
        &snapshot(RegionView {
            instances: vec![instance("i-1", "running", &[])],
            network_interfaces: vec![first, interface("eni-2", Some("i-1"), "10.0.1.5")],
            addresses: vec![elastic],
            ..view()
        }),
    );
    assert_eq!(
        shown(&resolution.hosts["i-1"]),
        [
            "10.0.0.5",
            "10.0.0.6",
            "10.0.1.5",
            "203.0.113.6 public",
            "203.0.113.7 public",
            "2001:db8::5 public",
            "fd00::5",
        ]
    );
    assert_eq!(resolution.hosts.len(), 1, "an instance's interfaces are no hosts of their own");
}

#[test]
fn what_is_not_running_or_not_in_use_is_not_live() {
    let mut other = interface("eni-9", Some("i-elsewhere"), "10.0.0.9");
    other.tags = vec![tag("Name", "nlb")];
    let resolution = resolve(
        &Spec::default(),
        &snapshot(RegionView {
            instances: vec![
                instance("i-1", "running", &[("Name", "web-1")]),
                instance("i-2", "stopped", &[]),
                instance("i-3", "pending", &[]),
            ],
            network_interfaces: vec![
                interface("eni-1", Some("i-1"), "10.0.0.1"),
                interface("eni-8", None, "10.0.0.8"),
                other,
            ],
            ..view()
        }),
    );
    let live: Vec<(&str, bool)> =
        resolution.hosts.values().map(|h| (h.id.as_str(), h.live)).collect();
    assert_eq!(
        live,
        [("eni-8", false), ("eni-9", true), ("i-1", true), ("i-2", false), ("i-3", false)]
    );
    assert_eq!(resolution.hosts["i-1"].name.as_deref(), Some("web-1"));
    assert_eq!(resolution.hosts["eni-9"].name.as_deref(), Some("nlb"));
}

#[test]
fn an_instance_without_a_readable_interface_keeps_its_own_addresses() {
    let mut alone = instance("i-1", "running", &[]);
    alone.private_ip_address = Some(ip("10.0.0.1"));
    alone.public_ip_address = Some(ip("203.0.113.1"));
    let resolution =
        resolve(&Spec::default(), &snapshot(RegionView { instances: vec![alone], ..view() }));
    assert_eq!(shown(&resolution.hosts["i-1"]), ["10.0.0.1", "203.0.113.1 public"]);
}

#[test]
fn every_field_of_a_selector_must_match_and_any_selector_picks() {
    let spec = spec(
        "version: 1
roles:
  web: { select: { tags: { role: 'web*', env: prod } } }
  named: { select: [ { names: ['db-?'] }, { names: [i-3] } ] }
  here: { select: { accounts: '111111111111', regions: r1, vpcs: vpc-1 } }
  elsewhere: { select: { regions: r2, names: '*' } }
  iron: { select: { tags: { rack: '7' } } }
hosts:
  old-1: { addresses: [192.0.2.1, 10.0.0.1], tags: { rack: '7' } }
",
    );
    let resolution = resolve(
        &spec,
        &snapshot(RegionView {
            instances: vec![
                instance("i-1", "running", &[("role", "web-a"), ("env", "prod")]),
                instance("i-2", "running", &[("role", "web-a"), ("env", "test")]),
                instance("i-3", "running", &[]),
                instance("i-4", "stopped", &[("Name", "db-1")]),
            ],
            ..view()
        }),
    );
    let members = |role: &str| resolution.members[role].clone();
    assert_eq!(members("web"), ["i-1"]);
    assert_eq!(members("named"), ["i-3", "i-4"]);
    assert_eq!(members("here"), ["i-1", "i-2", "i-3", "i-4"]);
    assert_eq!(members("elsewhere"), Vec::<String>::new());
    assert_eq!(members("iron"), ["old-1"]);
    assert_eq!(resolution.hosts["i-1"].roles, ["here", "web"]);
    assert_eq!(shown(&resolution.hosts["old-1"]), ["10.0.0.1", "192.0.2.1 public"]);
}

#[test]
fn an_account_that_could_not_be_entered_hides_what_looks_there() {
    let spec = spec(
        "version: 1
roles:
  wide: { select: { tags: { role: web } } }
  entered: { select: { accounts: '111111111111' } }
  asked: { select: { accounts: '222222222222' } }
  other: { select: { accounts: '333333333333' } }
  region: { select: { accounts: '222222222222', regions: r2 } }
",
    );
    let hidden = |account: &str| {
        let mut snapshot = snapshot(view());
        snapshot.calls.push(Call {
            account: account.into(),
            region: "r1".into(),
            kind: CallKind::CallerIdentity,
            outcome: Outcome::Denied("AccessDenied".into()),
            items: 0,
        });
        let resolution = resolve(&spec, &snapshot);
        let hides = |role: &&Role| resolution.hidden_from(&role.select[0]).next().is_some();
        spec.roles.values().filter(hides).map(|r| r.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(hidden("222222222222"), ["asked", "wide"]);
    // A profile that does not answer never says whose it is: of any account but the one that was read.
    assert_eq!(hidden(UNKNOWN_ACCOUNT), ["asked", "other", "wide"]);
}

#[test]
fn what_could_not_be_seen_is_said() {
    let mut snapshot = snapshot(view());
    assert_eq!(resolve(&Spec::default(), &snapshot).blind, []);
    snapshot.calls[0].outcome = Outcome::Denied("UnauthorizedOperation".into());
    snapshot.calls.pop();
    let blind = resolve(&Spec::default(), &snapshot).blind;
    let said: Vec<String> = blind.iter().map(|b| b.gap.to_string()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("111111111111/r1") && said[0].contains("DescribeInstances"),
        "{said:?}"
    );
    assert!(said[1].contains("no saved answer of describe-network-interfaces"), "{said:?}");
}
