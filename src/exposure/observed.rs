use super::source::Source;
use crate::model::{Family, Gap, GapKind, Protocol};
use crate::observation::{Observation, Observations, State, VantageSeen};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What the vantages of one source saw of one port, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) confirmed: bool,
    pub(super) disagreement: bool,
    /// Sorted by vantage.
    pub(super) observations: Vec<Arc<Observation>>,
}

/// Whether any vantage was refused by the target itself, where refusals are what counts.
pub(super) fn any_by_target(state: State, observations: &[Arc<Observation>]) -> bool {
    state == State::Refused
        && observations.iter().any(|o| o.state == State::Refused && o.is_by_target())
}

/// Ports of one address and protocol, as one source saw them.
pub(super) type Ports = BTreeMap<u16, Seen>;

/// Observations by the source they count for.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_source: Vec<BTreeMap<(IpAddr, Protocol), Ports>>,
    pub(super) gaps: BTreeSet<Gap>,
}

impl Index {
    /// Assigns every observation to the sources its vantage lies in.
    ///
    /// One from a vantage whose own address nobody told fills nothing, and a silence without an
    /// answering control in the same family reads as unprobed: both are gaps.
    pub(super) fn new(sources: &[Source], observations: &Observations) -> Self {
        let vantages: BTreeMap<&str, &VantageSeen> =
            observations.vantages.iter().map(|v| (v.name.as_str(), v)).collect();
        let mut index =
            Self { by_source: vec![BTreeMap::new(); sources.len()], gaps: BTreeSet::new() };
        let mut lost: BTreeMap<(&str, Family), usize> = BTreeMap::new();
        let mut mute: BTreeMap<(&str, Family), (usize, Option<bool>)> = BTreeMap::new();
        let mut raw: Vec<BTreeMap<(IpAddr, Protocol), BTreeMap<u16, Vec<Arc<Observation>>>>> =
            vec![BTreeMap::new(); sources.len()];
        for row in &observations.rows {
            let family = Family::of(row.address);
            let homes: Vec<usize> = (0..sources.len())
                .filter(|i| sources[*i].vantages(family).contains(&row.vantage))
                .collect();
            if homes.is_empty() {
                *lost.entry((&row.vantage, family)).or_default() += 1;
                continue;
            }
            let mut row = row.clone();
            if row.state == State::Silent {
                let controls = vantages.get(row.vantage.as_str()).and_then(|v| match family {
                    Family::V4 => v.controls_v4,
                    Family::V6 => v.controls_v6,
                });
                if controls != Some(true) {
                    row.state = State::Unprobed;
                    if let Some((name, _)) = vantages.get_key_value(row.vantage.as_str()) {
                        let entry = mute.entry((name, family)).or_insert((0, controls));
                        entry.0 += 1;
                    }
                }
            }
            let row = Arc::new(row);
            for i in homes {
                raw[i]
                    .entry((row.address, row.protocol))
                    .or_default()
                    .entry(row.port)
                    .or_default()
                    .push(Arc::clone(&row));
            }
        }
        for (i, endpoints) in raw.into_iter().enumerate() {
            for (key, ports) in endpoints {
                let folded = ports.into_iter().map(|(port, seen)| (port, fold(seen))).collect();
                index.by_source[i].insert(key, folded);
            }
        }
        index.gaps.extend(lost.into_iter().map(|((vantage, family), n)| {
            let seen = vantages.get(vantage).and_then(|v| v.outside(family));
            let lost = match n {
                1 => "so its 1 observation counts for no source".to_owned(),
                n => format!("so its {n} observations count for no source"),
            };
            let why = match (seen, family_name(family)) {
                (None, family) => {
                    format!("its {family} address as seen from outside is unknown, {lost}")
                }
                (Some(at), _) => format!("seen from outside as {at} it lies in no source, {lost}"),
            };
            Gap::new(GapKind::Vantage, vantage, why)
        }));
        index.gaps.extend(mute.into_iter().map(|((vantage, family), (n, controls))| {
            let why = match controls {
                None => "no control target proved its egress",
                Some(_) => {
                    "its control targets did not answer, or with a refusal that nothing shows to be theirs"
                }
            };
            let counts = match n {
                1 => "so 1 silent endpoint counts".to_owned(),
                n => format!("so {n} silent endpoints count"),
            };
            let why = format!("{why} over {}, {counts} as unprobed", family_name(family));
            Gap::new(GapKind::Control, vantage, why)
        }));
        index
    }

    /// What the source saw of one address and protocol.
    pub(super) fn ports(
        &self,
        source: usize,
        address: IpAddr,
        protocol: Protocol,
    ) -> Option<&Ports> {
        self.by_source.get(source)?.get(&(address, protocol))
    }

    /// The protocols in which the source saw the address.
    pub(super) fn protocols(
        &self,
        source: usize,
        address: IpAddr,
    ) -> impl Iterator<Item = (Protocol, &Ports)> {
        let range = (address, Protocol::Tcp)..=(address, Protocol::Other(u8::MAX));
        self.by_source
            .get(source)
            .into_iter()
            .flat_map(move |m| m.range(range.clone()))
            .map(|((_, protocol), ports)| (*protocol, ports))
    }
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// How much a state tells: an answer over a refusal over no answer over no evidence.
const fn weight(state: State) -> u8 {
    match state {
        State::Open => 8,
        State::WrongService => 7,
        State::Refused => 6,
        State::Rejected => 5,
        State::Unreachable => 4,
        State::Silent => 3,
        State::Unproven => 2,
        State::Failed => 1,
        State::Unprobed => 0,
    }
}

/// States that lead to the same judgement agree: no answer is no answer, whoever said so.
const fn class(state: State) -> Option<u8> {
    match state {
        State::Open => Some(0),
        State::WrongService => Some(1),
        State::Refused => Some(2),
        State::Rejected | State::Unreachable | State::Silent => Some(3),
        State::Unproven | State::Failed | State::Unprobed => None,
    }
}

/// Folds what several vantages of one source saw of one port: the state that tells most, confirmed
/// only when every open answer was (and every refusal was the target's own), and whether those with
/// evidence differ.
fn fold(mut observations: Vec<Arc<Observation>>) -> Seen {
    observations.sort_by(|a, b| a.vantage.cmp(&b.vantage));
    let state =
        observations.iter().map(|o| o.state).max_by_key(|s| weight(*s)).unwrap_or(State::Unprobed);
    let of = |state| observations.iter().filter(move |o| o.state == state);
    let confirmed = match state {
        State::Open => of(state).all(|o| o.confirmed),
        State::Refused => of(state).all(|o| o.is_by_target()),
        _ => false,
    };
    let classes: BTreeSet<u8> = observations.iter().filter_map(|o| class(o.state)).collect();
    Seen { state, confirmed, disagreement: classes.len() > 1, observations }
}
