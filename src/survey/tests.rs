use super::{Hope, Input, Limits, Survey, Why, plan};
use crate::model::{
    AddressSet, Expect, GapKind, PortSet, PortSpec, Protocol, Protocols, SourceName,
};
use crate::observation::{Observation, State};
use crate::reach::{Configured, ExposedEndpoint};
use crate::resolve::{Host, HostAddress, HostOrigin, Resolution};
use crate::snapshot::{Association, Interface, RegionView, Snapshot};
use crate::spec::{Control, Permit, Place, Role, Service, Spec};
use ipnetwork::IpNetwork;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

const OURS: &str = "192.0.2.1";
const FOREIGN: &str = "198.51.100.1";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn at() -> Place {
    Place { file: "spec.yaml".into(), line: 1, column: 1 }
}

fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().expect("an instant")
}

/// A snapshot in which `OURS` is the public address of an interface, taken `ago`.
fn snapshot(ago: SignedDuration) -> Snapshot {
    let mut snapshot = Snapshot::empty(now() - ago);
    let association = Some(Association { public_ip: Some(ip(OURS)), ..Association::default() });
    let private = Some(ip("10.0.0.1"));
    let interface = Interface { private_ip_address: private, association, ..Interface::default() };
    snapshot
        .regions
        .push(RegionView { network_interfaces: vec![interface], ..RegionView::default() });
    snapshot
}

fn host(address: &str, origin: HostOrigin) -> Host {
    Host {
        id: format!("host-{address}"),
        name: None,
        owner: None,
        origin,
        live: true,
        addresses: vec![HostAddress { address: ip(address), interface: None, public: true }],
        tags: BTreeMap::new(),
        roles: vec!["edge".into()],
    }
}

/// A role with a host at each address, and what is declared on it.
fn declared(addresses: &[&str], edit: impl FnOnce(&mut Spec, &mut Role)) -> (Spec, Resolution) {
    let mut spec = Spec::default();
    let mut role = Role {
        name: "edge".into(),
        select: Vec::new(),
        count: Default::default(),
        facts: Vec::new(),
        rollout: None,
        services: Vec::new(),
        allow: Vec::new(),
        forbid: Vec::new(),
        journeys: Vec::new(),
        at: at(),
    };
    edit(&mut spec, &mut role);
    spec.roles.insert("edge".into(), role);
    let mut resolution = Resolution::default();
    for address in addresses {
        let host = host(address, HostOrigin::Declared(at()));
        resolution.members.entry("edge".into()).or_default().push(host.id.clone());
        resolution.hosts.insert(host.id.clone(), host);
    }
    (spec, resolution)
}

fn service(port: &str, expect: Expect) -> Service {
    Service {
        name: "service".into(),
        role: "edge".into(),
        port: port.parse().expect("ports"),
        from: vec![SourceName::Internet],
        expect,
        at: at(),
    }
}

fn permit(port: &str) -> Permit {
    let port: PortSpec = port.parse().expect("ports");
    Permit {
        protocols: Protocols::One(port.protocol),
        ports: port.ports,
        from: vec![SourceName::Internet],
        at: at(),
    }
}

fn exposed(address: &str, ports: PortSet) -> ExposedEndpoint {
    ExposedEndpoint {
        address: ip(address),
        host: "i-1".into(),
        owner: None,
        interface: "eni-1".into(),
        protocol: Protocol::Tcp,
        every_other_protocol: false,
        ports,
        sources: AddressSet::all_v4().into(),
        configured: Configured::NotApplicable,
    }
}

fn planned(
    (spec, resolution): &(Spec, Resolution),
    snapshot: Option<&Snapshot>,
    exposed: &[ExposedEndpoint],
    scope: &[&str],
) -> Survey {
    let scope = scope.iter().map(|s| s.parse::<IpNetwork>().expect("a block")).collect();
    let limits = Limits::default();
    let (scope, only, sweep) = (&scope, None, &BTreeSet::new());
    plan(&Input { spec, resolution, snapshot, exposed, scope, only, sweep, limits, now: now() })
}

fn asked(survey: &Survey, why: Why) -> Vec<String> {
    survey.targets.iter().filter(|t| t.why == why).map(|t| t.endpoint.to_string()).collect()
}

#[test]
fn a_declaration_alone_makes_no_address_ours() {
    let world = declared(&[OURS, FOREIGN], |_, role| {
        role.services.push(service("tcp/22", Expect::Ssh));
    });
    let fresh = snapshot(SignedDuration::from_mins(5));
    let survey = planned(&world, Some(&fresh), &[], &[]);
    assert_eq!(asked(&survey, Why::Declared), ["192.0.2.1 tcp/22"]);
    assert_eq!(survey.refused.len(), 1);
    assert_eq!(survey.refused[0].address, ip(FOREIGN));
    let named = planned(&world, Some(&fresh), &[], &["198.51.100.0/24"]);
    assert_eq!(asked(&named, Why::Declared).len(), 2);
    assert!(named.refused.is_empty());
}

