//! Who may work on a plan now, as the paper in its register says.

use super::journal::Chain;
use super::{Digest, Reason, Refusal};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The format tag.
pub const SCHEMA: &str = "portcullis/cleanup-claim/v1";

/// What a register holds: the claim, and how far the journal was when it was last anchored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimPaper {
    pub schema: String,
    pub plan: Digest,
    /// Of the run: without it two runs that write the same would both think they had won.
    pub nonce: String,
    /// Rises with every claim.
    pub fence: u64,
    /// Who holds it, for people.
    pub by: String,
    pub at: Timestamp,
    /// Until when it counts if it is not renewed; its own `at` once it was given back.
    pub until: Timestamp,
    /// The process that holds it, where a later one could see that it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Until when an act of a holder that was killed may still be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settles: Option<Timestamp>,
    /// Lines of the journal, and the digest of the last of them.
    pub lines: u64,
    pub head: Digest,
    /// Whether nothing is left to do.
    pub finished: bool,
    /// Whether a run under this register has begun to write a journal: before that, lines are another's.
    #[serde(default)]
    pub opened: bool,
}

/// A process, as another one of its machine can tell whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Of the machine, its start and its namespaces: the rest means nothing elsewhere.
    pub place: String,
    pub pid: u32,
    /// When it was started, in the machine's ticks: its number is another's later.
    pub started: u64,
}

/// What is known of the holder that a register names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// It may be alive, unless its time is over.
    Unknown,
    /// Its process was on this machine and is gone. What it had asked for may go on without it.
    Gone,
    /// No other holder can be alive, whatever the paper says: a lock of the system that ends with its
    /// process.
    None,
}

/// What a claim is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A plan is applied once.
    Apply,
    /// What was applied may be taken back after it.
    Undo,
}

/// The paper of a new claim over what the register has.
///
/// # Errors
/// [`Reason::AlreadyConsumed`], [`Reason::Claimed`].
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own")]
pub fn next(
    found: Option<&ClaimPaper>,
    plan: &Digest,
    nonce: &str,
    by: &str,
    holder: Option<Holder>,
    other: Other,
    purpose: Purpose,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<ClaimPaper, Refusal> {
    if let Some(found) = found {
        if found.plan != *plan {
            let says = format!("the register holds the claim of another plan, {}", found.plan);
            return Err(Refusal::new(Reason::Claimed, says));
        }
        if found.finished && purpose == Purpose::Apply {
            let says = format!("{} finished it; every plan is applied once", found.by);
            return Err(Refusal::new(Reason::AlreadyConsumed, says));
        }
        if other == Other::Unknown && found.until > now {
            let says =
                format!("{} holds it until {} (fence {})", found.by, found.until, found.fence);
            return Err(Refusal::new(Reason::Claimed, says));
        }
    }
    let settles = found.and_then(|f| {
        let killed = (other == Other::Gone).then_some(f.until);
        f.settles.max(killed).filter(|at| *at > now)
    });
    Ok(ClaimPaper {
        holder,
        settles,
        schema: SCHEMA.into(),
        plan: plan.clone(),
        nonce: nonce.into(),
        fence: found.map_or(0, |f| f.fence) + 1,
        by: by.into(),
        at: now,
        until: now.saturating_add(lease).unwrap_or(Timestamp::MAX),
        lines: found.map_or(0, |f| f.lines),
        head: found.map_or_else(|| plan.clone(), |f| f.head.clone()),
        finished: found.is_some_and(|f| f.finished),
        opened: found.is_some_and(|f| f.opened || f.lines > 0),
    })
}

impl ClaimPaper {
    /// What an undo goes on from where no register answers: a claim given back by whoever wrote the
    /// journal last. It anchors nothing, and its next fence is `fence`, so that the next claim of the
    /// register itself is above it.
    #[must_use]
    pub fn without_register(plan: &Digest, fence: u64, now: Timestamp) -> Self {
        Self {
            schema: SCHEMA.into(),
            plan: plan.clone(),
            nonce: String::new(),
            fence: fence.saturating_sub(1),
            by: String::new(),
            at: now,
            until: now,
            holder: None,
            settles: None,
            lines: 0,
            head: plan.clone(),
            finished: false,
            opened: true,
        }
    }

    /// Whether the register still has this very claim.
    ///
    /// # Errors
    /// [`Reason::Fenced`].
    pub fn held(&self, found: Option<&Self>) -> Result<(), Refusal> {
        match found {
            Some(it) if it.nonce == self.nonce && it.fence == self.fence => Ok(()),
            Some(it) => Err(Refusal::new(
                Reason::Fenced,
                format!("{} took it over at {} (fence {})", it.by, it.at, it.fence),
            )),
            None => Err(Refusal::new(Reason::Fenced, "the claim is gone from its register")),
        }
    }

    /// Whether a journal goes on from where it was anchored.
    ///
    /// # Errors
    /// [`Reason::LogRollback`].
    pub fn anchors(&self, chain: &Chain) -> Result<(), Refusal> {
        let at_anchor = match usize::try_from(self.lines) {
            Ok(0) => Some(self.plan.clone()),
            Ok(n) => chain.records.get(n - 1).map(|r| Digest::of(&r.line())),
            Err(_) => None,
        };
        if at_anchor.as_ref() == Some(&self.head) {
            return Ok(());
        }
        let says = format!(
            "the journal has {} lines and does not go on from line {}, which was anchored as {}",
            chain.records.len(),
            self.lines,
            self.head
        );
        Err(Refusal::new(Reason::LogRollback, says))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: SignedDuration = SignedDuration::from_mins(10);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).expect("a time")
    }

    fn take(found: Option<&ClaimPaper>, other: Other, minutes: i64) -> Result<ClaimPaper, Reason> {
        let plan = Digest::of(b"plan");
        let (purpose, now) = (Purpose::Undo, at(minutes));
        next(found, &plan, "n", "by", None, other, purpose, now, LEASE).map_err(|e| e.reason)
    }

    #[test]
    fn what_a_killed_holder_began_settles_for_as_long_as_its_claim_lasted() {
        let first = take(None, Other::Unknown, 0).expect("the first");
        assert_eq!((first.until, first.settles), (at(10), None));
        assert_eq!(take(Some(&first), Other::Unknown, 5), Err(Reason::Claimed));
        let second = take(Some(&first), Other::Gone, 5).expect("it is gone");
        assert_eq!((second.fence, second.settles), (2, Some(at(10))));
        // Given back at once, and taken again: what the first began is still under way.
        let back = ClaimPaper { until: at(6), ..second };
        let third = take(Some(&back), Other::Unknown, 7).expect("given back");
        assert_eq!(third.settles, Some(at(10)));
        let fourth = take(Some(&third), Other::Gone, 8).expect("gone as well");
        assert_eq!(fourth.settles, Some(at(17)));
        assert_eq!(take(Some(&fourth), Other::Gone, 40).expect("late").settles, None);
        // A lock that ends with its process says the same of claims in files.
        assert!(take(Some(&first), Other::None, 5).is_ok());
    }
}
