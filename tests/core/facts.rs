//! Facts through the command line: from flags, from the configuration, and when their sources fail.

use crate::common::World;
use serde_json::Value;

const SPEC: &str = "version: 1
hosts:
  web-1: { addresses: [192.0.2.1] }
  web-2: { addresses: [192.0.2.2] }
roles:
  web:
    select: { names: [\"web-*\"] }
    facts: { jdk: \">= 8u152\" }
";

/// Audits two declared hosts without a probe: what it finds, its gaps of facts, and its exit code.
fn audit(world: &World, more: &[&str]) -> (Vec<String>, Vec<String>, Option<i32>) {
    world.file("spec.yaml", SPEC);
    let mut arguments = vec!["audit", "spec.yaml", "--no-cloud", "--no-probe", "--format", "json"];
    arguments.extend(more);
    let ran = world.run(&arguments);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {ran}"));
    let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let findings = list("findings");
    let found = findings.iter().map(|f| format!("{} {}", text(f, "rule"), text(f, "subject")));
    let gaps = list("gaps");
    let gaps = gaps.iter().filter(|g| g["kind"] == "facts");
    let gaps = gaps.map(|g| format!("{}: {}", text(g, "scope"), text(g, "why")));
    (found.collect(), gaps.collect(), ran.code)
}

#[test]
fn flags_and_the_configuration_add_up_and_the_report_says_what_was_read() {
    let world = World::new();
    world.file("one.json", r#"{"web-1": {"jdk": "1.8.0_45"}}"#);
    world
        .file("conf/two.ndjson", "{\"host\": \"192.0.2.2\", \"java\": {\"version\": \"8u162\"}}\n");
    world.file(
        "conf/portcullis.yaml",
        "facts:\n  - { file: two.ndjson, name: cmdb, rename: { jdk: java.version } }\n  - { command: [sh, -c, \"cat two.ndjson | sed s/8u162/1.8.0_162/\"], rename: { jdk: java.version } }\n",
    );
    let more = ["--facts", "one.json", "--config", "conf/portcullis.yaml"];
    let (found, gaps, code) = audit(&world, &more);
    assert_eq!(found, ["fact-violated web-1 fact jdk"]);
    assert_eq!((gaps, code), (Vec::new(), Some(1)), "8u162 and 1.8.0_162 are the same");

    let mut arguments = vec!["audit", "spec.yaml", "--no-cloud", "--no-probe"];
    arguments.extend(more);
    let text = world.run(&arguments).stdout;
    for line in [
        "facts one.json: 1 host, read at 20",
        "facts cmdb: 1 host, read at 20",
        "facts command sh: 1 host",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn facts_come_by_standard_input_and_from_a_folder() {
    let world = World::new();
    world.file("tree/web-1", r#"{"ansible_facts": {"jdk": "8u162"}}"#);
    world.file("tree/web-2", r#"{"ansible_facts": {"jdk": "8u45"}}"#);
    world.file("tree/web-9", r#"{"ansible_facts": {"jdk": "8u45"}}"#);
    let (found, gaps, _) = audit(&world, &["--facts", "tree"]);
    assert_eq!((found, gaps), (vec!["fact-violated web-2 fact jdk".to_owned()], Vec::new()));
    let told =
        world.run(&["audit", "spec.yaml", "--no-cloud", "--no-probe", "--facts", "tree"]).stdout;
    assert!(told.contains("tree: 1 of 3 records matches no host: web-9"), "{told}");
}

#[test]
fn a_source_that_fails_is_a_gap_with_its_name_and_exit_code_3() {
    for (config, says) in [
        ("{ file: missing.json }", "missing.json: it cannot be read: No such file"),
        (
            "{ command: [sh, -c, 'sleep 1000'], timeout: 1s, name: cmdb }",
            "cmdb: `sh` said nothing more within 1s, and was ended",
        ),
        (
            "{ command: [sh, -c, 'echo no >&2; exit 3'] }",
            "command sh: `sh` ended with exit code 3: no",
        ),
        ("{ command: [./not-there] }", "cannot be run"),
        (
            "{ command: [printf, '{\"host\": \"web-1\", \"jdk\": \"8u1']}",
            "command printf: it is not JSON: EOF",
        ),
        ("{ command: [printf, '\\377\\376'] }", "command printf: it is not UTF-8"),
        ("{ ssm: [Custom:Build] }", "ssm"),
    ] {
        if config.contains("ssm") && cfg!(feature = "aws") {
            continue;
        }
        let world = World::new();
        world.file("portcullis.yaml", format!("facts:\n  - {config}\n"));
        world.file("good.json", r#"{"web-1": {"jdk": "8u45"}}"#);
        let (found, gaps, code) = audit(&world, &["--facts", "good.json"]);
        assert!(gaps.iter().any(|g| g.contains(says)), "{config}: {gaps:?}");
        // What the good source said stands, and the host that nobody told of is unknown.
        assert_eq!(found, ["fact-violated web-1 fact jdk"], "{config}");
        assert!(
            gaps.iter().any(|g| g.starts_with("role web fact jdk: no source gives it")),
            "{gaps:?}"
        );
        assert_eq!(code, Some(1));
        let (_, _, code) = audit(&world, &[]);
        assert_eq!(code, Some(3), "{config}: nothing known is not clean");
    }
}

#[test]
fn with_offline_no_program_runs() {
    let world = World::new();
    world.file("portcullis.yaml", "facts:\n  - { command: [sh, -c, 'echo ran > ran; echo {}'] }\n");
    let (_, gaps, code) = audit(&world, &["--offline"]);
    assert!(gaps.iter().any(|g| g.starts_with("command sh: not asked: --offline")), "{gaps:?}");
    assert_eq!((code, world.folder().join("ran").exists()), (Some(3), false));
    audit(&world, &[]);
    assert!(world.folder().join("ran").exists(), "without it the same program does");
}

#[test]
fn a_path_that_was_typed_wrong_is_an_error() {
    let world = World::new();
    world.file("spec.yaml", SPEC);
    let ran = world.run(&["audit", "spec.yaml", "--no-cloud", "--facts", "facst.json"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("cannot read the facts facst.json"), "{ran}");
}
