//! What is said of one thing. The first of these that holds: protected, live, conflict, unknown,
//! held (of its strata), candidate, no candidate.

use super::shape::shape;
use super::{Claim, Guard, Guards, ItemRef, Reason, Resource};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is said of one thing by itself; whether its strata are held comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody calls it dead.
    NoCandidate,
    /// It could be planned: claims of these sources, the first of each.
    Candidate { dead: Vec<Claim> },
    /// It is not planned.
    Refused { reason: Reason, says: String },
}

impl Verdict {
    fn refused(reason: Reason, says: impl Into<String>) -> Self {
        Self::Refused { reason, says: says.into() }
    }

    /// Whether it counts into the unknown share of its strata.
    pub(super) fn is_unknown(&self) -> bool {
        use Reason::{Conflict, Unknown, UnknownDefaulted, UnknownShape};
        matches!(
            self,
            Self::Refused { reason: Unknown | UnknownShape | UnknownDefaulted | Conflict, .. }
        )
    }
}

/// Claims whose kind says that the thing itself is gone: a provider that lists it disagrees.
const GONE: [&str; 3] = ["gone", "deleted", "absent"];

/// The things of a listing by what they are, and what is believed of its records.
pub(super) struct Bench<'a> {
    pub(super) by_item: BTreeMap<(&'a str, &'a str), &'a Resource>,
    twice: BTreeSet<(&'a str, &'a str)>,
    sources: BTreeSet<&'a str>,
    /// Source and shape of records that something rests on which is live and no candidate.
    shapes: BTreeSet<(&'a str, String)>,
    latest: Timestamp,
    guards: Guards,
}

impl<'a> Bench<'a> {
    /// `latest` is the last moment that a claim may have been made.
    pub(super) fn new(
        resources: &'a [Resource],
        sources: impl Iterator<Item = &'a str>,
        latest: Timestamp,
        guards: Guards,
    ) -> Self {
        let mut by_item = BTreeMap::new();
        let mut twice = BTreeSet::new();
        let mut bench = Self {
            by_item: BTreeMap::new(),
            twice: BTreeSet::new(),
            sources: sources.collect(),
            shapes: BTreeSet::new(),
            latest,
            guards,
        };
        for resource in resources {
            let key = (resource.kind.as_str(), resource.id.as_str());
            if by_item.insert(key, resource).is_some() {
                twice.insert(key);
            }
            if !resource.candidate && bench.proven_live(resource) {
                for claim in resource.live.iter().chain(&resource.dead) {
                    if let Some(record) = &claim.record {
                        bench.shapes.insert((&claim.source, shape(record)));
                    }
                }
            }
        }
        bench.by_item = by_item;
        bench.twice = twice;
        bench
    }

    fn timed(&self, claim: &Claim) -> bool {
        claim.dated() && claim.at.is_some_and(|at| at <= self.latest)
    }

    /// Whether some channel has seen it live at a moment that it can name: then it is a control.
    pub(super) fn proven_live(&self, resource: &Resource) -> bool {
        resource.live.iter().any(|claim| self.timed(claim))
    }

    /// Judges one thing by itself.
    pub(super) fn judge(&self, resource: &Resource) -> Verdict {
        let on = |guard| self.guards.has(guard);
        if !resource.candidate {
            // What could not be found out counts, though nobody asks for anything.
            return if on(Guard::UnknownItem) && !resource.unknown.is_empty() {
                Verdict::refused(Reason::Unknown, resource.unknown.join("; "))
            } else {
                Verdict::NoCandidate
            };
        }
        // A protection that cannot be read protects as well: no look at its time or words.
        if let Some(claim) = resource.protected.first().filter(|_| on(Guard::Protected)) {
            return Verdict::refused(Reason::Protected, said(claim));
        }
        if let Some(claim) = resource.live.first().filter(|_| on(Guard::Live)) {
            return Verdict::refused(Reason::Live, said(claim));
        }
        if on(Guard::Descendant)
            && let Some(says) = self.lives_inside(resource)
        {
            return Verdict::refused(Reason::LiveDescendant, says);
        }
        if on(Guard::Conflict)
            && let Some(says) = self.conflict(resource)
        {
            return Verdict::refused(Reason::Conflict, says);
        }
        if on(Guard::UnknownItem) && !resource.unknown.is_empty() {
            return Verdict::refused(Reason::Unknown, resource.unknown.join("; "));
        }
        self.evidence(resource)
    }

