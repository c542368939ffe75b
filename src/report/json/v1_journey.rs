//! Journeys in version 1 of the machine formats: frozen like all of it.

use crate::exposure::{self, JourneyCell, JourneyOutcome};
use crate::model::{PortSet, PortSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a journey works for one host, as clients of one profile see it from one vantage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Journey {
    pub host: String,
    pub role: String,
    pub journey: String,
    pub profile: String,
    /// Null where no vantage can speak for these clients.
    pub vantage: Option<String>,
    /// `works`, `broken`, `unproven`, `unknown`.
    pub outcome: String,
    /// The service that was proven, where it works.
    pub service: Option<String>,
    /// Why it could not be seen, where it is unknown.
    pub unknown: Option<String>,
    /// Every endpoint that was tried, by service, then endpoint.
    pub tried: Vec<Tried>,
    /// Services that these clients cannot use.
    pub left_out: Vec<LeftOut>,
}

/// One endpoint of one service, as the profile's client saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    pub service: String,
    pub address: String,
    /// `tcp/443`.
    pub port: String,
    /// The observation's state: `open`, `silent`, …
    pub state: String,
    pub confirmed: bool,
    pub why: String,
}

/// A service that a profile's clients cannot use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    pub service: String,
    pub why: String,
}

impl From<&JourneyCell> for Journey {
    fn from(cell: &JourneyCell) -> Self {
        let JourneyCell {
            host,
            role,
            journey,
            profile,
            vantage,
            outcome,
            tried,
            left_out,
            place: _,
        } = cell;
        let (service, unknown) = match outcome {
            JourneyOutcome::Works { service } => (Some(service.to_string()), None),
            JourneyOutcome::Unknown(gap) => (None, Some(gap.why.clone())),
            JourneyOutcome::Broken | JourneyOutcome::Unproven => (None, None),
        };
        Self {
            host: host.to_string(),
            role: role.to_string(),
            journey: journey.to_string(),
            profile: profile.to_string(),
            vantage: vantage.as_deref().map(str::to_owned),
            outcome: outcome.name().into(),
            service,
            unknown,
            tried: tried.iter().map(Tried::from).collect(),
            left_out: left_out.iter().map(LeftOut::from).collect(),
        }
    }
}

impl From<&exposure::Tried> for Tried {
    fn from(tried: &exposure::Tried) -> Self {
        let exposure::Tried { service, endpoint, state, confirmed, why } = tried;
        let port = PortSpec::new(endpoint.protocol, PortSet::one(endpoint.port));
        Self {
            service: service.to_string(),
            address: endpoint.address.to_string(),
            port: port.to_string(),
            state: state.name().into(),
            confirmed: *confirmed,
            why: why.clone(),
        }
    }
}

impl From<&exposure::LeftOut> for LeftOut {
    fn from(left: &exposure::LeftOut) -> Self {
        let exposure::LeftOut { service, why } = left;
        Self { service: service.to_string(), why: why.clone() }
    }
}
