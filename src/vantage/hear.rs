use crate::model::Endpoint;
use crate::observation::{Begin, End, Observation, ProfiledObservation, SAID, Said};
use crate::survey::{MAX_SKEW, Survey};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What another vantage told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its own addresses as something outside reflected them to it.
    pub reflected_v4: Option<IpAddr>,
    pub reflected_v6: Option<IpAddr>,
    /// In the order in which they came.
    pub rows: Vec<Observation>,
    pub profiled: Vec<ProfiledObservation>,
    /// What it did not do, and what is wrong with what it said, in words.
    pub troubles: Vec<String>,
}

/// Where its answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Begun,
    Ended,
}

/// Holds what a vantage says to what it was asked.
pub(super) struct Hearing<'a> {
    name: &'a str,
    nonce: &'a str,
    asked: BTreeSet<Endpoint>,
    asked_as: BTreeSet<(String, Endpoint)>,
    part: Part,
    lines: usize,
    pub(super) told: Told,
}

impl<'a> Hearing<'a> {
    pub(super) fn new(name: &'a str, nonce: &'a str, survey: &'a Survey) -> Self {
        Self {
            name,
            nonce,
            asked: survey.targets.iter().map(|t| t.endpoint).collect(),
            asked_as: survey.profiled.iter().map(|t| (t.profile.clone(), t.endpoint)).collect(),
            part: Part::Nothing,
            lines: 0,
            told: Told::default(),
        }
    }

    /// Whether the last line was said.
    pub(super) fn ended(&self) -> bool {
        self.part == Part::Ended
    }

    /// Endpoints that nothing was said of.
    pub(super) fn missing(&self) -> usize {
        self.asked.len() + self.asked_as.len()
    }

    /// Hears one line; whether it settled an endpoint. After an error nothing more is believed.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn line(&mut self, line: &[u8], now: Timestamp) -> Result<bool, String> {
        self.lines += 1;
        match self.part {
            Part::Nothing => self.first(line, now).map(|()| false),
            Part::Begun => self.next(line),
            Part::Ended => Err("it says more after its end".into()),
        }
    }

    fn first(&mut self, line: &[u8], now: Timestamp) -> Result<(), String> {
        /// What is the same in every version.
        #[derive(Deserialize)]
        struct Head {
            begin: Tag,
        }
        #[derive(Deserialize)]
        struct Tag {
            format: String,
        }
        let no = || "its first line is nothing that `portcullis probe --survey` says".to_owned();
        let head: Head = serde_json::from_slice(line).map_err(|_| no())?;
        if head.begin.format != SAID {
            return Err(format!(
                "it speaks `{}`, this reads `{SAID}`: use the same portcullis on both sides",
                head.begin.format
            ));
        }
        let Said::Begin(begin) = serde_json::from_slice(line).map_err(|e| self.garbage(&e))? else {
            return Err(no());
        };
        let Begin { format: _, survey, version: _, at, reflected_v4, reflected_v6 } = begin;
        if survey != self.nonce {
            return Err("it answers another survey than the one it was given".into());
        }
        self.clock(at, now);
        (self.told.reflected_v4, self.told.reflected_v6) = (reflected_v4, reflected_v6);
        self.part = Part::Begun;
        Ok(())
    }

    fn next(&mut self, line: &[u8]) -> Result<bool, String> {
        let unasked =
            |endpoint: Endpoint| format!("it was not asked of {endpoint}, or says it twice");
        match serde_json::from_slice(line).map_err(|e| self.garbage(&e))? {
            Said::Begin(_) => Err("it begins twice".into()),
            Said::Seen(mut seen) => {
                if !self.asked.remove(&seen.endpoint()) {
                    return Err(unasked(seen.endpoint()));
                }
                // Whose word it is, we know better.
                seen.vantage = self.name.into();
                self.told.rows.push(*seen);
                Ok(true)
            }
            Said::Profiled(mut seen) => {
                let endpoint = seen.observation.endpoint();
                if !self.asked_as.remove(&(seen.profile.clone(), endpoint)) {
                    return Err(unasked(endpoint));
                }
                seen.observation.vantage = self.name.into();
                self.told.profiled.push(*seen);
                Ok(false)
            }
            Said::End(End { at: _, reflected_v4, reflected_v6, troubles }) => {
                (self.told.reflected_v4, self.told.reflected_v6) = (reflected_v4, reflected_v6);
                self.told.troubles.extend(troubles);
                self.part = Part::Ended;
                Ok(false)
            }
        }
    }

    /// What it says of certificates and their ends is said by its clock.
    fn clock(&mut self, at: Timestamp, now: Timestamp) {
        let skew = now.duration_since(at);
        if skew.abs() > MAX_SKEW {
            let way = if skew.is_positive() { "behind" } else { "ahead of" };
            self.told.troubles.push(format!("its clock is {:#} {way} ours", skew.abs()));
        }
    }

    fn garbage(&self, why: &serde_json::Error) -> String {
        format!("its line {} is nothing that a vantage says: {why}", self.lines)
    }
}
