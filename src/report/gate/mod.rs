//! Prints what a gate says: one small file per format.

mod json;
mod markdown;
mod text;

pub use json::{FORMAT, json};
pub use markdown::markdown;
pub use text::text;

use crate::finding::{Finding, FindingStatus};
use crate::gate::{Answer, HostAnswer, Swept, Verdicts};

/// The word for an answer.
pub(super) const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "PASS",
        Answer::Hold => "HOLD",
    }
}

/// `HOLD: 1 of 3 hosts pass as ROLE, seen from edge (198.51.100.7)`.
pub(super) fn head(verdicts: &Verdicts) -> String {
    let hosts = verdicts.hosts.len();
    let noun = if hosts == 1 { "host passes" } else { "hosts pass" };
    let from: Vec<String> = verdicts
        .vantages
        .iter()
        .map(|v| {
            let at: Vec<String> =
                [v.reflected_v4.or(v.outside_v4), v.reflected_v6.or(v.outside_v6)]
                    .into_iter()
                    .flatten()
                    .map(|a| a.to_string())
                    .collect();
            let at = match at.join(", ") {
                _ if verdicts.unheard.contains(&v.name) => "not heard".into(),
                at if at.is_empty() => "its address is unknown".into(),
                at => at,
            };
            format!("{} ({at})", v.name)
        })
        .collect();
    let from = if from.is_empty() { "nowhere".to_owned() } else { from.join(" and ") };
    format!(
        "{}: {} of {hosts} {noun} as {}, seen from {from}",
        word(verdicts.answer()),
        verdicts.passing(),
        verdicts.role
    )
}

/// `i-0abc (video-4) 203.0.113.14, 10.0.0.14`.
pub(super) fn title(host: &HostAnswer) -> String {
    let name = host.name.as_ref().filter(|n| **n != host.host);
    let name = name.map(|n| format!(" ({n})")).unwrap_or_default();
    let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
    format!("{}{name} {}", host.host, addresses.join(", ")).trim_end().to_owned()
}

/// What the sweep looked at, and what it had nothing to look at of, a line each.
pub(super) fn swept(verdicts: &Verdicts) -> Vec<String> {
    let Some(Swept { whole, without }) = &verdicts.swept else { return Vec::new() };
    let list = |names: Vec<String>, many: &str| match names.len() {
        n if n > MOST_NAMED => format!("{n} {many}"),
        _ => names.join(", "),
    };
    let mut out = Vec::new();
    if !whole.is_empty() {
        let of = list(whole.iter().map(ToString::to_string).collect(), "public addresses");
        out.push(format!("looked at all {} TCP ports of {of}", Swept::PORTS));
    }
    if !without.is_empty() {
        let hosts = list(without.iter().cloned().collect(), "hosts");
        let has = if without.len() == 1 { "it has" } else { "they have" };
        out.push(format!("not every TCP port of {hosts} was looked at: {has} no public address"));
    }
    out
}

/// Addresses or hosts named one by one; more are counted.
const MOST_NAMED: usize = 6;

/// What a waiver lets pass of a host, a line each.
pub(super) fn waived(host: &HostAnswer) -> Vec<String> {
    let line = |f: &Finding| {
        let by = match &f.status {
            FindingStatus::Waived { owner, reason, until } => {
                format!(" (waived by {owner} until {until}: {reason})")
            }
            FindingStatus::Open | FindingStatus::Baselined => String::new(),
        };
        format!("{}[{}] {}{by}", f.severity, f.rule, f.message)
    };
    host.waived.iter().map(line).collect()
}

/// What was proven of a host, a line each service.
pub(super) fn proofs(host: &HostAnswer) -> Vec<String> {
    host.proofs
        .iter()
        .map(|p| {
            let sample = if p.probed < p.port.ports.len() as usize {
                format!(", {} of {} ports probed", p.probed, p.port.ports.len())
            } else {
                String::new()
            };
            format!(
                "{} {} at {} from {}: {}{sample}, from {}",
                p.service,
                p.port,
                p.address,
                p.source,
                p.state,
                p.vantages.join(" and ")
            )
        })
        .collect()
}
