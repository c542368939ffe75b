//! What people rely on when they write a spec, and what stops them when they write it wrong.

use super::*;
use crate::model::{Expect, Protocols, SourceName};
use proptest::prelude::*;
use serde_json::{Value, json};

const FULL: &str = include_str!("../../fixtures/specs/full.yaml");

fn read(text: &str) -> Result<Spec, SpecErrors> {
    load(&[Source::new("s.yaml", text)])
}

fn refused(text: impl AsRef<[u8]>) -> SpecErrors {
    load(&[Source::new("s.yaml", text.as_ref())]).expect_err("must be refused")
}

#[test]
fn the_full_example_is_read_as_it_says() {
    let spec = read(FULL).unwrap_or_else(|e| panic!("{e}"));
    let office = &spec.networks["office"];
    assert!(office.addresses.contains("198.51.100.200".parse().unwrap()));
    assert!(office.addresses.contains("2001:db8:77::1".parse().unwrap()));
    assert_eq!(spec.networks["monitoring"].addresses.size(), 1);

    let role = &spec.roles["enterprise-video"];
    assert_eq!(role.count, Count { min: Some(3), max: None });
    assert_eq!(role.select[0].tags["tier"], Pattern("enterprise".into()));
    let service = |name: &str| role.services.iter().find(|s| s.name == name).unwrap();
    assert_eq!(service("turn-udp").expect, Expect::Stun);
    assert_eq!(service("rtp").expect, Expect::Path);
    assert_eq!(service("rtp").port.ports.len(), 10_000);
    assert_eq!(
        service("ssh").from,
        [SourceName::Network("office".into()), SourceName::Network("monitoring".into())]
    );
    let Expect::Tls(tls) = &service("turn-tls").expect else { panic!("tls is expected") };
    assert_eq!((tls.days_left, tls.names.len()), (Some(21), 1));
    let Expect::Http(http) = &service("status").expect else { panic!("https is expected") };
    assert!(http.tls && http.status == [200, 204] && http.path.as_deref() == Some("/health"));
    assert_eq!(service("ssh").at.to_string(), "s.yaml:47:7");

    let fact = |name: &str| role.facts.iter().find(|f| f.name == name).unwrap();
    assert_eq!(fact("kernel").constraints[0].to_string(), ">= 5.15, < 7");
    assert_eq!(fact("kernel").max_age, Some(jiff::SignedDuration::from_hours(12)));
    assert_eq!(fact("openssl").scheme, Some(crate::model::version::Scheme::Debian));
    assert_eq!(fact("build").constraints, [Constraint::SameWithinRole]);
    let sets = vec![vec!["4".to_owned(), "5".into()], vec!["6".into()]];
    assert_eq!(fact("codec").constraints, [Constraint::Compatible(sets)]);
    assert_eq!(fact("generation").constraints[0].to_string(), "= 2");
    assert_eq!(fact("tag:owner").at.to_string(), "s.yaml:40:7");
    let rollout = role.rollout.as_ref().unwrap();
    assert_eq!((rollout.first, rollout.min_requests), (Share::Hosts(1), Some(1000)));
    assert_eq!(rollout.since, "build_since");

    let api = &spec.roles["api"];
    assert_eq!(api.select.len(), 2);
    let bus = api.services.iter().find(|s| s.name == "bus").unwrap();
    assert_eq!(bus.from, [SourceName::Role("enterprise-video".into())]);
    let allowed: Vec<Protocols> = api.allow.iter().map(|a| a.protocols).collect();
    assert_eq!(allowed, [Protocols::All, Protocols::Others]);

    let group = &spec.groups["sg-0a1b2c"];
    assert_eq!(group.ingress[1].peers.len(), 2 + 1 + 1, "a network's blocks, a block, a group");
    assert_eq!(group.ingress[2].peers, [Peer::Group("sg-0a1b2c".into())], "self is its own id");
    assert_eq!((group.ingress[2].port.as_ref(), group.egress[0].peers.len()), (None, 2));
    assert_eq!(spec.hosts["joyent-7"].tags["generation"], "1");
    assert_eq!(spec.waivers[0].source.as_deref(), Some("internet"));
    let unjudged: Vec<&str> = spec.unjudged.iter().map(|u| u.what.as_str()).collect();
    assert_eq!(unjudged, ["name live.example"]);
}

