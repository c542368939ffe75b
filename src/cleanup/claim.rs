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
    /// Lines of the journal, and the digest of the last of them.
    pub lines: u64,
    pub head: Digest,
    /// Whether nothing is left to do.
    pub finished: bool,
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
/// `alone` says that no other holder can be alive, whatever the paper says (a lock of the system that
/// ends with its process).
///
/// # Errors
/// [`Reason::AlreadyConsumed`], [`Reason::Claimed`].
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own")]
pub fn next(
    found: Option<&ClaimPaper>,
    plan: &Digest,
    nonce: &str,
    by: &str,
    alone: bool,
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
        if !alone && found.until > now {
            let says =
                format!("{} holds it until {} (fence {})", found.by, found.until, found.fence);
            return Err(Refusal::new(Reason::Claimed, says));
        }
    }
    Ok(ClaimPaper {
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
    })
}

impl ClaimPaper {
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
