use crate::model::{Endpoint, Gap, GapKind};
use crate::observation::State;
use crate::spec::Place;
use std::sync::Arc;

/// Whether one journey works for one host, as clients of one profile see it from one vantage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyCell {
    /// Host id.
    pub host: Arc<str>,
    pub role: Arc<str>,
    pub journey: Arc<str>,
    pub profile: Arc<str>,
    /// The vantage's name; `None` where no vantage can speak for any client of the journey.
    pub vantage: Option<Arc<str>>,
    pub outcome: JourneyOutcome,
    /// Every endpoint that was tried or would have been, by service, then endpoint.
    pub tried: Vec<Tried>,
    /// Services that this profile's clients cannot use, and why, in the journey's order.
    pub left_out: Vec<LeftOut>,
    /// Where the journey is declared.
    pub place: Place,
}

/// What became of a journey. No `bool`: what could not be seen is not broken, and never works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JourneyOutcome {
    /// This service was proven by a probe made the way of the profile.
    Works { service: Arc<str> },
    /// Every service that the profile permits was seen not to work, or it permits none.
    Broken,
    /// The probes were made, and nothing they could show proves it either way.
    Unproven,
    /// It could not be seen.
    Unknown(Gap),
}

/// One endpoint of one service, as the profile's client saw it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tried {
    pub service: Arc<str>,
    pub endpoint: Endpoint,
    pub state: State,
    pub confirmed: bool,
    /// Why it counts as it does, in words. Text from outside is in it.
    pub why: String,
}

/// A service that a profile's clients cannot use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    pub service: Arc<str>,
    pub why: String,
}

impl JourneyCell {
    /// What findings on it are about.
    #[must_use]
    pub fn subject(&self) -> String {
        let Self { host, journey, profile, .. } = self;
        format!("{host} journey {journey} as {profile}")
    }

    /// Why nothing tells whether it works, as a gap of what findings on it are about; `None` where
    /// something does.
    #[must_use]
    pub fn unseen(&self) -> Option<Gap> {
        let from = match &self.vantage {
            Some(vantage) => format!("from {vantage}: "),
            None => String::new(),
        };
        let gap = |kind, why: &str| Some(Gap::new(kind, self.subject(), format!("{from}{why}")));
        match &self.outcome {
            JourneyOutcome::Works { .. } | JourneyOutcome::Broken => None,
            JourneyOutcome::Unproven => gap(GapKind::Probe, "no declared path could be proven"),
            JourneyOutcome::Unknown(why) => gap(why.kind, &why.why),
        }
    }
}

impl JourneyOutcome {
    /// Whether the journey was proven to work.
    #[must_use]
    pub const fn works(&self) -> bool {
        matches!(self, Self::Works { .. })
    }

    /// The word in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Works { .. } => "works",
            Self::Broken => "broken",
            Self::Unproven => "unproven",
            Self::Unknown(_) => "unknown",
        }
    }
}
