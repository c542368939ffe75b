use super::cell::{Cells, ConfiguredCell, Declared, Expects, ObservedCell};
use super::observed::any_by_target;
use crate::model::{Expect, PortSet, PortSpec, Protocol, SourceName};
use crate::observation::{Observation, State};
use crate::reach::Configured;
use crate::spec::Place;
use std::net::IpAddr;
use std::sync::Arc;

/// One row: endpoint × source → declared, configured, observed.
///
/// A row covers a set of ports for which all three are the same; a port that was observed to be
/// something of its own has a row of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// Host id.
    pub host: Arc<str>,
    /// What the host belongs to, where it is an interface: `load balancer edge`.
    pub owner: Option<Arc<str>>,
    /// Roles of the host, sorted.
    pub roles: Arc<[String]>,
    pub address: IpAddr,
    pub interface: Option<Arc<str>>,
    pub protocol: Protocol,
    /// Stands for every protocol number that has no row of its own; `protocol` is the least.
    pub every_other_protocol: bool,
    pub ports: PortSet,
    /// The ports for which declared and configured are the same, whatever was observed: `ports` is
    /// a part of it. What concerns the configuration alone is said of these, so that one more
    /// answering port does not change what the finding is about.
    pub slice: PortSet,
    pub source: SourceName,
    pub declared: Declared,
    /// Name of the declared service, for `Required`.
    pub service: Option<Arc<str>>,
    pub expect: Option<Expect>,
    /// Where it was declared.
    pub place: Option<Place>,
    pub configured: Configured,
    /// The cell the rules see: the observations of vantages that lie in the source, folded.
    pub observed: State,
    /// For `open`: whether the expected protocol was proven. For `refused`: whether the target itself
    /// is known to have refused, and nothing before it.
    pub confirmed: bool,
    /// Every observation behind the cell, sorted by port, then vantage.
    pub observations: Vec<Arc<Observation>>,
    /// Whether vantages of this source saw different states.
    pub disagreement: bool,
    /// Whether any vantage lies in the source.
    pub covered: bool,
}

impl Exposure {
    /// The cells that rules match on.
    #[must_use]
    pub fn cells(&self) -> Cells {
        Cells {
            declared: self.declared,
            configured: ConfiguredCell::of(&self.configured),
            observed: match ObservedCell::of(self.observed, self.confirmed) {
                // One refusal of the host's own shows that something passes what blocks.
                ObservedCell::RefusedUnplaced
                    if matches!(self.configured, Configured::Blocked(_))
                        && any_by_target(self.observed, &self.observations) =>
                {
                    ObservedCell::Refused
                }
                _ => self.observed_as(self.observed, self.confirmed),
            },
            expects: self.expects(),
            disagreement: self.disagreement,
            covered: self.covered,
        }
    }

    fn expects(&self) -> Expects {
        match &self.expect {
            Some(Expect::Path) => Expects::Path,
            Some(e) if e.needs_protocol() => Expects::Protocol,
            _ => Expects::Connect,
        }
    }

    /// What a state on these ports says of what they are expected to be.
    #[must_use]
    pub fn observed_as(&self, state: State, confirmed: bool) -> ObservedCell {
        let path = self.expects() == Expects::Path;
        match ObservedCell::of(state, confirmed) {
            // A refusal that may be a firewall's proves no path.
            ObservedCell::RefusedUnplaced if path => ObservedCell::Unproven,
            // Nor does a handshake by whoever redirects it, which a datagram has none of.
            ObservedCell::OpenUnconfirmed if path && self.protocol == Protocol::Tcp => {
                ObservedCell::Unproven
            }
            cell => cell,
        }
    }

    /// What it is about, as waivers name it: `i-0abc tcp/8080`.
    #[must_use]
    pub fn subject(&self, ports: &PortSet) -> String {
        if self.every_other_protocol {
            return format!("{} other protocols", self.host);
        }
        format!("{} {}", self.host, PortSpec::new(self.protocol, ports.clone()))
    }

    /// The same for people: `load balancer edge (eni-0abc) tcp/443`.
    #[must_use]
    pub fn called(&self, ports: &PortSet) -> String {
        let subject = self.subject(ports);
        match (&self.owner, subject.strip_prefix(&*self.host)) {
            (Some(owner), Some(rest)) => format!("{owner} ({}){rest}", self.host),
            _ => subject,
        }
    }

    /// How many of the row's ports were probed.
    #[must_use]
    pub fn probed(&self) -> usize {
        let mut ports: Vec<u16> = self.observations.iter().map(|o| o.port).collect();
        ports.dedup();
        ports.len()
    }
}
