use super::Difference;
use crate::exposure::{Exposure, JourneyCell};
use crate::finding::{Finding, Mend};
use crate::model::{Gap, PortSpec, SourceName};
use crate::observation::{State, VantageSeen};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

/// What a gate says of its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdicts {
    pub at: Timestamp,
    /// When the snapshot was taken; `None` without one.
    pub snapshot_at: Option<Timestamp>,
    pub role: String,
    /// In the order of their ids.
    pub hosts: Vec<HostAnswer>,
    /// Every journey of theirs, by profile and vantage.
    pub journeys: Vec<JourneyCell>,
    /// Hosts of the role that serve already and that the new ones were compared with.
    pub peers: Vec<Peer>,
    pub vantages: Vec<VantageSeen>,
    /// Those of them that were asked and told nothing.
    pub unheard: BTreeSet<String>,
    /// What every TCP port was looked at of; `None` where the sweep was left out.
    pub swept: Option<Swept>,
    /// Everything that could not be seen, also where it holds no host.
    pub gaps: Vec<Gap>,
    /// What the spec declares that nothing judged, in words.
    pub not_judged: Vec<String>,
}

/// How far the sweep of every TCP port went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Public addresses of the hosts of which every TCP port was looked at.
    pub whole: BTreeSet<IpAddr>,
    /// Hosts without a public address, by id: nothing of theirs was swept.
    pub without: BTreeSet<String>,
}

/// The answer for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAnswer {
    /// The id, or what was asked for where nothing of that name is there.
    pub host: String,
    /// The `Name` tag. Text from outside.
    pub name: Option<String>,
    /// Sorted.
    pub addresses: Vec<IpAddr>,
    /// Why it must not enter rotation; empty means that it may.
    pub reasons: Vec<Reason>,
    /// What was proven of it, service by service.
    pub proofs: Vec<Proof>,
    /// How it differs from those that serve already.
    pub parity: Vec<Difference>,
    /// Findings that would hold it and that a waiver lets pass.
    pub waived: Vec<Finding>,
}

/// Pass or hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Everything declared was proven from where it is declared for, and nothing else was found.
    Pass,
    /// Something is wrong, or was not seen.
    Hold,
}

/// One declared service for one source, and how far it is proven.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    pub service: String,
    pub port: PortSpec,
    pub address: IpAddr,
    pub source: SourceName,
    /// The state that stands for the ports, as the rules saw it.
    pub state: State,
    /// Whether the gate takes it for proven.
    pub holds: bool,
    /// Ports that were probed.
    pub probed: usize,
    /// Names of the vantages that saw it from a place that is proven, sorted.
    pub vantages: Vec<String>,
}

/// A host of the role that serves already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer {
    pub host: String,
    /// What says that it serves: `healthy in target group video`, `in service in group video`.
    pub why: String,
}

/// Why a host is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nothing that was read is called so.
    NotFound { why: String, unseen: bool },
    /// It is not a member of the role it is to serve in.
    NotMember { role: String, has: Vec<String> },
    /// It is not running.
    NotLive,
    /// An audit's finding on it.
    Finding(Box<Finding>),
    /// A required service that was not proven, where no finding says so already.
    Unproven { exposure: Box<Exposure>, why: String },
    /// A declared service that led to no row at all: no address of the host fits its sources.
    Nowhere { service: String, source: SourceName },
    /// No vantage is proven to lie in the source.
    Vantage { source: SourceName, why: String },
    /// Not every port was looked at; why not, where a probe said it.
    Sweep { address: IpAddr, missing: usize, why: Option<String> },
    /// What held it when it was looked at once more after the sweep, and had not held it before.
    AfterSweep(Box<Reason>),
    /// A journey without a working path.
    Journey { journey: String, profile: String, vantage: String, why: String, unseen: bool },
    /// It differs from every host that serves already.
    Parity(Difference),
    /// Something of it that could not be seen.
    Gap(Gap),
}

impl Swept {
    /// TCP ports of an address: all but 0, which is reserved.
    pub const PORTS: usize = 65_535;
}

impl HostAnswer {
    /// Pass when nothing holds it.
    #[must_use]
    pub const fn answer(&self) -> Answer {
        if self.reasons.is_empty() { Answer::Pass } else { Answer::Hold }
    }
}

