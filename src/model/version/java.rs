//! Java's own numbers. Up to Java 8 the feature release was the second of them and the update stood
//! after `_` or `u`: `1.8.0_45` and `8u45` are one version, and both come before `11.0.2+9`.

use super::digits::Digits;
use super::numbers::{Build, Numbers, pre_release};

/// Names that vendors write before the numbers.
const PREFIXES: [&str; 8] =
    ["openjdk-", "openjdk", "java-", "jdk-", "jdk", "jre-", "jre", "zulu-jdk-"];

/// Reads what can only be a Java version: an update after `_` or `u`, or a vendor's prefix.
pub(super) fn unmistakable(text: &str) -> Option<Numbers> {
    let bare = strip(text);
    legacy(bare).or_else(|| if bare.len() < text.len() { read(text) } else { None })
}

/// Reads a text as a Java version, whatever else it may be.
pub(super) fn read(text: &str) -> Option<Numbers> {
    let bare = strip(text);
    legacy(bare).or_else(|| old_style(bare)).or_else(|| Numbers::read(bare).filter(is_javas_own))
}

/// Up to Java 8 no release had a second number: `8.72.15` and `8.21.0.1` are a packager's or a vendor's count,
/// and `1.8.0.392.1` is nobody's that is known here.
fn is_javas_own(numbers: &Numbers) -> bool {
    let old = numbers.core.first().is_some_and(|first| *first <= Digits::of(8));
    !old || numbers.core.get(1).is_none_or(Digits::is_zero)
}

fn strip(text: &str) -> &str {
    let starts = |p: &&&str| {
        text.strip_prefix(**p).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    PREFIXES.iter().find(starts).map_or(text, |p| &text[p.len()..])
}

/// `1.8.0_45`, `1.8.0_45-b14`, `8u45`, `8u152-b16`.
fn legacy(text: &str) -> Option<Numbers> {
    let (version, suffix) = match text.split_once('-') {
        Some((version, suffix)) => (version, Some(suffix)),
        None => (text, None),
    };
    let core = match version.split_once('_') {
        Some((version, update)) => {
            let mut parts = version.strip_prefix("1.")?.split('.');
            let (feature, interim) = (parts.next()?, parts.next().unwrap_or("0"));
            if parts.next().is_some() {
                return None;
            }
            [feature, interim, update].map(Digits::read)
        }
        None => {
            let (feature, update) = version.split_once('u')?;
            [Digits::read(feature), Digits::read("0"), Digits::read(update)]
        }
    };
    finish(core.into_iter().collect::<Option<_>>()?, suffix)
}

/// `1.8`, `1.8.0`, `1.4.2-ea`: the same without an update; `1.8.0.392`: with one, as RPM writes it.
fn old_style(text: &str) -> Option<Numbers> {
    let (version, suffix) = match text.split_once('-') {
        Some((version, suffix)) => (version, Some(suffix)),
        None => (text, None),
    };
    let core: Vec<Digits> =
        version.strip_prefix("1.")?.split('.').map(Digits::read).collect::<Option<_>>()?;
    if core.len() > 3 || core.len() == 3 && !core[1].is_zero() {
        return None;
    }
    finish(core, suffix)
}

/// A suffix is a build (`b14`), or early access and the like, or a vendor's own words.
fn finish(mut core: Vec<Digits>, suffix: Option<&str>) -> Option<Numbers> {
    while core.last().is_some_and(Digits::is_zero) {
        core.pop();
    }
    let Some(suffix) = suffix else { return Some(Numbers { core, pre: Vec::new(), build: None }) };
    let number = suffix.strip_prefix('b').and_then(|s| {
        let end = s.find('-').unwrap_or(s.len());
        Some((Digits::read(&s[..end])?, &s[end..]))
    });
    if let Some((number, rest)) = number {
        let build = Build { number: Some(number), rest: rest.into() };
        return Some(Numbers { core, pre: Vec::new(), build: Some(build) });
    }
    if suffix == "ea" || suffix.starts_with("ea-") || suffix.starts_with("internal") {
        return Some(Numbers { core, pre: pre_release(suffix)?, build: None });
    }
    let build = Build { number: None, rest: suffix.into() };
    Some(Numbers { core, pre: Vec::new(), build: Some(build) })
}
