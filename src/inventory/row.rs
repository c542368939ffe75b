use crate::fact::FactValue;
use crate::model::Gap;
use crate::resolve::Host;
use crate::spec::Place;
use jiff::Timestamp;
use std::fmt;

/// One thing that declared roles and the hosts there are do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub what: What,
    /// Where it was declared; the first of two places for an overlap.
    pub place: Option<Place>,
    /// The second place of an overlap.
    pub other: Option<Place>,
    /// What could not be seen and may be what is missing: with any of these it is not known.
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
    /// A role that requires services and whose hosts are all down: nobody is left to answer. Sorted.
    NoneLive { role: String, hosts: Vec<String>, services: Vec<String> },
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
    /// A live host of which nothing answered, though several of its services were asked.
    Silent { host: String, name: Option<String>, services: Vec<String> },
    /// A fact of a live host that is not what its role asks for.
    FactViolated { role: String, fact: String, constraint: String, is: Holding },
    /// A fact that must be the same within a role and is not.
    FactSkewed {
        role: String,
        fact: String,
        /// Hosts with the same version together, the largest group first.
        values: Vec<Vec<Holding>>,
        /// The hosts outside the largest group, by id; none where two are largest.
        odd: Vec<String>,
    },
    /// Values of a role's hosts that may not run side by side.
    FactIncompatible {
        role: String,
        fact: String,
        constraint: String,
        values: Vec<Holding>,
        /// The hosts outside the set that most of them are in; none where no set has most.
        odd: Vec<String>,
    },
    /// More hosts on one version than may be before the first are proven.
    RolloutTooFast {
        role: String,
        fact: String,
        /// How many must be proven before any other follows.
        first: usize,
        /// Live hosts of the role.
        of: usize,
        /// Hosts on that version.
        on: Vec<Holding>,
        /// Those of them that soaked and carried what they must.
        proven: Vec<String>,
        /// The others, and what each lacks.
        unproven: Vec<(String, String)>,
    },
    /// A fact that a constraint or a rollout asks for and that is not known of these hosts: a gap.
    FactUnknown {
        role: String,
        fact: String,
        hosts: Vec<String>,
        /// Other hosts, by id, that would be judged otherwise depending on it.
        decides: Vec<String>,
        why: String,
    },
}

/// A host and what it holds, as its source gave it: text from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holding {
    /// Its id.
    pub host: String,
    /// Its `Name`, where it has another than its id.
    pub name: Option<String>,
    pub value: String,
    /// The source's name.
    pub source: String,
    /// When the source was read.
    pub read_at: Timestamp,
    /// When the data was gathered, where that is known.
    pub gathered_at: Option<Timestamp>,
}

impl Holding {
    pub(super) fn new(host: &Host, value: &FactValue) -> Self {
        Self {
            host: host.id.clone(),
            name: host.name.clone().filter(|n| *n != host.id),
            value: value.value.clone(),
            source: value.source.to_string(),
            read_at: value.read_at,
            gathered_at: value.gathered_at,
        }
    }

    /// `i-0abc (api-1)`.
    #[must_use]
    pub fn called(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.host),
            None => self.host.clone(),
        }
    }
}

