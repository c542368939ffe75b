use super::*;
use jiff::SignedDuration;

/// The example of this module's own documentation.
fn example() -> String {
    let text = include_str!("mod.rs");
    let start = text.find("//! ```yaml\n").expect("an example") + "//! ```yaml\n".len();
    let end = start + text[start..].find("//! ```\n").expect("its end");
    let lines = text[start..end].lines().map(|l| l.strip_prefix("//! ").unwrap_or_default());
    lines.map(|l| format!("{l}\n")).collect()
}

#[test]
fn the_documented_example_is_read_as_it_says() {
    let text = example();
    let config = load("portcullis.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    let ids: Vec<&str> = config.accounts.iter().map(|a| a.id.as_str()).collect();
    assert_eq!(ids, ["123456789012", "210987654321"]);
    assert_eq!(config.regions, ["eu-central-1", "us-west-1"]);
    assert!(config.scope_addresses().contains("203.0.113.7".parse().expect("an address")));
    assert_eq!(config.limits.deadline, Some(SignedDuration::from_mins(10)));
    assert_eq!((config.limits.rate, config.limits.samples), (Some(200), Some(16)));
    assert_eq!(config.vantages["local"].reflect.as_deref(), Some("stun.example.org:3478"));
    let office = &config.vantages["office"];
    assert_eq!(office.via.as_ref().map(Vec::len), Some(6));
    assert_eq!((office.timeout, office.required), (SignedDuration::from_mins(2), true));
    assert_eq!(config.local().map(|v| v.name.as_str()), Some("local"));
    assert_eq!(config.proxies["branch"].listens, "socks.example:1080");
    assert_eq!(config.fail_on, Some(Severity::High));
    let [file, command, ssm] = &config.facts[..] else { panic!("{:?}", config.facts) };
    assert_eq!(file.from, FactFrom::File("facts.json".into()));
    let FactFrom::Command { argv, timeout } = &command.from else { panic!("{command:?}") };
    assert_eq!((argv.len(), *timeout), (2, SignedDuration::from_secs(30)));
    assert_eq!(command.rename["jdk"], "java.version");
    assert_eq!(ssm.from, FactFrom::Ssm(vec!["AWS:Application".into(), "Custom:Build".into()]));
    assert_eq!(config.history.keep, SignedDuration::from_hours(400 * 24));
    assert_eq!((config.history.max_runs, config.history.off), (Some(5000), false));
    let schema = jsonschema::validator_for(&super::schema()).expect("a schema");
    let value: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
    assert!(schema.is_valid(&value), "the schema refuses the example");
}

#[test]
fn nothing_is_the_default_and_a_snapshot_directs_probes_for_an_hour() {
    for text in ["", "# nothing\n", "{}"] {
        let config = load("portcullis.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(config, Config::default(), "{text}");
    }
    assert_eq!(Config::default().limits.snapshot_max_age, SignedDuration::from_hours(1));
}

#[test]
fn bad_configuration_is_told_with_what_to_do() {
    for (text, message, hint) in [
        ("scpoe: []", "no key `scpoe`", "`scope`?"),
        ("scope: [10.0.0.1/8]", "host bits", "`10.0.0.0/8`"),
        ("scope: 0.0.0.0/33", "prefix length 33", ""),
        ("accounts: [{ id: 123 }]", "twelve digits", ""),
        ("accounts: [{ id: '123456789012' }, { id: 123456789012 }]", "stands twice", "keep"),
        ("limits: { deadline: 10 }", "such as `30s`", ""),
        ("limits: { rate: fast }", "whole number", ""),
        ("vantages: { a: { address: '::1' } }", "IPv4 address", "`address_v6: ::1`"),
        ("vantages: { a: { reflect: stun.example.org } }", "host and a port", ""),
        ("vantages: { a: { via: [] } }", "is empty", "[ssh, "),
        ("vantages: { a: { via: ssh } }", "expected a list", "[…]"),
        ("vantages: { a: { address: 192.0.2.1, timeout: 3s } }", "only a vantage", "deadline"),
        ("vantages: { local: { off: true } }", "every vantage is off", "leave"),
        ("vantages: { local: { via: [a] } }", "this machine", "another name"),
        ("fail_on: hihg", "`hihg`", "`high`?"),
        ("facts: [{ file: a, command: [b] }]", "exactly one of", "an item of its own"),
        ("facts: [{ command: [] }]", "is empty", "[./inventory, --json]"),
        ("facts: [{ command: ./inventory }]", "expected a list", "[…]"),
        ("facts: [{ file: a, timeout: 3s }]", "only a command", ""),
        ("facts: [{ flie: a }]", "no key `flie`", "`file`?"),
    ] {
        let errors = load("p.yaml", text.as_bytes()).expect_err(text);
        assert_eq!(errors.count(), 1, "{errors}");
        assert!(errors.told[0].message.contains(message), "{errors}");
        assert!(errors.told[0].hint.clone().unwrap_or_default().contains(hint), "{errors}");
    }
}
