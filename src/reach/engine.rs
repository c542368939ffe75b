use super::{Configured, Explanation, ExposedEndpoint, Options, Query, QueryError};
use crate::model::{AddressSet, Gap, PortSet, Protocol};
use crate::snapshot::Snapshot;
use std::net::IpAddr;

/// What one snapshot permits. Built once, asked often: equal questions are answered from memory.
#[derive(Debug)]
pub struct Reach<'a> {
    _snapshot: &'a Snapshot,
    _options: Options,
}

impl<'a> Reach<'a> {
    /// Indexes a snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, options: &Options) -> Self {
        Self { _snapshot: snapshot, _options: *options }
    }

    /// What is configured for one address, as a partition of `ports`: sorted, disjoint, and each
    /// part has one answer. `from` = internet is [`AddressSet::outside`]; coverage is then judged
    /// against [`AddressSet::public`]. `interface` tells equal private addresses apart.
    /// [`Configured::NotApplicable`] where no interface of the snapshot has the address.
    #[must_use]
    pub fn slices(
        &self,
        _address: IpAddr,
        _interface: Option<&str>,
        _from: &AddressSet,
        _protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<(PortSet, Configured)> {
        vec![(ports.clone(), Configured::NotApplicable)]
    }

    /// Every endpoint that some client of `from` reaches or may reach, sorted.
    #[must_use]
    pub fn exposed(&self, _from: &AddressSet) -> Vec<ExposedEndpoint> {
        Vec::new()
    }

    /// What could not be seen and blinds more than single rows, or is covered by an assumption;
    /// sorted. Gaps of single rows stand in their [`Configured::Unknown`].
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        Vec::new()
    }

    /// The path of one flow and what decides it.
    ///
    /// # Errors
    /// An end that names nothing, or several things.
    pub fn explain(&self, query: &Query) -> Result<Explanation, QueryError> {
        Ok(Explanation {
            configured: Configured::NotApplicable,
            slices: vec![(Protocol::Tcp, query.ports.clone(), Configured::NotApplicable)],
            gaps: Vec::new(),
        })
    }
}
