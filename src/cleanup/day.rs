//! The cap of a day: acts of one account within 24 hours, whatever plans and scopes they are of.
//!
//! A scope is a name that whoever plans chooses, so a cap of each scope would be none. Planning
//! counts what journals beside it say was done and what other plans may still do; an apply takes
//! its acts out of one paper of the account before each batch, so that two plans that were sealed
//! a minute apart, each under the cap, cannot both run.

use super::journal::{self, Event, Record};
use super::plan::{self, Plan};
use super::{Digest, Reason, Refusal, Target, strict};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag of the paper.
pub const SCHEMA: &str = "portcullis/cleanup-day/v1";
/// How far back acts count.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// One act that was done, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    pub plan: Digest,
    pub n: u32,
    pub at: Timestamp,
}

/// What a day's register holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayPaper {
    schema: String,
    acts: Vec<Taken>,
}

/// Why nothing was taken, and when there is room again if only time has to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    pub refusal: Refusal,
    /// `None` where waiting helps nothing.
    pub until: Option<Timestamp>,
}

impl From<Refusal> for Full {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, until: None }
    }
}

/// A plan's folder, as far as it tells what was done and may still be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// By the folder's name.
    pub digest: Digest,
    pub plan: Option<Vec<u8>>,
    pub signature: Option<Vec<u8>>,
    /// Whether anything lies among its denials.
    pub denied: bool,
    pub journal: Option<Vec<u8>>,
}

/// The name of an account's paper.
#[must_use]
pub fn name(target: &Target) -> String {
    let text = format!("{:?}", (&target.provider, &target.partition, &target.account));
    Digest::of(text.as_bytes()).hex()[..16].to_owned()
}

/// Whether two targets share a day.
#[must_use]
pub fn shared(a: &Target, b: &Target) -> bool {
    (&a.provider, &a.partition, &a.account) == (&b.provider, &b.partition, &b.account)
}

impl Default for DayPaper {
    fn default() -> Self {
        Self { schema: SCHEMA.into(), acts: Vec::new() }
    }
}

impl DayPaper {
    /// Reads what [`DayPaper::bytes`] wrote.
    ///
    /// # Errors
    /// [`Reason::DayUnreadable`]: what was done is then not known, and nothing more is.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let unreadable = |says: String| Refusal::new(Reason::DayUnreadable, says);
        let paper: Self = strict::read(bytes)
            .map_err(|e| unreadable(format!("the acts of the day: {}", e.says)))?;
        if paper.schema != SCHEMA {
            return Err(unreadable(format!(
                "the acts of the day have the schema {:?}",
                paper.schema
            )));
        }
        Ok(paper)
    }

    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        plan::seal::json(self)
    }

    /// Takes items of a plan, beside what journals say was done.
    ///
    /// # Errors
    /// [`Reason::DayCap`] where that would be more than `most` within a day.
    pub fn take(
        &mut self,
        plan: &Digest,
        items: &[u32],
        known: &[Taken],
        most: u32,
        now: Timestamp,
    ) -> Result<(), Full> {
        let mut all: BTreeMap<(Digest, u32), Timestamp> = BTreeMap::new();
        for act in self.acts.iter().chain(known).filter(|a| recent(a.at, now)) {
            let at = all.entry((act.plan.clone(), act.n)).or_insert(act.at);
            *at = act.at.max(*at);
        }
        let before = all.len();
        let own = |(of, n): &(Digest, u32)| of == plan && items.contains(n);
        let mut others: Vec<Timestamp> =
            all.iter().filter(|(act, _)| !own(act)).map(|(_, at)| *at).collect();
        // One that is tried again counts once, and from now on.
        all.extend(items.iter().map(|n| ((plan.clone(), *n), now)));
        if all.len() > most as usize {
            let says = format!(
                "{before} acts of this account were done or begun within a day, and {} more would \
                 be above the cap of {most}",
                all.len() - before
            );
            // As many of the others as are too many have to be a day old.
            others.sort_unstable();
            let over = others.get(all.len() - most as usize - 1);
            let until = over.and_then(|at| at.saturating_add(DAY).ok());
            return Err(Full { refusal: Refusal::new(Reason::DayCap, says), until });
        }
        self.acts = all.into_iter().map(|((plan, n), at)| Taken { plan, n, at }).collect();
        Ok(())
    }

    /// Gives back items that were left alone.
    pub fn give_back(&mut self, plan: &Digest, items: &[u32]) {
        self.acts.retain(|a| a.plan != *plan || !items.contains(&a.n));
    }
}

/// One of a time to come counts as well: a clock that was set back frees nothing.
fn recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < DAY
}

