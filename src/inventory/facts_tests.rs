//! What a role asks of its hosts, held against what sources said.

use super::*;
use crate::fact::{Facts, Gathered, Record};
use crate::resolve::{facts, resolve};
use crate::snapshot::Snapshot;
use crate::spec::{self, Source, Spec};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().expect("an instant")
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// Role `api` with hosts `a`, `b` and so on, and lines of its own.
fn spec(hosts: usize, lines: &str) -> Spec {
    let names = (0..hosts).map(|i| char::from(b'a' + u8::try_from(i).expect("few")));
    let hosts: String = names
        .enumerate()
        .map(|(i, n)| {
            format!("  {n}: {{ addresses: [192.0.2.{}], tags: {{ generation: \"2\" }} }}\n", i + 1)
        })
        .collect();
    let text = format!(
        "version: 1\nhosts:\n{hosts}roles:\n  api:\n    select: {{ names: [\"*\"] }}\n    {lines}\n"
    );
    spec::load(&[Source::new("s.yaml", text)]).unwrap_or_else(|e| panic!("{e}"))
}

fn record(source: &str, host: &str, facts: &[(&str, &str)]) -> Record {
    Record {
        source: source.into(),
        at: String::new(),
        keys: vec![host.into()],
        facts: facts.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        read_at: now(),
        gathered_at: None,
    }
}

fn known(spec: &Spec, records: Vec<Record>) -> Facts {
    let resolution = resolve(spec, &Snapshot::empty(now()));
    let mut sources: Vec<_> = records.iter().map(|r| r.source.clone()).collect();
    sources.dedup();
    let sources = sources
        .into_iter()
        .map(|name| crate::fact::SourceRead { name, read_at: Some(now()), hosts: 0 })
        .collect();
    let gathered = Gathered { records, sources, ..Gathered::default() };
    facts(&gathered, &Snapshot::empty(now()), &resolution, now())
}

fn judged(spec: &Spec, records: Vec<Record>) -> Vec<Row> {
    let resolution = resolve(spec, &Snapshot::empty(now()));
    judge(spec, &resolution, &known(spec, records), now())
}

fn said(spec: &Spec, records: Vec<Record>) -> Vec<String> {
    judged(spec, records).iter().map(ToString::to_string).collect()
}

/// One fact of hosts `a`, `b` and so on.
fn of(fact: &str, values: &[&str]) -> Vec<Record> {
    let hosts = values.iter().enumerate();
    hosts
        .map(|(i, v)| {
            let host = char::from(b'a' + u8::try_from(i).expect("few")).to_string();
            record("facts.json", &host, &[(fact, v)])
        })
        .collect()
}

#[test]
fn a_constraint_holds_is_violated_or_is_unknown() {
    let jdk = spec(4, "facts: { jdk: \">= 8u152\" }");
    assert_eq!(
        said(&jdk, of("jdk", &["1.8.0_45", "8u152", "11.0.2+9", "deadbeef"])),
        [
            "a: fact jdk is 1.8.0_45, not >= 8u152",
            "role api: fact jdk of 1 host is unknown: `deadbeef` cannot be held against `>= 8u152`: one is a git hash and the other a Java version",
        ]
    );
    // Three values of four hosts: the fourth is a gap, and not fine.
    assert_eq!(
        said(&jdk, of("jdk", &["8u152", "8u152", "8u152"])),
        ["role api: fact jdk of 1 host is unknown: no source gives it (asked: facts.json)"]
    );
    let rows = said(&jdk, Vec::new());
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].contains("4 hosts is unknown: no source of facts was asked"), "{rows:?}");
}

