use crate::model::Gap;
use crate::spec::Place;
use std::fmt;

/// One thing that declared roles and the hosts there are do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub what: What,
    /// Where it was declared; the first of two places for an overlap.
    pub place: Option<Place>,
    /// The second place of an overlap.
    pub other: Option<Place>,
    /// What could not be seen and may undo this: with any of these it is not certain.
    pub gaps: Vec<Gap>,
}

/// The kinds of disagreement, in the order of reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Fewer live hosts than `count.min`.
    TooFew { role: String, live: u32, min: u32 },
    /// More live hosts than `count.max`.
    TooMany { role: String, live: u32, max: u32 },
    /// A selector that picks no host, live or not; `nth` from 1 of the role's `of` selectors.
    PicksNothing { role: String, nth: usize, of: usize },
    /// A live host that no role picks.
    Unknown { host: String, name: Option<String> },
    /// Two roles of the same hosts whose declarations cannot both hold.
    Overlap {
        /// Sorted.
        roles: [String; 2],
        /// What they contradict each other about: `tcp/443 from internet`.
        about: String,
        /// Why: `declared by service web and forbidden`.
        why: String,
        /// One host of both, the first by id.
        host: String,
        /// How many hosts are in both.
        hosts: usize,
    },
}

impl Row {
    /// What findings call it: `role NAME` or the host's id.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.what {
            What::TooFew { role, .. }
            | What::TooMany { role, .. }
            | What::PicksNothing { role, .. } => format!("role {role}"),
            What::Unknown { host, .. } => host.clone(),
            What::Overlap { roles: [a, b], about, .. } => format!("roles {a} and {b} {about}"),
        }
    }
}

/// One sentence. Names of hosts are text from outside: escape it where it is printed.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::TooFew { role, live, min } => {
                write!(f, "role {role} has {live} live hosts, at least {min} are declared")
            }
            What::TooMany { role, live, max } => {
                write!(f, "role {role} has {live} live hosts, at most {max} are declared")
            }
            What::PicksNothing { role, of: 1, .. } => {
                write!(f, "the selector of role {role} picks no host")
            }
            What::PicksNothing { role, nth, of } => {
                write!(f, "selector {nth} of {of} of role {role} picks no host")
            }
            What::Unknown { host, name: Some(name) } => {
                write!(f, "host {host} ({name}) belongs to no role")
            }
            What::Unknown { host, name: None } => write!(f, "host {host} belongs to no role"),
            What::Overlap { roles: [a, b], about, why, host, hosts } => {
                write!(f, "roles {a} and {b} share {hosts} hosts ({host}) and {why}: {about}")
            }
        }
    }
}
