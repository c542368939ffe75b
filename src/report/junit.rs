//! `JUnit` XML: a finding that fails the run is a failure, a gap that does is an error, and what does
//! not count is skipped with a word.

use super::escape::visible;
use super::{compared, not_seen};
use crate::audit::AuditReport;
use crate::finding::{Finding, FindingStatus};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) fn write(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let mut junit = Report::new("portcullis audit");
    junit.add_test_suite(audit(report));
    let mut findings = TestSuite::new("findings");
    for finding in &report.findings {
        findings.add_test_case(case(report, finding));
    }
    junit.add_test_suite(findings);
    junit.add_test_suite(gaps(report));
    // Through memory: the serializer would hide what `out` answers, a closed pipe for one.
    let mut document = Vec::new();
    junit.serialize(&mut document).map_err(io::Error::other)?;
    out.write_all(&document)
}

/// One case that always passes, so that a clean audit is not an empty file, which CI servers take
/// for a crash; it says how much was looked at and what was not seen.
fn audit(report: &AuditReport) -> TestSuite {
    let mut suite = TestSuite::new("audit");
    suite.add_property(("at", report.at.to_string().as_str()));
    if let Some(at) = report.snapshot_at {
        suite.add_property(("snapshot_at", at.to_string().as_str()));
    }
    suite.add_property(("fail_on", report.fail_on.name()));
    let mut case = TestCase::new("ran to its end", TestCaseStatus::success());
    case.set_classname("portcullis");
    let mut text = format!(
        "{} of {} exposures hold; {} endpoints probed\n",
        report.coverage.ok, report.coverage.exposures, report.coverage.probed
    );
    for what in &report.not_judged {
        let _ = writeln!(text, "not judged: {}", visible(what));
    }
    for said in compared::summary(report).into_iter().chain(compared::baseline(report)) {
        let _ = writeln!(text, "{}", visible(&said));
    }
    for was in report.compared.iter().flat_map(|c| &c.gone) {
        let word = if was.unseen.is_some() { "not seen" } else { "resolved" };
        let (rule, gone) = (visible(&was.rule), compared::gone(was));
        let _ = writeln!(text, "{word}[{rule}]: {}", visible(&gone));
    }
    text.push_str(&visible(&not_seen(report)));
    case.set_system_out(text);
    suite.add_test_case(case);
    suite
}

fn case(report: &AuditReport, finding: &Finding) -> TestCase {
    let mut status = match &finding.status {
        FindingStatus::Waived { owner, reason, until } => {
            let mut status = TestCaseStatus::skipped();
            let (owner, reason, until) = (visible(owner), visible(reason), visible(until));
            status.set_message(format!("waived by {owner} until {until}: {reason}"));
            status
        }
        FindingStatus::Baselined => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("baselined: {}", visible(&finding.message)));
            status
        }
        FindingStatus::Open if finding.severity >= report.fail_on && !report.fails(finding) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("known before: {}", visible(&finding.message)));
            status
        }
        FindingStatus::Open if finding.severity >= report.fail_on => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("{}: {}", finding.title, visible(&finding.message)));
            status
        }
        FindingStatus::Open => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!(
                "{} is below --fail-on {}: {}",
                finding.severity,
                report.fail_on,
                visible(&finding.message)
            ));
            status
        }
    };
    status.set_type(finding.rule.as_str());
    status.set_description(description(finding));
    let mut name = visible(&finding.subject).into_owned();
    if let Some(source) = &finding.source {
        let _ = write!(name, " from {}", visible(source));
    }
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("portcullis.{}", visible(&finding.rule)));
    case.add_property(("severity", finding.severity.name()));
    case.add_property(("confidence", finding.confidence.name()));
    case.add_property(("fingerprint", finding.fingerprint.as_str()));
    case
}

fn description(finding: &Finding) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", visible(&finding.message));
    for evidence in &finding.evidence {
        let _ = write!(text, "{}: {}", side(evidence.side), visible(&evidence.text));
        if let Some(resource) = &evidence.resource {
            let _ = write!(text, " [{}]", visible(resource));
        }
        if let Some(file) = &evidence.file {
            let _ = write!(text, " ({}", visible(file));
            for number in [evidence.line, evidence.column].into_iter().flatten() {
                let _ = write!(text, ":{number}");
            }
            text.push(')');
        }
        text.push('\n');
    }
    for hop in &finding.path {
        let _ = writeln!(text, "path: {}", visible(&super::text::hop(hop)));
    }
    for mend in &finding.mends {
        let _ = writeln!(text, "help: {}", visible(&mend.text));
        for snippet in [&mend.command, &mend.terraform].into_iter().flatten() {
            for line in snippet.lines() {
                let _ = writeln!(text, "    {}", visible(line));
            }
        }
    }
    for line in finding.diff.iter().flat_map(|d| d.lines()) {
        let _ = writeln!(text, "| {}", visible(line));
    }
    let _ = write!(text, "why: {}", visible(&finding.why));
    text
}

fn side(side: crate::finding::Side) -> &'static str {
    super::text::side(side)
}

fn gaps(report: &AuditReport) -> TestSuite {
    let mut suite = TestSuite::new("gaps");
    for gap in &report.gaps {
        let why = visible(&gap.why);
        let mut status = if report.accepted_gaps.contains(gap.kind.name()) {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not seen, accepted by --allow-gaps: {why}"));
            status
        } else {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(format!("not seen: {why}"));
            status
        };
        status.set_type(gap.kind.name());
        let mut case = TestCase::new(visible(&gap.scope).into_owned(), status);
        case.set_classname(format!("portcullis.gap.{}", gap.kind));
        suite.add_test_case(case);
    }
    suite
}
