use super::{Counted, corpus, ordinary, render};
use portcullis::model::Severity;
use portcullis::report::escape::{line, visible};
use portcullis::report::{Format, Style, not_seen, write};

pub(super) fn count(text: &str) -> Counted {
    let heads: Vec<_> = text
        .lines()
        .filter(|l| {
            Severity::ALL
                .iter()
                .any(|s| l.strip_prefix(s.name()).is_some_and(|rest| rest.starts_with('[')))
        })
        .collect();
    let gaps: Vec<_> = text.lines().filter(|l| l.starts_with("gap[")).collect();
    let last = text.lines().last().expect("a last line");
    Counted {
        findings: heads.len(),
        failing: heads
            .iter()
            .filter(|l| !l.ends_with(" (waived)") && !l.contains(" (below --fail-on "))
            .count(),
        gaps: gaps.len(),
        open_gaps: gaps.iter().filter(|l| !l.ends_with(" (accepted)")).count(),
        not_judged: last
            .split_once("not judged yet: ")
            .map_or(0, |(_, what)| what.split(", ").count()),
    }
}

#[test]
fn no_line_begins_with_text_from_outside() {
    let text = render(Format::Text, &corpus::report());
    let ours = [
        "critical[",
        "high[",
        "medium[",
        "low[",
        "info[",
        "gap[",
        "journey ",
        "  --> ",
        "   | ",
        "   = ",
        "       $ ",
        "       | ",
        "┌",
        "│",
        "├",
        "└",
        "looked at ",
        "vantage ",
        "facts ",
        "at 2026-",
        "not seen: ",
    ];
    for l in text.lines().filter(|l| !l.is_empty()) {
        let counts = l.contains(" findings, ");
        assert!(counts || ours.iter().any(|head| l.starts_with(head)), "{l:?}");
        assert!(!l.contains("##["), "{l:?}");
    }
}

#[test]
fn every_text_is_shown() {
    let report = corpus::report();
    let text = render(Format::Text, &report);
    for finding in &report.findings {
        for part in [&finding.subject, &finding.message] {
            assert!(text.contains(line(part).as_ref()), "{part:?}");
        }
    }
    for nasty in corpus::NASTY.into_iter().filter(|n| !n.contains("##[")) {
        assert!(text.contains(visible(nasty).as_ref()), "{nasty:?}");
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let report = ordinary::report();
    let mut coloured = Vec::new();
    write(Format::Text, &report, &Style { color: true, width: 100 }, &mut coloured)
        .expect("memory never fails");
    let coloured = String::from_utf8(coloured).expect("UTF-8");
    assert!(coloured.contains("\x1b["), "{coloured}");
    let plain = anstream::adapter::strip_str(&coloured).to_string();
    assert_eq!(plain, render(Format::Text, &report));
}

#[test]
fn the_last_line_names_every_kind_of_gap_and_everything_not_judged() {
    let mut report = corpus::report();
    let said = not_seen(&report);
    for gap in &report.gaps {
        assert!(said.contains(gap.kind.name()), "{said}");
    }
    assert!(said.contains("vpc-bpa (1, accepted)"), "{said}");
    for what in &report.not_judged {
        assert!(said.contains(what.as_str()), "{said}");
    }
    assert_eq!(render(Format::Text, &report).lines().last(), Some(line(&said).as_ref()));
    report.gaps.clear();
    report.not_judged.clear();
    assert_eq!(not_seen(&report), "not seen: nothing that was asked for");
    report.coverage.probed = 0;
    assert!(not_seen(&report).contains("no endpoint was probed"));
}

#[test]
fn hosts_that_are_down_are_counted_in_the_last_line_and_are_not_said_to_be_judged_some_day() {
    let mut report = corpus::report();
    report.not_judged.clear();
    for (n, says) in [
        (1, "1 host of a role is not live, so nothing was expected of it"),
        (2, "2 hosts of roles are not live, so nothing was expected of them"),
    ] {
        report.coverage.not_live = n;
        let text = render(Format::Text, &report);
        let last = text.lines().last().expect("a last line");
        assert!(last.contains(says) && !last.contains("not judged yet"), "{last}");
    }
}
