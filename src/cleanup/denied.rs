//! A plan that somebody said no to, beside the claims: it stays denied wherever its folder was carried to,
//! and whoever took the no out of it.

use super::plan;
use super::{Digest, Reason, Refusal, strict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The format tag of the paper.
pub const SCHEMA: &str = "portcullis/cleanup-denied/v1";

/// A no that an apply or a permit met, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    pub schema: String,
    pub plan: Digest,
    pub by: String,
    pub at: Timestamp,
    pub comment: String,
}

/// The name of a plan's paper.
#[must_use]
pub fn name(plan: &Digest) -> String {
    plan.hex().to_owned()
}

impl Denied {
    /// Reads what [`Denied::bytes`] wrote.
    ///
    /// # Errors
    /// [`Reason::DenialsUnreadable`]: it may be somebody's no.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        strict::paper(bytes, SCHEMA, |paper: &Self| &paper.schema).map_err(|says| {
            Refusal::new(Reason::DenialsUnreadable, format!("a no that was met before: {says}"))
        })
    }

    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        plan::seal::json(self)
    }

    /// What whoever goes on with the plan is told.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let comment = if self.comment.is_empty() { "" } else { ": " };
        let says = format!(
            "{} said no at {}{comment}{}. A no has no end, whoever takes it out of denials/: plan anew",
            self.by, self.at, self.comment
        );
        Refusal::new(Reason::DeniedBy, says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_that_cannot_be_read_is_no_yes() {
        let at = Timestamp::UNIX_EPOCH;
        let (by, comment) = ("dave".to_owned(), "ours".to_owned());
        let paper = Denied { schema: SCHEMA.into(), plan: Digest::of(b"1"), by, at, comment };
        assert_eq!(Denied::read(&paper.bytes()).as_ref(), Ok(&paper));
        assert_eq!(paper.refusal().reason, Reason::DeniedBy);
        for bytes in [&b""[..], b"{}", b"[]"] {
            let reason = Denied::read(bytes).map_err(|e| e.reason);
            assert_eq!(reason, Err(Reason::DenialsUnreadable), "{bytes:?}");
        }
    }
}