    /// What of it, at any depth, nobody calls dead.
    fn lives_inside(&self, resource: &Resource) -> Option<String> {
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<&ItemRef> = resource.children.iter().collect();
        while let Some(child) = ahead.pop() {
            if !seen.insert(child) {
                continue;
            }
            match self.by_item.get(&(child.kind.as_str(), child.id.as_str())) {
                None => return Some(format!("it holds {child}, which nobody listed")),
                Some(inner) if !inner.live.is_empty() => {
                    return Some(format!("it holds {child}: {}", said(&inner.live[0])));
                }
                Some(inner) if !inner.candidate => {
                    return Some(format!("it holds {child}, which nobody calls dead"));
                }
                Some(inner) => ahead.extend(&inner.children),
            }
        }
        None
    }

    fn conflict(&self, resource: &Resource) -> Option<String> {
        if self.twice.contains(&(resource.kind.as_str(), resource.id.as_str())) {
            return Some("it is listed twice".into());
        }
        if let Some(claim) = resource.dead.iter().find(|c| GONE.contains(&c.kind.as_str())) {
            return Some(format!("{} says that it is gone, and it is listed", claim.source));
        }
        resource.unknown.iter().find(|u| u.starts_with("conflict:")).cloned()
    }

    fn evidence(&self, resource: &Resource) -> Verdict {
        let on = |guard| self.guards.has(guard);
        if on(Guard::Shape) {
            for claim in &resource.dead {
                let Some(record) = &claim.record else { continue };
                let shape = shape(record);
                if !self.shapes.contains(&(claim.source.as_str(), shape.clone())) {
                    let says = format!(
                        "it rests on a record of {} of shape {shape}, and nothing that rests on such a record has been seen live",
                        claim.source
                    );
                    return Verdict::refused(Reason::UnknownShape, says);
                }
            }
        }
        let mut dead: Vec<Claim> = Vec::new();
        let mut untimed = None;
        let mut unread = None;
        for claim in &resource.dead {
            if on(Guard::Defaulted) && !self.timed(claim) {
                untimed = untimed.or(Some(claim));
            } else if on(Guard::Independent) && !self.sources.contains(claim.source.as_str()) {
                unread = unread.or(Some(claim));
            } else if !on(Guard::Independent) || dead.iter().all(|c| c.source != claim.source) {
                dead.push(claim.clone());
            }
        }
        if let Some(claim) = untimed
            && (dead.len() < 2 || !on(Guard::Independent))
        {
            let says = format!("{} has no time that can be read: a blank is no date", said(claim));
            return Verdict::refused(Reason::UnknownDefaulted, says);
        }
        if on(Guard::Independent) && dead.len() < 2 {
            let mut says = match dead.first() {
                None => "nothing says that it is dead".to_owned(),
                Some(claim) => {
                    format!("{} alone says that it is dead, two sources must", claim.source)
                }
            };
            if let Some(claim) = unread {
                says.push_str(&format!("; {} is no source that was listed", claim.source));
            }
            return Verdict::refused(Reason::TooLittleEvidence, says);
        }
        Verdict::Candidate { dead }
    }
}

/// A claim in words.
fn said(claim: &Claim) -> String {
    let mut text = format!("{} ({})", claim.kind, claim.source);
    if !claim.detail.is_empty() {
        text.push_str(": ");
        text.push_str(&claim.detail);
    }
    text
}
