use super::{Counted, corpus, render};
use portcullis::report::Format;
use portcullis::report::escape::visible;
use roxmltree::{Document, Node};

fn suite<'a>(document: &'a Document<'_>, name: &str) -> Node<'a, 'a> {
    document
        .descendants()
        .find(|n| n.has_tag_name("testsuite") && n.attribute("name") == Some(name))
        .expect(name)
}

fn cases<'a>(suite: Node<'a, 'a>) -> Vec<Node<'a, 'a>> {
    suite.children().filter(|n| n.has_tag_name("testcase")).collect()
}

fn with(cases: &[Node<'_, '_>], tag: &str) -> usize {
    cases.iter().filter(|c| c.children().any(|n| n.has_tag_name(tag))).count()
}

pub(super) fn count(text: &str) -> Counted {
    let document = Document::parse(text).expect("XML");
    let (findings, gaps) = (cases(suite(&document, "findings")), cases(suite(&document, "gaps")));
    let counted = Counted {
        findings: findings.len(),
        failing: with(&findings, "failure"),
        gaps: gaps.len(),
        open_gaps: with(&gaps, "error"),
        not_judged: document
            .descendants()
            .filter(|n| n.has_tag_name("system-out"))
            .flat_map(|n| n.text().unwrap_or_default().lines())
            .filter(|l| l.starts_with("not judged: "))
            .count(),
    };
    // What CI servers read: the counts of the root.
    let root = document.root_element();
    let number = |name| root.attribute(name).and_then(|v| v.parse::<usize>().ok());
    assert_eq!(number("failures"), Some(counted.failing));
    assert_eq!(number("errors"), Some(counted.open_gaps));
    assert_eq!(number("tests"), Some(counted.findings + counted.gaps + 1));
    // Everything else is skipped with a word; nothing but the first case passes.
    for case in findings.iter().chain(&gaps) {
        let status = case
            .children()
            .find(|n| ["failure", "error", "skipped"].iter().any(|tag| n.has_tag_name(*tag)));
        assert!(status.is_some_and(|s| s.attribute("message").is_some()), "{case:?}");
    }
    counted
}

#[test]
fn names_and_evidence_come_back() {
    let report = corpus::report();
    let text = render(Format::Junit, &report);
    let document = Document::parse(&text).expect("XML");
    let found = cases(suite(&document, "findings"));
    for (case, finding) in found.iter().zip(&report.findings) {
        let name = case.attribute("name").expect("a name");
        assert!(name.starts_with(visible(&finding.subject).as_ref()), "{name:?}");
        let text: String = case.descendants().filter_map(|n| n.text()).collect();
        assert!(text.contains(visible(&finding.message).trim()), "{text:?}");
    }
}
