use super::{Row, What};
use crate::exposure::{Declared, Exposure};
use crate::observation::State;
use crate::reach::Configured;
use crate::resolve::Resolution;
use std::collections::{BTreeMap, BTreeSet};

/// What the rows of one host say of whether it answers at all.
#[derive(Default)]
struct Heard<'a> {
    /// Services that the configuration lets through, that were probed and stayed without an answer.
    silent: BTreeSet<&'a str>,
    /// Where one of them was declared.
    first: Option<&'a Exposure>,
    answered: bool,
}

/// Live hosts of a role that answered nothing, though several of their services were asked.
///
/// A refusal is an answer: the host is there. What the configuration blocks says nothing of the host,
/// and a single silent service is told by its own row.
#[must_use]
pub fn silent(rows: &[Exposure], resolution: &Resolution) -> Vec<Row> {
    let mut hosts: BTreeMap<&str, Heard<'_>> = BTreeMap::new();
    for row in rows.iter().filter(|r| !r.roles.is_empty() && !r.observations.is_empty()) {
        let heard = hosts.entry(&row.host).or_default();
        let answers = |s: State| matches!(s, State::Open | State::WrongService | State::Refused);
        heard.answered |= row.observations.iter().any(|o| answers(o.state));
        let asked = row.declared == Declared::Required
            && matches!(row.observed, State::Silent | State::Unreachable | State::Rejected)
            && matches!(row.configured, Configured::Permitted(_) | Configured::NotApplicable);
        if let (true, Some(service)) = (asked, row.service.as_deref()) {
            heard.silent.insert(service);
            heard.first = heard.first.or(Some(row));
        }
    }
    let mut out = Vec::new();
    for (id, heard) in hosts {
        let Some(host) = resolution.hosts.get(id).filter(|h| h.live) else { continue };
        if heard.answered || heard.silent.len() < 2 {
            continue;
        }
        out.push(Row {
            what: What::Silent {
                host: host.id.clone(),
                name: host.name.clone().filter(|n| *n != host.id),
                services: heard.silent.into_iter().map(str::to_owned).collect(),
            },
            place: heard.first.and_then(|r| r.place.clone()),
            other: None,
            gaps: Vec::new(),
        });
    }
    out
}