impl Verdicts {
    /// Pass when every host passes; a gate without hosts holds.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let pass = self.hosts.iter().all(|h| h.answer() == Answer::Pass);
        if pass && !self.hosts.is_empty() { Answer::Pass } else { Answer::Hold }
    }

    /// Whether all that holds a host is what could not be seen.
    #[must_use]
    pub fn only_unseen(&self) -> bool {
        self.answer() == Answer::Hold
            && self.hosts.iter().flat_map(|h| &h.reasons).all(Reason::unseen)
    }

    /// Adds what a second look, made after the sweep, holds of the hosts that passed the first: one
    /// that stopped answering meanwhile was not swept, whatever its silence looked like.
    pub fn looked_again(&mut self, after: Self) {
        let mut after: Vec<HostAnswer> = after.hosts;
        for host in self.hosts.iter_mut().filter(|h| h.answer() == Answer::Pass) {
            let Some(at) = after.iter().position(|a| a.host == host.host) else { continue };
            let HostAnswer { reasons, proofs, waived, .. } = after.swap_remove(at);
            let known = |f: &Finding| host.waived.iter().any(|w| w.fingerprint == f.fingerprint);
            let waived: Vec<Finding> = waived.into_iter().filter(|f| !known(f)).collect();
            host.waived.extend(waived);
            if reasons.is_empty() {
                continue;
            }
            host.proofs = proofs;
            host.reasons.extend(reasons.into_iter().map(|r| Reason::AfterSweep(Box::new(r))));
            if let Some(swept) = &mut self.swept {
                host.addresses.iter().for_each(|a| {
                    swept.whole.remove(a);
                });
            }
        }
    }

    /// Hosts that pass.
    #[must_use]
    pub fn passing(&self) -> usize {
        self.hosts.iter().filter(|h| h.answer() == Answer::Pass).count()
    }
}

impl Reason {
    /// The word of the machine format.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::NotFound { .. } => "not-found",
            Self::NotMember { .. } => "not-member",
            Self::NotLive => "not-live",
            Self::Finding(finding) => &finding.rule,
            Self::Unproven { .. } => "not-proven",
            Self::Nowhere { .. } => "no-address",
            Self::Vantage { .. } => "vantage",
            Self::Sweep { .. } => "sweep",
            Self::AfterSweep(reason) => reason.kind(),
            Self::Journey { .. } => "journey",
            Self::Parity(_) => "parity",
            Self::Gap(gap) => gap.kind.name(),
        }
    }

    /// Whether it is a want of evidence, rather than something wrong.
    #[must_use]
    pub fn unseen(&self) -> bool {
        match self {
            Self::NotFound { unseen, .. } | Self::Journey { unseen, .. } => *unseen,
            Self::Unproven { .. } | Self::Vantage { .. } | Self::Sweep { .. } | Self::Gap(_) => {
                true
            }
            Self::Parity(difference) => difference.unknown.is_some(),
            Self::AfterSweep(reason) => reason.unseen(),
            Self::NotMember { .. } | Self::NotLive | Self::Finding(_) | Self::Nowhere { .. } => {
                false
            }
        }
    }

    /// What it is about: `tcp/443 from internet`, a trait, a journey.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::NotFound { .. } | Self::NotMember { .. } | Self::NotLive => "host".into(),
            Self::Finding(finding) => {
                let what = finding.subject.split_once(' ').map_or("host", |(_, rest)| rest);
                match &finding.source {
                    Some(source) => format!("{what} from {source}"),
                    None => what.into(),
                }
            }
            Self::Unproven { exposure, .. } => {
                let port = PortSpec::new(exposure.protocol, exposure.ports.clone());
                format!("{port} from {}", exposure.source)
            }
            Self::Nowhere { service, source } => format!("{service} from {source}"),
            Self::Vantage { source, .. } => source.to_string(),
            Self::Sweep { address, .. } => address.to_string(),
            Self::AfterSweep(reason) => reason.subject(),
            Self::Journey { journey, profile, .. } => format!("{journey} as {profile}"),
            Self::Parity(difference) => difference.what.clone(),
            Self::Gap(gap) => gap.scope.clone(),
        }
    }

    /// What would mend it, most direct first.
    #[must_use]
    pub fn mends(&self) -> &[Mend] {
        match self {
            Self::Finding(finding) => &finding.mends,
            _ => &[],
        }
    }
}

/// One sentence. Names and details are text from outside: escape it where it is printed.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { why, .. }
            | Self::Unproven { why, .. }
            | Self::Vantage { why, .. }
            | Self::Journey { why, .. } => f.write_str(why),
            Self::NotMember { role, has } if has.is_empty() => {
                write!(f, "no selector of role {role} picks it, nor of any other")
            }
            Self::NotMember { role, has } => {
                write!(f, "no selector of role {role} picks it; it is {}", has.join(", "))
            }
            Self::NotLive => f.write_str("it is not running"),
            Self::Finding(finding) => f.write_str(&finding.message),
            Self::Nowhere { service, source } => {
                write!(f, "it has no address at which {source} could reach {service}")
            }
            Self::Sweep { missing, why, .. } => {
                write!(f, "{missing} of its TCP ports were not looked at")?;
                why.iter().try_for_each(|why| write!(f, ": {why}"))
            }
            Self::AfterSweep(reason) => {
                write!(f, "once its ports had been swept, and not before: {reason}")
            }
            Self::Parity(difference) => write!(f, "{difference}"),
            Self::Gap(gap) => f.write_str(&gap.why),
        }
    }
}