#[test]
fn a_stale_snapshot_directs_nothing_and_scope_still_does() {
    let world = declared(&[OURS, FOREIGN], |_, role| {
        role.services.push(service("tcp/22", Expect::Ssh));
    });
    for (ago, says) in [
        (SignedDuration::from_hours(2), "older than the limit"),
        (SignedDuration::from_hours(-2), "yet to come"),
    ] {
        let stale = snapshot(ago);
        let survey = planned(&world, Some(&stale), &[], &["198.51.100.1/32"]);
        assert_eq!(asked(&survey, Why::Declared), ["198.51.100.1 tcp/22"]);
        assert_eq!(survey.refused[0].address, ip(OURS));
        let gap = survey.gaps.iter().find(|g| g.kind == GapKind::StaleSnapshot);
        assert!(gap.is_some_and(|g| g.why.contains(says)), "{ago}");
    }
}

#[test]
fn private_addresses_of_the_snapshot_are_not_probed_unless_scope_names_them() {
    let fresh = snapshot(SignedDuration::from_mins(5));
    let world = declared(&[], |_, _| {});
    let open = [exposed("10.0.0.1", PortSet::one(22)), exposed(OURS, PortSet::one(22))];
    let survey = planned(&world, Some(&fresh), &open, &[]);
    assert_eq!(asked(&survey, Why::Permitted), ["192.0.2.1 tcp/22"]);
    let survey = planned(&world, Some(&fresh), &open, &["10.0.0.0/8"]);
    assert_eq!(asked(&survey, Why::Permitted).len(), 2);
}

#[test]
fn ranges_are_sampled_with_both_ends_and_said_to_be() {
    let world = declared(&[OURS], |_, role| {
        role.services.push(service("udp/40000-49999", Expect::Path));
    });
    let fresh = snapshot(SignedDuration::from_mins(5));
    let all = [exposed(OURS, PortSet::all())];
    let survey = planned(&world, Some(&fresh), &all, &[]);
    let rtp = asked(&survey, Why::Declared);
    assert_eq!(rtp.len(), 16);
    assert!(rtp.contains(&"192.0.2.1 udp/40000".into()));
    assert!(rtp.contains(&"192.0.2.1 udp/49999".into()));
    let open = asked(&survey, Why::Permitted);
    assert!(open.contains(&"192.0.2.1 tcp/3389".into()) && open.len() < 100);
    assert_eq!(survey.sampled.len(), 2, "{:?}", survey.sampled);
    assert_eq!(planned(&world, Some(&fresh), &all, &[]), survey, "the same each time");
}

#[test]
fn a_control_proves_the_egress_by_an_answer_that_is_its_own() {
    let world = declared(&[OURS], |spec, _| {
        let port = "tcp/443".parse().expect("ports");
        spec.controls.push(Control { address: ip(OURS), port, at: at() });
    });
    let fresh = snapshot(SignedDuration::from_mins(5));
    let survey = planned(&world, Some(&fresh), &[], &[]);
    let endpoint = survey.targets[0].endpoint;
    let proven = |state: State, by: Option<&str>| {
        let by = by.map(ip);
        let row = Observation { by, ..Observation::new(endpoint, state, "local") };
        super::controls(&survey, &[row])
    };
    for (state, by, answered) in [
        (State::Open, None, true),
        (State::WrongService, None, true),
        (State::Refused, Some(OURS), true),
        // Whoever is on the way sends a RST in its name.
        (State::Refused, None, false),
        (State::Rejected, Some("192.0.2.254"), false),
        (State::Silent, None, false),
    ] {
        assert_eq!(proven(state, by), (Some(answered), None), "{state} {by:?}");
    }
    assert_eq!(super::controls(&survey, &[]), (Some(false), None));
}

#[test]
fn what_must_be_wins_over_what_may_be_and_controls_come_first() {
    let world = declared(&[OURS], |spec, role| {
        role.services.push(service("tcp/443", Expect::Ssh));
        role.allow.push(permit("tcp/80,443"));
        role.forbid.push(permit("tcp/3389"));
        for address in [OURS, FOREIGN] {
            let port = "tcp/443".parse().expect("ports");
            spec.controls.push(Control { address: ip(address), port, at: at() });
        }
    });
    let fresh = snapshot(SignedDuration::from_mins(5));
    let survey = planned(&world, Some(&fresh), &[exposed(OURS, PortSet::one(80))], &[]);
    let hopes: Vec<_> = survey.targets.iter().map(|t| (t.endpoint.port, t.why, t.hope)).collect();
    assert_eq!(
        hopes,
        [
            (443, Why::Control, Hope::Answer),
            (80, Why::Declared, Hope::Either),
            (3389, Why::Declared, Hope::NoAnswer),
        ]
    );
    assert_eq!(survey.targets[0].expect, Expect::Ssh, "held to its declaration");
    assert_eq!(survey.refused.len(), 1, "a control that is not ours: {:?}", survey.refused);
}
