use std::sync::Arc;

/// A stretch of one source: which, its bytes, and where it begins for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    /// Index into the sources.
    pub(super) file: u32,
    /// From 1; 0 where there is no line to show (the file as a whole).
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// First byte.
    pub(super) start: u32,
    /// One past the last byte.
    pub(super) end: u32,
}

impl Span {
    /// The file as a whole: no line to show.
    pub(super) const fn file(file: u32) -> Self {
        Self { file, line: 0, column: 0, start: 0, end: 0 }
    }
}

/// One YAML value and where it stands. An alias's value stands where it was defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The text exactly as written (after escapes), and whether it stood without quotes.
    Scalar {
        text: Arc<str>,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order written; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// The key of a map's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) text: Arc<str>,
    pub(super) span: Span,
}

impl Node {
    /// What it is, in people's words, for "found ...".
    pub(super) fn found(&self) -> String {
        match &self.kind {
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
            Kind::Scalar { .. } if self.is_null() => "nothing".into(),
            Kind::Scalar { text, .. } => format!("`{}`", super::error::shorten(text)),
        }
    }

    /// Whether it is an empty value: nothing after the colon, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true }
            if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar that is not empty.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether YAML 1.2 readers take this unquoted scalar for a number or a boolean.
    pub(super) fn is_number_or_bool(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, plain: true } => {
                matches!(&**text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
                    || is_number(text)
            }
            _ => false,
        }
    }

    /// The entries of a map; none for anything else.
    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a map's key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(k, _)| &*k.text == key).map(|(_, v)| v)
    }

    /// The items of a list, or the value itself where one may stand for a list of one.
    pub(super) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ if self.is_null() => &[],
            _ => std::slice::from_ref(self),
        }
    }
}

/// Whether YAML's core schema reads `text` as a number.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let unsigned = |s: &str, radix: u32| !s.is_empty() && s.chars().all(|c| c.is_digit(radix));
    if let Some(hex) = text.strip_prefix("0x") {
        return unsigned(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return unsigned(octal, 8);
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        for text in ["1", "-1", "1.5", "0x1f", "0o17", "1e3", ".5", ".inf", "-.inf", ".nan", "012"]
        {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", ".", "1.2.3", "inf", "nan", "tcp", "1a", "10.0.0.0/8", "e3"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
