//! dpkg's order of versions, as Debian policy 5.6.12 words it.

use super::digits::Digits;
use std::cmp::Ordering;

/// Epoch, upstream version and revision.
#[derive(Debug, Clone)]
pub(super) struct Debian {
    epoch: Digits,
    upstream: String,
    /// `0` where there is none: both are the same to dpkg.
    revision: String,
}

impl Debian {
    /// Reads what dpkg accepts: an upstream version that begins with a digit, its characters.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (Digits::read(epoch)?, rest),
            None => (Digits::default(), text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
        let fits = |text: &str, more: &[u8]| {
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".+~".contains(&b) || more.contains(&b))
        };
        let valid = upstream.starts_with(|c: char| c.is_ascii_digit())
            && fits(upstream, b"-:")
            && !revision.is_empty()
            && fits(revision, b"");
        valid.then(|| Self { epoch, upstream: upstream.into(), revision: revision.into() })
    }
}

impl Debian {
    /// Whether it has an epoch, which decides over everything else.
    pub(super) fn has_epoch(&self) -> bool {
        !self.epoch.is_zero()
    }
}

/// `8u392-ga-1`: a Java version as Debian packages it.
pub(super) fn is_javas(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (feature, rest) = text.split_at(digits(text));
    !feature.is_empty() && rest.strip_prefix('u').is_some_and(|update| digits(update) > 0)
}

impl Ord for Debian {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| part(self.upstream.as_bytes(), other.upstream.as_bytes()))
            .then_with(|| part(self.revision.as_bytes(), other.revision.as_bytes()))
    }
}

impl PartialOrd for Debian {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Debian {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Debian {}

/// Compares stretches of non-digits and of digits in turn.
pub(super) fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (words, numbers) = (take(&mut a, false), take(&mut b, false));
        let order = word(words, numbers);
        if order != Ordering::Equal {
            return order;
        }
        let order = number(take(&mut a, true)).cmp(&number(take(&mut b, true)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// Takes the stretch of digits, or of what is none, from the front.
fn take<'a>(text: &mut &'a [u8], digits: bool) -> &'a [u8] {
    let end = text.iter().position(|b| b.is_ascii_digit() != digits).unwrap_or(text.len());
    let (front, rest) = text.split_at(end);
    *text = rest;
    front
}

/// `~` before the end, the end before letters, letters before everything else.
fn word(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i16::from(*b),
        Some(b) => i16::from(*b) + 256,
    };
    let most = a.len().max(b.len());
    (0..most)
        .map(|i| weight(a.get(i)).cmp(&weight(b.get(i))))
        .find(|o| *o != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

fn number(digits: &[u8]) -> (usize, &[u8]) {
    let start = digits.iter().position(|b| *b != b'0').unwrap_or(digits.len());
    (digits.len() - start, &digits[start..])
}
