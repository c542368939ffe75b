use super::debian::{self, Debian};
use super::digits::Digits;
use super::numbers::{self, Identifier, Numbers};
use super::{Compared, Incomparable, Scheme, java};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use std::fmt;

/// A text read as a version. Every text is one: what has no scheme is plain text.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Semver(Numbers),
    /// `1.2.3-4`, `4.19-amd64`: numbers and what semver and Debian read in opposite ways.
    Either(Either),
    Java(Numbers),
    Debian(Debian),
    Date(Timestamp),
    Hash(String),
    Text(String),
}

#[derive(Debug, Clone)]
struct Either {
    core: Vec<Digits>,
    pre: Vec<Identifier>,
    suffix: String,
}

/// Words that only packages of Debian and its kin carry.
const PACKAGE_WORDS: [&str; 4] = ["deb", "dfsg", "ubuntu", "repack"];

/// What may stand last behind a `-` and names for what it was built, and no step before a release:
/// machines, and flavours of kernels.
const VARIANTS: [&str; 22] = [
    "686",
    "aarch64",
    "amd64",
    "arm64",
    "armel",
    "armhf",
    "armmp",
    "aws",
    "azure",
    "cloud",
    "gcp",
    "generic",
    "i386",
    "i686",
    "lowlatency",
    "pae",
    "ppc64el",
    "ppc64le",
    "riscv64",
    "rt",
    "s390x",
    "virtual",
];

impl Version {
    /// Reads a text by itself.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let form = date(text)
            .or_else(|| is_no_day(text).then(|| Form::Text(text.into())))
            .or_else(|| java::unmistakable(text).map(Form::Java))
            .or_else(|| is_hash(text).then(|| Form::Hash(text.to_ascii_lowercase())))
            .or_else(|| semver(text))
            .or_else(|| Debian::read(text).map(Form::Debian))
            .unwrap_or_else(|| Form::Text(text.into()));
        Self { text: text.into(), form }
    }

    /// Reads a text as a version of a scheme; `None` where it is none.
    #[must_use]
    pub fn read_as(scheme: Scheme, text: &str) -> Option<Self> {
        let text = text.trim();
        let form = match scheme {
            Scheme::Semver => Form::Semver(Numbers::read(bare(text))?),
            Scheme::Java => Form::Java(java::read(text)?),
            Scheme::Debian => Form::Debian(Debian::read(text)?),
            Scheme::Date => date(text).or_else(|| compact_date(text))?,
            Scheme::Hash => {
                let fits =
                    (7..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
                Form::Hash(fits.then(|| text.to_ascii_lowercase())?)
            }
            Scheme::Text => Form::Text(text.into()),
        };
        Some(Self { text: text.into(), form })
    }

    /// The text, without white space around it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is written.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match &self.form {
            Form::Semver(_) | Form::Either(_) => Scheme::Semver,
            Form::Java(_) => Scheme::Java,
            Form::Debian(_) => Scheme::Debian,
            Form::Date(_) => Scheme::Date,
            Form::Hash(_) => Scheme::Hash,
            Form::Text(_) => Scheme::Text,
        }
    }

    /// Which of two comes first. A partial order: what it says of three fits together.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Compared {
        match (&self.form, &other.form) {
            (Form::Semver(a), Form::Semver(b)) | (Form::Java(a), Form::Java(b)) => a.compare(b),
            (Form::Either(a), Form::Either(b)) => a.compare(b),
            // Only the numbers say the same to semver and to Debian.
            (Form::Either(a), Form::Semver(b)) => cores(&a.core, &b.core),
            (Form::Semver(a), Form::Either(b)) => cores(&a.core, &b.core),
            (Form::Debian(a), Form::Debian(b)) => a.cmp(b).into(),
            (Form::Date(a), Form::Date(b)) => a.cmp(b).into(),
            (Form::Hash(a), Form::Hash(b)) if a == b => Compared::EQUAL,
            (Form::Hash(a), Form::Hash(b)) if a.starts_with(&**b) || b.starts_with(&**a) => {
                Compared::Incomparable(Incomparable::Abbreviation)
            }
            (Form::Hash(_), Form::Hash(_)) => Compared::Incomparable(Incomparable::Hashes),
            (Form::Text(a), Form::Text(b)) if a == b => Compared::EQUAL,
            (Form::Text(_), Form::Text(_)) => Compared::Incomparable(Incomparable::Texts),
            _ => Compared::Incomparable(Incomparable::Schemes(self.scheme(), other.scheme())),
        }
    }

    /// Whether it names a build: what stands after `+`, or after `-b` in an old Java version.
    #[must_use]
    pub const fn names_build(&self) -> bool {
        matches!(&self.form, Form::Semver(n) | Form::Java(n) if n.build.is_some())
    }

    /// Whether semver and Debian read what follows its `-` in opposite ways.
    #[must_use]
    pub const fn is_ambiguous(&self) -> bool {
        matches!(self.form, Form::Either(_))
    }

    /// The same version of whichever build.
    #[must_use]
    pub fn without_build(&self) -> Self {
        let mut version = self.clone();
        if let Form::Semver(numbers) | Form::Java(numbers) = &mut version.form {
            numbers.build = None;
        }
        version
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Either {
    /// What both schemes agree on.
    fn compare(&self, other: &Self) -> Compared {
        let semver = numbers::pre_order(&self.pre, &other.pre);
        let (a, b) = (split(&self.suffix), split(&other.suffix));
        let debian = debian::part(a.0.as_bytes(), b.0.as_bytes())
            .then_with(|| debian::part(a.1.as_bytes(), b.1.as_bytes()));
        match self.core.cmp(&other.core) {
            std::cmp::Ordering::Equal if semver == debian => semver.into(),
            std::cmp::Ordering::Equal => Compared::Incomparable(Incomparable::Ambiguous),
            order => order.into(),
        }
    }
}

/// The last part is Debian's revision, what stands before it belongs to the upstream version.
fn split(suffix: &str) -> (&str, &str) {
    suffix.rsplit_once('-').unwrap_or(("", suffix))
}

fn cores(a: &[Digits], b: &[Digits]) -> Compared {
    match a.cmp(b) {
        std::cmp::Ordering::Equal => Compared::Incomparable(Incomparable::Ambiguous),
        order => order.into(),
    }
}

/// Without the `v` that tags begin with.
fn bare(text: &str) -> &str {
    match text.strip_prefix('v') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

fn semver(text: &str) -> Option<Form> {
    let text = bare(text);
    if PACKAGE_WORDS.iter().any(|w| text.contains(w)) {
        return None;
    }
    let numbers = Numbers::read(text)?;
    let (left, _) = text.split_once('+').unwrap_or((text, ""));
    let Some((core, suffix)) = left.split_once('-') else { return Some(Form::Semver(numbers)) };
    let variant = suffix.rsplit('-').next().is_some_and(|last| VARIANTS.contains(&last));
    let numbered = suffix.starts_with(|c: char| c.is_ascii_digit());
    if !numbered && !variant {
        return Some(Form::Semver(numbers));
    }
    // Semver has three numbers; anything else before a digit is a package's revision.
    let three = core.split('.').count() == 3 && numbers.build.is_none();
    (three || !numbered).then(|| {
        Form::Either(Either { core: numbers.core, pre: numbers.pre, suffix: suffix.into() })
    })
}

/// 7 to 40 characters, or 64, of which one is a letter: ten digits are a number.
fn is_hash(text: &str) -> bool {
    let length = text.len();
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    let letter = text.bytes().any(|b| b.is_ascii_alphabetic());
    hex && match length {
        40 | 64 => true,
        7..=39 => letter,
        _ => false,
    }
}

/// `2024-01-15`, `2024-01-15T10:00:00Z`; without a zone it is UTC.
fn date(text: &str) -> Option<Form> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && (bytes.len() == 10 || matches!(bytes[10], b'T' | b't' | b' '));
    if !shaped {
        return None;
    }
    if bytes.len() == 10 {
        return day(text.parse().ok()?);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(Form::Date(instant));
    }
    let at: DateTime = text.parse().ok()?;
    Offset::UTC.to_timestamp(at).ok().map(Form::Date)
}

/// Whether a text is written as a date and its day is none: `2024-02-30`.
pub fn is_no_day(text: &str) -> bool {
    let Some(day) = text.trim().get(..10) else { return false };
    let shaped = day.bytes().enumerate().all(|(i, b)| match i {
        4 | 7 => b == b'-',
        _ => b.is_ascii_digit(),
    });
    let ends = matches!(text.trim().as_bytes().get(10), None | Some(b'T' | b't' | b' '));
    shaped && ends && day.parse::<Date>().is_err()
}

/// `20240115`, where a date is what is asked for.
fn compact_date(text: &str) -> Option<Form> {
    let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse::<Date>().ok()).flatten().and_then(day)
}

