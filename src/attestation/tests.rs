use super::*;
use crate::spec::Source;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn host(name: &str, answer: Outcome) -> Host {
    let reasons = if answer == Outcome::Hold { vec!["udp/3478 is silent".into()] } else { vec![] };
    let addresses =
        vec!["203.0.113.7".parse().expect("address"), "203.0.113.5".parse().expect("address")];
    Host { host: name.into(), addresses, answer, reasons }
}

fn made(hosts: &[Host]) -> Vec<u8> {
    statement(&Input {
        role: "video",
        hosts,
        spec: "5e",
        snapshot: Some("a1"),
        config: None,
        vantages: &[Vantage {
            name: "fra".into(),
            outside: vec!["198.51.100.9".parse().expect("address")],
        }],
        profiles: &["open".into(), "https-only".into()],
        waived: &[],
        at: at("2026-11-22T18:00:00Z"),
        expires: at("2026-11-22T19:00:00Z"),
        version: "0.1.0",
    })
}

fn passing() -> Vec<u8> {
    made(&[host("i-2", Outcome::Pass), host("i-1", Outcome::Pass)])
}

fn refused(text: &[u8], demand: &Demand<'_>, now: &str) -> Refused {
    accept(text, demand, at(now)).expect_err("it must be refused")
}

const SOON: &str = "2026-11-22T18:10:00Z";

#[test]
fn it_is_an_in_toto_statement_and_says_what_was_found() {
    let value: Value = serde_json::from_slice(&passing()).expect("JSON");
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], PREDICATE_TYPE);
    assert_eq!(value["subject"][0]["name"], "i-1", "sorted");
    assert_eq!(value["subject"][0]["digest"]["sha256"].as_str().map(str::len), Some(64));
    let predicate = &value["predicate"];
    assert_eq!(predicate["hosts"][1]["addresses"], json!(["203.0.113.5", "203.0.113.7"]));
    assert_eq!(predicate["profiles"], json!(["https-only", "open"]));
    assert_eq!(predicate["expires"], "2026-11-22T19:00:00Z");
    assert_eq!(predicate.get("config"), None);
    assert_eq!(predicate["tool"], json!({ "name": "portcullis", "version": "0.1.0" }));
}

#[test]
fn equal_answers_give_equal_bytes_and_the_order_of_hosts_does_not_matter() {
    assert_eq!(passing(), made(&[host("i-1", Outcome::Pass), host("i-2", Outcome::Pass)]));
    assert_ne!(passing(), made(&[host("i-1", Outcome::Pass), host("i-3", Outcome::Pass)]));
}

#[test]
fn a_pass_is_taken_for_the_hosts_it_names_while_it_lasts() {
    let all = accept(&passing(), &Demand::default(), at(SOON)).expect("accepted");
    assert_eq!(all.hosts, ["i-1", "i-2"]);
    assert_eq!(all.vantages, ["fra (198.51.100.9)"]);
    let demand = Demand {
        host: Some("i-2"),
        role: Some("video"),
        spec: Some("5e"),
        snapshot: Some("a1"),
        config: None,
        accept: &[],
        max_age: Some(SignedDuration::from_mins(10)),
    };
    assert_eq!(accept(&passing(), &demand, at(SOON)).expect("accepted").hosts, ["i-2"]);
}

#[test]
fn a_pass_of_a_weaker_gate_is_taken_only_by_whoever_means_it() {
    let text = String::from_utf8(passing()).expect("text");
    let weak = text.replace("\"waived\":[]", "\"waived\":[\"gaps:probe\",\"no-sweep\"]");
    assert_ne!(weak, text);
    let demand = |accept: &'static [String]| Demand { accept, ..Demand::default() };
    let some: &[String] = Box::leak(Box::new(["no-sweep".to_owned()]));
    let all: &[String] = Box::leak(Box::new(["no-sweep".to_owned(), "gaps:probe".to_owned()]));
    let no = refused(weak.as_bytes(), &demand(&[]), SOON);
    assert_eq!(no, Refused::Weaker { waived: vec!["gaps:probe".into(), "no-sweep".into()] });
    let no = refused(weak.as_bytes(), &demand(some), SOON);
    assert_eq!(no, Refused::Weaker { waived: vec!["gaps:probe".into()] });
    let yes = accept(weak.as_bytes(), &demand(all), at(SOON)).expect("accepted");
    assert_eq!(yes.waived, ["gaps:probe", "no-sweep"]);
}

