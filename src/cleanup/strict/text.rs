use crate::model::is_hidden;
use std::borrow::Cow;
use std::fmt::Write;

/// Free text as a strict file may hold it: hidden characters by their code, as `\u{202e}`.
///
/// For words that came from outside and are only read by people. Names and ids that need it are
/// refused instead: two that differ must not become one.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}
