use super::{Survey, Why};
use crate::model::Family;
use crate::observation::{Observation, State};
use std::collections::BTreeMap;

/// Whether the control targets answered, for IPv4 and IPv6; `None` for a family without controls.
///
/// One answer proves the egress of its family and protocol, so every protocol that has a control
/// needs one: a vantage whose UDP is blocked must not call UDP services silent. A refusal that nothing
/// shows to be the target's own is none: the vantage's own firewall may have sent it.
#[must_use]
pub fn controls(survey: &Survey, rows: &[Observation]) -> (Option<bool>, Option<bool>) {
    let seen: BTreeMap<_, _> = rows.iter().map(|r| (r.endpoint(), r)).collect();
    let answered = |family: Family| {
        let mut protocols = BTreeMap::new();
        for target in survey.targets.iter().filter(|t| t.why == Why::Control) {
            if Family::of(target.endpoint.address) != family {
                continue;
            }
            let answer = seen.get(&target.endpoint).is_some_and(|row| match row.state {
                State::Open | State::WrongService => true,
                State::Refused => row.is_by_target(),
                _ => false,
            });
            *protocols.entry(target.endpoint.protocol).or_insert(false) |= answer;
        }
        (!protocols.is_empty()).then(|| protocols.into_values().all(|answered| answered))
    };
    (answered(Family::V4), answered(Family::V6))
}