#[test]
fn what_is_not_a_yes_is_refused_with_its_reason() {
    let any = Demand::default();
    let it = passing();
    let one = made(&[host("i-1", Outcome::Pass), host("i-2", Outcome::Hold)]);
    assert!(matches!(refused(&one, &any, SOON), Refused::Hold { host, .. } if host == "i-2"));
    let first = Demand { host: Some("i-1"), ..any };
    assert!(accept(&one, &first, at(SOON)).is_ok(), "the other host is not asked for");
    let other = Demand { host: Some("i-9"), ..any };
    assert!(matches!(refused(&it, &other, SOON), Refused::NotThisHost { .. }));
    let other = Demand { role: Some("api"), ..any };
    assert!(matches!(refused(&it, &other, SOON), Refused::NotThisRole { .. }));
    assert!(matches!(refused(&made(&[]), &any, SOON), Refused::Nobody));
    assert!(matches!(refused(&it, &any, "2026-11-22T19:00:00Z"), Refused::Expired { .. }));
    assert!(matches!(refused(&it, &any, "2026-11-22T17:58:59Z"), Refused::Future { .. }));
    assert!(accept(&it, &any, at("2026-11-22T17:59:01Z")).is_ok(), "within the clocks' tolerance");
    let young = Demand { max_age: Some(SignedDuration::from_mins(9)), ..any };
    assert!(matches!(refused(&it, &young, SOON), Refused::TooOld { .. }));
    for demand in [
        Demand { spec: Some("5f"), ..any },
        Demand { snapshot: Some("a2"), ..any },
        Demand { config: Some("c0"), ..any },
    ] {
        assert!(matches!(refused(&it, &demand, SOON), Refused::Digest { .. }));
    }
}

/// Half a file, another statement, keys twice, other subjects: nothing that reads in two ways.
#[test]
fn only_the_whole_canonical_statement_is_read() {
    let any = Demand::default();
    let it = String::from_utf8(passing()).expect("text");
    for broken in [
        it[..it.len() / 2].to_owned(),
        String::new(),
        it.trim_end().to_owned(),
        it.replace("\":", "\": "),
        it.replacen("{", "{\"predicateType\":\"x\",", 1),
        it.replacen("\"role\":\"video\"", "\"role\":\"video\",\"role\":\"video\"", 1),
        it.replacen("\"name\":\"i-1\"", "\"name\":\"i-7\"", 1),
        it.replacen("\"PASS\"", "\"pass\"", 1),
        it.replacen("\"profiles\"", "\"more\":1,\"profiles\"", 1),
    ] {
        assert_ne!(broken, it);
        assert!(
            matches!(refused(broken.as_bytes(), &any, SOON), Refused::Unreadable(_)),
            "{broken}"
        );
    }
    for other in [
        it.replace("urn:portcullis:gate:v1", "urn:portcullis:gate:v2"),
        it.replace("in-toto.io/Statement/v1", "in-toto.io/Statement/v0.1"),
        "{}".to_owned(),
    ] {
        assert!(matches!(refused(other.as_bytes(), &any, SOON), Refused::Kind(_)));
    }
}

#[test]
fn a_specs_digest_is_of_what_its_files_hold() {
    let source = |name: &str, text: &str| Source::new(name, text);
    let two = of_spec(&[source("a.yaml", "one\n"), source("b.yaml", "two\n")]);
    assert_eq!(two, of_spec(&[source("/x/2.yaml", "two\n"), source("/x/1.yaml", "one\n")]));
    assert_ne!(two, of_spec(&[source("a.yaml", "one\ntwo\n")]));
    assert_ne!(two, of_spec(&[source("a.yaml", "one\n")]));
    // What the documented shell line prints of two such files.
    assert_eq!(two, SHELL);
}

const SHELL: &str = "df4cb9a8727c927651158068f3bddc0713e3586131ff10c6f3bb79069c7f2da8";

#[test]
fn canonical_json_sorts_keys_and_knows_no_fractions() {
    let text = |value: &Value| String::from_utf8(canonical(value).expect("bytes")).expect("text");
    assert_eq!(
        text(&json!({ "b": [1, null], "a": { "z": "\u{e9}\n\"", "y": true } })),
        "{\"a\":{\"y\":true,\"z\":\"\u{e9}\\n\\\"\"},\"b\":[1,null]}\n"
    );
    assert!(canonical(&json!([1.5])).is_err());
}