impl Row {
    /// What findings call it: `role NAME` or the host's id.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.what {
            What::TooFew { role, .. }
            | What::TooMany { role, .. }
            | What::PicksNothing { role, .. }
            | What::NoneLive { role, .. } => format!("role {role}"),
            What::Unknown { host, .. } | What::Silent { host, .. } => host.clone(),
            What::Overlap { roles: [a, b], about, .. } => format!("roles {a} and {b} {about}"),
            What::FactViolated { fact, is, .. } => format!("{} fact {fact}", is.host),
            What::FactSkewed { role, fact, .. }
            | What::FactIncompatible { role, fact, .. }
            | What::RolloutTooFast { role, fact, .. }
            | What::FactUnknown { role, fact, .. } => format!("role {role} fact {fact}"),
        }
    }

    /// Whether it speaks against this host: a fact of it is wrong or unknown, or one of another host is
    /// unknown that decides about it, it is among the odd ones of its role (where nothing says which are
    /// odd, all are), or it followed unproven.
    #[must_use]
    pub fn concerns(&self, host: &str) -> bool {
        let among = |odd: &[String], any: bool| {
            if odd.is_empty() { any } else { odd.iter().any(|h| h == host) }
        };
        let holds = |values: &[Holding]| values.iter().any(|h| h.host == host);
        match &self.what {
            What::Unknown { host: h, .. }
            | What::Overlap { host: h, .. }
            | What::Silent { host: h, .. } => h == host,
            What::FactViolated { is, .. } => is.host == host,
            What::FactSkewed { values, odd, .. } => among(odd, values.iter().any(|v| holds(v))),
            What::FactIncompatible { values, odd, .. } => among(odd, holds(values)),
            What::RolloutTooFast { unproven, .. } => unproven.iter().any(|(h, _)| h == host),
            What::FactUnknown { hosts, decides, .. } => {
                hosts.iter().chain(decides).any(|h| h == host)
            }
            What::TooFew { .. }
            | What::TooMany { .. }
            | What::PicksNothing { .. }
            | What::NoneLive { .. } => false,
        }
    }
}

/// One sentence. Names of hosts are text from outside: escape it where it is printed.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::TooFew { role, live, min } => {
                write!(f, "role {role} has {}, at least {min} are declared", self::live(*live))
            }
            What::TooMany { role, live, max } => {
                write!(f, "role {role} has {}, at most {max} are declared", self::live(*live))
            }
            What::PicksNothing { role, of: 1, .. } => {
                write!(f, "the selector of role {role} picks no host")
            }
            What::PicksNothing { role, nth, of } => {
                write!(f, "selector {nth} of {of} of role {role} picks no host")
            }
            What::NoneLive { role, hosts: of, services } => write!(
                f,
                "role {role} requires {} and none of its {} is live",
                services.join(", "),
                hosts(of.len())
            ),
            What::Unknown { host, name: Some(name) } => {
                write!(f, "host {host} ({name}) belongs to no role")
            }
            What::Unknown { host, name: None } => write!(f, "host {host} belongs to no role"),
            What::Overlap { roles: [a, b], about, why, host, hosts } => {
                write!(
                    f,
                    "roles {a} and {b} share {} ({host}) and {why}: {about}",
                    self::hosts(*hosts)
                )
            }
            What::Silent { host, services, .. } => {
                write!(f, "host {host} is live and answers none of {}", services.join(", "))
            }
            What::FactViolated { fact, constraint, is, .. } => {
                write!(f, "{}: fact {fact} is {}, not {constraint}", is.called(), is.value)
            }
            What::FactSkewed { role, fact, values, .. } => {
                write!(f, "role {role} holds {} values of fact {fact}: ", values.len())?;
                for (i, group) in values.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{} on {}", group[0].value, hosts(group.len()))?;
                }
                Ok(())
            }
            What::FactIncompatible { role, fact, constraint, .. } => {
                write!(f, "role {role}: fact {fact} is not {constraint}")
            }
            What::RolloutTooFast { role, fact, first, of, on, proven, .. } => write!(
                f,
                "role {role}: {} of {of} are on {fact} {}, and {} of the first {first} proven",
                hosts(on.len()),
                on.first().map_or("", |h| &h.value),
                proven.len()
            ),
            What::FactUnknown { role, fact, hosts: of, why, .. } => {
                write!(f, "role {role}: fact {fact} of {} is unknown: {why}", hosts(of.len()))
            }
        }
    }
}

fn live(n: u32) -> String {
    if n == 1 { "1 live host".into() } else { format!("{n} live hosts") }
}

fn hosts(n: usize) -> String {
    if n == 1 { "1 host".into() } else { format!("{n} hosts") }
}
