use super::*;
use crate::fact::Facts;
use crate::model::{Gap, GapKind};
use crate::resolve::{Blind, Resolution, resolve};
use crate::snapshot::{
    Call, CallKind, Instance, InstanceState, Outcome, RegionView, Snapshot, Tag,
};
use crate::spec::{self, Source, Spec};

fn spec(text: &str) -> Spec {
    spec::load(&[Source::new("s.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
}

/// Instances `i-1` and so on, each with the value of its `role` tag and its state.
fn snapshot(hosts: &[(&str, &str)]) -> Snapshot {
    let instance = |(i, (role, state)): (usize, &(&str, &str))| Instance {
        instance_id: format!("i-{}", i + 1),
        state: InstanceState { name: (*state).into() },
        tags: vec![Tag { key: "role".into(), value: (*role).into() }],
        ..Instance::default()
    };
    let mut snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH);
    let (account, region) = ("111111111111".to_owned(), "r1".to_owned());
    for kind in [CallKind::Instances, CallKind::NetworkInterfaces] {
        snapshot.calls.push(Call {
            account: account.clone(),
            region: region.clone(),
            kind,
            outcome: Outcome::Complete,
            items: 0,
        });
    }
    let instances = hosts.iter().enumerate().map(instance).collect();
    snapshot.regions.push(RegionView { account, region, instances, ..RegionView::default() });
    snapshot
}

fn rows(spec: &Spec, resolution: &Resolution) -> Vec<Row> {
    judge(spec, resolution, &Facts::default(), jiff::Timestamp::UNIX_EPOCH)
}

fn said(spec: &Spec, snapshot: &Snapshot) -> Vec<String> {
    rows(spec, &resolve(spec, snapshot)).iter().map(ToString::to_string).collect()
}

#[test]
fn a_role_with_too_few_or_too_many_live_hosts_is_told() {
    let spec = spec(
        "version: 1
roles:
  a: { select: { tags: { role: a } }, count: { min: 2 } }
  b: { select: { tags: { role: b } }, count: { max: 1 } }
  c: { select: { tags: { role: c } }, count: { min: 1, max: 1 } }
",
    );
    let snapshot = snapshot(&[
        ("a", "running"),
        ("a", "stopped"),
        ("b", "running"),
        ("b", "running"),
        ("c", "running"),
        ("c", "terminated"),
    ]);
    assert_eq!(
        said(&spec, &snapshot),
        [
            "role a has 1 live host, at least 2 are declared",
            "role b has 2 live hosts, at most 1 are declared",
        ]
    );
}

#[test]
fn selectors_that_pick_nothing_and_hosts_of_no_role_are_told() {
    let spec = spec(
        "version: 1
roles:
  a: { select: [ { tags: { role: a } }, { tags: { role: gone } } ] }
hosts:
  iron: { addresses: 192.0.2.1 }
",
    );
    let snapshot = snapshot(&[("a", "running"), ("x", "running"), ("x", "stopped")]);
    assert_eq!(
        said(&spec, &snapshot),
        [
            "selector 2 of 2 of role a picks no host",
            "host i-2 belongs to no role",
            "host iron (iron) belongs to no role",
        ]
    );
    // A spec without roles says nothing of who belongs where.
    assert_eq!(said(&Spec::default(), &snapshot), Vec::<String>::new());
}

#[test]
fn sharing_hosts_is_fine_until_declarations_contradict() {
    let roles = |second: &str| {
        spec(&format!(
            "version: 1
roles:
  base:
    select: {{ names: '*' }}
    services: {{ ssh: {{ port: tcp/22, from: internet, expect: ssh }} }}
  web:
    select: {{ tags: {{ role: a }} }}
{second}"
        ))
    };
    let snapshot = snapshot(&[("a", "running"), ("a", "running"), ("b", "running")]);
    let fine = roles("    services: { http: { port: tcp/80, from: internet } }\n");
    assert_eq!(said(&fine, &snapshot), Vec::<String>::new());

    let forbids = roles("    forbid: [ { port: tcp/20-30, from: internet } ]\n");
    let rows = rows(&forbids, &resolve(&forbids, &snapshot));
    assert_eq!(
        rows.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "roles base and web share 2 hosts (i-1) and service ssh of base declares what web forbids: \
          tcp/22 from internet"
        ]
    );
    let lines =
        |row: &Row| (row.place.as_ref().map(|p| p.line), row.other.as_ref().map(|p| p.line));
    assert_eq!(lines(&rows[0]), (Some(5), Some(8)));

    let differs = roles("    services: { x: { port: tcp/22, from: internet, expect: tls } }\n");
    assert_eq!(
        said(&differs, &snapshot),
        ["roles base and web share 2 hosts (i-1) and service ssh of base and service x of web \
          expect different things: tcp/22 from internet"]
    );
}

#[test]
fn hosts_that_could_not_be_seen_make_it_uncertain_only_where_the_role_looks() {
    let spec = spec(
        "version: 1
roles:
  here: { select: { regions: r1 }, count: { min: 9 } }
  there: { select: { regions: r2 }, count: { min: 9 } }
",
    );
    let mut resolution = resolve(&spec, &snapshot(&[("a", "running")]));
    let gap = Gap::new(GapKind::Instances, "111111111111/r2", "denied");
    resolution.blind.push(Blind {
        account: "111111111111".into(),
        region: "r2".into(),
        gap: gap.clone(),
    });
    let rows = rows(&spec, &resolution);
    let uncertain: Vec<(String, usize)> =
        rows.iter().map(|r| (r.subject(), r.gaps.len())).collect();
    assert_eq!(
        uncertain,
        [("role here".into(), 0), ("role there".into(), 1), ("role there".into(), 1)]
    );
    assert_eq!(rows[1].gaps, [gap]);
}

#[test]
fn a_role_that_must_answer_and_has_only_dead_hosts_is_told() {
    let roles = |count: &str| {
        spec(&format!(
            "version: 1
roles:
  a:
    select: {{ tags: {{ role: a }} }}
    services: {{ ssh: {{ port: tcp/22, from: internet }} }}
{count}"
        ))
    };
    let down = snapshot(&[("a", "stopped"), ("a", "terminated")]);
    assert_eq!(said(&roles(""), &down), ["role a requires ssh and none of its 2 hosts is live"]);
    let one = snapshot(&[("a", "stopped"), ("a", "running")]);
    assert_eq!(said(&roles(""), &one), Vec::<String>::new());
    // One that is missing altogether is told by its selector, and a count says how many must be there.
    let gone = ["the selector of role a picks no host"];
    assert_eq!(said(&roles(""), &snapshot(&[])), gone);
    let few = ["role a has 0 live hosts, at least 1 are declared"];
    assert_eq!(said(&roles("    count: { min: 1 }\n"), &down), few);
    for none in ["    count: { min: 0 }\n", "    count: { max: 0 }\n"] {
        assert_eq!(said(&roles(none), &down), Vec::<String>::new(), "{none}");
    }
    // Where nothing must answer nothing is down.
    let idle = spec("version: 1\nroles:\n  a: { select: { tags: { role: a } } }\n");
    assert_eq!(said(&idle, &down), Vec::<String>::new());
}
