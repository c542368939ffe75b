//! The newest plan of a scope, beside the claims: an older one is superseded wherever its folder was
//! carried to.
//!
//! The folders beside a plan tell what supersedes it, as long as it stays among them. What an apply saw
//! there, and whatever is applied, is kept where the claims are; it only ever goes up.

use super::plan::{self, Plan};
use super::{Digest, Reason, Refusal, strict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The format tag of the paper.
pub const SCHEMA: &str = "portcullis/cleanup-newest/v1";

/// A sealed plan, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    pub plan: Digest,
    pub at: Timestamp,
}

/// What the register of a scope holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewestPaper {
    schema: String,
    pub newest: Sealed,
}

/// The name of the paper of a plan's account, scope and phase.
#[must_use]
pub fn name(plan: &Plan) -> String {
    let it = &plan.target;
    let text = format!("{:?}", (&it.provider, &it.partition, &it.account, &it.scope, plan.phase));
    Digest::of(text.as_bytes()).hex()[..16].to_owned()
}

impl Sealed {
    #[must_use]
    pub fn new(plan: &Plan, digest: &Digest) -> Self {
        Self { plan: digest.clone(), at: plan.created_at }
    }

    /// Whether `found` leaves it in force, and then whether it has to be written down.
    ///
    /// # Errors
    /// [`Reason::Superseded`].
    pub fn stands(&self, found: Option<&Self>) -> Result<bool, Refusal> {
        match found {
            None => Ok(true),
            Some(found) if found.at > self.at => Err(Refusal::new(
                Reason::Superseded,
                format!("a plan for its scope was sealed later, at {}: {}", found.at, found.plan),
            )),
            Some(found) => Ok(found.at < self.at),
        }
    }
}

impl NewestPaper {
    #[must_use]
    pub fn new(newest: Sealed) -> Self {
        Self { schema: SCHEMA.into(), newest }
    }

    /// Reads what [`NewestPaper::bytes`] wrote.
    ///
    /// # Errors
    /// [`Reason::NewestUnreadable`]: what supersedes a plan is then not known, and something may.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        strict::paper(bytes, SCHEMA, |paper: &Self| &paper.schema).map_err(|says| {
            Refusal::new(Reason::NewestUnreadable, format!("the newest plan of its scope: {says}"))
        })
    }

    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        plan::seal::json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_goes_up() {
        let sealed = |n: u8| Sealed {
            plan: Digest::of(&[n]),
            at: Timestamp::from_second(i64::from(n)).expect("a time"),
        };
        let two = sealed(2);
        assert_eq!(two.stands(None), Ok(true));
        assert_eq!(two.stands(Some(&sealed(1))), Ok(true));
        assert_eq!(two.stands(Some(&two)), Ok(false));
        let no = two.stands(Some(&sealed(3))).map_err(|e| e.reason);
        assert_eq!(no, Err(Reason::Superseded));
        // Of one instant neither is the newer one.
        let twin = Sealed { plan: Digest::of(b"twin"), at: two.at };
        assert_eq!(two.stands(Some(&twin)), Ok(false));
        let paper = NewestPaper::new(two);
        assert_eq!(NewestPaper::read(&paper.bytes()), Ok(paper));
    }

    #[test]
    fn a_paper_that_cannot_be_read_is_no_empty_one() {
        for bytes in [&b""[..], b"{}", b"[]", b"{\"schema\":\"v2\",\"newest\":null}"] {
            let reason = NewestPaper::read(bytes).map_err(|e| e.reason);
            assert_eq!(reason, Err(Reason::NewestUnreadable), "{bytes:?}");
        }
    }
}
