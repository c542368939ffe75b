//! Rejections behind the kernel's own limit of ICMP errors: asked fast, most look like silence.

use super::loopback::target;
use super::namespace::Row;
use crate::common::{no_namespaces, skip};
use portcullis::model::{Expect, Protocol};
use portcullis::observation::{Observation, State};
use portcullis::probe::{self, Options};
use portcullis::survey::{Hope, Survey, Target, Why};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

const HOST: [u8; 4] = [10, 77, 2, 2];
const GATE: [u8; 4] = [10, 77, 1, 2];
/// What the gate rejects with ICMP; 3000 it drops.
const REJECTED: RangeInclusive<u16> = 3001..=3012;

fn tcp(host: [u8; 4], port: u16) -> Target {
    target(SocketAddr::from((host, port)), Protocol::Tcp, Expect::Connect)
}

fn udp(port: u16) -> Target {
    target(SocketAddr::from((HOST, port)), Protocol::Udp, Expect::Connect)
}

fn look(row: &Row, targets: Vec<Target>, options: Options) -> Vec<Observation> {
    let survey = Survey { targets, ..Survey::default() };
    row.inside("out", move || probe::run(&survey, &options, &mut |_| {}).rows)
}

fn row(seen: &[Observation], protocol: Protocol, port: u16) -> &Observation {
    let one = |r: &&Observation| r.protocol == protocol && r.port == port;
    seen.iter().find(one).expect("every target is observed")
}

fn detail(seen: &Observation) -> &str {
    seen.detail.as_deref().unwrap_or_default()
}

/// Two tries each: a sweep that goes on for seconds is slow enough for many of the answers.
fn two_tries() -> Options {
    Options { tries: 2, ..Options::default() }
}

/// An open port, so that the path's loss is known, a dropped one and the rejected ones.
fn declared() -> Vec<Target> {
    let ports = [22, 3000].into_iter().chain(REJECTED);
    ports.map(|port| tcp(HOST, port)).collect()
}

fn rejected(seen: &[Observation]) -> usize {
    seen.iter().filter(|r| r.state == State::Rejected).count()
}

#[test]
fn declared_ports_that_are_rejected_are_told_from_dropped_ones() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("the slow lane behind the kernel's ICMP limit: {lack}"));
    }
    let gate = Some(IpAddr::from(GATE));
    // Without the lane the limit hides most rejections: this is what it is for.
    let fast =
        look(&Row::limited(), declared(), Options { slow_lane: Duration::ZERO, ..two_tries() });
    let some = rejected(&fast);
    assert!((1..REJECTED.count()).contains(&some), "{some} of {} rejected", REJECTED.count());
    let hidden = fast.iter().filter(|r| REJECTED.contains(&r.port) && r.state == State::Silent);
    for seen in hidden {
        let words = "10.77.1.2 rejects with ICMP on this path, and such answers are limited";
        assert!(detail(seen).contains(words), "{seen:?}");
    }

    let seen = look(&Row::limited(), declared(), two_tries());
    for port in REJECTED {
        let seen = row(&seen, Protocol::Tcp, port);
        assert_eq!((seen.state, seen.by), (State::Rejected, gate), "{seen:?}");
    }
    let dropped = row(&seen, Protocol::Tcp, 3000);
    assert_eq!(dropped.state, State::Silent);
    assert!(detail(dropped).contains("3 more at the pace of such answers got none"), "{dropped:?}");
}

#[test]
fn the_lane_ends_in_time_and_says_what_it_did_not_ask() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("the end of the slow lane: {lack}"));
    }
    let options = Options { slow_lane: Duration::from_secs(2), ..two_tries() };
    let seen = look(&Row::limited(), declared(), options);
    let (asked, not): (Vec<_>, Vec<_>) = seen
        .iter()
        .filter(|r| r.state == State::Silent)
        .partition(|r| !detail(r).contains("not asked again: the slow lane ended after 2s"));
    assert!(rejected(&seen) < REJECTED.count() && !not.is_empty(), "{seen:#?}");
    assert!(asked.iter().all(|r| detail(r).contains("at the pace of such answers")), "{asked:#?}");
}

#[test]
fn the_lane_is_for_what_somebody_declared() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("what the slow lane is for: {lack}"));
    }
    // Nobody declared them, or they are to be closed: no minute is spent on them, but that they
    // may be rejected is said.
    let asked = |t: Target| Target { why: Why::Asked, ..t };
    let forbidden = |t: Target| Target { hope: Hope::NoAnswer, ..t };
    for make in [&asked as &dyn Fn(Target) -> Target, &forbidden] {
        let targets = declared().into_iter().map(make).collect();
        let seen = look(&Row::limited(), targets, two_tries());
        assert!(rejected(&seen) < REJECTED.count());
        for seen in seen.iter().filter(|r| r.state == State::Silent) {
            assert!(detail(seen).ends_with("and such answers are limited"), "{seen:?}");
        }
    }
    // Asked for by what must answer is as good as declared.
    let ssh = |t: Target| Target { why: Why::Asked, expect: Expect::Ssh, ..t };
    let seen = look(&Row::limited(), declared().into_iter().map(ssh).collect(), two_tries());
    assert_eq!(rejected(&seen), REJECTED.count());
}

#[test]
fn a_neighbour_behind_the_same_firewall_and_closed_udp_ports_get_their_answer_too() {
    if let Some(lack) = no_namespaces() {
        return skip(&format!("the slow lane over UDP and for neighbours: {lack}"));
    }
    // Twelve ports of the host use up the answers; nothing of its neighbour was ever rejected.
    let mut targets = declared();
    targets.push(tcp([10, 77, 2, 9], 3001));
    targets.push(udp(3001));
    targets.push(udp(3002));
    // Closed on the host itself, whose own limit is the same: the host's port-unreachable.
    targets.extend((2010..2020).map(udp));
    let fast = look(
        &Row::limited(),
        targets.clone(),
        Options { slow_lane: Duration::ZERO, ..two_tries() },
    );
    let refused = |seen: &[Observation]| {
        (2010..2020).filter(|p| row(seen, Protocol::Udp, *p).state == State::Refused).count()
    };
    assert!(refused(&fast) < 10, "the limit hides some");
    let seen = look(&Row::limited(), targets, two_tries());
    assert_eq!(refused(&seen), 10, "{seen:#?}");
    assert_eq!(rejected(&seen), REJECTED.count() + 3, "{seen:#?}");
}