#[test]
fn every_kind_of_constraint_says_what_is_wrong() {
    for (facts, values, says) in [
        (
            "v: \">= 1.2, < 2\"",
            &["1.2", "1.9", "2.0"][..],
            &["c: fact v is 2.0, not >= 1.2, < 2"][..],
        ),
        ("v: \"!= 3\"", &["3.0", "4"], &["a: fact v is 3.0, not != 3"]),
        ("v: 1.2.3", &["1.2.3+b7", "1.2.4"], &["b: fact v is 1.2.4, not = 1.2.3"]),
        ("v: \"= 1.2.3+b7\"", &["1.2.3+b8"], &["a: fact v is 1.2.3+b8, not = 1.2.3+b7"]),
        (
            "v: { one_of: [blue, green] }",
            &["blue", "red"],
            &["b: fact v is red, not one of blue, green"],
        ),
        (
            "v: { same_within: role }",
            &["41", "41", "42"],
            &["role api holds 2 values of fact v: 41 on 2 hosts, 42 on 1 host"],
        ),
        ("v: { same_within: role }", &["8u45", "1.8.0_45", "8u45"], &[]),
        ("v: { compatible: [[\"1\", \"2\"], [\"3\"]] }", &["1", "2", "2"], &[]),
        (
            "v: { compatible: [[\"1\", \"2\"], [\"3\"]] }",
            &["1", "2", "3"],
            &["role api: fact v is not all of one of [1, 2] [3]"],
        ),
        (
            "v: { is: \">= 1.2.3-1\", order: debian }",
            &["1.2.3", "1.2.3-2"],
            &["a: fact v is 1.2.3, not >= 1.2.3-1"],
        ),
        (
            "v: { is: \">= 1.2.3-1\", order: debian }",
            &["a_b"],
            &["role api: fact v of 1 host is unknown: `a_b` cannot be read as a Debian version"],
        ),
        (
            "v: { same_within: role }",
            &["deadbee", "deadbeef"],
            &[
                "role api: fact v of 2 hosts is unknown: `deadbee` and `deadbeef` may be the same: one hash may abbreviate the other",
            ],
        ),
        // Known without any source.
        ("generation: 3", &["x"], &["a: fact generation is 2, not = 3"]),
        ("tag:generation: 2", &["x"], &[]),
    ] {
        let spec = spec(values.len(), &format!("facts: {{ {facts} }}"));
        let records = of("v", values);
        assert_eq!(said(&spec, records), says, "{facts} {values:?}");
    }
}

#[test]
fn the_odd_ones_are_named_unless_nobody_knows_which_are() {
    let build = spec(3, "facts: { build: { same_within: role } }");
    let row = judged(&build, of("build", &["41", "42", "41"])).remove(0);
    assert!(row.concerns("b") && !row.concerns("a"), "{row:?}");
    let build = spec(2, "facts: { build: { same_within: role } }");
    let row = judged(&build, of("build", &["41", "42"])).remove(0);
    assert!(row.concerns("a") && row.concerns("b"), "{row:?}");
}

#[test]
fn stale_values_count_for_nothing() {
    let spec = spec(1, "facts: { jdk: { is: \"8u152\", max_age: 1h } }");
    let aged = |minutes| {
        let gathered_at = Some(ago(minutes));
        vec![Record { gathered_at, ..record("facts.json", "a", &[("jdk", "8u152")]) }]
    };
    assert_eq!(said(&spec, aged(59)), [""; 0]);
    assert_eq!(
        said(&spec, aged(61)),
        [
            "role api: fact jdk of 1 host is unknown: what facts.json says was gathered more than 1h ago, at 2026-11-22T10:59:00Z"
        ]
    );
    let spec = self::spec(1, "facts: { jdk: 8u152 }");
    assert_eq!(said(&spec, aged(24 * 60 - 1)), [""; 0], "a day is the limit where nothing says");
    assert_eq!(said(&spec, aged(24 * 60 + 1)).len(), 1);
}

#[test]
fn sources_that_disagree_are_a_gap_and_never_a_silent_winner() {
    let spec = spec(1, "facts: { jdk: \">= 8u152\" }");
    let two =
        |a, b| vec![record("a.json", "a", &[("jdk", a)]), record("b.json", "a", &[("jdk", b)])];
    let rows = said(&spec, two("8u152", "8u45"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].contains("`8u152` says a.json") && rows[0].contains("`8u45` says b.json"),
        "{rows:?}"
    );
    // In other words the same.
    assert_eq!(said(&spec, two("8u152", "1.8.0_152")), [""; 0]);
    // What is stale does not stand against what is not.
    let mut records = two("8u152", "8u45");
    records[1].gathered_at = Some(ago(60 * 48));
    assert_eq!(said(&spec, records), [""; 0]);
    // Of one source the later record stands; of the same time, neither.
    let mut records =
        vec![record("log", "a", &[("jdk", "8u45")]), record("log", "a", &[("jdk", "8u152")])];
    let told = said(&spec, records.clone());
    assert!(told[0].contains("log gives two, `8u45` and `8u152` ("), "{told:?}");
    (records[0].gathered_at, records[1].gathered_at) = (Some(ago(10)), Some(ago(5)));
    assert_eq!(said(&spec, records), [""; 0]);
}

