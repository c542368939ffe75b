use super::digits::Digits;
use super::{Compared, Incomparable};
use std::cmp::Ordering;

/// Numbers joined by dots, with a pre-release and a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Without trailing zeros: `1.2` and `1.2.0` are one version.
    pub(super) core: Vec<Digits>,
    /// Empty for a release, which comes after its pre-releases.
    pub(super) pre: Vec<Identifier>,
    pub(super) build: Option<Build>,
}

/// One part of a pre-release: numbers come before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier {
    Number(Digits),
    Word(String),
}

/// What follows `+`. A numbered one has an order (Java's builds), any other only equality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Build {
    pub(super) number: Option<Digits>,
    pub(super) rest: String,
}

impl Numbers {
    /// Reads `1.2.3-pre+build`; every part but the numbers may be missing.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (left, build) = match text.split_once('+') {
            Some((left, build)) => (left, Some(Build::read(build)?)),
            None => (text, None),
        };
        let (core, pre) = match left.split_once('-') {
            Some((core, pre)) => (core, pre_release(pre)?),
            None => (left, Vec::new()),
        };
        Some(Self { core: self::core(core)?, pre, build })
    }

    pub(super) fn compare(&self, other: &Self) -> Compared {
        let order = self.core.cmp(&other.core).then_with(|| pre_order(&self.pre, &other.pre));
        Compared::from(order).then(|| match (&self.build, &other.build) {
            (None, None) => Compared::EQUAL,
            (None, Some(_)) => Ordering::Less.into(),
            (Some(_), None) => Ordering::Greater.into(),
            (Some(a), Some(b)) => a.compare(b),
        })
    }
}

/// The numbers of a core without its trailing zeros.
pub(super) fn core(text: &str) -> Option<Vec<Digits>> {
    let mut core: Vec<Digits> = text.split('.').map(Digits::read).collect::<Option<_>>()?;
    while core.last().is_some_and(Digits::is_zero) {
        core.pop();
    }
    Some(core)
}

pub(super) fn pre_release(text: &str) -> Option<Vec<Identifier>> {
    text.split('.').map(Identifier::read).collect()
}

/// A release comes after its pre-releases; else part by part, and the shorter first.
pub(super) fn pre_order(a: &[Identifier], b: &[Identifier]) -> Ordering {
    b.is_empty().cmp(&a.is_empty()).reverse().then_with(|| a.cmp(b))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Identifier {
    fn read(text: &str) -> Option<Self> {
        match Digits::read(text) {
            Some(number) => Some(Self::Number(number)),
            None => is_word(text).then(|| Self::Word(text.into())),
        }
    }
}

impl Build {
    pub(super) fn read(text: &str) -> Option<Self> {
        if !text.split('.').all(is_word) {
            return None;
        }
        let end = text.find(['-', '.']).unwrap_or(text.len());
        Some(match Digits::read(&text[..end]) {
            Some(number) => Self { number: Some(number), rest: text[end..].into() },
            None => Self { number: None, rest: text.into() },
        })
    }

    fn compare(&self, other: &Self) -> Compared {
        let order = match (&self.number, &other.number) {
            (Some(a), Some(b)) => a.cmp(b),
            (None, None) => Ordering::Equal,
            _ => return Compared::Incomparable(Incomparable::Builds),
        };
        Compared::from(order).then(|| match (self.rest.as_str(), other.rest.as_str()) {
            (a, b) if a == b => Compared::EQUAL,
            ("", _) => Ordering::Less.into(),
            (_, "") => Ordering::Greater.into(),
            _ => Compared::Incomparable(Incomparable::Builds),
        })
    }
}
