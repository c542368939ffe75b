use super::holder;
use super::register::{FileRegister, Register, Swapped};
use crate::cleanup::claim::{self, ClaimPaper, Other, Purpose};
use crate::cleanup::{Digest, Reason, Refusal, strict};
use jiff::{SignedDuration, Timestamp};
use std::io;
use std::path::Path;

/// A claim that this run holds.
pub struct Claim<'a> {
    register: &'a mut dyn Register,
    version: String,
    paper: ClaimPaper,
    lease: SignedDuration,
}

/// Who claims what.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    pub plan: &'a Digest,
    /// Of the run.
    pub nonce: &'a str,
    pub by: &'a str,
    /// How long it counts without a sign of life: longer than the longest act.
    pub lease: SignedDuration,
    pub purpose: Purpose,
}

impl<'a> Claim<'a> {
    /// Takes the claim, if nobody else holds it and nobody finished the plan.
    ///
    /// # Errors
    /// [`Reason::Claimed`], [`Reason::AlreadyConsumed`].
    pub fn take(
        register: &'a mut dyn Register,
        who: Claimant<'_>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let found = register.read().map_err(|why| unknown(&why))?;
        let old = found.as_ref().map(|h| read(&h.bytes)).transpose()?;
        let other = match old.as_ref().and_then(|paper| paper.holder.as_ref()) {
            _ if register.alone() => Other::None,
            Some(it) if holder::dead(it) => Other::Gone,
            _ => Other::Unknown,
        };
        let paper = claim::next(
            old.as_ref(),
            who.plan,
            who.nonce,
            who.by,
            holder::me(),
            other,
            who.purpose,
            now,
            who.lease,
        )?;
        let over = found.as_ref().map(|h| h.version.as_str());
        match register.swap(over, &bytes(&paper)).map_err(|why| unknown(&why))? {
            Swapped::Yes { version } => Ok(Self { register, version, paper, lease: who.lease }),
            Swapped::No => {
                Err(Refusal::new(Reason::Claimed, "another run took the claim just now"))
            }
        }
    }

    #[must_use]
    pub fn fence(&self) -> u64 {
        self.paper.fence
    }

    /// The paper as it stands.
    #[must_use]
    pub fn paper(&self) -> &ClaimPaper {
        &self.paper
    }

    /// Whether it is still ours, asked of the register before each act. Renews it in its second half.
    ///
    /// # Errors
    /// [`Reason::Fenced`]: somebody took it over, or nobody can say.
    pub fn check(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let found = self.register.read().map_err(|why| lost(&why))?;
        let paper = found.as_ref().map(|h| read(&h.bytes)).transpose()?;
        self.paper.held(paper.as_ref())?;
        let half = self.lease / 2;
        let renew = self.paper.until.saturating_sub(half).unwrap_or(self.paper.until);
        if now < renew {
            return Ok(());
        }
        let mut paper = self.paper.clone();
        paper.until = now.saturating_add(self.lease).unwrap_or(Timestamp::MAX);
        self.swap(paper)
    }

    /// Writes down that a journal is begun under this register.
    ///
    /// # Errors
    /// [`Reason::Fenced`].
    pub fn open(&mut self) -> Result<(), Refusal> {
        if self.paper.opened {
            return Ok(());
        }
        let mut paper = self.paper.clone();
        paper.opened = true;
        self.swap(paper)
    }

    /// Writes down how far the journal is, where its file's owner cannot change it.
    ///
    /// # Errors
    /// [`Reason::Fenced`].
    pub fn anchor(&mut self, lines: u64, head: &Digest, finished: bool) -> Result<(), Refusal> {
        let mut paper = self.paper.clone();
        (paper.lines, paper.head, paper.finished) = (lines, head.clone(), finished);
        self.swap(paper)
    }

    /// Gives it back, so that the next run need not wait for its end.
    ///
    /// # Errors
    /// [`Reason::Fenced`].
    pub fn release(mut self, now: Timestamp) -> Result<(), Refusal> {
        let mut paper = self.paper.clone();
        paper.until = now;
        self.swap(paper)
    }

    fn swap(&mut self, paper: ClaimPaper) -> Result<(), Refusal> {
        let swapped = self.register.swap(Some(&self.version), &bytes(&paper));
        match swapped.map_err(|why| lost(&why))? {
            Swapped::Yes { version } => {
                (self.version, self.paper) = (version, paper);
                Ok(())
            }
            Swapped::No => Err(lost("another run took it over")),
        }
    }
}

/// A register in the place of one that does not answer, for an undo alone: it holds off others of this
/// machine, and nobody else. `fence` is the highest of the journal.
///
/// # Errors
/// A file that cannot be written.
pub fn without_register(
    path: &Path,
    plan: &Digest,
    fence: u64,
    now: Timestamp,
) -> io::Result<FileRegister> {
    let mut register = FileRegister::open(path)?;
    if register.alone() {
        let found = register.read().map_err(io::Error::other)?.map(|h| h.version);
        let paper = ClaimPaper::without_register(plan, fence, now);
        register.swap(found.as_deref(), &bytes(&paper)).map_err(io::Error::other)?;
    }
    Ok(register)
}

fn bytes(paper: &ClaimPaper) -> Vec<u8> {
    serde_json::to_vec(paper).unwrap_or_default()
}

fn read(bytes: &[u8]) -> Result<ClaimPaper, Refusal> {
    strict::read(bytes).map_err(|e| unknown(&format!("its paper is no claim: {}", e.says)))
}

/// Nobody can say whether somebody holds it: then somebody does.
pub(crate) fn unknown(why: &str) -> Refusal {
    Refusal::new(Reason::Claimed, format!("the claim cannot be had: {why}"))
}

fn lost(why: &str) -> Refusal {
    Refusal::new(Reason::Fenced, format!("the claim is no longer proven: {why}"))
}
