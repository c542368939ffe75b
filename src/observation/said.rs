use super::{Observation, ProfiledObservation};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The format tag of what a vantage says.
pub const SAID: &str = "portcullis/vantage/v1";

/// One line of what a vantage says to the auditor who sent it a survey: one beginning, each
/// observation as it settles, one end. Without its end an answer is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    Begin(Begin),
    Seen(Box<Observation>),
    Profiled(Box<ProfiledObservation>),
    End(End),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// [`SAID`].
    pub format: String,
    /// The nonce of the survey that is answered.
    pub survey: String,
    /// Of the program.
    pub version: String,
    /// By the vantage's clock.
    pub at: Timestamp,
    /// The vantage's own addresses as something outside told them, where something did.
    pub reflected_v4: Option<IpAddr>,
    pub reflected_v6: Option<IpAddr>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// By the vantage's clock.
    pub at: Timestamp,
    /// As in the beginning, with what services told since.
    pub reflected_v4: Option<IpAddr>,
    pub reflected_v6: Option<IpAddr>,
    /// What the vantage did not do or could not learn, in words.
    pub troubles: Vec<String>,
}
