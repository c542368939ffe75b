//! The join on small worlds: one host, a few lines of spec, a plain configuration.

use super::fake::{Fake, ip};
use super::*;
use crate::model::{Endpoint, GapKind, SourceName};
use crate::observation::{Observation, Observations, State, VantageSeen};
use crate::resolve::{Host, HostAddress, HostOrigin, Resolution, resolve};
use crate::snapshot::Snapshot;
use crate::spec::{self, Source, Spec};
use jiff::Timestamp;

const OFFICE: &str = "198.51.100.0/24";
const ALL: &[&str] = &["0.0.0.0/0", "::/0"];

/// A spec of one role whose lines are given; `office` and `branch` (inside it) are networks.
fn spec(lines: &str) -> Spec {
    let text = format!(
        "version: 1\nnetworks:\n  office: [{OFFICE}]\n  branch: [198.51.100.128/25]\nroles:\n  video:\n    select: {{ tags: {{ role: video }} }}\n{lines}"
    );
    spec::load(&[Source::new("spec.yaml", text.into_bytes())]).unwrap_or_else(|e| panic!("{e}"))
}

/// One live host of role video at 203.0.113.1, inside 10.0.0.1.
fn world(spec: &Spec) -> Resolution {
    let mut resolution = resolve(spec, &Snapshot::empty(Timestamp::UNIX_EPOCH));
    let address = |text: &str, public| HostAddress {
        address: ip(text),
        interface: Some("eni-1".into()),
        public,
    };
    let host = Host {
        id: "i-1".into(),
        name: None,
        owner: None,
        origin: HostOrigin::Cloud {
            account: "1".into(),
            region: "r".into(),
            vpc: None,
            image: None,
        },
        live: true,
        addresses: vec![address("10.0.0.1", false), address("203.0.113.1", true)],
        tags: Default::default(),
        roles: vec!["video".into()],
    };
    resolution.hosts.insert("i-1".into(), host);
    resolution.members.insert("video".into(), vec!["i-1".into()]);
    resolution
}

fn vantage(name: &str, outside: Option<&str>, controls: Option<bool>) -> VantageSeen {
    VantageSeen { outside_v4: outside.map(ip), controls_v4: controls, ..VantageSeen::new(name) }
}

fn saw(vantage: &str, port: u16, state: State) -> Observation {
    let address = ip("203.0.113.1");
    let endpoint = Endpoint { address, protocol: crate::model::Protocol::Tcp, port };
    Observation {
        confirmed: state == State::Open,
        tries: 1,
        ..Observation::new(endpoint, state, vantage)
    }
}

fn seen(vantages: &[VantageSeen], rows: &[Observation]) -> Observations {
    Observations { vantages: vantages.to_vec(), rows: rows.to_vec(), profiled: Vec::new() }
}

/// Rows as one line each: `internet required tcp/443 permitted open`.
fn lines(joined: &Joined) -> Vec<String> {
    let line = |r: &Exposure| {
        let spec = crate::model::PortSpec::new(r.protocol, r.ports.clone());
        let mark = if r.disagreement { " !" } else { "" };
        let cells = r.cells();
        format!("{} {} {spec} {} {}{mark}", r.source, cells.declared, cells.configured, r.observed)
    };
    joined.rows.iter().map(line).collect()
}

fn from(joined: &Joined, source: &str) -> Vec<String> {
    lines(joined).into_iter().filter(|l| l.starts_with(source)).collect()
}

const OUTSIDE: &str = "192.0.2.9";

#[test]
fn a_required_service_is_joined_for_each_of_its_sources_at_the_address_they_use() {
    let spec = spec(
        "    services:\n      web: { port: tcp/443, from: internet }\n      db: { port: tcp/5432, from: video }\n",
    );
    let fake = Fake::of(&["203.0.113.1", "10.0.0.1"]).lets("203.0.113.1", "tcp/443", ALL);
    let observations =
        seen(&[vantage("out", Some(OUTSIDE), Some(true))], &[saw("out", 443, State::Open)]);
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(
        lines(&joined),
        ["internet required tcp/443 permitted open", "video required tcp/5432 blocked unprobed"]
    );
    assert_eq!(joined.rows[0].address, ip("203.0.113.1"), "the internet uses the public address");
    assert_eq!(joined.rows[1].address, ip("10.0.0.1"), "a role uses the private one");
    assert!(joined.rows[0].covered && !joined.rows[1].covered);
}

