use super::osquery::Log;
use super::{Wanted, document, exact};
use crate::fact::Gathered;
use jiff::Timestamp;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Arc;

/// Reads the texts of one source.
pub(super) struct Reader<'a> {
    pub(super) source: Arc<str>,
    pub(super) wanted: &'a Wanted,
    /// What the texts have of osquery's log, until all of them are read.
    pub(super) log: RefCell<Log>,
}

/// One text of a source: JSON, or JSON line by line.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// Which of the source's texts it is; empty where there is one only.
    pub(super) at: &'a str,
    pub(super) bytes: &'a [u8],
    /// The host that the text is named for.
    pub(super) host: Option<&'a str>,
    pub(super) read_at: Timestamp,
    /// The latest that it can have been gathered.
    pub(super) gathered_at: Option<Timestamp>,
}

/// Most lines that are told one by one.
const MAX_TOLD: usize = 5;

impl Reader<'_> {
    /// Adds the records of a text, and gaps for what of it cannot be read.
    pub(super) fn parse(&self, text: &Text<'_>, out: &mut Gathered) {
        let bytes = text.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text.bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let why = "it is empty: have it say `{}` where there are no hosts";
            out.gaps.push(self.gap(text.at, why));
            return;
        }
        let whole = match exact::read(bytes) {
            Ok(value) => return document::read(self, text, text.at, &value, out),
            Err(why) => why,
        };
        let mut lines = bytes.split(|b| *b == b'\n').enumerate().filter(|(_, l)| !blank(l));
        let by_line = lines
            .clone()
            .next()
            .is_some_and(|(_, line)| matches!(exact::read(line), Ok(Value::Object(_))));
        if !by_line {
            let why = match std::str::from_utf8(bytes) {
                Ok(_) if whole.is_data() => whole.to_string(),
                Ok(_) => format!("it is not JSON: {whole}"),
                Err(e) => format!("it is not UTF-8, from byte {} on", e.valid_up_to()),
            };
            out.gaps.push(self.gap(text.at, format!("{why}; nothing of it was read")));
            return;
        }
        let mut wrong = 0;
        for (n, line) in &mut lines {
            let at = match text.at {
                "" => format!("line {}", n + 1),
                at => format!("{at} line {}", n + 1),
            };
            match exact::read(line) {
                Ok(value) => document::read(self, text, &at, &value, out),
                Err(why) => {
                    wrong += 1;
                    if wrong <= MAX_TOLD {
                        let why = match std::str::from_utf8(line) {
                            Ok(_) if why.is_data() => without_line(&why),
                            Ok(_) => format!("it is not JSON: {}", without_line(&why)),
                            Err(_) => "it is not UTF-8".to_owned(),
                        };
                        out.gaps.push(self.gap(&at, format!("{why}; the other lines were read")));
                    }
                }
            }
        }
        if wrong > MAX_TOLD {
            let why = format!("{} more lines cannot be read", wrong - MAX_TOLD);
            out.gaps.push(self.gap(text.at, why));
        }
    }
}

fn blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The error of one line, whose number is told beside it.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(t, _)| t);
    format!("{text} at column {}", error.column())
}