/// A role around one line of a service.
fn service(line: &str) -> String {
    format!(
        "version: 1\nroles:\n  r:\n    select: {{ names: ['*'] }}\n    services:\n      s: {line}\n"
    )
}

/// Text with `‸` before what is wrong, then a piece of the message and of the hint it must give.
fn bad() -> Vec<(String, &'static str, &'static str)> {
    let s = |line: &str| service(line);
    let v = |rest: &str| format!("version: 1\n{rest}");
    let of = |key: &str, line: &str| {
        v(&format!("roles: {{ r: {{ select: {{ names: a }}, {key}: {line} }} }}"))
    };
    let f = |line: &str| of("facts", &format!("{{ {line} }}"));
    let r = |line: &str| of("rollout", line);
    let a = |line: &str| of("allow", &format!("[{line}]"));
    vec![
        // Unknown keys, at every level.
        (v("‸netwroks: {}"), "no key `netwroks`", "did you mean `networks`?"),
        (v("roles: { r: { select: { names: a }, ‸servces: {} } }"), "`servces`", "`services`?"),
        (s("{ port: tcp/1, from: internet, ‸expct: tls }"), "`expct`", "`expect`?"),
        (s("{ port: tcp/1, from: internet, ‸zzz: 1 }"), "`zzz`", "its keys are `port`"),
        // Ports.
        (s("{ port: ‸tcp/0, from: internet }"), "port 0", ""),
        (s("{ port: ‸tcp/65536, from: internet }"), "65536", ""),
        (s("{ port: ‸udp/5-2, from: internet }"), "inverted", "did you mean `udp/2-5`?"),
        (s("{ port: ‸443, from: internet }"), "needs its protocol", "tcp/443"),
        (s("{ port: ‸tpc/443, from: internet }"), "tpc", "did you mean `tcp/443`?"),
        (a("{ port: ‸ALL, from: internet }"), "`ALL`", "did you mean `all`?"),
        (a("{ port: ‸othr, from: internet }"), "`othr`", "did you mean `other`?"),
        // Sources.
        (s("{ port: tcp/1, from: ‸intrenet }"), "`intrenet`", "did you mean `internet`?"),
        (s("{ port: tcp/1, from: ‸any }"), "`any`", "did you mean `internet`?"),
        (s("{ port: tcp/1, from: ‸[] }"), "empty list", ""),
        (s("{ port: tcp/1, from: [internet, ‸internet] }"), "stands twice", ""),
        (s("‸{ port: tcp/1 }"), "has no `from`", "add `from:`"),
        // Facts.
        (f("jdk: ‸'=> 8u152'"), "sign `=>`", "did you mean `>= 8u152`?"),
        (f("jdk: ‸'== 8u152'"), "sign `==`", "did you mean `= 8u152`?"),
        (f("jdk: ‸'~> 1.2'"), "as a constraint", "a range is \">= 1.2, < 2\""),
        (f("jdk: ‸'>='"), "no version", "`>= 1.2`"),
        (f("jdk: ‸'>= 1, 2'"), "`2` in a range has no sign", "each part"),
        (f("jdk: ‸'>= 2, < 1'"), "no version can be `>= 2` and `< 1`", "lower end"),
        (f("jdk: ‸'> 8u152, <= 1.8.0_152'"), "no version can be", ""),
        (f("jdk: ‸'= 1, != 1.0'"), "no version can be", ""),
        (
            f("jdk: ‸'>= 1.2, < 2024-01-01'"),
            "one is a semver version and the other a date",
            "one way",
        ),
        (f("build: ‸'>= deadbeef'"), "it is a git hash, and has no order", "one_of"),
        (f("build: ‸'< blue'"), "it is plain text", "one_of"),
        (f("ssl: ‸'>= 1.2.3-4'"), "pre-release in semver", "order: debian"),
        (f("ssl: { is: ‸'>= 1.8.0_45', order: debian }"), "as a Debian version", "`order`"),
        (f("image: ‸'>= 2024-02-30'"), "no day of the calendar", "order: debian"),
        (f("image: { one_of: [2024-02-01, ‸2024-13-01] }"), "no day of the calendar", ""),
        (f("ssl: { is: '1', order: ‸debain }"), "`debain`", "`debian`?"),
        (f("build: { same_within: ‸rolle }"), "`rolle`", "`role`?"),
        (f("build: { ‸same_witin: role }"), "`same_witin`", "`same_within`?"),
        (f("‸build: { max_age: 1h }"), "asks for nothing", "`same_within`"),
        (f("build: { is: a, max_age: ‸1 }"), "such as `30s`", ""),
        (f("build: { one_of: [a, ‸a] }"), "stands twice", "keep one"),
        (f("build: { one_of: ‸[] }"), "empty list", ""),
        (f("build: { compatible: [‸a, [b]] }"), "expected a list", ""),
        (f("build: { compatible: ‸[[a], []] }"), "compatible with nothing", "[[a, b], [c]]"),
        (f("‸'tag:': a"), "`tag:` as a name", ""),
        (r("{ fact: build, first: ‸0, soak: 2h }"), "or a share", ""),
        (r("{ fact: build, first: ‸101%, soak: 2h }"), "or a share", ""),
        (r("‸{ fact: build, first: 1 }"), "what proves its first hosts", "`soak: 2h`"),
        (
            r("{ fact: build, first: 1, soak: 1h, requests: ‸n }"),
            "nothing asks for",
            "min_requests",
        ),
        (r("‸{ first: 1, soak: 2h }"), "has no `fact`", "add `fact:`"),
        // Expectations.
        (s("{ port: tcp/1, from: internet, expect: ‸stun }"), "spoken over udp", "udp/"),
        (s("{ port: udp/1, from: internet, expect: ‸tls }"), "spoken over tcp", "tcp/"),
        (s("{ port: udp/1, from: internet, expect: ‸connect }"), "over tcp", "`path`"),
        (s("{ port: tcp/1, from: internet, expect: ‸htpp }"), "`htpp`", "`http`?"),
        (
            s("{ port: tcp/1, from: internet, expect: { tls: {}, ‸http: {} } }"),
            "one of its keys only",
            "keep",
        ),
        (
            s("{ port: tcp/1, from: internet, expect: { tls: { min_version: ‸1.2 } } }"),
            "bare number",
            "quote it: \"1.2\"",
        ),
        // Addresses.
        (
            v("controls: [{ address: ‸0.0.0.0, port: tcp/443 }]"),
            "no host has this address",
            "address of one host",
        ),
        (v("controls: [{ address: ‸224.0.0.1, port: tcp/443 }]"), "no host has this address", ""),
        (
            v("hosts: { a: { addresses: 192.0.2.7 }, b: { addresses: ‸192.0.2.7 } }"),
            "`a` has the address 192.0.2.7, too",
            "a host of its own",
        ),
        (
            v(
                "waivers: [{ finding: latent-exposure, endpoint: ‸i-0abc tcp/99999, owner: a, reason: b, until: 2026-12-31T00:00:00Z }]",
            ),
            "ports go from 1 to 65535",
            "",
        ),
        (v("networks: { n: [‸'::ffff:10.0.0.1'] }"), "IPv4-mapped", "`10.0.0.1`"),
        (v("networks: { n: ‸10.0.0.1/8 }"), "host bits", "did you mean `10.0.0.0/8`?"),
        (v("networks: { n: ‸10.0.0/8 }"), "address block", "198.51.100.0/24"),
        (v("networks: { n: ‸[] }"), "empty list", ""),
        (v("networks: { ‸internet: 10.0.0.0/8 }"), "`internet` as a name", "another"),
        (v("hosts: { h: { addresses: ‸10.0.0.0/8 } }"), "10.0.0.0/8", "one address"),
        (v("controls: [{ address: 192.0.2.1, port: ‸tcp/1-2 }]"), "control", "one tcp"),
        // Dates.
        (
            v("waivers: [{ finding: a, endpoint: b, owner: c, reason: d, until: ‸2026-12-31 }]"),
            "instant",
            "`2026-12-31T00:00:00Z`",
        ),
        (
            v("waivers: [{ finding: a, endpoint: b, owner: c, reason: d, until: ‸soon }]"),
            "instant",
            "2026-12-31T00:00:00Z",
        ),
        // Wrong types, in people's words.
        (v("roles: ‸[]"), "expected a map of names, found a list", ""),
        (v("roles: { r: ‸5 }"), "expected a role (a map), found `5`", "`select`"),
        (v("waivers: ‸{}"), "expected a list, found a map", "- "),
        (
            v("roles: { r: { select: { names: a }, count: { min: ‸many } } }"),
            "a whole number from 0 to 1000000, found `many`",
            "",
        ),
        (
            v("roles: { r: { select: { names: a }, count: { min: ‸'3' } } }"),
            "text in quotes",
            "remove the quotes: 3",
        ),
        (
            v("roles: { r: { select: { names: a }, count: ‸{ min: 3, max: 2 } } }"),
            "at least 3 and at most 2",
            "did you mean",
        ),
        (v("roles: { r: { select: ‸{} } }"), "a selector cannot be empty", "`tags`"),
        (v("roles: { r: ‸{ } }"), "has no `select`", "add `select:`"),
        (v("roles: { ‸'a b': { select: { names: a } } }"), "as a name", "letters"),
        // References.
        (
            v(
                "roles: { r: { select: { names: a }, allow: [{ port: tcp/22, from: ‸10.0.0.0/8 }] } }",
            ),
            "`10.0.0.0/8` as a name",
            "under `networks:`",
        ),
        (
            v("roles: { r: { select: { names: a }, allow: [{ port: ‸al, from: internet }] } }"),
            "read `al` as a protocol",
            "did you mean `all`?",
        ),
        (
            v("roles: { r: { select: { names: a }, forbid: [{ port: ‸all, from: internet }] } }"),
            "found `all`",
            "only `allow`",
        ),
        (
            v(
                "roles: { r: { select: { names: a }, allow: [{ port: all, from: internet }], forbid: [‸{ port: tcp/22, from: internet }] } }",
            ),
            "tcp/22 from `internet` by `allow` and forbids it",
            "narrow",
        ),
        (
            v("roles: { r: { select: { names: a }, journeys: { j: { any_of: [‸x] } } } }"),
            "the service `x` is not declared",
            "",
        ),
        (
            v(
                "roles: { r: { select: { names: a }, services: { s: { port: tcp/1, from: internet } }, journeys: { j: { any_of: [s], profiles: ‸[] } } } }",
            ),
            "for no profile",
            "`all`",
        ),
        // Profiles.
        (v("profiles: { p: { via: ‸sock5 } }"), "no kind of proxy", "did you mean `socks5`?"),
        (v("profiles: { p: { mtu: ‸100 } }"), "from 576 to 1500", ""),
        (v("profiles: { p: { family: ‸ip6 } }"), "`ip6`", "`ipv6`?"),
        (
            v("profiles: { p: { mtu: ‸1280, via: socks5 } }"),
            "a small MTU and a proxy",
            "two profiles",
        ),
        (v("profiles: { p: { mtu: ‸1000, family: ipv6 } }"), "carries no IPv6", "`mtu: 1280`"),
        (v("profiles: { p: { allow: ‸[] } }"), "allows nothing", "leave `allow` out"),
        (v("profiles: { ‸p: { block: [udp, tcp] } }"), "nothing gets through", "`block`"),
        (
            v("profiles: { ‸p: { allow: [tcp/443], block: [tcp] } }"),
            "nothing gets through",
            "`block`",
        ),
        (
            v("profiles: { ‸p: { block: [tcp], via: http-connect } }"),
            "nothing gets through",
            "tcp only",
        ),
        (
            v("profiles: { ‸p: { allow: [udp/3478], via: http-connect } }"),
            "nothing gets through",
            "`via: socks5`",
        ),
        (
            v(
                "profiles: { tcp-only: { block: [udp] } }\nroles: { r: { select: { names: a }, services: { s: { port: udp/1, from: internet } }, journeys: { ‸j: { any_of: [s] } } } }",
            ),
            "no service of journey `j` gets through profile `tcp-only`",
            "`profiles:`",
        ),
        (v("names: { a.example: { role: ‸nobody } }"), "the role `nobody`", "no role"),
        (
            v("groups: { sg-1: { ingress: [{ port: tcp/1, from: ‸10.0.0.1/8 }] } }"),
            "host bits",
            "10.0.0.0/8",
        ),
        (
            v("groups: { sg-1: { ingress: [{ port: tcp/1, from: ‸slef }] } }"),
            "`slef`",
            "did you mean `self`?",
        ),
        (
            v("groups: { sg-1: { ingress: [{ port: icmp/echo, from: [internet, ‸'::/0'] }] } }"),
            "no packet of `::/0` carries icmp",
            "icmpv6",
        ),
        (v("groups: { ‸web: {} }"), "security group's id", "by id"),
        // The file as such.
        (String::new(), "empty file", "version: 1"),
        ("# nothing\n".into(), "empty file", "version: 1"),
        ("‸networks: {}\n".into(), "has no `version`", "add `version:`"),
        ("version: ‸2\n".into(), "the number 1", ""),
        ("version: 1\n‸version: 1\n".into(), "`version` stands twice", "keep one"),
        ("version: 1\n‸---\nversion: 1\n".into(), "second document", "file of its own"),
        ("version: 1\nroles:\n‸\tr: {}\n".into(), "tab", "spaces"),
        (v("roles: { r: { select: ‸[ } }"), "as YAML", ""),
        (v("roles: ‸*r"), "anchor", "before its alias"),
        (v("roles: { ‸<<: { a: 1 } }"), "merge key", "alias"),
        (v("roles: { ‸[a]: 1 }"), "as a key", ""),
    ]
}

