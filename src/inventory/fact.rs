//! Facts of hosts held against the constraints of their roles.

use super::row::{Holding, Row, What};
use crate::fact::{FactValue, Facts};
use crate::model::Known;
use crate::model::version::{Compared, Scheme, Version, compare, pair};
use crate::resolve::{Host, Resolution};
use crate::spec::{Comparison, Constraint, Fact, Place, Role, Sign};
use jiff::{SignedDuration, Timestamp};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// What judging facts looks at beside the role.
#[derive(Clone, Copy)]
pub(super) struct Looking<'a> {
    pub(super) resolution: &'a Resolution,
    pub(super) facts: &'a Facts,
    pub(super) now: Timestamp,
}

/// A live host and what is known of one fact of it.
pub(super) struct Known1<'a> {
    pub(super) host: &'a Host,
    pub(super) value: &'a FactValue,
}

/// What is unknown of hosts of a role, by why.
#[derive(Default)]
pub(super) struct Unknown(BTreeMap<String, Unsure>);

#[derive(Default)]
struct Unsure {
    hosts: BTreeSet<String>,
    decides: BTreeSet<String>,
}

impl Unknown {
    pub(super) fn add(&mut self, why: String, host: &str) {
        self.0.entry(why).or_default().hosts.insert(host.into());
    }

    /// Notes that these hosts would be judged otherwise, depending on what is unknown for that reason.
    pub(super) fn decides<'h>(&mut self, why: &str, others: impl Iterator<Item = &'h str>) {
        if let Some(unsure) = self.0.get_mut(why) {
            unsure.decides.extend(others.map(str::to_owned));
        }
    }

    /// Every reason there is so far.
    pub(super) fn reasons(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// How many hosts these reasons are of.
    pub(super) fn hosts(&self, reasons: &[String]) -> usize {
        let hosts = reasons.iter().filter_map(|why| self.0.get(why)).flat_map(|u| &u.hosts);
        hosts.collect::<BTreeSet<_>>().len()
    }
}

/// Judges every fact of a role.
pub(super) fn judge(role: &Role, looking: Looking<'_>, rows: &mut Vec<Row>) {
    for fact in &role.facts {
        let mut unknown = Unknown::default();
        let known = looking.at(role, &fact.name, fact.max_age, &mut unknown);
        let missing = unknown.reasons();
        for constraint in &fact.constraints {
            let asked = Asked { role, fact, constraint, missing: &missing };
            match constraint {
                Constraint::Is(parts) => {
                    asked.each(&known, rows, &mut unknown, |v| is(v, parts, fact.scheme));
                }
                Constraint::OneOf(values) => {
                    asked.each(&known, rows, &mut unknown, |v| one_of(v, values, fact.scheme));
                }
                Constraint::SameWithinRole => asked.same(&known, rows, &mut unknown),
                Constraint::Compatible(sets) => asked.compatible(sets, &known, rows, &mut unknown),
            }
        }
        tell(role, &fact.name, &fact.at, unknown, rows);
    }
}

/// Rows of what is unknown: one for each reason.
pub(super) fn tell(role: &Role, fact: &str, at: &Place, unknown: Unknown, rows: &mut Vec<Row>) {
    for (why, Unsure { hosts, decides }) in unknown.0 {
        let what = What::FactUnknown {
            role: role.name.clone(),
            fact: fact.into(),
            decides: decides.difference(&hosts).cloned().collect(),
            hosts: hosts.into_iter().collect(),
            why,
        };
        rows.push(Row { what, place: Some(at.clone()), other: None, gaps: Vec::new() });
    }
}

impl<'a> Looking<'a> {
    /// The live hosts of a role, in the order of their ids.
    pub(super) fn live(&self, role: &Role) -> Vec<&'a Host> {
        let members = self.resolution.members.get(&role.name).map(Vec::as_slice);
        let hosts = members.unwrap_or_default().iter();
        hosts.filter_map(|id| self.resolution.hosts.get(id)).filter(|h| h.live).collect()
    }

    /// One fact of every live host of a role; those of which it is unknown go by why.
    pub(super) fn at(
        &self,
        role: &Role,
        fact: &str,
        max_age: Option<SignedDuration>,
        unknown: &mut Unknown,
    ) -> Vec<Known1<'a>> {
        let mut out = Vec::new();
        for host in self.live(role) {
            match self.of(host, fact, max_age) {
                Ok(value) => out.push(Known1 { host, value }),
                Err(why) => unknown.add(why, &host.id),
            }
        }
        out
    }

    /// One fact of one host, or why it is unknown.
    pub(super) fn of(
        &self,
        host: &Host,
        fact: &str,
        max_age: Option<SignedDuration>,
    ) -> Result<&'a FactValue, String> {
        match self.facts.get(&host.id, fact) {
            Known::Yes(value) => {
                // How old a snapshot may be has a limit of its own.
                let built_in = &*value.source == "snapshot";
                let limit = max_age.or((!built_in).then_some(self.facts.max_age));
                let age = self.now.duration_since(value.as_of());
                match limit.filter(|l| age > *l) {
                    None => Ok(value),
                    Some(limit) => Err(format!(
                        "what {} says was gathered more than {} ago, at {}",
                        value.source,
                        words(limit),
                        value.as_of()
                    )),
                }
            }
            Known::Unknown(gap) => Err(gap.why),
            Known::No if self.facts.sources.is_empty() => Err(
                "no source of facts was asked: name one with --facts or under `facts:` of portcullis.yaml"
                    .into(),
            ),
            Known::No => {
                let asked: Vec<&str> = self.facts.sources.iter().map(|s| &*s.name).collect();
                Err(format!("no source gives it (asked: {})", asked.join(", ")))
            }
        }
    }
}

