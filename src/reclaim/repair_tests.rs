use super::*;
use crate::drift;
use crate::observation::Observations;
use crate::resolve;
use crate::spec::{self, Source};
use serde_json::json;

const GROUP: &str = "sg-0videoedge2";

/// Five media servers with public addresses, of two generations with a group each; the second group
/// lacks what the first one lets in on tcp/443.
fn account() -> Snapshot {
    let text = include_str!("../../fixtures/incidents/tokbox-2019/snapshot.json");
    serde_json::from_str(text).expect("a snapshot")
}

fn declared(more: &str) -> Spec {
    let text = include_str!("../../fixtures/incidents/tokbox-2019/spec.yaml").to_owned() + more;
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

fn with<T>(spec: &Spec, snapshot: &Snapshot, then: impl FnOnce(&Input<'_>) -> T) -> T {
    let resolution = resolve::resolve(spec, snapshot);
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    then(&Input {
        spec,
        snapshot,
        resolution: &resolution,
        drifted: &drift::compare(spec, snapshot, &reach),
        quarantined: &BTreeMap::new(),
        observations: &Observations::default(),
        named: None,
    })
}

fn found(spec: &Spec, snapshot: &Snapshot) -> Vec<Resource> {
    let listing = with(spec, snapshot, repairs);
    listing.resources.into_iter().filter(|r| r.candidate).collect()
}

fn groups(contents: &str) -> String {
    format!("groups:\n  {GROUP}: {contents}\n")
}

#[test]
fn a_required_service_that_a_group_keeps_out_is_a_permission_to_authorize() {
    let (spec, now) = (declared(""), account());
    let all = found(&spec, &now);
    let [it] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!(it.id, format!("{GROUP}/ingress/tcp/443/443/0.0.0.0/0"));
    assert_eq!((it.kind.as_str(), it.action.as_deref()), (aws::PERMISSION, Some("authorize")));
    // Two sources say that it is wanted, and nothing speaks against it.
    let sources: BTreeSet<&str> = it.dead.iter().map(|c| c.source.as_str()).collect();
    assert_eq!(sources.len(), 2, "{:?}", it.dead);
    assert!(it.protected.is_empty() && it.unknown.is_empty() && it.live.is_empty(), "{it:#?}");
    let opens = &it.state[OPENS];
    for host in ["i-0video03 (203.0.113.13)", "i-0video04", "i-0video05"] {
        assert!(opens.contains(&format!("tcp/443 of {host}")), "{opens}");
    }
    assert!(!opens.contains("i-0video01") && !opens.contains("tcp/22"), "{opens}");
    // The act's look says the same of the same account, and something else of another one.
    let look = |now: &Snapshot| {
        with(&Spec::default(), now, |i| absent_for_repair(i, &it.item())).expect("a place for it")
    };
    assert_eq!((look(&now).state, look(&now).immutable), (it.state.clone(), it.immutable.clone()));
    let mut wider = now.clone();
    let spread = wider.regions[0].security_groups.iter().find(|g| g.group_id == GROUP).cloned();
    let other = &mut wider.regions[0].network_interfaces;
    let carrier = other.iter().find(|i| carries(i, GROUP)).expect("one").groups[0].clone();
    other.iter_mut().find(|i| !carries(i, GROUP)).expect("another").groups = vec![carrier];
    assert!(spread.is_some());
    assert_ne!(look(&wider).state, it.state, "another host would be opened");
}

#[test]
fn what_a_declared_group_lacks_is_authorized_with_its_words() {
    let contents = "{ ingress: [ { port: tcp/443, from: internet, description: clients }, \
                    { port: tcp/22, from: office } ] }";
    let spec = declared(&groups(contents));
    let all = found(&spec, &account());
    let ids: Vec<&str> = all.iter().map(|r| r.id.as_str()).collect();
    let wanted = [
        format!("{GROUP}/ingress/tcp/443/443/0.0.0.0/0"),
        format!("{GROUP}/ingress/tcp/443/443/::/0"),
    ];
    assert_eq!(ids, wanted, "once each, though a service requires it too");
    for it in &all {
        assert_eq!(it.immutable[DESCRIPTION], "clients");
        assert!(it.dead[0].detail.contains("declares it"), "{:?}", it.dead);
    }
    // No host has a public IPv6 address.
    assert_eq!(all[1].state[OPENS], "nothing to the internet");
}

#[test]
fn what_its_declared_contents_do_not_have_is_declared_there_first() {
    let spec = declared(&groups("{ ingress: [ { port: tcp/22, from: office } ] }"));
    let all = found(&spec, &account());
    let [it] = all.as_slice() else { panic!("{all:#?}") };
    assert!(it.protected[0].detail.contains("declares what"), "{:?}", it.protected);
}

#[test]
fn what_would_open_more_than_is_declared_is_held() {
    // A group that another role's hosts carry too, who do not want it open.
    let mut now = account();
    let all = &mut now.regions[0].network_interfaces;
    let carrier = all.iter().find(|i| carries(i, GROUP)).expect("one").groups[0].clone();
    let mut other = all.iter().find(|i| carries(i, GROUP)).expect("one").clone();
    other.network_interface_id = "eni-0other".into();
    other.attachment = serde_json::from_value(json!({"Status": "attached"})).expect("one");
    let address = json!([{"PrivateIpAddress": "10.20.1.99", "Primary": true,
                          "Association": {"PublicIp": "203.0.113.99"}}]);
    other.private_ip_addresses = serde_json::from_value(address).expect("addresses");
    other.private_ip_address = "10.20.1.99".parse().ok();
    other.association = serde_json::from_value(json!({"PublicIp": "203.0.113.99"})).ok();
    other.groups = vec![carrier];
    other.tags.clear();
    all.push(other);
    let held = found(&declared(""), &now);
    let says = &held[0].protected.first().unwrap_or_else(|| panic!("{held:#?}")).detail;
    assert!(says.contains("tcp/443 of eni-0other") && says.contains("nobody declared"), "{says}");
    // What cannot be told is not opened either.
    let mut dark = account();
    for call in dark.calls.iter_mut().filter(|c| c.kind == CallKind::NetworkAcls) {
        call.outcome = crate::snapshot::Outcome::Denied("UnauthorizedOperation".into());
    }
    dark.regions[0].network_acls.clear();
    let contents = "{ ingress: [ { port: tcp/8443, from: internet } ] }";
    let dark = found(&declared(&groups(contents)), &dark);
    let it = dark.iter().find(|r| r.id.contains("8443/0.0.0.0")).expect("it is wanted");
    assert!(it.unknown.iter().any(|u| u.contains("nobody can say")), "{it:#?}");
    assert!(it.state[OPENS].starts_with("unknown"), "{it:#?}");
}

#[test]
fn lines_are_permissions_as_the_api_takes_them() {
    let line = |protocol, ports| Line {
        direction: Direction::Ingress,
        protocol,
        ports,
        peer: Peer::Group("sg-1".into()),
    };
    use crate::model::Protocol::{Icmp, Other, Tcp};
    let ids =
        |line: &Line| -> Vec<String> { rules_of(line).iter().map(|r| r.id("sg-2")).collect() };
    let two = PortSet::one(80).union(&PortSet::range(8000, 8010));
    assert_eq!(
        ids(&line(Some(Tcp), two)),
        ["sg-2/ingress/tcp/80/80/sg-1", "sg-2/ingress/tcp/8000/8010/sg-1"]
    );
    assert_eq!(ids(&line(Some(Icmp), PortSet::icmp_type(8))), ["sg-2/ingress/icmp/8/-1/sg-1"]);
    assert_eq!(ids(&line(Some(Other(50)), PortSet::all())), ["sg-2/ingress/50/-1/-1/sg-1"]);
    assert_eq!(ids(&line(None, PortSet::all())), ["sg-2/ingress/-1/-1/-1/sg-1"]);
}
