//! Holds the examples of README.md to what the binary really says. CONTRIBUTING.md has the
//! convention.

use crate::common::{World, checkout};

/// One command of a block, with what the README says it prints.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    line: usize,
    arguments: Vec<String>,
    output: Vec<String>,
    code: i32,
}

/// Reads the examples of every `console` block.
fn examples(readme: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    // Whether we are in a block, and whether the block is one of ours.
    let mut block = None;
    let mut open = false;
    for (number, text) in readme.lines().enumerate() {
        if let Some(info) = text.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(info == "console") };
            open = false;
            continue;
        }
        if block != Some(true) {
            continue;
        }
        if let Some(command) = text.strip_prefix("$ ") {
            let command = command
                .strip_prefix("cargo demo")
                .map_or_else(|| command.to_owned(), |rest| format!("portcullis demo{rest}"));
            open = false;
            if let Some(words) = command.strip_prefix("portcullis") {
                open = true;
                found.push(Example {
                    line: number + 1,
                    arguments: words.split_whitespace().map(str::to_owned).collect(),
                    output: Vec::new(),
                    code: 0,
                });
            }
        } else if open && let Some(example) = found.last_mut() {
            let code = text.strip_prefix("[exit ").and_then(|t| t.strip_suffix(']'));
            match code.and_then(|c| c.parse().ok()) {
                Some(code) => example.code = code,
                None => example.output.push(text.to_owned()),
            }
        }
    }
    found
}

/// Whether `lines` is what `pattern` says: `…` alone is any lines, inside a line any characters.
fn matches(pattern: &[String], lines: &[&str]) -> bool {
    match (pattern.first(), lines.first()) {
        (None, None) => true,
        (Some(p), _) if p.trim() == "…" => {
            matches(&pattern[1..], lines) || (!lines.is_empty() && matches(pattern, &lines[1..]))
        }
        (Some(p), Some(l)) => {
            line_matches(p.trim_end(), l.trim_end()) && matches(&pattern[1..], &lines[1..])
        }
        _ => false,
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn the_readme_shows_what_the_binary_says() {
    let Ok(readme) = std::fs::read_to_string(checkout().join("README.md")) else {
        return;
    };
    let mut wrong = Vec::new();
    for example in examples(&readme) {
        let world = World::new();
        let ran = world.run_in(checkout(), &example.arguments);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let lines: Vec<_> = said.trim_end().lines().collect();
        let expected = example.output.join("\n");
        let trimmed: Vec<_> = expected.trim_end().lines().map(str::to_owned).collect();
        if ran.code != Some(example.code) || !matches(&trimmed, &lines) {
            wrong.push(format!(
                "README.md:{}: portcullis {} says, with exit code {:?}:\n{said}",
                example.line,
                example.arguments.join(" "),
                ran.code
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_are_read_and_compared() {
    let readme = "text\n```console\n$ portcullis --version\nportcullis …\n[exit 3]\n$ ls\nnot ours\n\
                  ```\n```console,norun\n$ portcullis x\n```\n```sh\n$ portcullis y\n```\n";
    let found = examples(readme);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].line, found[0].code), (3, 3));
    assert_eq!(found[0].output, ["portcullis …"]);

    let own = |lines: &[&str]| lines.iter().map(|&l| l.to_owned()).collect::<Vec<_>>();
    assert!(matches(&own(&["a … c", "…", "end"]), &["a b c", "x", "y", "end"]));
    assert!(matches(&own(&["…"]), &[]));
    assert!(!matches(&own(&["a … c"]), &["a b d"]));
    assert!(!matches(&own(&["a"]), &["a", "b"]));
    assert!(!matches(&own(&["a", "b"]), &["a"]));
}

#[test]
fn a_sample_runs_against_the_binary() {
    let ran = World::new().run_in(checkout(), &["--version"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(matches(&["portcullis …".to_owned()], &lines), "{ran}");
    assert!(!matches(&["other …".to_owned()], &lines), "{ran}");
}