/// Whoever writes nothing knows nothing, and what he wrote before stands no longer.
#[test]
fn an_empty_value_is_unknown() {
    let build = spec(2, "facts: { build: { same_within: role } }");
    for empty in ["", " \t"] {
        assert_eq!(
            said(&build, of("build", &[empty, empty])),
            [
                "role api: fact build of 2 hosts is unknown: facts.json gives it without a value (2026-11-22T12:00:00Z)"
            ]
        );
    }
    let one = spec(1, "facts: { build: \"7\" }");
    let at = |minutes, value| Record {
        gathered_at: Some(ago(minutes)),
        ..record("facts.json", "a", &[("build", value)])
    };
    assert_eq!(said(&one, vec![at(5, "7"), at(9, "")]), [""; 0]);
    assert!(said(&one, vec![at(9, "7"), at(5, "")])[0].contains("without a value"));
    // Another source may know.
    let two =
        vec![record("a.json", "a", &[("build", "")]), record("b.json", "a", &[("build", "7")])];
    assert_eq!(said(&one, two), [""; 0]);
}

#[test]
fn a_clock_ahead_of_ours_is_a_gap() {
    let spec = spec(1, "facts: { jdk: 8u152 }");
    let at = |minutes: i64| {
        let gathered_at = Some(ago(-minutes));
        vec![Record { gathered_at, ..record("facts.json", "a", &[("jdk", "8u152")]) }]
    };
    assert_eq!(said(&spec, at(5)), [""; 0]);
    let rows = said(&spec, at(6));
    assert!(
        rows.len() == 1
            && rows[0].contains("6 minutes after it was read: one of the clocks is wrong"),
        "{rows:?}"
    );
}

#[test]
fn records_find_their_hosts_and_none_is_dropped() {
    let spec = spec(3, "facts: {}");
    let known = |keys: &[&str]| {
        let keys = keys.iter().map(|k| (*k).to_owned()).collect();
        known(&spec, vec![Record { keys, ..record("f", "", &[("v", "1")]) }])
    };
    for keys in [
        &["b"][..],
        &["B"],
        &["192.0.2.2"],
        &["::ffff:192.0.2.2"],
        &["nobody", "b"],
        &["b", "192.0.2.2"],
    ] {
        let facts = known(keys);
        assert!(facts.hosts["b"].contains_key("v"), "{keys:?}: {facts:?}");
        assert_eq!(facts.sources[0].hosts, 1);
    }
    let facts = known(&["nobody"]);
    assert_eq!(facts.notes, ["f: 1 of 1 records matches no host: nobody"]);
    assert!(facts.gaps.is_empty());
    let facts = known(&["a", "192.0.2.2"]);
    assert!(
        facts.gaps[0].why.contains("its names are of different hosts: a, 192.0.2.2"),
        "{facts:?}"
    );
    assert!(facts.hosts.values().all(|f| !f.contains_key("v")));
}

/// Hosts of a rollout: name, build, minutes since, requests.
fn hosts(rows: &[(&str, &str, Option<i64>, Option<u64>)]) -> Vec<Record> {
    rows.iter()
        .map(|(host, build, since, requests)| {
            let mut facts = BTreeMap::from([("build".to_owned(), (*build).to_owned())]);
            facts.extend(since.map(|m| ("build_since".into(), ago(m).to_string())));
            facts.extend(requests.map(|r| ("requests".into(), r.to_string())));
            Record { facts, ..record("f", host, &[]) }
        })
        .collect()
}

