//! Audits one after the other, and what `history` and `--since-last` tell of them.

use super::world::{Estate, json_of};
use portcullis::report::json::v1::{BaselineState, Report};
use serde_json::Value;

fn report(text: &str) -> Report {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn every_audit_is_kept_and_an_outage_is_told_from_its_first_run_to_its_last() {
    let mut estate = Estate::new();
    assert_eq!(estate.audit(&[]).code, Some(1));
    assert!(estate.world.folder().join(".portcullis/.gitignore").exists());
    assert_eq!(estate.audit(&[]).code, Some(1));
    estate.open(443);
    assert_eq!(estate.audit(&[]).code, Some(0));

    let ran = estate.history(&[]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stdout.contains("3 runs, 3 findings: 0 open, 0 not seen by the last run, 3 resolved"),
        "{ran}"
    );
    let first: Vec<&str> = ran.stdout.lines().take(3).collect();
    assert!(
        first[0].starts_with("r3 ") && first[0].contains("exit 0") && first[0].contains("(+0 -3)"),
        "{ran}"
    );
    assert!(
        first[2].starts_with("r1 ") && first[2].contains("exit 1") && first[2].contains("(+3 -0)"),
        "{ran}"
    );

    // What is not listed is counted.
    let some = estate.history(&["--limit", "2"]);
    assert!(some.stdout.contains("2 of 3 runs; more with --limit 0, 2 findings: "), "{some}");

    let finding = &estate.findings()[0];
    assert_eq!((&finding["state"], &finding["times_seen"]), (&"resolved".into(), &2.into()));
    let spans = finding["spans"].as_array().expect("spans");
    assert_eq!(spans.len(), 1, "two runs said the same");
    assert_eq!((&spans[0]["from_run"], &spans[0]["to_run"]), (&"r1".into(), &"r2".into()));
    let prefix = &finding["fingerprint"].as_str().expect("hex")[..8];
    let shown = estate.history(&["show", prefix]);
    assert_eq!(shown.code, Some(0), "{shown}");
    for words in [
        "declared-blocked: i-0video03 tcp/443 from internet",
        "(r1) to ",
        "(r2): ",
        "gone at ",
        " (r3), ",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
    let run = estate.history(&["show", "r3"]);
    assert!(run.stdout.contains("resolved  declared-blocked"), "{run}");
    assert!(
        run.stdout.contains("gap[vantage]") && run.stdout.contains("spec     sha256:"),
        "{run}"
    );
    assert_eq!(estate.history(&["--open"]).stdout.matches("declared-blocked").count(), 0);
    assert_eq!(
        estate.history(&["--rule", "latent-exposure"]).stdout.matches("first seen").count(),
        0
    );
    assert_eq!(
        estate.history(&["--subject", "i-0video04"]).stdout.matches("first seen").count(),
        1
    );
    assert_eq!(estate.history(&["--since", "1h"]).stdout.matches("first seen").count(), 3);
    let later = ["--since", "2999-01-01T00:00:00Z"];
    assert_eq!(
        estate.history(&later).stdout,
        "0 runs, 0 findings: 0 open, 0 not seen by the last run, 0 resolved; 0 flapping\n"
    );
}

#[test]
fn since_last_shows_and_counts_only_what_changed() {
    let mut estate = Estate::new();
    let first = estate.audit(&["--since-last"]);
    assert_eq!(first.code, Some(1), "without an earlier run all is new: {first}");
    assert!(
        first.stdout.contains("compared with nothing: no earlier run looked at the same: 3 new"),
        "{first}"
    );
    let same = estate.audit(&["--since-last"]);
    assert_eq!(same.code, Some(0), "{same}");
    assert!(
        same.stdout.contains("compared with r1 of ") && same.stdout.contains("3 unchanged"),
        "{same}"
    );
    assert!(!same.stdout.contains("critical[declared-blocked]"), "{same}");

    estate.open(8080);
    let more = estate.audit(&["--since-last"]);
    assert_eq!(more.code, Some(1), "{more}");
    assert_eq!(
        more.stdout.matches("]: ").count() - more.stdout.matches("gap[").count(),
        3,
        "{more}"
    );
    assert!(
        more.stdout.contains("medium[latent-exposure]") && more.stdout.contains("(new)"),
        "{more}"
    );
    estate.close(8080);
    let less = estate.audit(&["--since-last"]);
    assert_eq!(less.code, Some(0), "what is gone fails nothing: {less}");
    assert_eq!(less.stdout.matches("resolved[latent-exposure]: i-0video0").count(), 3, "{less}");
    estate.open(8080);
    let back = estate.audit(&["--since-last"]);
    assert_eq!(back.code, Some(1), "{back}");
    assert_eq!(back.stdout.matches("(reopened: was resolved at ").count(), 3, "{back}");
    estate.close(8080);
    let flaps = estate.audit(&["--since-last"]);
    assert_eq!(flaps.stdout.matches("(flapping)").count(), 3, "{flaps}");
    assert!(estate.history(&[]).stdout.contains("3 flapping"));
}

#[test]
fn machine_formats_carry_every_finding_with_its_state() {
    let mut estate = Estate::new();
    estate.open(8080);
    estate.audit(&[]);
    estate.close(8080);
    estate.open(9090);
    let path = estate.world.folder().join("a.sarif");
    let export = format!("sarif={}", path.display());
    let ran = estate.audit(&["--since-last", "--format", "json", "--export", &export]);
    assert_eq!(ran.code, Some(1), "{ran}");
    let report = report(&ran.stdout);
    let count = |state| report.findings.iter().filter(|f| f.baseline_state == Some(state)).count();
    assert_eq!((count(BaselineState::New), count(BaselineState::Unchanged)), (3, 3));
    assert_eq!(report.head.summary.failing, 3);
    let compared = report.head.compared.expect("it was compared");
    assert_eq!((compared.run.as_deref(), compared.new, compared.resolved), (Some("r1"), 3, 3));
    assert_eq!(report.gone.len(), 3);
    assert!(report.gone.iter().all(|g| g.baseline_state == BaselineState::Absent));
    // What the schema says holds for a compared report, too.
    let schema = jsonschema::validator_for(&portcullis::report::json::schema()).expect("a schema");
    assert!(schema.is_valid(&json_of(&ran.stdout)));

    let text = std::fs::read_to_string(&path).expect("the export");
    let sarif: serde_sarif::sarif::Sarif = serde_json::from_str(&text).expect("SARIF");
    let results = sarif.runs[0].results.as_ref().expect("results");
    let mut states: Vec<String> = results
        .iter()
        .map(|r| r.baseline_state.as_ref().expect("every one has it").to_string())
        .collect();
    states.sort();
    let nine = [("\"absent\"", 3), ("\"new\"", 3), ("\"unchanged\"", 3)];
    let want: Vec<String> =
        nine.iter().flat_map(|(s, n)| vec![s.trim_matches('"').to_owned(); *n]).collect();
    assert_eq!(states.iter().map(|s| s.trim_matches('"').to_owned()).collect::<Vec<_>>(), want);
    let lines = estate.audit(&["--since-last", "--format", "jsonl"]);
    let count = |what: &str| {
        let is = format!("{{\"type\":\"{what}\",");
        lines.stdout.lines().filter(|l| l.starts_with(&is)).count()
    };
    assert_eq!((count("finding"), count("gone")), (6, 0), "{lines}");
}

/// The whole point: a run that could not look says nothing of what it does not have.
#[test]
fn a_denied_listing_resolves_nothing() {
    let mut estate = Estate::new();
    estate.open(8080);
    estate.audit(&[]);
    estate.close(8080);
    estate.deny("SecurityGroups", true);
    let blind = estate.audit(&["--since-last", "--format", "json"]);
    let told = report(&blind.stdout);
    let latent: Vec<_> = told.gone.iter().filter(|g| g.rule == "latent-exposure").collect();
    assert_eq!(latent.len(), 3, "{blind}");
    for gone in latent {
        assert_eq!(gone.baseline_state, BaselineState::Unchanged);
        let why = gone.unseen.as_deref().expect("a reason");
        assert!(why.contains("DescribeSecurityGroups denied"), "{why}");
    }
    assert_eq!(
        estate
            .history(&["--open", "--rule", "latent-exposure"])
            .stdout
            .matches("not seen since")
            .count(),
        3
    );
    estate.deny("SecurityGroups", false);
    estate.audit(&[]);
    assert_eq!(
        estate
            .history(&["--open", "--rule", "latent-exposure"])
            .stdout
            .matches("first seen")
            .count(),
        0
    );
}

#[test]
fn a_lapsed_waiver_is_a_change_that_counts() {
    let estate = Estate::new();
    let spec = std::fs::read_to_string(estate.world.folder().join("spec.yaml")).expect("the spec");
    let waivers: String = (3..=5)
        .map(|n| format!("  - {{ finding: declared-blocked, endpoint: i-0video0{n} tcp/443, source: internet, owner: ops@example.org, reason: known, until: 2999-01-01T00:00:00Z }}\n"))
        .collect();
    estate.world.file("spec.yaml", format!("{spec}waivers:\n{waivers}"));
    assert_eq!(estate.audit(&[]).code, Some(0));
    estate.world.file("spec.yaml", spec);
    let ran = estate.audit(&["--since-last"]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert_eq!(ran.stdout.matches("(changed: no longer covered)").count(), 3, "{ran}");
}

#[test]
fn a_history_can_be_elsewhere_or_nowhere() {
    let estate = Estate::new();
    assert_eq!(estate.audit(&["--no-history"]).code, Some(1));
    assert!(!estate.world.folder().join(".portcullis").exists());
    let none = estate.history(&[]);
    assert_eq!(none.code, Some(2), "{none}");
    assert!(
        none.stderr.contains("there is no such file") && none.stderr.contains("hint"),
        "{none}"
    );
    estate.audit(&["--history", "kept/other.db"]);
    assert_eq!(estate.history(&["--history", "kept/other.db"]).code, Some(0));
    estate.world.file("portcullis.yaml", "history: { off: true }\n");
    assert_eq!(estate.audit(&[]).code, Some(1));
    assert!(!estate.world.folder().join(".portcullis").exists());
    assert_eq!(estate.audit(&["--since-last"]).code, Some(2));
    estate.world.file("etc/portcullis.yaml", "history: { file: var/h.db, max_runs: 20 }\n");
    estate.audit(&["-c", "etc/portcullis.yaml"]);
    assert!(estate.world.folder().join("etc/var/h.db").exists(), "beside the file that names it");
}

#[test]
fn pruning_and_wrong_names_are_told() {
    let estate = Estate::new();
    for _ in 0..3 {
        estate.audit(&[]);
    }
    let ran = estate.history(&["prune", "--max-runs", "1"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "forgot 2 runs, 0 spans and 0 findings\n"),
        "{ran}"
    );
    let finding = &estate.findings()[0];
    let span = &finding["spans"][0];
    assert_eq!((&span["from_run"], &span["to_run"]), (&Value::Null, &"r3".into()));
    for (id, words) in [
        ("r1", "find the run r1"),
        ("zz", "name a run"),
        ("ffffffff", "lists all"),
        ("", "name a run"),
    ] {
        let ran = estate.history(&["show", id]);
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains(words), "{id}: {ran}");
    }
}
