//! Examples in Markdown: a command, and what it prints. CONTRIBUTING.md has the convention.

/// One command of a block, with what the README says it prints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) line: usize,
    pub(crate) arguments: Vec<String>,
    pub(crate) output: Vec<String>,
    pub(crate) code: i32,
}

/// Reads the examples of every block that is marked so: ```` ```console ````.
pub(crate) fn examples(readme: &str, mark: &str) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    // Whether we are in a block, and whether the block is one of ours.
    let mut block = None;
    let mut open = false;
    for (number, text) in readme.lines().enumerate() {
        if let Some(info) = text.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(info == mark) };
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
pub(crate) fn matches(pattern: &[String], lines: &[&str]) -> bool {
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
