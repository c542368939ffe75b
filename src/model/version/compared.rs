use super::Scheme;
use std::cmp::Ordering;
use std::fmt;

/// What comparing two versions gave. Without an order nothing is less and nothing greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    Ordered(Ordering),
    Incomparable(Incomparable),
}

/// Why neither of two versions comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incomparable {
    /// They are written in two schemes.
    Schemes(Scheme, Scheme),
    /// Two git hashes: different, and without an order.
    Hashes,
    /// Two git hashes of which one may abbreviate the other: not even known to be different.
    Abbreviation,
    /// Two plain texts: different, and without an order.
    Texts,
    /// Builds of the same version whose names have no order.
    Builds,
    /// `1.2.3-4` comes before `1.2.3` in semver and after it in Debian.
    Ambiguous,
}

impl Compared {
    pub(super) const EQUAL: Self = Self::Ordered(Ordering::Equal);

    /// The order, where there is one.
    #[must_use]
    pub const fn ordering(self) -> Option<Ordering> {
        match self {
            Self::Ordered(ordering) => Some(ordering),
            Self::Incomparable(_) => None,
        }
    }

    /// Whether they are the same version; `None` where that cannot be told.
    #[must_use]
    pub const fn equal(self) -> Option<bool> {
        match self {
            Self::Ordered(Ordering::Equal) => Some(true),
            Self::Incomparable(Incomparable::Abbreviation) => None,
            Self::Ordered(_) | Self::Incomparable(_) => Some(false),
        }
    }

    /// The answer when the two are asked for the other way round.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Ordered(ordering) => Self::Ordered(ordering.reverse()),
            Self::Incomparable(Incomparable::Schemes(a, b)) => {
                Self::Incomparable(Incomparable::Schemes(b, a))
            }
            other => other,
        }
    }

    /// This answer, or the next where this one is *equal*.
    pub(super) fn then(self, next: impl FnOnce() -> Self) -> Self {
        if self == Self::EQUAL { next() } else { self }
    }
}

impl From<Ordering> for Compared {
    fn from(ordering: Ordering) -> Self {
        Self::Ordered(ordering)
    }
}

/// A fragment that fits after "because".
impl fmt::Display for Incomparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schemes(a, b) => write!(f, "one is {a} and the other {b}"),
            Self::Hashes => f.write_str("git hashes have no order"),
            Self::Abbreviation => f.write_str("one hash may abbreviate the other"),
            Self::Texts => f.write_str("plain texts have no order"),
            Self::Builds => {
                f.write_str("they are builds of one version, and their names have no order")
            }
            Self::Ambiguous => f.write_str(
                "what follows the `-` is a pre-release in semver and a later revision in Debian",
            ),
        }
    }
}
