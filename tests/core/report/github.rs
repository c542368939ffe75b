use super::{Counted, corpus, render};
use portcullis::report::Format;
use portcullis::report::escape::visible;
use std::collections::BTreeMap;

/// A workflow command, read as the runner of GitHub Actions reads it.
struct Command {
    name: String,
    properties: BTreeMap<String, String>,
    data: String,
}

fn commands(text: &str) -> Vec<Command> {
    text.lines().map(command).collect()
}

/// Reads one line; every line of this format must be a command, and never one of the old form.
fn command(line: &str) -> Command {
    assert!(!line.contains("##["), "{line}");
    let rest = line.trim_start().strip_prefix("::").expect(line);
    let (head, data) = rest.split_once("::").expect(line);
    let (name, list) = head.split_once(' ').unwrap_or((head, ""));
    let properties = list
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.trim().to_owned(), unescape(v, true)))
        .collect();
    Command { name: name.to_owned(), properties, data: unescape(data, false) }
}

fn unescape(text: &str, property: bool) -> String {
    let mut text = text.replace("%0D", "\r").replace("%0A", "\n");
    if property {
        text = text.replace("%3A", ":").replace("%2C", ",");
    }
    text.replace("%25", "%")
}

pub(super) fn count(text: &str) -> Counted {
    let all = commands(text);
    let titled = |title: &str| -> Vec<&Command> {
        all.iter().filter(|c| c.properties["title"].starts_with(title)).collect()
    };
    let gaps = titled("not seen[");
    let open_gaps = gaps.iter().filter(|c| c.name == "error").count();
    let (gaps, not_judged, end) =
        (gaps.len(), titled("not judged").len(), titled("portcullis").len());
    assert_eq!(end, 1, "one last word");
    let errors = all.iter().filter(|c| c.name == "error").count();
    Counted {
        findings: all.len() - gaps - not_judged - end,
        failing: errors - open_gaps,
        gaps,
        open_gaps,
        not_judged,
    }
}

#[test]
fn only_our_commands_and_whole_properties() {
    let report = corpus::report();
    let text = render(Format::Github, &report);
    let all = commands(&text);
    for (command, finding) in all.iter().zip(&report.findings) {
        assert!(["error", "warning", "notice"].contains(&command.name.as_str()));
        for name in command.properties.keys() {
            assert!(["file", "line", "col", "title"].contains(&name.as_str()), "{name}");
        }
        let file =
            finding.evidence[0].file.as_deref().map(|f| visible(f).replace("##[", "##\\u{5b}"));
        assert_eq!(command.properties.get("file"), file.as_ref());
        let line = finding.evidence[0].line.map(|l| l.to_string());
        assert_eq!(command.properties.get("line"), line.as_ref());
        let shown = visible(&finding.message).replace("##[", "##\\u{5b}");
        // A percent sign that looks like an escape is read back wrongly by the runner itself.
        if !shown.contains("%0") {
            assert!(command.data.contains(&shown), "{shown:?} in {:?}", command.data);
        }
    }
}