fn day(date: Date) -> Option<Form> {
    Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok().map(Form::Date)
}

/// Reads two texts in the light of each other: where one can only be of one scheme, and the other
/// can be of it too, both are.
///
/// What has a pre-release is never read as Debian: to dpkg `1.2.3-rc1` comes after `1.2.3`.
#[must_use]
pub fn pair(a: &str, b: &str) -> (Version, Version) {
    let (mut x, mut y) = (Version::read(a), Version::read(b));
    for scheme in [Scheme::Debian, Scheme::Java, Scheme::Date, Scheme::Hash] {
        if x.scheme() == scheme
            && x.is_in_the_light_of(&y)
            && let Some(reread) = y.reread(scheme)
        {
            y = reread;
            break;
        }
        if y.scheme() == scheme
            && y.is_in_the_light_of(&x)
            && let Some(reread) = x.reread(scheme)
        {
            x = reread;
            break;
        }
    }
    (x, y)
}

impl Version {
    /// Whether another version that is none of Debian's by itself may be held against this one of Debian's.
    /// An epoch that the other does not know decides whatever the numbers say, and Java's versions of old are
    /// in the form of Debian where Debian packages them, not where others do (`1.8.0.392.b08-2.el7`).
    fn is_in_the_light_of(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Debian(own), _) if own.has_epoch() => false,
            (Form::Debian(_), Form::Java(_)) => debian::is_javas(&self.text),
            _ => true,
        }
    }

    /// The same text as a version of another scheme, where it may be one.
    fn reread(&self, scheme: Scheme) -> Option<Self> {
        if self.may_be(scheme) { Self::read_as(scheme, &self.text) } else { None }
    }

    /// Whether what it was read as leaves room for another scheme.
    fn may_be(&self, scheme: Scheme) -> bool {
        match (&self.form, scheme) {
            (Form::Semver(n), Scheme::Debian) => n.pre.is_empty(),
            (Form::Either(_) | Form::Java(_), Scheme::Debian) => true,
            (Form::Semver(_), Scheme::Java) => true,
            (Form::Semver(n), Scheme::Date | Scheme::Hash) => n.pre.is_empty() && n.build.is_none(),
            _ => false,
        }
    }
}

/// Compares two texts, read in the light of each other.
#[must_use]
pub fn compare(a: &str, b: &str) -> Compared {
    let (a, b) = pair(a, b);
    a.compare(&b)
}
