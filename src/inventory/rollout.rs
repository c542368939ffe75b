//! Whether the rest of a role followed its first hosts to a version too soon.

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

/// Judges every version that live hosts of a role are on, by itself: what one more version in the role
/// says must not hide what is wrong with another.
pub(super) fn judge(role: &Role, looking: Looking<'_>, rows: &mut Vec<Row>) {
    let Some(rollout) = &role.rollout else { return };
    let mut unknown = Unknown::default();
    let known = looking.at(role, &rollout.fact, None, &mut unknown);
    match group(&known, None) {
        Ok(groups) => {
            let of = looking.live(role).len();
            let missing = unknown.reasons();
            let versions: Vec<Version> =
                groups.into_iter().map(|on| Version::new(on, rollout, looking)).collect();
            let asked = Asked { role, rollout, first: rollout.first.of(of), of, missing: &missing };
            for i in 0..versions.len() {
                asked.judge(&versions, i, &mut unknown, rows);
            }
        }
        Err((why, hosts)) => {
            hosts.iter().for_each(|host| unknown.add(why.clone(), host));
            unknown.decides(&why, known.iter().map(|k| &*k.host.id));
        }
    }
    tell(role, &rollout.fact, &rollout.at, unknown, rows);
}

/// One version and the live hosts on it.
struct Version {
    on: Vec<Holding>,
    proven: Vec<String>,
    /// The others, and what each lacks.
    unproven: Vec<(String, String)>,
    /// Those that may be proven, and what of them is unknown.
    open: Vec<(String, String)>,
    /// How many may have been on it for long enough.
    soaked: usize,
    /// When the first of them came to it, as far as any tells.
    since: Option<Timestamp>,
    /// Whether each of them tells.
    all_tell: bool,
}

impl Version {
    fn new(on: Vec<Holding>, rollout: &Rollout, looking: Looking<'_>) -> Self {
        let mut out = Self {
            on,
            proven: Vec::new(),
            unproven: Vec::new(),
            open: Vec::new(),
            soaked: 0,
            since: None,
            all_tell: true,
        };
        for Holding { host, .. } in &out.on {
            let since = since(rollout, host, looking);
            out.all_tell &= since.is_ok();
            out.since = match (out.since, since.as_ref().ok()) {
                (Some(a), Some(b)) => Some(a.min(*b)),
                (a, b) => a.or(b.copied()),
            };
            let soak = soaked(rollout, &since, looking);
            out.soaked += usize::from(!matches!(soak, Proof::Unproven(_)));
            match soak.and(|| loaded(rollout, host, looking)) {
                Proof::Proven => out.proven.push(host.clone()),
                Proof::Unproven(why) => out.unproven.push((host.clone(), why)),
                Proof::Unknown(why) => out.open.push((host.clone(), why)),
            }
        }
        out
    }

    fn value(&self) -> &str {
        &self.on[0].value
    }

    /// The hosts that are not proven on it.
    fn waiting(&self) -> impl Iterator<Item = &str> {
        self.unproven.iter().chain(&self.open).map(|(host, _)| &**host)
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        let (a, b) = read(self.value(), other.value(), None)?;
        a.compare(&b).ordering()
    }

    /// Whether it is known to come before another: by order; without one, by when it appeared.
    fn is_before(&self, other: &Self) -> bool {
        match self.order(other) {
            Some(order) => order == Ordering::Less,
            None => match (self.since, other.since.filter(|_| other.all_tell)) {
                (Some(a), Some(b)) => a < b,
                _ => false,
            },
        }
    }

    /// Whether hosts on it may have come back to it from a later one, which was there before them.
    fn may_be_back_from(&self, other: &Self) -> bool {
        let was_there = match (other.since, self.since) {
            (Some(a), Some(b)) => a <= b || !other.all_tell,
            _ => true,
        };
        self.order(other) == Some(Ordering::Less) && was_there
    }
}

/// A rollout and the role that it is asked of.
struct Asked<'a> {
    role: &'a Role,
    rollout: &'a Rollout,
    first: usize,
    of: usize,
    /// Why hosts are on no version that is known.
    missing: &'a [String],
}

