//! Every renderer, fed with the nastiest text, read back by a real parser: count in equals count
//! out, nothing hidden reaches a terminal, and the text that comes back is the text that went in.

mod corpus;
mod github;
mod junit;
mod machine;
mod markdown;
mod ordinary;
mod sarif;
mod text;

use portcullis::audit::AuditReport;
use portcullis::report::escape::is_hidden;
use portcullis::report::{Format, Style, write};

/// What a parser counts in a rendered report.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    findings: usize,
    /// Findings shown as failing the run.
    failing: usize,
    gaps: usize,
    /// Gaps shown as not accepted.
    open_gaps: usize,
    not_judged: usize,
}

fn render(format: Format, report: &AuditReport) -> String {
    let mut out = Vec::new();
    write(format, report, &Style::default(), &mut out).expect("memory never fails");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn count(format: Format, text: &str) -> Counted {
    match format {
        Format::Text => text::count(text),
        Format::Json => machine::count_json(text),
        Format::Jsonl => machine::count_jsonl(text),
        Format::Sarif => sarif::count(text),
        Format::Junit => junit::count(text),
        Format::Markdown => markdown::count(text),
        Format::Github => github::count(text),
    }
}

fn expected(report: &AuditReport) -> Counted {
    Counted {
        findings: report.findings.len(),
        failing: report.failing().count(),
        gaps: report.gaps.len(),
        open_gaps: report.open_gaps().count(),
        not_judged: report.not_judged.len(),
    }
}

#[test]
fn count_in_equals_count_out_in_every_format() {
    let nasty = corpus::report();
    let mut nothing = nasty.clone();
    nothing.findings.clear();
    nothing.gaps.clear();
    nothing.not_judged.clear();
    let mut only_gaps = nasty.clone();
    only_gaps.findings.clear();
    assert!(expected(&nasty).failing > 3 && expected(&nasty).open_gaps > 3);
    for report in [nasty, nothing, only_gaps, ordinary::report()] {
        for format in Format::ALL {
            let text = render(format, &report);
            assert_eq!(count(format, &text), expected(&report), "{format}:\n{text}");
        }
    }
}

#[test]
fn nothing_hidden_is_written_in_any_format() {
    for format in Format::ALL {
        let text = render(format, &corpus::report());
        let found = text.chars().find(|c| *c != '\n' && is_hidden(*c));
        assert_eq!(found, None, "{format}");
        assert!(text.ends_with('\n'), "{format}");
    }
}

#[test]
fn every_format_ends_with_what_was_not_seen() {
    let report = ordinary::report();
    for format in Format::ALL {
        let text = render(format, &report);
        assert!(text.contains("not seen: "), "{format}:\n{text}");
    }
}

#[test]
fn the_same_report_is_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(render(format, &corpus::report()), render(format, &corpus::report()));
    }
}

#[test]
fn names_read_back_and_errors_pass_through() {
    struct Broken;
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
        let report = corpus::report();
        let error = write(format, &report, &Style::default(), &mut Broken)
            .expect_err("a renderer tells of a failed write");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{format}");
    }
}
