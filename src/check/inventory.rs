use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::finding::{Evidence, Side};
use crate::inventory::{Row, What};
use crate::rule::Case;

/// Judges what declared roles and the hosts there are do not agree on.
#[must_use]
pub fn judge(rows: &[Row], context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    for row in rows {
        out.gaps.extend(row.gaps.iter().cloned());
        simple::judge(&mut out, found(row, context), context);
    }
    out
}

fn found(row: &Row, context: &Context<'_>) -> Found {
    let blank = Found {
        case: Case::HostUnknown,
        subject: row.subject(),
        role: None,
        group: None,
        count: 0,
        limit: 0,
        detail: String::new(),
        evidence: Vec::new(),
        mends: Vec::new(),
        diff: None,
        uncertain: !row.gaps.is_empty(),
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
            detail: format!("{hosts} hosts are in both ({host}), and {why}"),
            evidence: vec![
                declared(format!("{about}: declared here")),
                Evidence::declared(why.clone(), row.other.as_ref()),
                seen(about_host(host, context), Some(host.clone())),
            ],
            ..blank
        },
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
    format!("{} live hosts: {shown}{tail}{stopped}", live.len())
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
