use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::finding::{Evidence, Measure, Side};
use crate::inventory::{Holding, Row, What};
use crate::model::{Gap, GapKind};
use crate::rule::Case;
use std::collections::{BTreeMap, BTreeSet};

/// Judges what declared roles and the hosts there are do not agree on.
#[must_use]
pub fn judge(rows: &[Row], context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    for row in rows {
        if !row.gaps.is_empty() {
            out.gaps.extend(row.gaps.iter().cloned());
            out.gaps.extend(hidden(row));
            continue;
        }
        let found = Found { measure: measure(row, rows), ..found(row, context) };
        simple::judge(&mut out, found, context);
    }
    out
}

/// What is not known because of the row's gaps: what nobody saw may be where nobody could look. One for
/// each kind of gap, so that accepting a kind accepts what it hides.
fn hidden(row: &Row) -> impl Iterator<Item = Gap> {
    let mut kinds: BTreeMap<GapKind, BTreeSet<&str>> = BTreeMap::new();
    for gap in &row.gaps {
        kinds.entry(gap.kind).or_default().insert(&gap.scope);
    }
    kinds.into_iter().map(move |(kind, places)| {
        let places: Vec<String> = places.into_iter().map(str::to_owned).collect();
        let why = format!("{row}, and {} could not be read in full", named(&places, ", "));
        Gap::new(kind, row.subject(), why)
    })
}

/// How bad a row is: hosts that are missing, too many, or followed too soon; selectors that pick
/// nothing; hosts that two roles share; values where one should be.
///
/// A host that is silent or a role of which nothing is live is as down as it can be, whatever was
/// asked of it.
fn measure(row: &Row, rows: &[Row]) -> Option<Measure> {
    Some(match &row.what {
        What::TooFew { live, min, .. } => Measure::Count(min.saturating_sub(*live).into()),
        What::TooMany { live, max, .. } => Measure::Count(live.saturating_sub(*max).into()),
        What::PicksNothing { role, .. } => {
            let of = |r: &&Row| matches!(&r.what, What::PicksNothing { role: r, .. } if r == role);
            Measure::count(rows.iter().filter(of).filter(|r| r.gaps.is_empty()).count())
        }
        What::Overlap { hosts, .. } => Measure::count(*hosts),
        What::FactSkewed { values, .. } => Measure::count(values.len()),
        What::FactIncompatible { values, .. } => {
            let values: BTreeSet<&str> = values.iter().map(|h| h.value.as_str()).collect();
            Measure::count(values.len())
        }
        What::RolloutTooFast { first, on, .. } => Measure::count(on.len().saturating_sub(*first)),
        What::NoneLive { .. }
        | What::Unknown { .. }
        | What::Silent { .. }
        | What::FactViolated { .. }
        | What::FactUnknown { .. } => return None,
    })
}

