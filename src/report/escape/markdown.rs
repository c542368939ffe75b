use super::visible::visible;

/// Escapes running text: no markup, no HTML, no link, no mention, no reference, no table cell ends.
///
/// Links, mentions and references that GitHub makes of plain text are broken by a zero-width space,
/// written as an entity.
#[must_use]
pub fn text(text: &str) -> String {
    let shown = visible(text);
    let mut out = String::with_capacity(shown.len() * 2);
    let mut rest = shown.as_ref();
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@&#8203;"),
            '#' => out.push_str("\\#&#8203;"),
            ':' if after.starts_with("//") => out.push_str(":&#8203;"),
            '.' if ends_with_www(&out) => out.push_str("&#8203;."),
            // The letters of "GH-12", which is a reference too.
            '-' if after.starts_with(|d: char| d.is_ascii_digit()) && ends_with_gh(&out) => {
                out.push_str("&#8203;-");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // A list, a rule or a heading, were it to begin a line.
            '-' | '+' | '=' if out.trim().is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if numbers(&out) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        rest = after;
    }
    // Spaces at the ends would be dropped; four in front would be a code block.
    out.trim().to_owned()
}

/// Whether a dot or a bracket here would begin a numbered list.
fn numbers(out: &str) -> bool {
    let begun = out.trim_start();
    !begun.is_empty() && begun.bytes().all(|b| b.is_ascii_digit())
}

fn ends_with_www(out: &str) -> bool {
    out.len() >= 3 && out.as_bytes()[out.len() - 3..].eq_ignore_ascii_case(b"www")
}

fn ends_with_gh(out: &str) -> bool {
    out.len() >= 2 && out.as_bytes()[out.len() - 2..].eq_ignore_ascii_case(b"gh")
}

/// Makes a code span of one line.
#[must_use]
pub fn code(text: &str) -> String {
    let shown = visible(text);
    if shown.trim().is_empty() {
        return "` `".into();
    }
    let ticks = "`".repeat(longest_run(&shown) + 1);
    // One space on each side is not part of the span; it is needed where a backtick or a space is.
    let bare = !shown.starts_with(['`', ' ']) && !shown.ends_with(['`', ' ']);
    let pad = if bare { "" } else { " " };
    format!("{ticks}{pad}{shown}{pad}{ticks}")
}

/// Makes a code span for the cell of a table, which a pipe would end even inside the span.
#[must_use]
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Makes a fenced block of several lines, in `language`.
#[must_use]
pub fn fence(language: &str, text: &str) -> String {
    let ticks = "`".repeat(longest_run(text).max(2) + 1);
    let lines: Vec<_> = text.trim_end_matches('\n').split('\n').map(visible).collect();
    format!("{ticks}{language}\n{}\n{ticks}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_what_github_makes_of_plain_text() {
        assert_eq!(text("@ops"), "@&#8203;ops");
        assert_eq!(text("see #12 and gh-3"), "see \\#&#8203;12 and gh&#8203;-3");
        assert_eq!(text("http://www.x"), "http:&#8203;//www&#8203;.x");
        assert_eq!(text("<img src=x>"), "&lt;img src=x&gt;");
        assert_eq!(text("a|b\n- c"), "a\\|b\\\\n- c");
        assert_eq!([text("1. x"), text(" 2) y")], ["1\\. x", "2\\) y"]);
        assert_eq!([text("- x"), text("+ y"), text("===")], ["\\- x", "\\+ y", "\\==="]);
    }

    #[test]
    fn code_outlasts_every_backtick() {
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!([code("a|b"), cell("a|b")], ["`a|b`", "`a\\|b`"]);
        assert!(fence("sh", "x\n````\ny\x1b[2J").starts_with("`````sh\nx\n````\ny\\u{1b}[2J\n"));
    }
}
