use std::fmt;

/// How a version is written, which decides how two are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Numbers joined by dots, as many as there are, with a pre-release and a build: semver, and
    /// plain numbers.
    Semver,
    /// `8u45`, `1.8.0_45`, `11.0.2+9`, `17.0.1`: the first is the feature release.
    Java,
    /// dpkg's order: epoch, upstream version, revision, `~`.
    Debian,
    /// A day or an instant.
    Date,
    /// A git hash: equal or not, and no order.
    Hash,
    /// Anything else: equal or not, and no order.
    Text,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 6] =
        [Self::Semver, Self::Java, Self::Debian, Self::Date, Self::Hash, Self::Text];

    /// The word that specs use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Semver => "semver",
            Self::Java => "java",
            Self::Debian => "debian",
            Self::Date => "date",
            Self::Hash => "hash",
            Self::Text => "text",
        }
    }

    /// The scheme of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Whether one of its versions can come before another.
    #[must_use]
    pub const fn has_order(self) -> bool {
        !matches!(self, Self::Hash | Self::Text)
    }
}

/// "a semver version", "a git hash".
impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Semver => "a semver version",
            Self::Java => "a Java version",
            Self::Debian => "a Debian version",
            Self::Date => "a date",
            Self::Hash => "a git hash",
            Self::Text => "plain text",
        })
    }
}