#[test]
fn the_rest_follows_when_the_first_are_proven() {
    let rollout = "rollout: { fact: build, first: 1, soak: 2h, min_requests: 1000 }";
    let spec4 = spec(4, rollout);
    let old = |h| (h, "41", Some(9000), Some(9000));
    let says = |rows: &[(&str, &str, Option<i64>, Option<u64>)]| said(&spec4, hosts(rows));
    // The first host soaks: as many as may go first are on the new build.
    assert_eq!(says(&[("a", "42", Some(5), Some(0)), old("b"), old("c"), old("d")]), [""; 0]);
    // It was followed too soon, or without its load.
    let soon =
        [("a", "42", Some(119), Some(5000)), ("b", "42", Some(5), Some(0)), old("c"), old("d")];
    assert_eq!(
        says(&soon),
        ["role api: 2 hosts of 4 are on build 42, and 0 of the first 1 proven"]
    );
    let idle =
        [("a", "42", Some(500), Some(999)), ("b", "42", Some(5), Some(0)), old("c"), old("d")];
    assert_eq!(
        says(&idle),
        ["role api: 2 hosts of 4 are on build 42, and 0 of the first 1 proven"]
    );
    // It is proven: all may follow.
    let proven =
        [("a", "42", Some(121), Some(1000)), ("b", "42", Some(5), Some(0)), old("c"), old("d")];
    assert_eq!(says(&proven), [""; 0]);
    // Nobody knows since when: it may be proven.
    let unknown =
        [("a", "42", None, Some(5000)), ("b", "42", Some(5), Some(0)), old("c"), old("d")];
    let rows = says(&unknown);
    assert!(
        rows.len() == 1 && rows[0].contains("of 1 host is unknown: whether it is proven on `42`"),
        "{rows:?}"
    );
    // Going back to what others stayed on is no rollout, and one build throughout is a proven one.
    assert_eq!(
        says(&[("a", "42", Some(9000), None), old("b"), old("c"), ("d", "41", Some(1), None)]),
        [""; 0]
    );
    assert_eq!(says(&["a", "b", "c", "d"].map(old)), [""; 0]);
    let rows = says(&["a", "b", "c", "d"].map(|h| (h, "42", None, None)));
    assert!(rows.len() == 1 && rows[0].contains("of 4 hosts is unknown: whether it is proven"));
    // A host whose build is unknown may be on either.
    assert_eq!(says(&[("a", "42", Some(5), None), old("b"), old("c")]).len(), 1);
}

#[test]
fn without_an_order_the_value_that_appeared_last_is_the_new_one() {
    let old = |h| (h, "deadbeef", Some(9000), None);
    let new = |h, minutes| (h, "cafebabe", minutes, None);
    let soak = spec(4, "rollout: { fact: build, first: 25%, soak: 2h }");
    let rows = said(&soak, hosts(&[new("a", Some(5)), new("b", Some(3)), old("c"), old("d")]));
    assert_eq!(rows, ["role api: 2 hosts of 4 are on build cafebabe, and 0 of the first 1 proven"]);
    assert_eq!(said(&soak, hosts(&[new("a", Some(5)), old("b"), old("c"), old("d")])), [""; 0]);
    // Where nothing says when, the spec can say which.
    let rows = said(&soak, hosts(&[new("a", None), new("b", None), old("c"), old("d")]));
    assert!(rows.len() == 1 && rows[0].contains("whether it is proven on `cafebabe`"), "{rows:?}");
    let to = spec(4, "rollout: { fact: build, first: 25%, soak: 2h, to: deadbeef }");
    let rows = said(
        &to,
        hosts(&[new("a", Some(5)), new("b", Some(3)), ("c", "deadbeef", Some(1), None), old("d")]),
    );
    assert_eq!(rows, [""; 0], "the first of the named build has soaked");
}

/// Whoever follows to an unproven build makes it worse, wherever he comes from: no state of the role
/// that has more hosts on it than one that is wrong is clean.
#[test]
fn following_too_soon_is_not_hidden_by_more_who_follow_nor_by_a_third_build() {
    let spec4 = spec(4, "rollout: { fact: build, first: 1, soak: 2h, min_requests: 1000 }");
    let says = |builds: [&str; 4]| {
        let on = |(i, build): (usize, &&'static str)| {
            let host = ["a", "b", "c", "d"][i];
            match *build {
                "8" => (host, "8", Some(10), Some(0)),
                build => (host, build, Some(9000), Some(9000)),
            }
        };
        let builds: Vec<&'static str> = builds
            .iter()
            .map(|b| ["7", "8", "9"].into_iter().find(|k| k == b).expect("a build"))
            .collect();
        said(&spec4, hosts(&builds.iter().enumerate().map(on).collect::<Vec<_>>()))
    };
    assert_eq!(says(["8", "7", "7", "7"]), [""; 0], "the first");
    for (builds, on) in [
        (["8", "8", "7", "7"], 2),
        (["8", "8", "8", "7"], 3),
        (["8", "8", "8", "8"], 4),
        (["8", "8", "7", "9"], 2),
    ] {
        let told = format!("role api: {on} hosts of 4 are on build 8, and 0 of the first 1 proven");
        assert_eq!(says(builds), [told], "{builds:?}");
    }
    // From a later build that was there before they may have gone back: nothing tells, and that is no yes.
    let rows = says(["8", "8", "8", "9"]);
    assert!(
        rows.len() == 1
            && rows[0].contains("of 3 hosts is unknown: nothing tells whether they went back"),
        "{rows:?}"
    );
    // One that came after them they cannot have gone back from.
    let after = [
        ("a", "8", Some(10), Some(0)),
        ("b", "8", Some(10), Some(0)),
        ("c", "9", Some(5), Some(0)),
    ];
    assert_eq!(
        said(&spec(3, "rollout: { fact: build, first: 1, soak: 2h }"), hosts(&after)),
        ["role api: 2 hosts of 3 are on build 8, and 0 of the first 1 proven"]
    );
}

