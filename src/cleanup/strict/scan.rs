use super::{MAX_DEPTH, MAX_NUMBER};
use crate::model::is_hidden;
use std::collections::BTreeSet;

/// What is wrong, and at which byte.
type Wrong = (usize, String);

/// Walks over one value and what surrounds it. Nothing is built but the keys of open objects.
pub(super) fn document(text: &str) -> Result<(), Wrong> {
    let mut scan = Scan { text, at: 0 };
    scan.space();
    scan.value(0)?;
    scan.space();
    match scan.peek() {
        None => Ok(()),
        Some(_) => Err((scan.at, "something follows the value".into())),
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn wrong<T>(&self, why: impl Into<String>) -> Result<T, Wrong> {
        Err((self.at, why.into()))
    }

    fn value(&mut self, depth: usize) -> Result<(), Wrong> {
        if depth > MAX_DEPTH {
            return self.wrong(format!("it is nested deeper than {MAX_DEPTH}"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => self.wrong("this is no JSON value"),
            None => self.wrong("it ends early"),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Wrong> {
        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        self.wrong("this is no JSON value")
    }

    fn object(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        let mut keys = BTreeSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            let from = self.at;
            if self.peek() != Some(b'"') {
                return self.wrong("a key in quotes is needed");
            }
            let key = self.string()?;
            if keys.contains(&key) {
                return Err((from, format!("the key {key:?} stands twice")));
            }
            keys.insert(key);
            self.space();
            if self.peek() != Some(b':') {
                return self.wrong("a colon is needed");
            }
            self.at += 1;
            self.space();
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return self.wrong("a comma or } is needed"),
                None => return self.wrong("it ends early"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            self.value(depth + 1)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return self.wrong("a comma or ] is needed"),
                None => return self.wrong("it ends early"),
            }
        }
    }

    fn number(&mut self) -> Result<(), Wrong> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let digits = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return Err((from, "a number with a fraction or an exponent".into()));
        }
        let number = self.text.get(digits..self.at).unwrap_or_default();
        let spelled = number == "0" || !number.is_empty() && !number.starts_with('0');
        if !spelled || digits > from && number == "0" {
            return Err((from, "this is no whole number as JSON writes it".into()));
        }
        match number.parse::<u64>() {
            Ok(n) if n <= MAX_NUMBER => Ok(()),
            _ => Err((from, "a number beyond 2^53, which not every reader keeps exactly".into())),
        }
    }

    /// A string without what hides or reorders text, decoded.
    fn string(&mut self) -> Result<String, Wrong> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let from = self.at;
            let Some(c) = self.text.get(from..).and_then(|rest| rest.chars().next()) else {
                return self.wrong("it ends early");
            };
            self.at += c.len_utf8();
            let c = match c {
                '"' => return Ok(out),
                '\\' => self.escape(from)?,
                c => c,
            };
            if is_hidden(c) {
                let why = format!(
                    "the character U+{:04X}, which is not seen as it is: it hides, moves or \
                     reorders text",
                    c as u32
                );
                return Err((from, why));
            }
            out.push(c);
        }
    }

    fn escape(&mut self, from: usize) -> Result<char, Wrong> {
        let broken = || (from, "this is no JSON escape".to_owned());
        let c = self.peek().ok_or_else(broken)?;
        self.at += 1;
        Ok(match c {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex(from)?;
                if !(0xd800..0xe000).contains(&high) {
                    return char::from_u32(high).ok_or_else(broken);
                }
                if high >= 0xdc00 || self.text.get(self.at..self.at + 2) != Some("\\u") {
                    return Err((from, "half a surrogate pair".into()));
                }
                self.at += 2;
                let low = self.hex(from)?;
                if !(0xdc00..0xe000).contains(&low) {
                    return Err((from, "half a surrogate pair".into()));
                }
                char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
                    .ok_or_else(broken)?
            }
            _ => return Err(broken()),
        })
    }

    fn hex(&mut self, from: usize) -> Result<u32, Wrong> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok())
            .ok_or((from, "this is no JSON escape".into()))?;
        self.at += 4;
        Ok(digits)
    }
}
