pub use crate::model::is_hidden;

use std::borrow::Cow;
use std::fmt::Write;

/// Shows hidden characters by their code: `\n` as `\n`, ESC as `\u{1b}`.
///
/// A backslash stays as it is: the result is for reading, not for reading back.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// [`visible`], for a line that may end in the log of a GitHub job: `##[` anywhere in a line is a
/// command there.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    if text.contains("##[") {
        return Cow::Owned(text.replace("##[", "##\\u{5b}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_hides_and_leaves_the_rest() {
        assert_eq!(visible("a\x1b[31mb\r\n"), "a\\u{1b}[31mb\\r\\n");
        assert_eq!(
            visible("\u{9b}2J\u{202e}gpj.exe\u{2066}"),
            "\\u{9b}2J\\u{202e}gpj.exe\\u{2066}"
        );
        assert_eq!(visible("\u{fffe}\u{1ffff}\u{feff}"), "\\u{fffe}\\u{1ffff}\\u{feff}");
        assert!(matches!(visible("Grüße, 日本 🦀 C:\\x"), Cow::Borrowed(_)));
        assert_eq!(line("x ##[error]y"), "x ##\\u{5b}error]y");
    }
}
