use super::{Counted, corpus, ordinary, render};
use crate::common::{checkout, skip};
use portcullis::report::Format;
use portcullis::report::escape::visible;
use serde_json::Value;
use serde_sarif::sarif::Sarif;
use std::path::PathBuf;

pub(super) fn count(text: &str) -> Counted {
    let sarif: Sarif = serde_json::from_str(text).expect("SARIF");
    let run = &sarif.runs[0];
    let results = run.results.as_deref().unwrap_or_default();
    let invocation = &run.invocations.as_ref().expect("an invocation")[0];
    let said = invocation.tool_execution_notifications.as_deref().unwrap_or_default();
    let id = |n: &serde_sarif::sarif::Notification| {
        n.descriptor.as_ref().and_then(|d| d.id.clone()).unwrap_or_default()
    };
    let level = |n: &serde_sarif::sarif::Notification| {
        n.level.as_ref().and_then(Value::as_str).map(str::to_owned)
    };
    let gaps: Vec<_> = said.iter().filter(|n| id(n).starts_with("gap/")).collect();
    Counted {
        findings: results.len(),
        failing: failing(text),
        gaps: gaps.len(),
        open_gaps: gaps.iter().filter(|n| level(n).as_deref() == Some("error")).count(),
        not_judged: said.iter().filter(|n| id(n) == "not-judged").count(),
    }
}

/// Results that nothing suppresses, at or above the threshold that the run's properties hold.
fn failing(text: &str) -> usize {
    let order = ["info", "low", "medium", "high", "critical"];
    let rank = |v: &Value| order.iter().position(|s| v.as_str() == Some(s)).expect("a severity");
    let log: Value = serde_json::from_str(text).expect("JSON");
    let run = &log["runs"][0];
    let fail_on = rank(&run["properties"]["failOn"]);
    run["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter(|r| r["suppressions"] == serde_json::json!([]))
        .filter(|r| rank(&r["properties"]["severity"]) >= fail_on)
        .count()
}

/// The official schema, from the sources of the crate that reads SARIF in these tests.
fn official_schema() -> Option<Value> {
    let lock = std::fs::read_to_string(checkout().join("Cargo.lock")).ok()?;
    let (_, after) = lock.split_once("name = \"serde-sarif\"\nversion = \"")?;
    let (version, _) = after.split_once('"')?;
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    std::fs::read_dir(home.join("registry/src")).ok()?.flatten().find_map(|registry| {
        let path = registry.path().join(format!("serde-sarif-{version}/src/schema.json"));
        let mut schema: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
        // A closing bracket without its opening one: only regular expressions of the web take it.
        for place in ["run", "toolComponent"] {
            let language = &mut schema["definitions"][place]["properties"]["language"];
            language.as_object_mut()?.remove("pattern");
        }
        Some(schema)
    })
}

#[test]
fn fits_the_official_schema() {
    let Some(schema) = official_schema() else {
        return skip("validation of SARIF (no sources of serde-sarif, which carry the schema)");
    };
    assert_eq!(
        schema["$id"].as_str().map(|id| id.ends_with("sarif-schema-2.1.0.json")),
        Some(true)
    );
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema compiles");
    for report in [corpus::report(), ordinary::report()] {
        let log: Value = serde_json::from_str(&render(Format::Sarif, &report)).expect("JSON");
        let errors: Vec<_> =
            validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let mut wrong = log.clone();
        wrong["runs"][0]["results"][0]["level"] = "fatal".into();
        assert!(!validator.is_valid(&wrong), "the schema refuses what it should");
    }
}

#[test]
fn results_hold_place_fingerprint_and_rule() {
    let report = corpus::report();
    let log: Value = serde_json::from_str(&render(Format::Sarif, &report)).expect("JSON");
    let run = &log["runs"][0];
    for (result, finding) in
        run["results"].as_array().expect("results").iter().zip(&report.findings)
    {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding.rule.as_str());
        assert_eq!(result["partialFingerprints"]["portcullis/v1"], finding.fingerprint.as_str());
        assert_eq!(result["properties"]["subject"], visible(&finding.subject).as_ref());
        let place = &result["locations"][0]["physicalLocation"];
        match finding.evidence[0].line {
            Some(line) => {
                assert_eq!(place["region"]["startLine"], line);
                let uri = place["artifactLocation"]["uri"].as_str().expect("a place");
                assert!(uri.starts_with("specs/") && !uri.contains([' ', ':', '?', '#']), "{uri}");
            }
            None => assert!(place.is_null()),
        }
        let text = result["message"]["text"].as_str().expect("a message");
        assert!(!text.replace("\\]", "").contains("]("), "a link in {text}");
    }
}
