use super::Place;
use crate::model::version::Scheme;
use jiff::SignedDuration;
use std::fmt;

/// What a fact of every host of a role must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// As sources name it: `jdk`, `image`, `tag:generation`.
    pub name: String,
    /// At least one; all must hold.
    pub constraints: Vec<Constraint>,
    /// How its values are written, where the spec says; else it is read from them.
    pub scheme: Option<Scheme>,
    /// A value gathered longer ago counts for nothing; the configured limit where absent.
    pub max_age: Option<SignedDuration>,
    pub at: Place,
}

/// One demand on a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// Every comparison must hold: `>= 1.2, < 2`.
    Is(Vec<Comparison>),
    /// Any of these versions.
    OneOf(Vec<String>),
    /// One version on every live host of the role.
    SameWithinRole,
    /// Every live host of the role within one of these sets.
    Compatible(Vec<Vec<String>>),
}

/// One comparison with a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub sign: Sign,
    pub version: String,
}

/// How a version must compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// When the rest of a role may follow its first hosts to a new version.
///
/// Each value of `fact` is judged that more than `first` live hosts of the role hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The fact that is the version.
    pub fact: String,
    /// How many hosts may go first, and must be proven before any other follows.
    pub first: Share,
    /// How long each of the first must have been on the new version.
    pub soak: Option<SignedDuration>,
    /// How many requests each of the first must have carried.
    pub min_requests: Option<u64>,
    /// The fact that counts requests.
    pub requests: String,
    /// The fact that says since when a host is on its version: an instant, or seconds since 1970.
    pub since: String,
    /// The new version, where the spec names it.
    pub to: Option<String>,
    pub at: Place,
}

/// A part of a role's live hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Hosts(u32),
    /// 1 to 100, rounded up to whole hosts.
    Percent(u32),
}

impl Sign {
    /// Every sign, those of two characters first.
    pub const ALL: [Self; 6] =
        [Self::NotEqual, Self::AtMost, Self::AtLeast, Self::Equal, Self::Less, Self::Greater];

    /// As specs write it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether it asks which of two comes first.
    #[must_use]
    pub const fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Share {
    /// How many of so many hosts: at least one.
    #[must_use]
    pub fn of(self, hosts: usize) -> usize {
        match self {
            Self::Hosts(n) => usize::try_from(n).unwrap_or(usize::MAX),
            Self::Percent(p) => (hosts * p as usize).div_ceil(100),
        }
        .max(1)
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign.text(), self.version)
    }
}

/// As a spec would write it, in words where it has none.
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(parts) => {
                let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
                f.write_str(&parts.join(", "))
            }
            Self::OneOf(values) => write!(f, "one of {}", values.join(", ")),
            Self::SameWithinRole => f.write_str("the same within the role"),
            Self::Compatible(sets) => {
                let sets: Vec<String> =
                    sets.iter().map(|s| format!("[{}]", s.join(", "))).collect();
                write!(f, "all of one of {}", sets.join(" "))
            }
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hosts(1) => f.write_str("1 host"),
            Self::Hosts(n) => write!(f, "{n} hosts"),
            Self::Percent(p) => write!(f, "{p}%"),
        }
    }
}
