//! Whether the rest of a role followed its first hosts to a new version too soon.

use super::fact::{Looking, Unknown, group, read, tell, words};
use super::row::{Holding, Row, What};
use crate::fact::FactValue;
use crate::model::version::compare;
use crate::resolve::CLOCK_SKEW;
use crate::spec::{Role, Rollout};
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use std::cmp::Ordering;

/// Judges the rollout of a role, where one is going on.
pub(super) fn judge(role: &Role, looking: Looking<'_>, rows: &mut Vec<Row>) {
    let Some(rollout) = &role.rollout else { return };
    let mut unknown = Unknown::new();
    let known = looking.at(role, &rollout.fact, None, &mut unknown);
    match group(&known, None) {
        Ok(groups) => {
            if let Some((new, rest)) = newest(rollout, groups, looking, &mut unknown)
                && !rest.is_empty()
            {
                follow(role, rollout, new, looking, &mut unknown, rows);
            }
        }
        Err((why, hosts)) => unknown.entry(why).or_default().extend(hosts),
    }
    tell(role, &rollout.fact, &rollout.at, unknown, rows);
}

/// The hosts on the new version and the groups of all others; `None` where there is no new one or
/// nothing tells which it is.
fn newest(
    rollout: &Rollout,
    mut groups: Vec<Vec<Holding>>,
    looking: Looking<'_>,
    unknown: &mut Unknown,
) -> Option<(Vec<Holding>, Vec<Vec<Holding>>)> {
    if let Some(to) = &rollout.to {
        let is_new =
            |g: &Vec<Holding>| g[0].value == *to || compare(&g[0].value, to).equal() == Some(true);
        let at = groups.iter().position(is_new)?;
        return Some((groups.remove(at), groups));
    }
    if groups.len() < 2 {
        return None;
    }
    let latest = |groups: &[Vec<Holding>]| {
        (0..groups.len()).find(|i| {
            let after = |j: usize| {
                let (a, b) = read(&groups[*i][0].value, &groups[j][0].value, None)?;
                Some(a.compare(&b).ordering() == Some(Ordering::Greater))
            };
            (0..groups.len()).all(|j| j == *i || after(j) == Some(true))
        })
    };
    if let Some(at) = latest(&groups) {
        return Some((groups.remove(at), groups));
    }
    // Without an order, the one that appeared last is the new one.
    let mut appeared = Vec::new();
    for group in &groups {
        let mut first: Option<Timestamp> = None;
        for holding in group {
            match since(rollout, &holding.host, looking) {
                Ok(at) => first = Some(first.map_or(at, |f| f.min(at))),
                Err(why) => {
                    let why = format!(
                        "`{}` has no order beside the others, so which value is the new one has to be told by `{}`: {why}",
                        holding.value, rollout.since
                    );
                    unknown.entry(why).or_default().push(holding.host.clone());
                }
            }
        }
        appeared.push(first);
    }
    if !unknown.is_empty() {
        return None;
    }
    let at = (0..groups.len()).max_by_key(|i| appeared[*i])?;
    Some((groups.remove(at), groups))
}

/// Whether one of the first hosts is proven.
enum Proof {
    Proven,
    Unproven(String),
    Unknown(String),
}

fn follow(
    role: &Role,
    rollout: &Rollout,
    on: Vec<Holding>,
    looking: Looking<'_>,
    unknown: &mut Unknown,
    rows: &mut Vec<Row>,
) {
    let of = looking.live(role).len();
    let first = rollout.first.of(of);
    let (mut proven, mut unproven, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for holding in &on {
        match proof(rollout, &holding.host, looking) {
            Proof::Proven => proven.push(holding.host.clone()),
            Proof::Unproven(why) => unproven.push((holding.host.clone(), why)),
            Proof::Unknown(why) => open.push((holding.host.clone(), why)),
        }
    }
    if on.len() <= first || proven.len() >= first {
        return;
    }
    if proven.len() + open.len() >= first {
        for (host, why) in open {
            let why = format!("whether it is proven on `{}` is unknown: {why}", on[0].value);
            unknown.entry(why).or_default().push(host);
        }
        return;
    }
    unproven.extend(open);
    unproven.sort();
    rows.push(Row {
        what: What::RolloutTooFast {
            role: role.name.clone(),
            fact: rollout.fact.clone(),
            first,
            of,
            proven,
            unproven,
            on,
        },
        place: Some(rollout.at.clone()),
        other: None,
        gaps: Vec::new(),
    });
}

fn proof(rollout: &Rollout, host: &str, looking: Looking<'_>) -> Proof {
    let mut unknown = None;
    if let Some(soak) = rollout.soak {
        match since(rollout, host, looking) {
            Ok(at) if looking.now.duration_since(at) < soak => {
                let ran = looking.now.duration_since(at).max(SignedDuration::ZERO);
                let ran = words(SignedDuration::from_secs(ran.as_secs()));
                return Proof::Unproven(format!("on it for {ran} of {}, since {at}", words(soak)));
            }
            Ok(_) => {}
            Err(why) => unknown = Some(why),
        }
    }
    if let Some(least) = rollout.min_requests {
        match requests(rollout, host, looking) {
            Ok(carried) if carried < least => {
                return Proof::Unproven(format!("carried {carried} of {least} requests"));
            }
            Ok(_) => {}
            Err(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Proof::Proven, Proof::Unknown)
}

fn fact<'a>(name: &str, host: &str, looking: Looking<'a>) -> Result<&'a FactValue, String> {
    let host = looking.resolution.hosts.get(host).ok_or("there is no such host")?;
    looking.of(host, name, None).map_err(|why| format!("fact {name}: {why}"))
}

/// Since when a host is on its version.
fn since(rollout: &Rollout, host: &str, looking: Looking<'_>) -> Result<Timestamp, String> {
    let value = fact(&rollout.since, host, looking)?;
    let (name, text) = (&rollout.since, value.value.trim());
    let at = instant(text).ok_or_else(|| format!("fact {name}: `{text}` is no instant"))?;
    if at.duration_since(looking.now) > CLOCK_SKEW {
        return Err(format!("fact {name}: {at} is still to come: one of the clocks is wrong"));
    }
    Ok(at)
}

fn requests(rollout: &Rollout, host: &str, looking: Looking<'_>) -> Result<u64, String> {
    let value = fact(&rollout.requests, host, looking)?;
    let text = value.value.trim();
    // A counter that some language printed as a float is still a counter.
    let whole =
        text.split_once('.').filter(|(_, f)| f.bytes().all(|b| b == b'0')).map_or(text, |(w, _)| w);
    whole.parse().map_err(|_| format!("fact {}: `{text}` is no count", rollout.requests))
}

/// An instant, a day, or seconds since 1970; without a zone it is UTC.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<f64>() {
        let fits = seconds.is_finite() && (0.0..253_402_207_200.0).contains(&seconds);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the fraction is dropped, and the rest fits"
        )]
        return fits.then(|| Timestamp::from_second(seconds as i64).ok()).flatten();
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let at = text
            .parse::<DateTime>()
            .ok()
            .or_else(|| Some(text.parse::<Date>().ok()?.at(0, 0, 0, 0)))?;
        Offset::UTC.to_timestamp(at).ok()
    })
}