#[test]
fn what_is_opened_to_exactly_the_declared_office_is_no_exposure_of_the_internet() {
    let spec = spec("    services:\n      ssh: { port: tcp/22, from: office }\n");
    let exact = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/22", &[OFFICE]);
    let joined = join(&spec, &world(&spec), &exact, &Observations::default(), None);
    assert_eq!(from(&joined, "internet"), Vec::<String>::new());
    assert_eq!(from(&joined, "office"), ["office required tcp/22 permitted unprobed"]);

    let wider = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/22", &[OFFICE, "192.0.2.0/24"]);
    let joined = join(&spec, &world(&spec), &wider, &Observations::default(), None);
    assert_eq!(from(&joined, "internet"), ["internet absent tcp/22 partly unprobed"]);

    // Nobody declared it for the office: the office's own opening is told, of both.
    let none = spec_without();
    let joined = join(&none, &world(&none), &exact, &Observations::default(), None);
    assert_eq!(from(&joined, "internet"), ["internet absent tcp/22 partly unprobed"]);
    assert_eq!(from(&joined, "office"), ["office absent tcp/22 permitted unprobed"]);
}

fn spec_without() -> Spec {
    spec("")
}

#[test]
fn a_narrower_source_does_not_repeat_what_the_broader_one_was_told() {
    let spec = spec_without();
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/80", ALL);
    let joined = join(&spec, &world(&spec), &fake, &Observations::default(), None);
    assert_eq!(lines(&joined), ["internet absent tcp/80 permitted unprobed"]);

    // But what the office itself saw open is the office's to tell.
    let observations =
        seen(&[vantage("desk", Some("198.51.100.7"), Some(true))], &[saw("desk", 80, State::Open)]);
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(from(&joined, "office"), ["office absent tcp/80 permitted open"]);
}

#[test]
fn an_observation_fills_the_narrowest_source_of_its_vantage_only() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/443", ALL);
    let observations = seen(
        &[vantage("desk", Some("198.51.100.200"), Some(true))],
        &[saw("desk", 443, State::Open)],
    );
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(from(&joined, "internet"), ["internet required tcp/443 permitted unprobed"]);
    assert_eq!(from(&joined, "office"), Vec::<String>::new(), "the branch is narrower");
    assert_eq!(from(&joined, "branch"), ["branch required tcp/443 permitted open"]);
    assert!(!joined.rows[0].covered, "nobody stands in the internet");
}

#[test]
fn a_vantage_of_unknown_address_fills_nothing_and_is_a_gap() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/443", ALL);
    let observations = seen(&[vantage("lost", None, Some(true))], &[saw("lost", 443, State::Open)]);
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(lines(&joined), ["internet required tcp/443 permitted unprobed"]);
    let gaps: Vec<_> = joined.gaps.iter().map(|g| (g.kind, g.scope.as_str())).collect();
    assert_eq!(gaps, [(GapKind::Vantage, "lost")]);
}

#[test]
fn silence_counts_only_where_the_controls_answered() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/443", ALL);
    for (controls, state, gaps) in
        [(Some(true), "silent", 0), (Some(false), "unprobed", 1), (None, "unprobed", 1)]
    {
        let observations =
            seen(&[vantage("out", Some(OUTSIDE), controls)], &[saw("out", 443, State::Silent)]);
        let joined = join(&spec, &world(&spec), &fake, &observations, None);
        assert_eq!(lines(&joined), [format!("internet required tcp/443 permitted {state}")]);
        let control = joined.gaps.iter().filter(|g| g.kind == GapKind::Control);
        assert_eq!(control.count(), gaps, "{controls:?}");
    }
    // A refusal proves itself.
    let observations =
        seen(&[vantage("out", Some(OUTSIDE), None)], &[saw("out", 443, State::Refused)]);
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(lines(&joined), ["internet required tcp/443 permitted refused"]);
}

#[test]
fn vantages_of_one_source_agree_or_disagree() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/443", ALL);
    let two =
        [vantage("a", Some(OUTSIDE), Some(true)), vantage("b", Some("192.0.2.10"), Some(true))];
    for (first, second, want) in [
        (State::Open, State::Open, "open"),
        (State::Open, State::Silent, "open !"),
        (State::Silent, State::Refused, "refused !"),
        (State::Silent, State::Rejected, "rejected"),
        (State::Silent, State::Failed, "silent"),
    ] {
        let observations = seen(&two, &[saw("a", 443, first), saw("b", 443, second)]);
        let joined = join(&spec, &world(&spec), &fake, &observations, None);
        assert_eq!(lines(&joined), [format!("internet required tcp/443 permitted {want}")]);
        assert_eq!(joined.rows[0].observations.len(), 2);
    }
}

