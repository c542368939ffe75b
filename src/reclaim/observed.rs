use crate::model::{PortSet, Protocol};
use crate::observation::{Observation, Observations, State};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The source that probes of this run are.
pub(super) const PROBE: &str = "probe";

/// What probes saw, by address.
pub(super) struct Answers<'a>(BTreeMap<IpAddr, Vec<&'a Observation>>);

impl<'a> Answers<'a> {
    pub(super) fn new(observations: &'a Observations) -> Self {
        let mut by: BTreeMap<IpAddr, Vec<&Observation>> = BTreeMap::new();
        for row in &observations.rows {
            by.entry(row.address).or_default().push(row);
        }
        Self(by)
    }

    /// Where anything was seen.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.keys().copied()
    }

    /// The first service that answered at any of these addresses, in words. A refusal is no sign: the
    /// host is up and nothing listens.
    pub(super) fn any(&self, addresses: impl IntoIterator<Item = IpAddr>) -> Option<String> {
        addresses.into_iter().find_map(|address| {
            let open = |o: &&&Observation| matches!(o.state, State::Open | State::WrongService);
            self.0.get(&address)?.iter().find(open).map(|o| said(o))
        })
    }

    /// The first service of these ports that answered at any of these addresses.
    pub(super) fn on(
        &self,
        addresses: impl IntoIterator<Item = IpAddr>,
        protocol: Option<Protocol>,
        ports: &PortSet,
    ) -> Option<String> {
        addresses.into_iter().find_map(|address| {
            let open = |o: &&&Observation| {
                matches!(o.state, State::Open | State::WrongService)
                    && protocol.is_none_or(|p| p == o.protocol)
                    && ports.contains(o.port)
            };
            self.0.get(&address)?.iter().find(open).map(|o| said(o))
        })
    }
}

pub(super) fn said(o: &Observation) -> String {
    format!("{} answered the vantage {}", o.endpoint(), o.vantage)
}
