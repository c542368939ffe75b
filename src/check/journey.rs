use super::judged::{Context, Judged};
use super::peer::group_of;
use super::row;
use super::simple::{self, Found};
use crate::exposure::{Exposure, JourneyCell, JourneyOutcome, Tried, clients_of};
use crate::finding::{Evidence, Mend, Side, Traffic, open};
use crate::model::{Gap, GapKind};
use crate::observation::State;
use crate::reach::{Configured, Verdict};
use crate::rule::Case;
use crate::spec::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Endpoints named one by one in a message, hosts in a gap; more are counted.
const MAX_NAMED: usize = 4;

/// Judges what became of every journey. What could not be seen is a gap, told once for all hosts
/// that it is the same for.
#[must_use]
pub fn judge(cells: &[JourneyCell], rows: &[Exposure], context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    let mut unseen: BTreeMap<(GapKind, &str, &str), Vec<&str>> = BTreeMap::new();
    let mut by_host: BTreeMap<&str, Vec<&Exposure>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.service.is_some()) {
        by_host.entry(&row.host).or_default().push(row);
    }
    for cell in cells {
        let case = match &cell.outcome {
            JourneyOutcome::Works { .. } => continue,
            JourneyOutcome::Unknown(gap) => {
                unseen.entry((gap.kind, &gap.scope, &gap.why)).or_default().push(&cell.host);
                continue;
            }
            JourneyOutcome::Broken => Case::JourneyBroken,
            JourneyOutcome::Unproven => Case::JourneyUnproven,
        };
        let rows = by_host.get(&*cell.host).map(Vec::as_slice).unwrap_or_default();
        simple::judge(&mut out, found(case, cell, rows, context), context);
    }
    for ((kind, scope, why), mut hosts) in unseen {
        hosts.dedup();
        let more = hosts.len().saturating_sub(MAX_NAMED);
        let mut named = hosts[..hosts.len() - more].join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        out.gaps.insert(Gap::new(
            kind,
            scope,
            format!("{why}, so whether it works is unknown for {named}"),
        ));
    }
    out
}

fn found(case: Case, cell: &JourneyCell, rows: &[&Exposure], context: &Context<'_>) -> Found {
    let JourneyCell { host, role, journey, profile, vantage, tried, left_out, place, .. } = cell;
    let from = vantage.as_deref().unwrap_or("nowhere");
    let mut evidence = vec![Evidence::declared(
        format!("journey {journey} of role {role} must work for clients of profile {profile}"),
        Some(place),
    )];
    if let Some(declared) = context.spec.profiles.get(&**profile) {
        evidence.push(Evidence::declared(words(declared), Some(&declared.at)));
    }
    for left in left_out {
        let text = format!("{} is not for them: {}", left.service, left.why);
        evidence.push(Evidence::declared(text, None));
    }
    let bad = bad(tried);
    let (configured, mends) = configured(&bad, rows, context);
    evidence.extend(configured);
    for (first, n) in &bad {
        let more =
            if *n > 1 { format!(", and {} ports more like it", n - 1) } else { String::new() };
        let text =
            format!("{} at {}: {}{more}, from {from}", first.service, first.endpoint, first.why);
        evidence.push(Evidence::seen(Side::Observed, text, Some(from.to_owned())));
    }
    if bad.is_empty() {
        let addresses = context.resolution.hosts.get(&**host).map(|h| &h.addresses);
        let addresses: Vec<String> =
            addresses.into_iter().flatten().map(|a| a.address.to_string()).collect();
        let text = format!("{host} has the addresses {}", addresses.join(", "));
        evidence.push(Evidence::seen(Side::Inventory, text, Some(host.to_string())));
    }
    Found {
        case,
        subject: cell.subject(),
        role: Some(role.to_string()),
        group: None,
        fact: None,
        count: bad.len(),
        limit: 1,
        measure: None,
        detail: detail(cell, &bad, from),
        evidence,
        mends,
        diff: None,
        uncertain: false,
    }
}

