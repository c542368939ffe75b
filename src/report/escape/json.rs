use super::is_hidden;
use serde::Serialize;
use std::io::{self, Write};

/// Writes `value` as indented JSON and a line break.
///
/// # Errors
/// What `out` answers.
pub fn json_document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut escaped = Escaping::new(out);
    serde_json::to_writer_pretty(&mut escaped, value)?;
    escaped.finish()
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// What `out` answers.
pub fn json_line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut escaped = Escaping::new(out);
    serde_json::to_writer(&mut escaped, value)?;
    escaped.finish()
}

/// Passes a serialised document on with hidden characters as `\u` escapes: the values stay exact,
/// and a terminal that shows the document comes to no harm.
///
/// Hidden characters other than the document's own line breaks only ever stand inside strings.
struct Escaping<'o> {
    out: &'o mut dyn Write,
    /// What was written since the last [`MOST`] bytes were passed on; it may end inside a character.
    held: Vec<u8>,
}

/// Bytes held back at most, but for what one piece of text adds.
const MOST: usize = 1 << 16;

impl<'o> Escaping<'o> {
    fn new(out: &'o mut dyn Write) -> Self {
        Self { out, held: Vec::with_capacity(2 * MOST) }
    }

    /// Passes on every whole character that is held.
    fn pass(&mut self) -> io::Result<()> {
        let whole = match std::str::from_utf8(&self.held) {
            Ok(text) => text,
            Err(error) => {
                let (whole, _) = self.held.split_at(error.valid_up_to());
                std::str::from_utf8(whole).unwrap_or_default()
            }
        };
        let mut from = 0;
        // Among ASCII only controls are hidden: text is searched byte by byte for what is not plain.
        let plain = |b: &u8| matches!(b, b'\n' | b' '..=b'~');
        let mut at = 0;
        while let Some(next) = whole.as_bytes()[at..].iter().position(|b| !plain(b)) {
            at += next;
            let Some(c) = whole[at..].chars().next() else { break };
            let end = at + c.len_utf8();
            if is_hidden(c) {
                self.out.write_all(&whole.as_bytes()[from..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
                from = end;
            }
            at = end;
        }
        self.out.write_all(&whole.as_bytes()[from..])?;
        let done = whole.len();
        self.held.drain(..done);
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.held.push(b'\n');
        self.pass()
    }
}

impl Write for Escaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= MOST {
            self.pass()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
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
