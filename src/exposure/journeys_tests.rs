//! Journeys on small worlds: one host of two families, three services, rows by hand.

use super::fake::ip;
use super::*;
use crate::model::{Endpoint, GapKind};
use crate::observation::{
    Observation, Observations, ProfiledObservation, ProxySeen, State, VantageSeen,
};
use crate::resolve::{Resolution, resolve};
use crate::snapshot::Snapshot;
use crate::spec::{self, Source, Spec};
use jiff::Timestamp;

const PROFILES: &str = "
  open: {}
  tcp-only: { block: [udp] }
  v6: { family: ipv6 }
  proxied: { via: http-connect, allow: [tcp/443] }
  small: { mtu: 1280, family: ipv4 }
";

/// One host of role video with services at udp/3478, tcp/443 and tcp/22 (for the office alone).
fn spec(journey: &str) -> Spec {
    let text = format!(
        "version: 1
networks: {{ office: [198.51.100.0/24] }}
profiles: {PROFILES}
roles:
  video:
    select: {{ tags: {{ role: video }} }}
    services:
      turn: {{ port: udp/3478, from: internet, expect: stun }}
      tls: {{ port: tcp/443, from: internet, expect: tls }}
      ssh: {{ port: tcp/22, from: office, expect: ssh }}
      rtp: {{ port: udp/4000-4001, from: internet }}
    journeys: {{ j: {journey} }}
hosts:
  h: {{ addresses: [203.0.113.1, '2001:db8::1'], tags: {{ role: video }} }}
"
    );
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

fn world(spec: &Spec) -> Resolution {
    resolve(spec, &Snapshot::empty(Timestamp::UNIX_EPOCH))
}

fn vantage(outside_v6: Option<&str>) -> VantageSeen {
    VantageSeen {
        outside_v4: Some(ip("192.0.2.50")),
        outside_v6: outside_v6.map(ip),
        controls_v4: Some(true),
        controls_v6: Some(true),
        ..VantageSeen::new("out")
    }
}

/// `203.0.113.1 udp/3478 open`; `open?` is unconfirmed.
fn row(text: &str) -> Observation {
    let mut words = text.split(' ');
    let mut word = || words.next().expect("a word");
    let (address, port, state) = (word(), word(), word());
    let port: crate::model::PortSpec = port.parse().expect("a port");
    let plain = state.trim_end_matches('?');
    let state_of = State::ALL.into_iter().find(|s| s.name() == plain).expect("a state");
    let first = port.ports.first().expect("a port");
    let endpoint = Endpoint { address: ip(address), protocol: port.protocol, port: first };
    Observation {
        confirmed: state == "open",
        tries: 1,
        ..Observation::new(endpoint, state_of, "out")
    }
}

fn by(profile: &str, proxy: Option<Option<&str>>, text: &str) -> ProfiledObservation {
    let via = proxy.map(|outside| ProxySeen {
        name: "http-connect".into(),
        outside_v4: outside.map(ip),
        outside_v6: None,
    });
    ProfiledObservation { profile: profile.into(), via, observation: row(text) }
}

fn seen(rows: &[&str], profiled: Vec<ProfiledObservation>) -> Observations {
    let rows = rows.iter().map(|r| row(r)).collect();
    Observations { vantages: vec![vantage(Some("2001:db8:9::9"))], rows, profiled }
}

/// The outcome of the journey for one profile, in words.
fn outcome(journey: &str, profile: &str, observations: &Observations) -> String {
    let spec = spec(&format!("{{ any_of: {journey}, profiles: [{profile}] }}"));
    let cells = journeys(&spec, &world(&spec), observations);
    let [cell] = cells.as_slice() else { panic!("{cells:#?}") };
    match &cell.outcome {
        JourneyOutcome::Works { service } => format!("works by {service}"),
        JourneyOutcome::Unknown(gap) => format!("unknown: {}: {}", gap.kind, gap.why),
        other => other.name().into(),
    }
}

const TURN: &str = "203.0.113.1 udp/3478 open";

#[test]
fn one_proven_service_is_enough_and_only_what_the_profile_lets_through_counts() {
    let seen = seen(
        &[
            TURN,
            "203.0.113.1 tcp/443 silent",
            "2001:db8::1 udp/3478 silent",
            "2001:db8::1 tcp/443 silent",
        ],
        Vec::new(),
    );
    assert_eq!(outcome("[tls, turn]", "open", &seen), "works by turn");
    assert_eq!(outcome("[tls, turn]", "tcp-only", &seen), "broken");
    assert_eq!(outcome("[tls, turn]", "v6", &seen), "broken");
}

#[test]
fn a_service_of_many_ports_works_only_where_all_that_were_probed_do() {
    let both = ["203.0.113.1 udp/4000 open", "203.0.113.1 udp/4001 open"];
    assert_eq!(outcome("[rtp]", "open", &seen(&both, Vec::new())), "works by rtp");
    let half = [
        "203.0.113.1 udp/4000 open",
        "203.0.113.1 udp/4001 rejected",
        "2001:db8::1 udp/4000 rejected",
    ];
    assert_eq!(outcome("[rtp]", "open", &seen(&half, Vec::new())), "broken");
    let mute = ["203.0.113.1 udp/4000 unproven", "2001:db8::1 udp/4000 rejected"];
    assert_eq!(outcome("[rtp]", "open", &seen(&mute, Vec::new())), "unproven");
}

#[test]
fn what_was_not_seen_is_never_broken_and_never_works() {
    for state in ["failed", "unprobed"] {
        let text = format!("203.0.113.1 tcp/443 {state}");
        let said =
            outcome("[tls]", "open", &seen(&[&text, "2001:db8::1 tcp/443 silent"], Vec::new()));
        assert!(said.starts_with("unknown: probe"), "{said}");
    }
    assert!(outcome("[tls]", "open", &seen(&[], Vec::new())).contains("not probed by out"));
    // Silence without an answering control is no silence.
    let mut mute = seen(&["203.0.113.1 tcp/443 silent"], Vec::new());
    mute.vantages[0].controls_v4 = None;
    mute.vantages[0].outside_v6 = None;
    let said = outcome("[tls]", "tcp-only", &mute);
    assert!(said.starts_with("unknown: control: silent, and no control"), "{said}");
    // Open and mute is neither.
    let unconfirmed =
        seen(&["203.0.113.1 tcp/443 open?", "2001:db8::1 tcp/443 silent"], Vec::new());
    assert_eq!(outcome("[tls]", "open", &unconfirmed), "unproven");
}

#[test]
fn a_vantage_speaks_for_its_own_source_and_its_own_families() {
    let four = |rows: &[&str]| {
        let mut seen = seen(rows, Vec::new());
        seen.vantages[0].outside_v6 = None;
        seen
    };
    // One without IPv6 stands for customers without IPv6.
    assert_eq!(outcome("[tls]", "open", &four(&["203.0.113.1 tcp/443 refused"])), "broken");
    let said = outcome("[tls]", "v6", &four(&[TURN]));
    assert!(said.contains("vantage: no vantage lies in internet over IPv6"), "{said}");
    // The office's service is nobody else's.
    let said = outcome("[ssh]", "open", &four(&["203.0.113.1 tcp/22 open"]));
    assert!(said.contains("no vantage lies in office"), "{said}");
    let mut office = four(&["203.0.113.1 tcp/22 open", "203.0.113.1 tcp/443 open"]);
    office.vantages[0].outside_v4 = Some(ip("198.51.100.9"));
    assert_eq!(outcome("[ssh]", "open", &office), "works by ssh");
    assert!(outcome("[tls]", "open", &office).contains("no vantage lies in internet"));
}

#[test]
fn through_a_proxy_only_what_went_through_the_proxy_counts() {
    let plain = ["203.0.113.1 tcp/443 open"];
    let proxied = |rows: &[&str], outside| {
        let rows = rows.iter().map(|r| by("proxied", Some(outside), r)).collect();
        seen(&plain, rows)
    };
    let works = proxied(&["203.0.113.1 tcp/443 open"], None);
    assert_eq!(outcome("[tls, turn]", "proxied", &works), "works by tls");
    assert_eq!(
        outcome("[tls]", "proxied", &seen(&plain, Vec::new())),
        "unknown: probe: not probed by out the way of proxied"
    );
    // No answer counts where something else answered the same way.
    let silent = proxied(&["203.0.113.1 tcp/443 silent"], None);
    let said = outcome("[tls]", "proxied", &silent);
    assert!(
        said.contains("control: silent, and nothing at all answered over tcp through http-connect"),
        "{said}"
    );
    let control = proxied(&["203.0.113.1 tcp/443 silent", "192.0.2.1 tcp/443 open"], None);
    assert_eq!(outcome("[tls]", "proxied", &control), "broken");
    // Mute in the tunnel, where the plain probe got an answer: it is the way that is broken.
    let mute = proxied(&["203.0.113.1 tcp/443 open?"], None);
    assert_eq!(outcome("[tls]", "proxied", &mute), "broken");
    let trouble = proxied(&["203.0.113.1 tcp/443 failed"], None);
    assert!(
        outcome("[tls]", "proxied", &trouble)
            .starts_with("unknown: probe: not seen, because the probe failed on our own side")
    );
    // What the target sees decides what it counts for.
    let elsewhere = proxied(&["203.0.113.1 tcp/443 open"], Some("198.51.100.9"));
    let said = outcome("[tls]", "proxied", &elsewhere);
    assert!(said.contains("no vantage speaks for internet through the proxy"), "{said}");
}

#[test]
fn a_proxy_of_an_unknown_address_speaks_for_nobody_narrower_than_the_internet() {
    let profile = "{ any_of: [ssh], profiles: [p] }";
    let text = |outside| {
        let text = format!(
            "version: 1
networks: {{ office: [198.51.100.0/24] }}
profiles: {{ p: {{ via: socks5 }} }}
roles:
  r:
    select: {{ names: [h] }}
    services: {{ ssh: {{ port: tcp/22, from: office, expect: ssh }} }}
    journeys: {{ j: {profile} }}
hosts: {{ h: {{ addresses: [203.0.113.1] }} }}
"
        );
        let spec =
            spec::load(&[Source::new("s", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"));
        let seen = seen(&[], vec![by("p", Some(outside), "203.0.113.1 tcp/22 open")]);
        journeys(&spec, &world(&spec), &seen).remove(0).outcome
    };
    assert!(matches!(text(None), JourneyOutcome::Unknown(gap) if gap.kind == GapKind::Vantage));
    assert!(text(Some("198.51.100.7")).works());
}

#[test]
fn small_packets_are_judged_by_probes_of_small_packets() {
    let rows = |state: &str| {
        let text = format!("203.0.113.1 udp/3478 {state}");
        seen(&[TURN], vec![by("small", None, &text)])
    };
    assert_eq!(outcome("[turn]", "small", &rows("open")), "works by turn");
    assert_eq!(outcome("[turn]", "small", &rows("unreachable")), "broken");
    assert_eq!(outcome("[turn]", "small", &rows("silent")), "broken");
    assert_eq!(outcome("[turn]", "open", &rows("silent")), "works by turn");
}

#[test]
fn a_host_without_an_address_that_these_clients_can_use_is_broken_for_them() {
    let text = "version: 1
profiles: { v6: { family: ipv6 } }
roles:
  r:
    select: { names: [h] }
    services: { s: { port: tcp/1, from: internet } }
    journeys: { j: { any_of: [s] } }
hosts: { h: { addresses: [203.0.113.1] } }
";
    let spec = spec::load(&[Source::new("s", text)]).unwrap_or_else(|e| panic!("{e}"));
    let cells = journeys(&spec, &world(&spec), &seen(&["203.0.113.1 tcp/1 open"], Vec::new()));
    assert_eq!(cells[0].outcome, JourneyOutcome::Broken);
    assert!(cells[0].left_out[0].why.contains("no IPv6 address"), "{cells:?}");
    assert_eq!(cells[0].tried, Vec::new());
}

#[test]
fn without_profiles_a_journey_is_judged_for_the_open_one() {
    let text = "version: 1
roles:
  r:
    select: { names: [h] }
    services: { s: { port: tcp/1, from: internet } }
    journeys: { j: { any_of: [s] } }
hosts: { h: { addresses: [203.0.113.1] } }
";
    let spec = spec::load(&[Source::new("s", text)]).unwrap_or_else(|e| panic!("{e}"));
    let cells = journeys(&spec, &world(&spec), &seen(&["203.0.113.1 tcp/1 open"], Vec::new()));
    assert_eq!((&*cells[0].profile, cells[0].outcome.works()), ("open", true));
}
