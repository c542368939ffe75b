//! `--baseline` and `--write-baseline`: an old estate starts green, and only what is new fails. They
//! need no history.

use crate::incident::{Estate, json_of};
use portcullis::report::json::v1::{BaselineState, Report, Status};

const LINE: &str = "line.json";

fn write(estate: &Estate) {
    let ran = estate.audit(&["--write-baseline", LINE]);
    assert_eq!(ran.code, Some(0), "what it wrote counts no more: {ran}");
}

fn file(estate: &Estate) -> String {
    std::fs::read_to_string(estate.world.folder().join(LINE)).expect("the baseline")
}

#[test]
fn an_old_estate_starts_green_and_only_what_is_new_fails() {
    let mut estate = Estate::new();
    assert_eq!(estate.audit(&[]).code, Some(1));
    write(&estate);
    let text = file(&estate);
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("    {")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines.is_sorted() && lines[0].contains("\"subject\":\"i-0video03 tcp/443\""), "{text}");
    assert_eq!(json_of(&text)["format"], "portcullis/baseline/v1");
    write(&estate);
    assert_eq!(file(&estate), text, "the same findings are the same bytes");

    let green = estate.audit(&["--baseline", LINE]);
    assert_eq!(green.code, Some(0), "{green}");
    assert_eq!(green.stdout.matches("configuration (baselined)").count(), 3, "they are shown");
    assert!(
        green.stdout.contains("baseline line.json: 3 of 3 findings are known to it"),
        "{green}"
    );
    assert!(!green.stdout.contains("waived by"), "known is not accepted");

    estate.open(8080);
    let red = estate.audit(&["--baseline", LINE, "--format", "json"]);
    assert_eq!(red.code, Some(1), "{red}");
    let report: Report = serde_json::from_str(&red.stdout).expect("version 1");
    assert_eq!((report.head.summary.failing, report.head.summary.waived), (3, 0));
    for finding in &report.findings {
        let new = finding.rule == "latent-exposure";
        let state = if new { BaselineState::New } else { BaselineState::Unchanged };
        assert_eq!(finding.baseline_state, Some(state));
        assert_eq!(finding.status == Status::Baselined, !new);
    }
    let sarif = estate.audit(&["--baseline", LINE, "--format", "sarif"]);
    let sarif: serde_sarif::sarif::Sarif = serde_json::from_str(&sarif.stdout).expect("SARIF");
    let results = sarif.runs[0].results.as_ref().expect("results");
    assert!(results.iter().all(|r| r.suppressions.as_ref().is_none_or(Vec::is_empty)));
    let junit = estate.audit(&["--baseline", LINE, "--format", "junit"]);
    assert_eq!(junit.stdout.matches("<failure").count(), 3, "{junit}");
}

#[test]
fn a_finding_that_got_worse_counts() {
    let estate = Estate::new();
    write(&estate);
    let milder = file(&estate).replacen("\"severity\":\"critical\"", "\"severity\":\"low\"", 1);
    estate.world.file(LINE, milder);
    let ran = estate.audit(&["--baseline", LINE]);
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.contains("3 findings, 1 that counts"), "{ran}");
}

#[test]
fn entries_that_match_nothing_are_told_when_the_run_could_see() {
    let mut estate = Estate::new();
    write(&estate);
    let line = file(&estate);
    estate.open(443);
    let gone = "baseline entry matches nothing any more, it can go: declared-blocked i-0video0";
    let seen = estate.audit(&["--baseline", LINE]);
    assert_eq!((seen.code, seen.stdout.matches(gone).count()), (Some(0), 3), "{seen}");

    // A run that could not read the instances cannot tell, and a new baseline keeps the entries.
    estate.deny("Instances", true);
    let blind = estate.audit(&["--baseline", LINE, "--write-baseline", LINE]);
    assert_eq!(blind.code, Some(3), "{blind}");
    assert_eq!(blind.stdout.matches(gone).count(), 0, "{blind}");
    assert!(blind.stdout.contains("is not enough to tell whether"), "{blind}");
    let kept = file(&estate);
    for entry in line.lines().filter(|l| l.contains("declared-blocked")) {
        assert!(kept.contains(entry.trim_end_matches(',')), "{entry} is lost: {kept}");
    }
    estate.deny("Instances", false);
    estate.audit(&["--baseline", LINE, "--write-baseline", LINE]);
    assert!(!file(&estate).contains("declared-blocked"), "now it could see");
}

/// People review the words; the audit goes by the fingerprint.
#[test]
fn a_line_whose_words_are_not_its_fingerprints_is_refused() {
    let estate = Estate::new();
    write(&estate);
    let line = file(&estate);
    let forged = line.replacen("i-0video03 tcp/443", "i-0video03 tcp/9999", 1);
    let entry = line.lines().find(|l| l.starts_with("    {")).expect("an entry");
    let twice = line.replacen(entry, &format!("{entry}\n{entry}"), 1);
    for (text, words) in [
        (
            forged.as_str(),
            "the fingerprint of `declared-blocked i-0video03 tcp/9999` is another finding's",
        ),
        (&twice, "stands twice"),
        (&line.replace("baseline/v1", "baseline/v9"), "its format is `portcullis/baseline/v9`"),
        (&line.replacen("\"rule\"", "\"owner\":\"me\",\"rule\"", 1), "unknown field `owner`"),
        ("", "EOF"),
        ("{\"format\": \"\\u001b[31m\", \"probed\": false, \"findings\": []}", "\\u{1b}[31m"),
    ] {
        estate.world.file(LINE, text);
        let ran = estate.audit(&["--baseline", LINE]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words}: {ran}");
        assert!(ran.stderr.contains(words) && ran.stderr.contains("hint"), "{words}: {ran}");
    }
    let none = estate.audit(&["--baseline", "no-such.json"]);
    assert!(
        none.code == Some(2) && none.stderr.contains("--write-baseline FILE` writes one"),
        "{none}"
    );
}

#[test]
fn a_baseline_that_cannot_be_written_costs_no_report() {
    let estate = Estate::new();
    let ran = estate.audit(&["--write-baseline", "no/such/folder.json"]);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(ran.stdout.matches("critical[declared-blocked]").count(), 3, "{ran}");
    assert!(ran.stderr.contains("cannot write the baseline no/such/folder.json"), "{ran}");
}

#[test]
fn what_is_waived_is_not_written() {
    let estate = Estate::new();
    let spec = std::fs::read_to_string(estate.world.folder().join("spec.yaml")).expect("the spec");
    let waiver = "waivers:\n  - { finding: declared-blocked, endpoint: i-0video03 tcp/443, source: internet, owner: ops@example.org, reason: known, until: 2999-01-01T00:00:00Z }\n";
    estate.world.file("spec.yaml", format!("{spec}{waiver}"));
    write(&estate);
    assert!(!file(&estate).contains("i-0video03"), "a waiver has an end, and a baseline none");
}