#[test]
fn bad_input_is_told_with_its_place_and_what_to_do() {
    for (marked, message, hint) in bad() {
        let place = match marked.split_once('‸') {
            Some((before, _)) => {
                let line = before.rsplit('\n').next().unwrap_or_default();
                (before.matches('\n').count() + 1, line.chars().count() + 1)
            }
            None => (0, 0),
        };
        let text = marked.replace('‸', "");
        let errors = refused(&text);
        let told = &errors.told[0];
        assert!(told.message.contains(message), "{text}\nsays {}", told.message);
        let said = told.hint.clone().unwrap_or_default();
        assert!(said.contains(hint), "{text}\nhints {said}");
        let at = (told.at.line as usize, told.at.column as usize);
        assert_eq!(at, place, "{text}\n{}", told.picture);
        assert!(told.picture.contains("s.yaml"), "{}", told.picture);
        assert_eq!(errors.count(), 1, "one fault is told once:\n{text}\n{errors}");
    }
}

#[test]
fn all_errors_of_all_files_are_told_at_once_with_both_places() {
    let a =
        "version: 1\nnetworks: { office: 10.0.0.1/8 }\nroles: { web: { select: { names: a } } }\n";
    let b =
        "version: 1\nnetworks: { office: 10.0.0.0/8 }\nroles: { web: { select: { nmes: a } } }\n";
    let errors =
        load(&[Source::new("a.yaml", a), Source::new("b.yaml", b)]).expect_err("must be refused");
    let told: Vec<(String, &str)> =
        errors.told.iter().map(|t| (t.at.to_string(), t.message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("a.yaml:2:21".to_owned(), "the block `10.0.0.1/8` has host bits set"),
            ("b.yaml:2:13".to_owned(), "the network `office` is declared twice"),
            ("b.yaml:3:10".to_owned(), "the role `web` is declared twice"),
            ("b.yaml:3:27".to_owned(), "a selector has no key `nmes`"),
        ]
    );
    assert_eq!(errors.told[1].also[0].at.to_string(), "a.yaml:2:13");
    let picture = &errors.told[1].picture;
    assert!(picture.contains("a.yaml:2") && picture.contains("first here"), "{picture}");
}

