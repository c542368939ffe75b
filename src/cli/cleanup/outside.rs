//! A look from outside at what is about to be acted on, by our own probes.

use crate::apply::{LiveLook, Looked};
use crate::cleanup::plan::Item;
use crate::cleanup::{Claim, Resource};
use crate::cli::{CliError, Global, input};
use crate::model::{AddressSet, Expect, PortSpec};
use crate::observation::State;
use crate::probe::{self, Options};
use crate::survey::{self, Survey};
use ipnetwork::IpNetwork;
use jiff::Timestamp;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Attributes of a thing that say where it can be reached: addresses, or addresses with ports.
pub(super) const FIELD: &str = "addresses";
/// The channel's name.
const CHANNEL: &str = "outside-probe";

/// The addresses that a thing's attribute `addresses` names; what is none of it is left to the look.
pub(super) fn addresses_of(thing: &Resource) -> Vec<IpAddr> {
    let text = thing.attributes.get(FIELD).map_or("", String::as_str);
    let words = text.split([',', ' ']).filter(|w| !w.is_empty());
    let address = |w: &str| w.parse().or_else(|_| w.parse().map(|both: SocketAddr| both.ip()));
    words.filter_map(|w| address(w).ok()).collect()
}

/// Probes what a thing's attribute `addresses` names, as far as `scope:` of portcullis.yaml lets it.
pub(super) struct Outside {
    may: AddressSet,
    off: bool,
}

impl Outside {
    pub(super) fn new(global: &Global) -> Result<Self, CliError> {
        let may = input::config(global)?.scope_addresses();
        Ok(Self { may, off: global.offline })
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
                _ => return Err(format!("{word:?} of its {FIELD} is no address")),
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
        let Some(text) = now.attributes.get(FIELD).filter(|_| !self.off) else {
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