#[test]
fn ports_that_differ_have_rows_of_their_own_and_a_sample_stands_for_a_range() {
    let spec = spec("    services:\n      rtp: { port: tcp/1000-1999, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/1000-1499", ALL);
    let observations = seen(
        &[vantage("out", Some(OUTSIDE), Some(true))],
        &[
            saw("out", 1000, State::Open),
            saw("out", 1200, State::Refused),
            saw("out", 1499, State::Open),
        ],
    );
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(
        lines(&joined),
        [
            "internet required tcp/1000-1199,1201-1499 permitted open",
            "internet required tcp/1200 permitted refused",
            "internet required tcp/1500-1999 blocked unprobed",
        ]
    );
    assert!(joined.rows.iter().take(2).all(|r| r.slice.to_string() == "1000-1499"));
}

#[test]
fn forbidden_allowed_and_absent_are_told_apart() {
    let spec = spec(
        "    allow: [{ port: tcp/8080, from: internet }]\n    forbid: [{ port: tcp/3389, from: internet }]\n",
    );
    let fake = Fake::of(&["203.0.113.1"]).lets("203.0.113.1", "tcp/3000-9000", ALL);
    let joined = join(&spec, &world(&spec), &fake, &Observations::default(), None);
    assert_eq!(
        lines(&joined),
        [
            "internet allowed tcp/8080 permitted unprobed",
            "internet forbidden tcp/3389 permitted unprobed",
            "internet absent tcp/3000-3388,3390-8079,8081-9000 permitted unprobed",
        ]
    );
}

#[test]
fn what_the_configuration_hides_is_unknown_and_never_closed() {
    let spec = spec_without();
    let fake = Fake::of(&["203.0.113.1"]).hides("203.0.113.1", "tcp/1-100");
    let joined = join(&spec, &world(&spec), &fake, &Observations::default(), None);
    assert_eq!(from(&joined, "internet"), ["internet absent tcp/1-100 unknown unprobed"]);
}

#[test]
fn an_answer_where_nothing_is_configured_has_a_row() {
    let spec = spec_without();
    let fake = Fake::of(&["203.0.113.1"]);
    let observations = seen(
        &[vantage("out", Some(OUTSIDE), Some(true))],
        &[saw("out", 8080, State::Open), saw("out", 8081, State::Silent)],
    );
    let joined = join(&spec, &world(&spec), &fake, &observations, None);
    assert_eq!(
        lines(&joined),
        ["internet absent tcp/8080 blocked open", "internet absent tcp/8081 blocked silent"]
    );
}

#[test]
fn a_host_without_a_public_address_is_asked_all_the_same() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let mut world = world(&spec);
    world.hosts.get_mut("i-1").expect("the host").addresses.pop();
    let fake = Fake::of(&["10.0.0.1"]);
    let joined = join(&spec, &world, &fake, &Observations::default(), None);
    assert_eq!(lines(&joined), ["internet required tcp/443 blocked unprobed"]);
    assert_eq!(joined.rows[0].address, ip("10.0.0.1"));
}

#[test]
fn nothing_is_expected_of_a_host_that_is_not_live_but_its_answers_count() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let mut world = world(&spec);
    world.hosts.get_mut("i-1").expect("the host").live = false;
    let fake = Fake::of(&["203.0.113.1"]);
    let joined = join(&spec, &world, &fake, &Observations::default(), None);
    assert!(joined.rows.is_empty() && joined.not_live == 1);
    let observations = seen(
        &[vantage("out", Some(OUTSIDE), Some(true))],
        &[saw("out", 443, State::Open), saw("out", 22, State::Open), saw("out", 23, State::Silent)],
    );
    let joined = join(&spec, &world, &fake, &observations, None);
    assert_eq!(
        lines(&joined),
        ["internet required tcp/443 blocked open", "internet absent tcp/22 blocked open"]
    );
}

#[test]
fn one_vantage_that_the_host_itself_refused_shows_a_way_past_what_blocks() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let fake = Fake::of(&["203.0.113.1"]);
    let two =
        [vantage("a", Some(OUTSIDE), Some(true)), vantage("b", Some("192.0.2.10"), Some(true))];
    let cell = |by| {
        let mut rows = [saw("a", 443, State::Refused), saw("b", 443, State::Refused)];
        rows[0].by = by;
        let joined = join(&spec, &world(&spec), &fake, &seen(&two, &rows), None);
        joined.rows.iter().map(|r| r.cells().observed.name()).collect::<Vec<_>>()
    };
    assert_eq!(cell(None), ["refused-unplaced"]);
    assert_eq!(cell(Some(ip("203.0.113.1"))), ["refused"]);
}