/// A duration as specs write it.
pub(super) fn words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        s if s > 0 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s > 0 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        0 => format!("{}ms", duration.as_millis()),
        s => format!("{s}s"),
    }
}

/// Whether a value is what it must be.
enum Verdict {
    Holds,
    Violated,
    Unknown(String),
}

/// One constraint of one fact of one role.
#[derive(Clone, Copy)]
struct Asked<'a> {
    role: &'a Role,
    fact: &'a Fact,
    constraint: &'a Constraint,
    /// Why hosts hold no value that is known.
    missing: &'a [String],
}

impl Asked<'_> {
    fn row(&self, what: What) -> Row {
        Row { what, place: Some(self.fact.at.clone()), other: None, gaps: Vec::new() }
    }

    /// Judges every host by itself.
    fn each(
        &self,
        known: &[Known1<'_>],
        rows: &mut Vec<Row>,
        unknown: &mut Unknown,
        verdict: impl Fn(&str) -> Verdict,
    ) {
        for Known1 { host, value } in known {
            match verdict(&value.value) {
                Verdict::Holds => {}
                Verdict::Unknown(why) => unknown.add(why, &host.id),
                Verdict::Violated => rows.push(self.row(What::FactViolated {
                    role: self.role.name.clone(),
                    fact: self.fact.name.clone(),
                    constraint: self.constraint.to_string(),
                    is: Holding::new(host, value),
                })),
            }
        }
    }

    fn same(&self, known: &[Known1<'_>], rows: &mut Vec<Row>, unknown: &mut Unknown) {
        let groups = match group(known, self.fact.scheme) {
            Ok(groups) => groups,
            Err((why, hosts)) => {
                hosts.iter().for_each(|host| unknown.add(why.clone(), host));
                return unknown.decides(&why, known.iter().map(|k| &*k.host.id));
            }
        };
        // Hosts of which it is unknown may all hold one and the same, and outnumber.
        let missing = unknown.hosts(self.missing);
        for (i, group) in groups.iter().enumerate().filter(|_| missing > 0) {
            let others = groups.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, g)| g.len());
            if others.max().unwrap_or(0) + missing >= group.len() {
                for why in self.missing {
                    unknown.decides(why, group.iter().map(|h| &*h.host));
                }
            }
        }
        if groups.len() > 1 {
            rows.push(self.row(What::FactSkewed {
                role: self.role.name.clone(),
                fact: self.fact.name.clone(),
                odd: odd(&groups),
                values: groups,
            }));
        }
    }

    fn compatible(
        &self,
        sets: &[Vec<String>],
        known: &[Known1<'_>],
        rows: &mut Vec<Row>,
        unknown: &mut Unknown,
    ) {
        let within = |set: &Vec<String>, k: &Known1<'_>| {
            set.iter().any(|v| same(&k.value.value, v, self.fact.scheme) == Some(true))
        };
        let of = |set: &Vec<String>| known.iter().filter(|k| within(set, k)).count();
        // A host stays within the set of most, whatever those hold of which it is unknown.
        let missing = unknown.hosts(self.missing);
        let total = known.len() + missing;
        for k in known.iter().filter(|_| missing > 0) {
            let safe = sets.iter().any(|set| within(set, k) && of(set) * 2 > total)
                && sets.iter().all(|set| within(set, k) || (of(set) + missing) * 2 <= total);
            for why in self.missing.iter().filter(|_| !safe) {
                unknown.decides(why, std::iter::once(&*k.host.id));
            }
        }
        if sets.iter().any(|set| of(set) == known.len()) {
            return;
        }
        // Within the set that most of them are in, the rest is odd.
        let most = sets.iter().max_by_key(|s| of(s)).filter(|s| of(s) * 2 > known.len());
        let odd = known.iter().filter(|k| most.is_some_and(|set| !within(set, k)));
        rows.push(self.row(What::FactIncompatible {
            role: self.role.name.clone(),
            fact: self.fact.name.clone(),
            constraint: self.constraint.to_string(),
            odd: odd.map(|k| k.host.id.clone()).collect(),
            values: known.iter().map(|k| Holding::new(k.host, k.value)).collect(),
        }));
    }
}

