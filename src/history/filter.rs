use jiff::Timestamp;

/// Which findings or runs are asked for: all that hold of what is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Findings that are not resolved.
    pub open: bool,
    /// Findings that were seen, or resolved, at or after this instant; runs since then.
    pub since: Option<Timestamp>,
    /// A rule's id.
    pub rule: Option<String>,
    /// A part of the subject.
    pub subject: Option<String>,
    /// The start of the fingerprint, lower-case hex.
    pub prefix: Option<String>,
    /// Most rows; the latest first.
    pub limit: Option<u64>,
}