#[test]
fn a_firewall_that_refuses_for_a_host_that_is_gone_is_no_answer_of_the_host() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let mut world = world(&spec);
    world.hosts.get_mut("i-1").expect("the host").live = false;
    let fake = Fake::of(&["203.0.113.1"]);
    let out = [vantage("out", Some(OUTSIDE), Some(true))];
    let mut rows = [saw("out", 443, State::Refused), saw("out", 22, State::Refused)];
    let joined = join(&spec, &world, &fake, &seen(&out, &rows), None);
    assert_eq!(lines(&joined), Vec::<String>::new());
    rows[0].by = Some(ip("203.0.113.1"));
    let joined = join(&spec, &world, &fake, &seen(&out, &rows), None);
    assert_eq!(lines(&joined), ["internet required tcp/443 blocked refused"]);
}

#[test]
fn a_host_that_is_down_is_no_client_of_the_network_that_holds_its_address() {
    let text = "version: 1\nnetworks:\n  lan: [10.0.0.0/30]\nroles:\n  video:\n    select: { tags: { role: video } }\n    services: { web: { port: tcp/443, from: lan } }\n";
    let spec = spec::load(&[Source::new("spec.yaml", text)]).unwrap_or_else(|e| panic!("{e}"));
    let mut world = world(&spec);
    let mut down = world.hosts["i-1"].clone();
    (down.id, down.live, down.roles) = ("i-2".into(), false, Vec::new());
    down.addresses.truncate(1);
    down.addresses[0].address = ip("10.0.0.2");
    world.hosts.insert("i-2".into(), down);
    let rest = ["10.0.0.0/31", "10.0.0.3/32"];
    let fake = Fake::of(&["10.0.0.1", "203.0.113.1"]).lets("10.0.0.1", "tcp/443", &rest);
    let joined = join(&spec, &world, &fake, &Observations::default(), None);
    assert_eq!(from(&joined, "lan"), ["lan required tcp/443 permitted unprobed"]);
    // One that is up is.
    world.hosts.get_mut("i-2").expect("the host").live = true;
    let joined = join(&spec, &world, &fake, &Observations::default(), None);
    assert_eq!(from(&joined, "lan"), ["lan required tcp/443 partly unprobed"]);
}

#[test]
fn a_host_outside_any_cloud_has_rows_for_what_is_declared_and_seen() {
    let spec = spec("    services:\n      web: { port: tcp/443, from: internet }\n");
    let joined = join(&spec, &world(&spec), &Fake::of(&[]), &Observations::default(), None);
    assert_eq!(lines(&joined), ["internet required tcp/443 not-applicable unprobed"]);
    assert_eq!(joined.rows[0].source, SourceName::Internet);
}

#[test]
fn a_narrowed_join_asks_nothing_of_other_hosts_and_says_the_same_of_its_own() {
    let spec = spec(
        "    services:\n      web: { port: tcp/443, from: internet }\n      db: { port: tcp/5432, from: video }\n",
    );
    let mut world = world(&spec);
    let mut other = world.hosts["i-1"].clone();
    other.id = "i-2".into();
    other.addresses[0].address = ip("10.0.0.2");
    other.addresses[1].address = ip("203.0.113.2");
    world.hosts.insert("i-2".into(), other);
    world.members.insert("video".into(), vec!["i-1".into(), "i-2".into()]);
    // That the other host is a client of the database counts, although it is not judged.
    let fake = || {
        Fake::of(&["203.0.113.1", "10.0.0.1", "203.0.113.2", "10.0.0.2"])
            .lets("203.0.113.1", "tcp/22", ALL)
            .lets("10.0.0.1", "tcp/5432", &["10.0.0.2/32"])
    };
    let whole = join(&spec, &world, &fake(), &Observations::default(), None);
    let mut careful = fake();
    careful.taboo = vec![ip("203.0.113.2"), ip("10.0.0.2")];
    let only = ["i-1".to_owned()].into();
    let narrow = join(&spec, &world, &careful, &Observations::default(), Some(&only));
    let expected: Vec<_> = whole.rows.into_iter().filter(|r| &*r.host == "i-1").collect();
    assert_eq!(narrow.rows, expected);
    assert!(lines(&narrow).contains(&"video required tcp/5432 partly unprobed".into()));
}