impl Asked<'_> {
    fn judge(
        &self,
        versions: &[Version],
        which: usize,
        unknown: &mut Unknown,
        rows: &mut Vec<Row>,
    ) {
        let (it, first) = (&versions[which], self.first);
        // Where the spec says which is new, every other one is old.
        let is = |to: &String| it.value() == to || compare(it.value(), to).equal() == Some(true);
        if it.proven.len() >= first || !self.rollout.to.as_ref().is_none_or(is) {
            return;
        }
        // Hosts of which it is unknown may be on it, too, proven or one too many.
        let missing = unknown.hosts(self.missing);
        let too_many = it.on.len() > first;
        if it.on.len() + missing > first
            && (!too_many || it.proven.len() + it.open.len() + missing >= first)
        {
            for why in self.missing {
                unknown.decides(why, it.waiting());
            }
        }
        if !too_many {
            return;
        }
        if it.proven.len() + it.open.len() + missing >= first {
            for (host, why) in &it.open {
                let why = format!("whether it is proven on `{}` is unknown: {why}", it.value());
                unknown.add(why.clone(), host);
                unknown.decides(&why, it.waiting());
            }
            return;
        }
        if let Some(why) = self.doubt(versions, which) {
            it.waiting().for_each(|host| unknown.add(why.clone(), host));
            return;
        }
        let mut unproven = [&*it.unproven, &*it.open].concat();
        unproven.sort();
        rows.push(Row {
            what: What::RolloutTooFast {
                role: self.role.name.clone(),
                fact: self.rollout.fact.clone(),
                first,
                of: self.of,
                proven: it.proven.clone(),
                unproven,
                on: it.on.clone(),
            },
            place: Some(self.rollout.at.clone()),
            other: None,
            gaps: Vec::new(),
        });
    }

    /// Why a version that is not proven may be what the role had before; `None` where it is not.
    fn doubt(&self, versions: &[Version], which: usize) -> Option<String> {
        let it = &versions[which];
        let others = || versions.iter().enumerate().filter(|(i, _)| *i != which).map(|(_, v)| v);
        if self.rollout.to.is_some() || others().any(|other| other.is_before(it)) {
            return None;
        }
        let value = it.value();
        if it.soaked >= self.first {
            let (least, first) = (self.rollout.min_requests.unwrap_or_default(), self.first);
            return Some(format!(
                "fewer than {first} of them have carried {least} requests on `{value}`, and nothing older in the role tells whether it is new"
            ));
        }
        let back = others().find(|other| it.may_be_back_from(other))?;
        Some(format!(
            "nothing tells whether they went back to `{value}` from `{}` or followed to it unproven",
            back.value()
        ))
    }
}

/// Whether a host has proven its version.
enum Proof {
    Proven,
    Unproven(String),
    Unknown(String),
}

impl Proof {
    /// Both; what is lacking decides.
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match (self, other) {
            (lacks @ Self::Unproven(_), _) => lacks,
            (Self::Proven, other) => other(),
            (unknown, other) => match other() {
                Self::Proven => unknown,
                other => other,
            },
        }
    }
}

fn soaked(rollout: &Rollout, since: &Result<Timestamp, String>, looking: Looking<'_>) -> Proof {
    let Some(soak) = rollout.soak else { return Proof::Proven };
    match since {
        Ok(at) if looking.now.duration_since(*at) < soak => {
            let ran = looking.now.duration_since(*at).max(SignedDuration::ZERO);
            let ran = words(SignedDuration::from_secs(ran.as_secs()));
            Proof::Unproven(format!("on it for {ran} of {}, since {at}", words(soak)))
        }
        Ok(_) => Proof::Proven,
        Err(why) => Proof::Unknown(why.clone()),
    }
}

fn loaded(rollout: &Rollout, host: &str, looking: Looking<'_>) -> Proof {
    let Some(least) = rollout.min_requests else { return Proof::Proven };
    match requests(rollout, host, looking) {
        Ok(carried) if carried < least => {
            Proof::Unproven(format!("carried {carried} of {least} requests"))
        }
        Ok(_) => Proof::Proven,
        Err(why) => Proof::Unknown(why),
    }
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
