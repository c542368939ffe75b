use super::{Counted, corpus, render};
use portcullis::report::escape::visible;
use portcullis::report::{Format, not_seen};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag};

/// A block of a parsed document: its kind, and its text without markup.
#[derive(Debug)]
struct Block {
    kind: &'static str,
    text: String,
    /// Texts of the cells, for a row of a table.
    cells: Vec<String>,
}

/// Parses as GitHub does and refuses all markup that we do not write.
fn blocks(markdown: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH;
    let mut found: Vec<Block> = Vec::new();
    for event in Parser::new_ext(markdown, options) {
        let kind = match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H3, .. }) => "h3",
            Event::Start(Tag::Heading { .. }) => "h",
            Event::Start(Tag::Paragraph) => "p",
            Event::Start(Tag::Item) => "item",
            Event::Start(Tag::CodeBlock(_)) => "code",
            Event::Start(Tag::TableRow) => "row",
            Event::Start(Tag::TableHead) => "head",
            Event::Start(Tag::TableCell) => {
                found.last_mut().expect("a row").cells.push(String::new());
                continue;
            }
            Event::Text(text) | Event::Code(text) => {
                let block = found.last_mut().expect("a block");
                let into = block.cells.last_mut().unwrap_or(&mut block.text);
                // Zero-width spaces are ours: nothing else hidden is written.
                into.push_str(&text.replace('\u{200b}', ""));
                continue;
            }
            Event::Start(Tag::Table(_) | Tag::List(_) | Tag::Strong) | Event::End(_) => continue,
            other => panic!("markup that is not ours: {other:?}"),
        };
        found.push(Block { kind, text: String::new(), cells: Vec::new() });
    }
    found
}

pub(super) fn count(text: &str) -> Counted {
    let blocks = blocks(text);
    let details = blocks.iter().filter(|b| b.kind == "h3" && numbered(&b.text)).count();
    let rows =
        |cells: usize| blocks.iter().filter(move |b| b.kind == "row" && b.cells.len() == cells);
    assert_eq!(rows(6).count(), details, "each finding has its row and its part");
    let after = blocks.iter().position(|b| b.text == "Declared but not judged yet");
    Counted {
        findings: details,
        failing: rows(6).filter(|b| b.cells[5] == "fails").count(),
        gaps: rows(4).count(),
        open_gaps: rows(4).filter(|b| b.cells[3] == "no").count(),
        not_judged: after.map_or(0, |at| blocks[at..].iter().filter(|b| b.kind == "item").count()),
    }
}

fn numbered(heading: &str) -> bool {
    heading.split_once(". ").is_some_and(|(n, _)| n.parse::<usize>().is_ok())
}

#[test]
fn texts_come_back_as_text() {
    let report = corpus::report();
    let markdown = render(Format::Markdown, &report);
    let blocks = blocks(&markdown);
    let rows: Vec<_> = blocks.iter().filter(|b| b.kind == "row" && b.cells.len() == 6).collect();
    for (row, finding) in rows.iter().zip(&report.findings) {
        assert_eq!(row.cells[3].trim(), visible(&finding.subject).trim());
        let shown = visible(&finding.message);
        let shown = shown.trim();
        assert!(
            shown.is_empty() || blocks.iter().any(|b| b.kind == "p" && b.text == shown),
            "{shown:?} in\n{markdown}"
        );
        let command = finding.mends[0].command.as_deref().expect("a command");
        let command: Vec<_> = command.split('\n').map(|l| visible(l).into_owned()).collect();
        let command = command.join("\n");
        assert!(
            blocks.iter().any(|b| b.kind == "code" && b.text.trim_end() == command.trim_end()),
            "{command:?}"
        );
    }
    let subjects: Vec<_> = report.findings.iter().map(|f| visible(&f.subject)).collect();
    for (heading, subject) in
        blocks.iter().filter(|b| b.kind == "h3" && numbered(&b.text)).zip(subjects)
    {
        assert!(heading.text.trim().ends_with(subject.trim()), "{:?}", heading.text);
    }
    let last = blocks.last().expect("a last block");
    assert_eq!((last.kind, last.text.as_str()), ("p", visible(&not_seen(&report)).as_ref()));
}
