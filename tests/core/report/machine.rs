use super::{Counted, corpus, render};
use crate::common::{blessing, checkout};
use portcullis::report::json::v1::{Finding, Gap, Line, Report, Severity, Status};
use portcullis::report::{Format, json};
use serde_json::Value;

fn counted(findings: &[Finding], fail_on: Severity, gaps: &[Gap], not_judged: usize) -> Counted {
    Counted {
        findings: findings.len(),
        failing: findings
            .iter()
            .filter(|f| f.status == Status::Open && f.severity as u8 >= fail_on as u8)
            .count(),
        gaps: gaps.len(),
        open_gaps: gaps.iter().filter(|g| !g.accepted).count(),
        not_judged,
    }
}

pub(super) fn count_json(text: &str) -> Counted {
    let report: Report = serde_json::from_str(text).expect("JSON of version 1");
    let counted =
        counted(&report.findings, report.head.fail_on, &report.gaps, report.not_judged.len());
    let summary = &report.head.summary;
    assert_eq!((summary.findings, summary.failing), (counted.findings, counted.failing));
    assert_eq!((summary.gaps, summary.open_gaps), (counted.gaps, counted.open_gaps));
    counted
}

pub(super) fn count_jsonl(text: &str) -> Counted {
    let mut lines = text.lines().map(|l| serde_json::from_str(l).expect("a line of version 1"));
    let Some(Line::Report(head)) = lines.next() else { panic!("the first line is the report's") };
    let (mut findings, mut gaps, mut not_judged, mut end) = (Vec::new(), Vec::new(), 0, None);
    let mut journeys = 0;
    for line in lines {
        assert_eq!(end, None, "nothing follows the end");
        match line {
            Line::Report(_) => panic!("one report a file"),
            Line::Finding(finding) => findings.push(*finding),
            Line::Journey(_) => journeys += 1,
            Line::Gap(gap) => gaps.push(gap),
            Line::NotJudged { .. } => not_judged += 1,
            Line::Gone(_) => panic!("nothing was compared"),
            Line::End { findings, journeys, gaps, .. } => end = Some((findings, journeys, gaps)),
        }
    }
    assert_eq!(end, Some((findings.len(), journeys, gaps.len())));
    counted(&findings, head.fail_on, &gaps, not_judged)
}

#[test]
fn values_are_exact() {
    let report = corpus::report();
    let read: Report = serde_json::from_str(&render(Format::Json, &report)).expect("JSON");
    assert_eq!(read, Report::from(&report));
    for (read, went_in) in read.findings.iter().zip(&report.findings) {
        assert_eq!(read.message, went_in.message);
        assert_eq!(read.diff, went_in.diff);
    }
}

/// The published schema is what the code makes, and what the code writes fits it.
#[test]
fn the_published_schemas_are_true() {
    let report = corpus::report();
    let document = vec![render(Format::Json, &report)];
    let lines = render(Format::Jsonl, &report).lines().map(str::to_owned).collect();
    for (name, schema, documents) in [
        ("report-v1.json", json::schema(), document),
        ("report-line-v1.json", json::line_schema(), lines),
    ] {
        let path = checkout().join("docs/schema").join(name);
        let now = format!("{schema:#}\n");
        if blessing() {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("docs/schema");
            std::fs::write(&path, &now).expect("the schema can be written");
        }
        let published = std::fs::read_to_string(&path).expect("the schema is published");
        assert_eq!(published, now, "{name}: rewrite it with INSTA_UPDATE=always");
        let schema: Value = serde_json::from_str(&published).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        assert!(!documents.is_empty());
        for text in documents {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
        }
        // The schema says something: a document without its parts does not fit.
        assert!(!validator.is_valid(&serde_json::json!({"type": "finding"})), "{name}");
    }
}
