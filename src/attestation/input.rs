use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a gate found, to be attested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input<'a> {
    pub role: &'a str,
    /// At least one.
    pub hosts: &'a [Host],
    /// As [`super::of_spec`] gives it.
    pub spec: &'a str,
    /// As [`super::of_snapshot`] gives it; `None` where no cloud was read.
    pub snapshot: Option<&'a str>,
    /// As [`super::of_bytes`] gives it of `portcullis.yaml`; `None` where there is none.
    pub config: Option<&'a str>,
    pub vantages: &'a [Vantage],
    /// What the gate was told to leave out or to let pass, by name; empty for one that asked everything.
    pub waived: &'a [String],
    /// Names of the client profiles that were tried; empty for none but the open internet.
    pub profiles: &'a [String],
    /// When the gate answered.
    pub at: Timestamp,
    /// When its answer stops to count.
    pub expires: Timestamp,
    /// Of this tool.
    pub version: &'a str,
}

/// The gate's answer for one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Its id, whatever the gate was asked by: `i-0abc`, `eni-0abc`, a declared name.
    pub host: String,
    /// Its addresses that were probed.
    pub addresses: Vec<IpAddr>,
    pub answer: Outcome,
    /// Why it holds; empty for a pass.
    pub reasons: Vec<String>,
}

/// PASS or HOLD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    Pass,
    Hold,
}

/// A place that was probed from, as seen from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vantage {
    pub name: String,
    pub outside: Vec<IpAddr>,
}