fn found(row: &Row, context: &Context<'_>) -> Found {
    let blank = Found {
        case: Case::HostUnknown,
        subject: row.subject(),
        role: None,
        group: None,
        fact: None,
        count: 0,
        limit: 0,
        measure: None,
        detail: String::new(),
        evidence: Vec::new(),
        mends: Vec::new(),
        diff: None,
        uncertain: false,
    };
    let declared = |text: String| Evidence::declared(text, row.place.as_ref());
    let seen = |text: String, id: Option<String>| Evidence::seen(Side::Inventory, text, id);
    match &row.what {
        What::TooFew { role, live, min } => Found {
            case: Case::RoleTooSmall,
            role: Some(role.clone()),
            count: *live as usize,
            limit: *min as usize,
            evidence: vec![
                declared(format!("role {role} must have at least {min} hosts")),
                seen(members(role, context), None),
            ],
            ..blank
        },
        What::TooMany { role, live, max } => Found {
            case: Case::RoleTooLarge,
            role: Some(role.clone()),
            count: *live as usize,
            limit: *max as usize,
            evidence: vec![
                declared(format!("role {role} may have at most {max} hosts")),
                seen(members(role, context), None),
            ],
            ..blank
        },
        What::PicksNothing { role, nth, of } => Found {
            case: Case::SelectorMatchesNothing,
            role: Some(role.clone()),
            count: *nth,
            limit: *of,
            detail: if *of > 1 { format!(" (the {nth}. of {of})") } else { String::new() },
            evidence: vec![
                declared(row.to_string()),
                seen(format!("{} hosts were looked at", context.resolution.hosts.len()), None),
            ],
            ..blank
        },
        What::NoneLive { role, hosts, services } => Found {
            case: Case::RoleNotLive,
            role: Some(role.clone()),
            count: hosts.len(),
            detail: format!("{} not live", is_or_are(hosts)),
            evidence: vec![
                declared(format!("role {role} requires {}", named(services, ", "))),
                seen(members(role, context), None),
            ],
            ..blank
        },
        What::Unknown { host, name } => Found {
            case: Case::HostUnknown,
            detail: name.as_ref().map(|n| format!(" ({n})")).unwrap_or_default(),
            evidence: vec![
                declared("no selector of any role picks it".into()),
                seen(about(host, context), Some(host.clone())),
            ],
            ..blank
        },
        What::Overlap { about, why, host, hosts, .. } => Found {
            case: Case::RolesContradict,
            count: *hosts,
            detail: match hosts {
                1 => format!("1 host is in both ({host}), and {why}"),
                n => format!("{n} hosts are in both ({host}), and {why}"),
            },
            evidence: vec![
                declared(format!("{about}: declared here")),
                Evidence::declared(why.clone(), row.other.as_ref()),
                seen(about_host(host, context), Some(host.clone())),
            ],
            ..blank
        },
        What::Silent { host, services, .. } => Found {
            case: Case::HostSilent,
            count: services.len(),
            detail: format!("none of {} answered", named(services, ", ")),
            evidence: vec![
                declared(format!("{} must answer", named(services, ", "))),
                seen(about(host, context), Some(host.clone())),
            ],
            ..blank
        },
        What::FactViolated { role, fact, constraint, is } => Found {
            case: Case::FactViolated,
            role: Some(role.clone()),
            fact: Some((fact.clone(), Some(is.value.clone()))),
            detail: format!("of role {role} is `{}` and must be {constraint}", is.value),
            evidence: vec![
                declared(format!("fact {fact} of role {role} must be {constraint}")),
                seen(holds(is), Some(is.host.clone())),
            ],
            ..blank
        },
        What::FactSkewed { role, fact, values, odd } => Found {
            case: Case::FactSkewed,
            role: Some(role.clone()),
            fact: Some((fact.clone(), None)),
            count: values.len(),
            limit: 1,
            detail: skew(values, odd),
            evidence: grouped(
                declared(format!("fact {fact} must be the same within role {role}")),
                values.iter().map(Vec::as_slice),
            ),
            ..blank
        },
        What::FactIncompatible { role, fact, constraint, values, odd } => {
            let mut groups: Vec<Vec<Holding>> = Vec::new();
            for holding in values {
                match groups.iter_mut().find(|g| g[0].value == holding.value) {
                    Some(group) => group.push(holding.clone()),
                    None => groups.push(vec![holding.clone()]),
                }
            }
            groups.sort_by(|a, b| (b.len(), &a[0].value).cmp(&(a.len(), &b[0].value)));
            Found {
                case: Case::FactIncompatible,
                role: Some(role.clone()),
                fact: Some((fact.clone(), None)),
                count: groups.len(),
                limit: 1,
                detail: skew(&groups, odd),
                evidence: grouped(
                    declared(format!("fact {fact} of role {role} must be {constraint}")),
                    groups.iter().map(Vec::as_slice),
                ),
                ..blank
            }
        }
        What::RolloutTooFast { role, fact, first, of, on, proven, unproven } => {
            let new = on.first().map_or("", |h| &h.value);
            let mut evidence = vec![declared(format!(
                "the first {first} on a new {fact} must be proven before the rest of role {role} follows"
            ))];
            let mut sources: Vec<String> = on.iter().map(dated).collect();
            sources.sort();
            sources.dedup();
            let text = format!("{} of {of} live hosts hold {fact} {new}: {}", on.len(), ids(on));
            evidence.push(seen(format!("{text}, {}", named(&sources, "; ")), None));
            for (host, why) in unproven.iter().take(8) {
                evidence.push(seen(format!("{host} is not proven: {why}"), Some(host.clone())));
            }
            Found {
                case: Case::RolloutTooFast,
                role: Some(role.clone()),
                fact: Some((fact.clone(), Some(new.to_owned()))),
                count: on.len(),
                limit: *first,
                detail: format!(
                    "{} of {of} live hosts are on `{new}`, and {} of the first {first} {} proven",
                    on.len(),
                    proven.len(),
                    if proven.len() == 1 { "is" } else { "are" }
                ),
                evidence,
                ..blank
            }
        }
        What::FactUnknown { role, fact, hosts, why, .. } => Found {
            case: Case::FactUnknown,
            role: Some(role.clone()),
            fact: Some((fact.clone(), None)),
            count: hosts.len(),
            detail: format!("{why} ({})", named(hosts, ", ")),
            evidence: vec![
                declared(format!("role {role} asks for fact {fact}")),
                seen(why.clone(), None),
            ],
            ..blank
        },
    }
}

