use super::is_hidden;
use serde::Serialize;
use std::io::{self, Write};

/// Writes `value` as indented JSON and a line break.
///
/// # Errors
/// What `out` answers.
pub fn json_document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write(&serde_json::to_string_pretty(value)?, out)
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// What `out` answers.
pub fn json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write(&serde_json::to_string(value)?, out)
}

/// Writes a serialised document with hidden characters as `\u` escapes: the values stay exact, and
/// a terminal that shows the document comes to no harm.
///
/// Hidden characters other than the document's own line breaks only ever stand inside strings.
fn write(document: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut from = 0;
    for (at, c) in document.char_indices().filter(|(_, c)| *c != '\n' && is_hidden(*c)) {
        out.write_all(&document.as_bytes()[from..at])?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        from = at + c.len_utf8();
    }
    out.write_all(&document.as_bytes()[from..])?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_exact_and_nothing_hidden_is_written() {
        let nasty = "a\u{9b}31m\u{202e}\u{7f}\u{e0041}\n\"\\\u{feff}é";
        for write in [json_document, json_line] {
            let mut out = Vec::new();
            write(&[nasty], &mut out).expect("memory");
            let text = String::from_utf8(out).expect("UTF-8");
            assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
            assert_eq!(serde_json::from_str::<Vec<String>>(&text).expect("JSON"), [nasty]);
        }
    }
}
