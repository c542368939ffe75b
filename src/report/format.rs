use std::fmt;

/// The report formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For people, in the manner of cargo.
    Text,
    /// One document, version 1, frozen; its schema is `docs/schema/report-v1.json`.
    Json,
    /// The same, one line for each finding and gap; its schema is `docs/schema/report-line-v1.json`.
    Jsonl,
    /// SARIF 2.1.0.
    Sarif,
    /// `JUnit` XML, as CI servers read it.
    Junit,
    /// GitHub-flavoured Markdown, for a job summary or a comment.
    Markdown,
    /// Workflow commands of GitHub Actions: annotations.
    Github,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Junit,
        Self::Markdown,
        Self::Github,
    ];

    /// The name that `--format` and `--export` take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Github => "github",
        }
    }

    /// The format of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