/// Hosts by value, those with the same version together; the largest group first.
///
/// # Errors
/// Why two of the values cannot be told from each other, and whose they are.
pub(super) fn group(
    known: &[Known1<'_>],
    scheme: Option<Scheme>,
) -> Result<Vec<Vec<Holding>>, (String, Vec<String>)> {
    let mut groups: Vec<Vec<Holding>> = Vec::new();
    for k in known {
        let mut home = None;
        for (i, group) in groups.iter().enumerate() {
            let theirs = &group[0];
            match same(&k.value.value, &theirs.value, scheme) {
                Some(true) => home = Some(i),
                Some(false) => {}
                None => {
                    let why = format!(
                        "`{}` and `{}` may be the same: one hash may abbreviate the other",
                        theirs.value, k.value.value
                    );
                    return Err((why, vec![theirs.host.clone(), k.host.id.clone()]));
                }
            }
        }
        let holding = Holding::new(k.host, k.value);
        match home {
            Some(i) => groups[i].push(holding),
            None => groups.push(vec![holding]),
        }
    }
    groups.sort_by(|a, b| (b.len(), &a[0].value).cmp(&(a.len(), &b[0].value)));
    Ok(groups)
}

/// The hosts outside the largest group; none where two are largest.
fn odd(groups: &[Vec<Holding>]) -> Vec<String> {
    match groups {
        [first, second, ..] if first.len() > second.len() => {
            groups[1..].iter().flatten().map(|h| h.host.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// Two values as versions: by the named scheme, else in the light of each other. `None` where one
/// is no version of the named scheme.
pub(super) fn read(a: &str, b: &str, scheme: Option<Scheme>) -> Option<(Version, Version)> {
    match scheme {
        None => Some(pair(a, b)),
        Some(scheme) => Some((Version::read_as(scheme, a)?, Version::read_as(scheme, b)?)),
    }
}

/// Whether two values are the same; `None` where nothing tells.
pub(super) fn same(a: &str, b: &str, scheme: Option<Scheme>) -> Option<bool> {
    if a.trim() == b.trim() {
        return Some(true);
    }
    match read(a, b, scheme) {
        Some((a, b)) => a.compare(&b).equal(),
        None => compare(a, b).equal(),
    }
}

fn is(value: &str, parts: &[Comparison], scheme: Option<Scheme>) -> Verdict {
    let mut unknown = None;
    for part in parts {
        match holds(value, part, scheme) {
            Verdict::Holds => {}
            Verdict::Violated => return Verdict::Violated,
            Verdict::Unknown(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Verdict::Holds, Verdict::Unknown)
}

fn holds(value: &str, part: &Comparison, scheme: Option<Scheme>) -> Verdict {
    let Comparison { sign, version } = part;
    let Some((ours, wanted)) = read(value, version, scheme) else {
        let scheme = scheme.unwrap_or(Scheme::Text);
        return Verdict::Unknown(format!("`{value}` cannot be read as {scheme}"));
    };
    // A version that names no build holds for all of its builds.
    let ours = if wanted.names_build() { ours } else { ours.without_build() };
    let compared = ours.compare(&wanted);
    let holds = match (sign, compared) {
        (Sign::Equal, c) => c.equal(),
        (Sign::NotEqual, c) => c.equal().map(|equal| !equal),
        (sign, Compared::Ordered(order)) => Some(match sign {
            Sign::Less => order == Ordering::Less,
            Sign::AtMost => order != Ordering::Greater,
            Sign::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }),
        (_, Compared::Incomparable(_)) => None,
    };
    match (holds, compared) {
        (Some(true), _) => Verdict::Holds,
        (Some(false), _) => Verdict::Violated,
        (None, Compared::Incomparable(why)) => {
            Verdict::Unknown(format!("`{value}` cannot be held against `{part}`: {why}"))
        }
        (None, Compared::Ordered(_)) => Verdict::Unknown(format!("`{value}` has no order")),
    }
}

fn one_of(value: &str, values: &[String], scheme: Option<Scheme>) -> Verdict {
    let mut unknown = None;
    for wanted in values {
        let part = Comparison { sign: Sign::Equal, version: wanted.clone() };
        match holds(value, &part, scheme) {
            Verdict::Holds => return Verdict::Holds,
            Verdict::Violated => {}
            Verdict::Unknown(why) => unknown = Some(why),
        }
    }
    unknown.map_or(Verdict::Violated, Verdict::Unknown)
}
