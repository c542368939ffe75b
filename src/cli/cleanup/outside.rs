//! A look from outside at what is about to be acted on, by our own probes.

use super::refused::refused;
use crate::apply::{LiveLook, Looked};
use crate::cleanup::plan::{Item, Plan};
use crate::cleanup::{ADDRESSES, Claim, Reason, Refusal, Resource};
use crate::cli::{CliError, ExitStatus, Global, input};
use crate::model::{AddressSet, Expect, PortSpec};
use crate::observation::State;
use crate::probe::{self, Options};
use crate::survey::{self, Survey};
use ipnetwork::IpNetwork;
use jiff::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The channel's name.
const CHANNEL: &str = "outside-probe";

/// The addresses that a thing's attribute `addresses` names.
///
/// # Errors
/// What of it is none, in words: it may be what a name leads to.
pub(super) fn addresses_of(thing: &Resource) -> Result<Vec<IpAddr>, String> {
    let text = thing.attributes.get(ADDRESSES).map_or("", String::as_str);
    let words = text.split([',', ' ']).filter(|w| !w.is_empty());
    let address = |w: &str| w.parse().or_else(|_| w.parse().map(|both: SocketAddr| both.ip()));
    words
        .map(|w| address(w).map_err(|_| format!("{w:?} of its {ADDRESSES} is no address")))
        .collect()
}

/// Probes what a thing's attribute `addresses` names, as far as `scope:` of portcullis.yaml lets it.
pub(super) struct Outside {
    may: AddressSet,
}

impl Outside {
    /// # Errors
    /// `--offline`, which forbids the look that would see life; a `scope:` that covers less than that of
    /// whoever planned.
    pub(super) fn new(global: &Global, plan: &Plan) -> Result<Self, CliError> {
        if global.offline {
            return Err(CliError::new("act with --offline")
                .because("what is alive right before its act is seen by asking it")
                .with_status(ExitStatus::Refused));
        }
        let may = input::config(global)?.scope_addresses();
        let planned: Vec<IpNetwork> =
            plan.pins.scope.iter().filter_map(|b| b.parse().ok()).collect();
        let missing = AddressSet::from_networks(planned).subtract(&may);
        if !missing.is_empty() {
            let says = format!(
                "{missing} could be probed where it was planned, and `scope:` does not cover it here"
            );
            return Err(refused("look at what it acts on", &Refusal::new(Reason::Loosening, says))
                .hint("apply with the portcullis.yaml that it was planned with (-c FILE)"));
        }
        Ok(Self { may })
    }

    /// Everything that may be asked of a thing.
    fn survey(&self, text: &str) -> Result<Survey, String> {
        let mut whole = Survey::default();
        for word in text.split([',', ' ']).filter(|w| !w.is_empty()) {
            let (address, ports) = match (word.parse::<SocketAddr>(), word.parse::<IpAddr>()) {
                (Ok(both), _) => {
                    let port: PortSpec = format!("tcp/{}", both.port())
                        .parse()
                        .map_err(|_| format!("{word:?} has no port that can be asked"))?;
                    (both.ip(), vec![port])
                }
                (_, Ok(address)) => (address, survey::default_ports()),
                _ => return Err(format!("{word:?} of its {ADDRESSES} is no address")),
            };
            let block = [IpNetwork::from(address)];
            let asked = survey::asked(&block, &ports, &Expect::Connect, &self.may)?;
            whole.targets.extend(asked.targets);
        }
        whole.targets.sort();
        whole.targets.dedup_by_key(|t| t.endpoint);
        Ok(whole)
    }
}

impl LiveLook for Outside {
    fn look(&mut self, _: &Item, now: &Resource) -> Looked {
        let Some(text) = now.attributes.get(ADDRESSES) else {
            return Looked::Silent(Vec::new());
        };
        let survey = match self.survey(text) {
            Ok(survey) => survey,
            Err(why) => return Looked::Unknown(why),
        };
        if survey.targets.is_empty() {
            // Nothing of it is ours to ask.
            return Looked::Silent(Vec::new());
        }
        let options = Options {
            tries: 3,
            timeout: Duration::from_secs(1),
            identify: false,
            slow_lane: Duration::ZERO,
            ..Options::default()
        };
        let seen = probe::run(&survey, &options, &mut |_| {});
        let alive = |s: State| matches!(s, State::Open | State::WrongService);
        if let Some(row) = seen.rows.iter().find(|r| alive(r.state)) {
            return Looked::Alive(Claim {
                kind: "answers-probe".into(),
                source: CHANNEL.into(),
                at: Some(Timestamp::now()),
                record: None,
                detail: row.endpoint().to_string(),
            });
        }
        let failed = |s: State| matches!(s, State::Failed | State::Unprobed);
        match seen.rows.iter().find(|r| failed(r.state)) {
            Some(row) => Looked::Unknown(format!("{} could not be probed", row.endpoint())),
            None => Looked::Silent(vec![CHANNEL.into()]),
        }
    }
}