/// `1.8.0_45, says facts.json, read at 2026-11-22T12:00:00Z`.
fn holds(is: &Holding) -> String {
    format!("{} is {}, {}", is.called(), is.value, dated(is))
}

/// Which source says so, and as of when.
fn dated(is: &Holding) -> String {
    match is.gathered_at {
        Some(at) => format!("says {}, gathered at {at} and read at {}", is.source, is.read_at),
        None => format!("says {}, read at {}", is.source, is.read_at),
    }
}

/// The declaration, and each value with the hosts that hold it.
fn grouped<'a>(declared: Evidence, groups: impl Iterator<Item = &'a [Holding]>) -> Vec<Evidence> {
    let mut out = vec![declared];
    for group in groups.take(8) {
        let Some(first) = group.first() else { continue };
        let text = format!("{} on {}, {}", first.value, ids(group), dated(first));
        out.push(Evidence::seen(Side::Inventory, text, Some(first.host.clone())));
    }
    out
}

/// Which value is on how many hosts, and which hosts are the odd ones.
fn skew(groups: &[Vec<Holding>], odd: &[String]) -> String {
    let each: Vec<String> =
        groups.iter().map(|g| format!("`{}` on {}", g[0].value, g.len())).collect();
    let odd = match odd {
        [] => "no value is on most of them".to_owned(),
        [one] => format!("the odd one is {one}"),
        many => format!("the odd ones are {}", named(many, ", ")),
    };
    format!("{}; {odd}", named(&each, ", "))
}

fn ids(hosts: &[Holding]) -> String {
    named(&hosts.iter().map(Holding::called).collect::<Vec<_>>(), ", ")
}

/// `i-1 is`, `i-1, i-2 are`.
fn is_or_are(hosts: &[String]) -> String {
    format!("{} {}", named(hosts, ", "), if hosts.len() == 1 { "is" } else { "are" })
}

/// The first of a list, and how many more there are.
fn named(list: &[String], between: &str) -> String {
    let shown = list.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(between);
    match list.len().saturating_sub(8) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The members of a role, named as far as a line goes.
fn members(role: &str, context: &Context<'_>) -> String {
    let ids = context.resolution.members.get(role).map(Vec::as_slice).unwrap_or_default();
    let is_live = |id: &&String| context.resolution.hosts.get(*id).is_some_and(|h| h.live);
    let live: Vec<&str> = ids.iter().filter(is_live).map(String::as_str).collect();
    let shown = live.iter().take(8).copied().collect::<Vec<_>>().join(", ");
    let more = live.len().saturating_sub(8);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    let stopped = ids.len() - live.len();
    let stopped = if stopped > 0 { format!("; {stopped} not live") } else { String::new() };
    if live.is_empty() {
        return format!("no live host{stopped}");
    }
    let hosts = if live.len() == 1 { "host" } else { "hosts" };
    format!("{} live {hosts}: {shown}{tail}{stopped}", live.len())
}

fn about(host: &str, context: &Context<'_>) -> String {
    let Some(host) = context.resolution.hosts.get(host) else { return host.into() };
    let addresses: Vec<String> = host.addresses.iter().map(|a| a.address.to_string()).collect();
    format!("{} is live at {}", host.id, addresses.join(", "))
}

fn about_host(host: &str, context: &Context<'_>) -> String {
    let roles = context.resolution.hosts.get(host).map(|h| h.roles.join(", ")).unwrap_or_default();
    format!("{host} is in roles {roles}")
}