/// Acts of an account within a day, by the journals of plans.
///
/// # Errors
/// [`Reason::DayUnreadable`] for a journal that cannot be understood: what it hides would count.
pub fn acts(beside: &[Beside], target: &Target, now: Timestamp) -> Result<Vec<Taken>, Refusal> {
    let mut found = Vec::new();
    for folder in beside {
        let Some(bytes) = folder.journal.as_deref().filter(|j| !j.is_empty()) else { continue };
        let unreadable = |says: &str| {
            let says = format!("the journal of {}: {says}", folder.digest);
            Refusal::new(Reason::DayUnreadable, says)
        };
        let records = match read(folder) {
            Some(plan) if !shared(&plan.target, target) => continue,
            Some(plan) => {
                let chain = journal::read(bytes, &plan, &folder.digest);
                chain.map_err(|e| unreadable(&e.says))?.records
            }
            // A plan of another version: whose account it is nobody can say, so it may be this one.
            None => lines(bytes).map_err(|e| unreadable(&e))?,
        };
        for record in records.iter().filter(|r| recent(r.at, now)) {
            if let Event::Intent { n, .. } | Event::Permitted { n, .. } = &record.what {
                found.push(Taken { plan: folder.digest.clone(), n: *n, at: record.at });
            }
        }
    }
    Ok(found)
}

/// The plan of a folder, if it is one that this program reads.
pub(super) fn read(folder: &Beside) -> Option<Plan> {
    plan::read_as(folder.plan.as_deref()?, &folder.digest).ok()
}

/// The whole lines of a journal whose plan is unknown.
fn lines(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|e| e.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(n: u8) -> Digest {
        Digest::of(&[n])
    }

    #[test]
    fn two_plans_share_a_day_and_a_retry_counts_once() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let mut day = DayPaper::default();
        let take = |day: &mut DayPaper, n, items: &[u32], at| {
            day.take(&plan(n), items, &[], 3, at).map_err(|e| e.refusal.reason)
        };
        assert_eq!(take(&mut day, 1, &[1, 2], now), Ok(()));
        assert_eq!(take(&mut day, 1, &[2], now), Ok(()), "the same act again");
        assert_eq!(take(&mut day, 2, &[1, 2], now), Err(Reason::DayCap));
        assert_eq!(take(&mut day, 2, &[1], now), Ok(()), "what was refused took nothing");
        assert_eq!(take(&mut day, 2, &[2], now + DAY), Ok(()), "a day later");
        assert_eq!(take(&mut day, 3, &[1], now), Ok(()), "what is older is forgotten");
        let back = take(&mut day, 3, &[2, 3], now - DAY);
        assert_eq!(back, Err(Reason::DayCap), "a clock that was set back frees nothing");
        day.give_back(&plan(3), &[1]);
        assert_eq!(take(&mut day, 4, &[1], now), Ok(()));
        assert_eq!(DayPaper::read(&day.bytes()).as_ref(), Ok(&day));
        let known = [Taken { plan: plan(9), n: 1, at: now }];
        let more = day.take(&plan(4), &[1], &known, 2, now).map_err(|e| e.refusal.reason);
        assert_eq!(more, Err(Reason::DayCap), "what only a journal knows counts");
        assert_eq!(
            day.take(&plan(5), &[1], &[], 0, now).map_err(|e| e.refusal.reason),
            Err(Reason::DayCap)
        );
    }

    #[test]
    fn it_says_when_there_is_room_again() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        let hour = SignedDuration::from_hours(1);
        let mut day = DayPaper::default();
        for (n, ago) in [(1, 3), (2, 2), (3, 1)] {
            day.take(&plan(1), &[n], &[], 3, now - hour * ago).expect("taken");
        }
        let until = |items: &[u32], of: u8, most| {
            day.clone().take(&plan(of), items, &[], most, now).expect_err("full").until
        };
        assert_eq!(until(&[1], 2, 3), Some(now - hour * 3 + DAY), "the oldest makes room");
        assert_eq!(until(&[1, 2], 2, 3), Some(now - hour * 2 + DAY));
        assert_eq!(until(&[3, 4], 1, 3), Some(now - hour * 3 + DAY), "its own act is no room");
        assert_eq!(until(&[1, 2, 3, 4], 2, 3), None, "more than a day ever has");
        assert_eq!(until(&[1], 2, 0), None, "zero is none");
        let later = now - hour * 2 + DAY;
        assert!(day.take(&plan(2), &[1, 2], &[], 3, later).is_ok(), "and then there is");
    }

    #[test]
    fn a_paper_that_cannot_be_read_is_no_empty_one() {
        for bytes in [&b""[..], b"{}", b"{\"schema\":\"v2\",\"acts\":[]}", b"[]"] {
            let reason = DayPaper::read(bytes).map_err(|e| e.reason);
            assert_eq!(reason, Err(Reason::DayUnreadable), "{bytes:?}");
        }
    }
}
