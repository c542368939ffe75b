use super::judge::proves;
use super::place::Placed;
use crate::cleanup::watch::Watched;
use crate::exposure::{Declared, Exposure, ObservedCell};
use crate::model::{AddressSet, Family, SourceName};
use crate::observation::{Observations, State};

/// What a cleanup watches: every endpoint that the spec requires, judged as a gate judges it, from
/// places that are proven.
///
/// `accept_unproven` leaves out what no probe can prove: it is then neither watched nor a reason to
/// stop.
#[must_use]
pub fn watched(
    rows: &[Exposure],
    observations: &Observations,
    ours: &AddressSet,
    accept_unproven: bool,
) -> Watched {
    let placed = Placed::new(observations, ours);
    let mut out = Watched::default();
    for row in rows.iter().filter(|r| r.declared == Declared::Required) {
        let (family, names, cells) = (Family::of(row.address), names(row), row.cells());
        let proven =
            row.observations.iter().any(|o| placed.proves(&o.vantage, row.address, &row.source));
        let unknown = |why: &str| Some(why.to_owned());
        let why = if !row.protocol.has_ports() {
            unknown("only tcp and udp are probed").filter(|_| !accept_unproven)
        } else if row.covered && row.observations.is_empty() {
            unknown("it was not probed")
        } else if !proven {
            if placed.elsewhere(&row.source, family) {
                out.elsewhere.extend(names);
                continue;
            }
            Some(placed.why(&row.source, family, &[]))
        } else if proves(cells.observed, cells.expects) {
            out.answering.extend(names);
            continue;
        } else {
            match row.observed {
                State::Unproven => unknown("nothing answered over UDP, and nothing could prove it")
                    .filter(|_| !accept_unproven),
                State::Refused if cells.observed == ObservedCell::Unproven => {
                    unknown("it was refused, by the host or by something before it")
                }
                State::Unprobed => unknown("no control target proved that silence means anything"),
                State::Failed => unknown("the vantage could not probe it"),
                state => {
                    let why = match state {
                        State::Open | State::WrongService => "it answers as something else".into(),
                        state => format!("it is {state}"),
                    };
                    out.quiet.extend(names.into_iter().map(|n| (n, why.clone())));
                    continue;
                }
            }
        };
        if let Some(why) = why {
            out.unknown.extend(names.into_iter().map(|n| (n, why.clone())));
        }
    }
    out
}

/// One name for each port that was looked at: rows are cut by what was seen, which changes.
fn names(row: &Exposure) -> Vec<String> {
    let name = |port: &str| {
        let Exposure { host, protocol, source, address, .. } = row;
        format!("{host} {protocol}{port} from {source} at {address}")
    };
    let mut ports: Vec<u16> = row.observations.iter().map(|o| o.port).collect();
    ports.dedup();
    match ports.as_slice() {
        [] if row.protocol.has_ports() => vec![name(&format!("/{}", row.ports))],
        [] => vec![name("")],
        ports => ports.iter().map(|p| name(&format!("/{p}"))).collect(),
    }
}

impl Placed {
    /// Whether every vantage is proven to lie outside a source: its clients are looked at from
    /// somewhere else. `internet` is nobody's to leave out.
    fn elsewhere(&self, source: &SourceName, family: Family) -> bool {
        *source != SourceName::Internet && self.all_placed(family)
    }
}