/// A counter begins anew with its program, so that alone it calls no old build a new one.
#[test]
fn a_build_that_soaked_without_its_load_is_unknown_where_nothing_older_tells() {
    let soaked = |build| move |h| (h, build, Some(9000), Some(12));
    let spec4 = spec(4, "rollout: { fact: build, first: 1, soak: 2h, min_requests: 1000 }");
    let rows = judged(&spec4, hosts(&["a", "b", "c", "d"].map(soaked("8"))));
    assert!(
        rows.len() == 1
            && rows[0].to_string().contains("of 4 hosts is unknown: fewer than 1 of them"),
        "{rows:?}"
    );
    assert!(rows[0].concerns("a"));
    let [a, b, c, d] = ["a", "b", "c", "d"];
    let known = [soaked("8")(a), soaked("8")(b), soaked("8")(c), (d, "7", Some(9000), Some(9000))];
    assert_eq!(
        said(&spec4, hosts(&known)),
        ["role api: 3 hosts of 4 are on build 8, and 0 of the first 1 proven"]
    );
}

/// Unknown is never yes: what is not known of one host holds another where it decides about it.
#[test]
fn what_is_unknown_of_one_host_concerns_those_that_it_decides_about() {
    let concerned = |spec: &Spec, records: Vec<Record>| -> String {
        let rows = judged(spec, records);
        assert!(rows.iter().all(|r| matches!(r.what, What::FactUnknown { .. })), "{rows:?}");
        ["a", "b", "c", "d"].into_iter().filter(|h| rows.iter().any(|r| r.concerns(h))).collect()
    };
    let spec4 = spec(4, "rollout: { fact: build, first: 1, soak: 2h, min_requests: 1000 }");
    let new = |h| (h, "8", Some(5), Some(0));
    let old = |h| (h, "7", Some(9000), Some(9000));
    // Whether the first is proven, on which build it is, or what time it means.
    for first in [("a", "8", Some(500), None), ("a", "8", None, Some(5000))] {
        let rows = hosts(&[first, new("b"), old("c"), old("d")]);
        assert_eq!(concerned(&spec4, rows), "ab", "{first:?}");
    }
    assert_eq!(concerned(&spec4, hosts(&[new("b"), old("c"), old("d")])), "ab");
    assert_eq!(concerned(&spec4, hosts(&[new("b"), new("c"), old("d")])), "abc");
    let future = ("a", "8", Some(-500), Some(5000));
    assert_eq!(concerned(&spec4, hosts(&[future, new("b"), old("c"), old("d")])), "ab");
    let mut text = hosts(&[("a", "8", Some(500), None), new("b"), old("c"), old("d")]);
    text[0].facts.insert("requests".into(), "many".into());
    assert_eq!(concerned(&spec4, text), "ab");

    let same = spec(4, "facts: { build: { same_within: role } }");
    let of = |known: &[&str]| known.iter().map(|h| record("f", h, &[("build", "7")])).collect();
    assert_eq!(concerned(&same, of(&["b"])), "abcd", "nothing was compared");
    assert_eq!(
        concerned(&same, of(&["b", "c"])),
        "abcd",
        "two that nobody knows may be like each other"
    );
    assert_eq!(concerned(&same, of(&["b", "c", "d"])), "a", "one cannot outnumber three");
    let sets = spec(4, "facts: { build: { compatible: [[\"7\", \"8\"], [\"9\"]] } }");
    assert_eq!(concerned(&sets, of(&["b", "c"])), "abcd");
    assert_eq!(concerned(&sets, of(&["b", "c", "d"])), "a");
    // What each host is asked for by itself decides about nobody else.
    let each = spec(4, "facts: { build: \"7\" }");
    assert_eq!(concerned(&each, of(&["b"])), "acd");
}