#[test]
fn files_add_up() {
    let a = "version: 1\nnetworks: { office: 10.0.0.0/8 }\n";
    let b = "version: 1\nroles: { web: { select: { names: a }, services: { s: { port: tcp/22, from: office } } } }\n";
    let of = |sources: &[(&str, &str)]| {
        let sources: Vec<Source> = sources.iter().map(|(n, t)| Source::new(*n, *t)).collect();
        load(&sources).unwrap_or_else(|e| panic!("{e}"))
    };
    let spec = of(&[("a", a), ("b", b)]);
    assert_eq!(spec.roles["web"].services[0].from, [SourceName::Network("office".into())]);
    assert_eq!(spec, of(&[("b", b), ("a", a)]), "the order of files does not matter");
}

#[test]
fn one_role_cannot_contradict_itself() {
    let role = |body: &str| {
        format!(
            "version: 1\nnetworks: {{ office: 10.0.0.0/8 }}\nroles:\n  r:\n    select: {{ names: a }}\n{body}"
        )
    };
    let forbidden = refused(role(
        "    services: { s: { port: tcp/20-25, from: internet } }\n    forbid: [{ port: tcp/22, from: internet }]\n",
    ));
    let told = &forbidden.told[0];
    assert!(told.message.contains("tcp/22 from `internet` by service `s` and forbids it"));
    assert_eq!((told.at.line, told.also[0].at.line), (7, 6));
    let twice = refused(role(
        "    services: { s: { port: tcp/1, from: internet, expect: tls }, t: { port: tcp/1, from: internet } }\n",
    ));
    assert!(twice.told[0].message.contains("expect different things of tcp/1"), "{twice}");
    // A narrower source may do what the internet may not.
    let narrower = role(
        "    services: { s: { port: tcp/22, from: office } }\n    forbid: [{ port: tcp/22, from: internet }]\n",
    );
    assert!(read(&narrower).is_ok());
}