/// Of a service's ports those that do not work, each address and state once, with how many.
fn bad(tried: &[Tried]) -> Vec<(&Tried, usize)> {
    let mut out: Vec<(&Tried, usize)> = Vec::new();
    for t in tried.iter().filter(|t| !(t.state == State::Open && t.confirmed)) {
        let same = |o: &Tried| {
            o.service == t.service
                && o.endpoint.address == t.endpoint.address
                && (o.state, o.confirmed) == (t.state, t.confirmed)
        };
        match out.iter_mut().find(|(o, _)| same(o)) {
            Some((_, n)) => *n += 1,
            None => out.push((t, 1)),
        }
    }
    out
}

/// What was tried and why it failed, in one clause.
fn detail(cell: &JourneyCell, bad: &[(&Tried, usize)], from: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (t, n) in bad.iter().take(MAX_NAMED) {
        let more = if *n > 1 { format!(" and {} ports more", n - 1) } else { String::new() };
        parts.push(format!("{} at {}{more} is {}", t.service, t.endpoint, t.why));
    }
    if bad.len() > MAX_NAMED {
        parts.push(format!("{} more endpoints do not work", bad.len() - MAX_NAMED));
    }
    for left in &cell.left_out {
        parts.push(format!("{} is not for them ({})", left.service, left.why));
    }
    format!("from {from}: {}", parts.join("; "))
}

/// What the configuration says of the services that do not work, and what would mend it.
fn configured(
    bad: &[(&Tried, usize)],
    rows: &[&Exposure],
    context: &Context<'_>,
) -> (Vec<Evidence>, Vec<Mend>) {
    let (mut evidence, mut mends) = (Vec::new(), Vec::new());
    let mut told: BTreeSet<(Arc<str>, String)> = BTreeSet::new();
    for (t, _) in bad {
        let about = |r: &&&Exposure| {
            r.service.as_ref() == Some(&t.service)
                && r.address == t.endpoint.address
                && r.protocol == t.endpoint.protocol
                && r.slice.contains(t.endpoint.port)
        };
        for row in rows.iter().filter(about) {
            let verdict = row.configured.verdict();
            let text = format!(
                "{} to {} from {}: {verdict}: {}",
                t.service,
                t.endpoint,
                row.source,
                row::decided_by(&row.configured)
            );
            if !told.insert((Arc::clone(&t.service), text.clone())) {
                continue;
            }
            let id = row.configured.path().map(|p| p.decided_by().id.to_string());
            evidence.push(Evidence::seen(Side::Configured, text, id));
            let stops = matches!(row.configured, Configured::Blocked(_) | Configured::Partly(..));
            if let (true, Some(path)) = (stops, row.configured.path()) {
                let clients = clients_of(&row.source, context.spec, context.resolution);
                let traffic = Traffic {
                    address: row.address,
                    interface: row.interface.as_deref(),
                    protocol: row.protocol,
                    ports: &row.slice,
                    clients: &clients,
                    group: group_of(&row.source, context),
                };
                mends.extend(open(path, &traffic, context.ground));
            } else if verdict == Verdict::Permitted {
                let text = format!(
                    "the configuration lets {} in for {}: look on the host, or at what stands before its clients",
                    t.endpoint, t.service
                );
                mends.push(Mend { text, command: None, terraform: None });
            }
        }
    }
    mends.dedup();
    (evidence, mends)
}

/// A profile in words.
fn words(profile: &Profile) -> String {
    let Profile { name, block, allow, via, family, mtu, at: _ } = profile;
    let list = |ports: &[crate::model::PortSpec]| {
        ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let mut parts = Vec::new();
    if !allow.is_empty() {
        parts.push(format!("only {} is let out", list(allow)));
    }
    if !block.is_empty() {
        parts.push(format!("{} is blocked", list(block)));
    }
    if let Some(via) = via {
        parts.push(format!("everything goes through the proxy {via}"));
    }
    if let Some(family) = family {
        parts.push(format!("there is {} only", family.name()));
    }
    if let Some(mtu) = mtu {
        parts.push(format!("packets are of {mtu} bytes at most"));
    }
    if parts.is_empty() {
        parts.push("nothing hinders them".into());
    }
    format!("clients of profile {name}: {}", parts.join(", "))
}
