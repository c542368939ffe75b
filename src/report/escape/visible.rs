use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character must not reach a reader's eye as it is: it moves the cursor, reorders or
/// hides text, ends a line, or cannot stand in XML.
#[must_use]
pub const fn is_hidden(c: char) -> bool {
    matches!(c,
        // C0, DEL and C1: terminal control.
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Mongolian vowel separator.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
        // Hangul fillers: letters that look like nothing.
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // Zero width, marks and embeddings of direction, line and paragraph separators.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        // Invisible operators, isolates, deprecated format characters.
        | '\u{2060}'..='\u{206f}'
        // Variation selectors, byte order mark, interlinear annotation, noncharacters.
        | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}' | '\u{ffff}'
        // Tags and supplementary variation selectors.
        | '\u{e0000}'..='\u{e0fff}')
        || (c as u32) & 0xfffe == 0xfffe
}

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