#[test]
fn an_expired_waiver_is_valid_and_a_second_one_of_the_same_is_not() {
    let waiver =
        "  - { finding: f, endpoint: e, owner: o, reason: r, until: 1999-01-01T00:00:00Z }\n";
    let one = format!("version: 1\nwaivers:\n{waiver}");
    assert_eq!(read(&one).unwrap().waivers.len(), 1);
    let errors = refused(format!("{one}{waiver}"));
    assert_eq!((errors.told[0].at.line, errors.told[0].also[0].at.line), (4, 3));
}

#[test]
fn text_is_taken_as_written() {
    let spec = read(
        "\u{feff}version: 1\nroles: { r: { select: { tags: { a: no, b: 1.10, c: 0x1F, 7: on } } } }\n",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let tags = &spec.roles["r"].select[0].tags;
    let values: Vec<&str> = tags.values().map(|p| p.0.as_str()).collect();
    assert_eq!(values, ["on", "no", "1.10", "0x1F"]);
}

#[test]
fn aliases_are_read_where_they_stay_small() {
    let spec = read(
        "version: 1\nroles:\n  a: &a { select: &s { names: x } }\n  b: *a\n  c: { select: *s }\n",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(spec.roles["b"].select, spec.roles["c"].select);
}

/// Ten levels of ten aliases each: ten thousand million values in half a kilobyte.
fn bomb() -> String {
    let mut text = "version: 1\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for i in 1..10 {
        let alias = format!("*a{},", i - 1).repeat(10);
        text += &format!("a{i}: &a{i} [{alias}]\n");
    }
    text
}

#[test]
fn bombs_are_refused() {
    let errors = refused(bomb());
    assert!(errors.told.iter().any(|t| t.message.contains("more than 500000 values")), "{errors}");
    for deep in ["[".repeat(100_000), "- ".repeat(100_000), "a: {".repeat(100_000)] {
        let errors = refused(format!("version: 1\nroles: {deep}"));
        assert_eq!(errors.count(), 1);
        let nested = (0..1_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>();
        let errors = refused(nested);
        assert!(errors.told[0].message.contains("32 levels"), "{errors}");
    }
    let own = refused("version: 1\nroles: &a [*a]\n");
    assert!(own.told[0].message.contains("inside the value it names"), "{own}");
}

#[test]
fn big_files_are_refused_and_much_that_is_wrong_is_counted() {
    let big = refused("#".repeat(10 << 20));
    assert!(big.told[0].message.contains("8388608 bytes") && big.count() == 1, "{big}");
    let wrong: String = (0..5_000).map(|i| format!("zzz{i}: 1\n")).collect();
    let errors = refused(format!("version: 1\n{wrong}"));
    assert_eq!((errors.told.len(), errors.count()), (MAX_TOLD, 5_000));
    assert!(errors.to_string().ends_with("5000 errors, of which the first 200 are shown"));
}

#[test]
fn bytes_that_are_not_utf8_are_told_by_their_offset() {
    let errors = refused(b"version: 1\nnames: \xff\n");
    let told = &errors.told[0];
    assert!(told.message.contains("byte 18 (0xff)"), "{errors}");
    assert_eq!((told.at.line, told.at.column), (2, 8));
}

#[test]
fn pictures_hold_no_control_characters_and_stay_short() {
    let long = "x".repeat(100_000);
    let errors = refused(format!("version: 1\n\"a\\e[31m\": \"\u{202e}\"\nzz: {long}\n"));
    let text = errors.to_string();
    assert!(!text.chars().any(|c| c == '\u{1b}' || c == '\u{202e}'), "{text:?}");
    assert!(text.len() < 5_000, "{}", text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the bytes are, there is an answer, and every error lies in the file.
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = load(&[Source::new("s", bytes)]).map_err(|e| e.to_string());
    }

    /// The same of text that looks like YAML.
    #[test]
    fn no_text_makes_it_panic(text in "([a-z]{1,3}|[:\\-\\[\\]{},&*!|>'\"#%@`?~ \n\t]|é|version: 1\n){0,60}") {
        if let Err(errors) = load(&[Source::new("s", text.as_str())]) {
            for told in &errors.told {
                prop_assert!(told.at.line as usize <= text.lines().count() + 1, "{}", told.picture);
            }
        }
    }

    /// The same of a valid spec in which something was cut, changed or put in.
    #[test]
    fn no_change_makes_it_panic(at in 0..FULL.len(), cut in 0..20usize, put in "[ -~é\n\t]{0,4}") {
        let mut bytes = FULL.as_bytes().to_vec();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, put.bytes());
        let _ = load(&[Source::new("s", bytes)]).map_err(|e| e.to_string());
    }
}

/// What the JSON Schema has to say against a document.
fn schema_says(text: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(text).expect("YAML");
    let schema = super::schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn the_schema_takes_the_full_example_and_refuses_what_it_can_tell() {
    assert_eq!(schema_says(FULL), Vec::<String>::new());
    // What needs two places, arithmetic or YAML itself is left to the decoder.
    let beyond = [
        "stands twice",
        "and forbids it",
        "is not declared",
        "`intrenet`",
        "`any`",
        "spoken over",
        "over tcp",
        "inverted",
        "host bits",
        "as a name",
        "a control",
        "no host has this address",
        "has the address",
        "ports go from 1 to 65535",
        "at least 3",
        "`slef`",
        "control",
        "second document",
        "tab",
        "as YAML",
        "anchor",
        "merge key",
        "as a key",
        "empty file",
        "the service `x`",
        "the role `nobody`",
        "sign `",
        "has no sign",
        "as a constraint",
        "no version",
        "one is a semver version",
        "has no order",
        "plain text",
        "pre-release in semver",
        "as a Debian version",
        "no day of the calendar",
        "asks for nothing",
        "asks for",
        "what proves",
        "compatible with nothing",
        "for no profile",
        "no kind of proxy",
        "a small MTU and a proxy",
        "carries no IPv6",
        "no packet of",
        "allows nothing",
        "gets through",
    ];
    let mut refused = 0;
    for (marked, message, _) in bad() {
        let text = marked.replace('‸', "");
        if !beyond.iter().any(|b| message.contains(b))
            && serde_saphyr::from_str::<Value>(&text).is_ok()
        {
            assert!(!schema_says(&text).is_empty(), "the schema takes {text}");
            refused += 1;
        }
    }
    assert!(refused >= 20, "only {refused} were tried");
}

/// Every value of the full example replaced by every kind of other value: decoder and schema
/// agree on the form of each, so neither can drift from the other.
#[test]
fn schema_and_decoder_agree_on_every_form() {
    let whole: Value = serde_saphyr::from_str(FULL).expect("YAML");
    let schema = super::schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let replacements = [
        json!(null),
        json!(7),
        json!(true),
        json!("zz zz"),
        json!("zz"),
        json!([]),
        json!({}),
        json!(["zz"]),
        json!([{}]),
        json!({"zz": 1}),
        json!(""),
        json!("10.0.0.0/8"),
        json!("tcp/1"),
        json!("123456789012"),
        json!(-1),
        json!(1.5),
    ];
    let mut pointers = Vec::new();
    collect(&whole, String::new(), &mut pointers);
    let mut tried = 0;
    for pointer in pointers {
        for replacement in &replacements {
            let mut changed = whole.clone();
            *changed.pointer_mut(&pointer).expect("a place") = replacement.clone();
            // JSON is YAML.
            let text = changed.to_string();
            let (mut errors, mut budget) = (Vec::new(), MAX_VALUES);
            let node = yaml::read(0, text.as_bytes(), &mut budget, &mut errors);
            if let Some(node) = node {
                structure::check(&node, &shape::Shape::Record(&format::SPEC), &mut errors);
            }
            let ours: Vec<&str> = errors.iter().map(|e| e.message.as_str()).collect();
            assert_eq!(
                validator.is_valid(&changed),
                errors.is_empty(),
                "{pointer} = {replacement}: the decoder says {ours:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 1_000, "only {tried} were tried");
}

fn collect(value: &Value, pointer: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{pointer}/{key}"), out);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{i}"), out);
            }
        }
        _ => {}
    }
    out.push(pointer);
}
