use crate::cleanup::plan::{Item, Phase, Plan, Totals};
use crate::cleanup::{Digest, Reason, Refusal, Target, strict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The type of an in-toto Statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What kind of predicate a yes or no to a plan is.
pub const PREDICATE_TYPE: &str = "portcullis/approval/v1";
/// The longest statement that is read.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Approve,
    Deny,
}

/// Somebody's yes or no to one plan: an in-toto Statement, whose bytes are what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    pub kind: String,
    /// One: the plan's bytes.
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    pub predicate: Predicate,
}

/// The plan's bytes by their digest, as in-toto writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub name: String,
    /// `sha256` to 64 hex digits.
    pub digest: BTreeMap<String, String>,
}

/// What exactly was said, and what was seen when it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    pub decision: Decision,
    /// The name of whoever says it; whose key it is decides.
    pub by: String,
    pub plan: Digest,
    /// The plan's format, as the approver's tool knew it.
    pub schema: String,
    pub target: Target,
    pub phase: Phase,
    /// Counted by the approver's own tool.
    pub totals: Totals,
    pub scope: Scope,
    pub trust: Digest,
    pub policy: Digest,
    pub at: Timestamp,
    /// The last moment to claim the plan on its strength.
    pub not_after: Timestamp,
    /// 32 hex digits: no two statements have the same bytes.
    pub nonce: String,
    pub comment: String,
    /// Of the text that was shown.
    pub rendered_sha256: Digest,
}

/// What of a plan somebody agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scope {
    All,
    /// Strata by their whole key.
    Strata(Vec<BTreeMap<String, String>>),
}

impl Scope {
    /// Whether an item is in it: by every stratum of the plan that the item belongs to.
    #[must_use]
    pub fn covers(&self, plan: &Plan, item: &Item) -> bool {
        match self {
            Self::All => true,
            Self::Strata(keys) => plan
                .strata
                .iter()
                .filter(|s| s.n == item.stratum || item.strata.contains(&s.n))
                .any(|s| keys.contains(&s.key)),
        }
    }

    /// A stratum that the plan does not have.
    #[must_use]
    pub fn unknown(&self, plan: &Plan) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::All => None,
            Self::Strata(keys) => {
                keys.iter().find(|key| plan.strata.iter().all(|s| s.key != **key))
            }
        }
    }
}

/// What a statement says that is not in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub decision: Decision,
    pub by: String,
    pub scope: Scope,
    pub at: Timestamp,
    pub not_after: Timestamp,
    pub nonce: String,
    pub comment: String,
    pub rendered_sha256: Digest,
}

impl Statement {
    /// A statement about a plan of this digest.
    #[must_use]
    pub fn about(plan: &Plan, digest: &Digest, words: Words) -> Self {
        let Words { decision, by, scope, at, not_after, nonce, comment, rendered_sha256 } = words;
        Self {
            kind: STATEMENT_TYPE.into(),
            subject: vec![Subject {
                name: "plan.json".into(),
                digest: BTreeMap::from([("sha256".into(), digest.hex().into())]),
            }],
            predicate_type: PREDICATE_TYPE.into(),
            predicate: Predicate {
                decision,
                by,
                plan: digest.clone(),
                schema: plan.schema.clone(),
                target: plan.target.clone(),
                phase: plan.phase,
                totals: plan.totals.clone(),
                scope,
                trust: plan.pins.trust.clone(),
                policy: plan.pins.policy.clone(),
                at,
                not_after,
                nonce,
                comment,
                rendered_sha256,
            },
        }
    }

    /// The bytes that are signed: written once, and from then on only compared as bytes.
    ///
    /// # Errors
    /// [`Reason::NonStrictJson`] where a comment or a name holds what a strict reader refuses.
    pub fn bytes(&self) -> Result<Vec<u8>, Refusal> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|e| Refusal::new(Reason::NonStrictJson, e.to_string()))?;
        bytes.push(b'\n');
        strict::check(&bytes)?;
        Ok(bytes)
    }

    /// Reads a statement strictly.
    ///
    /// # Errors
    /// [`Reason::NonStrictJson`]; [`Reason::UnknownSchema`] for statements of other kinds.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        /// The tags alone: a later statement is told from a broken one.
        #[derive(Deserialize)]
        struct Tagged {
            #[serde(rename = "_type")]
            kind: String,
            #[serde(rename = "predicateType")]
            predicate_type: String,
        }
        if bytes.len() > MAX_BYTES {
            let says = format!("the statement is longer than {MAX_BYTES} bytes");
            return Err(Refusal::new(Reason::NonStrictJson, says));
        }
        let tagged: Tagged = strict::read(bytes)?;
        if tagged.kind != STATEMENT_TYPE || tagged.predicate_type != PREDICATE_TYPE {
            return Err(Refusal::new(
                Reason::UnknownSchema,
                format!(
                    "the statement is a {:?} of {:?}, not a {PREDICATE_TYPE:?}",
                    tagged.kind, tagged.predicate_type
                ),
            ));
        }
        strict::read(bytes)
    }

    /// Whether it is about the plan of this digest, by every place where it says so.
    #[must_use]
    pub fn is_about(&self, digest: &Digest) -> bool {
        let [subject] = self.subject.as_slice() else { return false };
        subject.digest.len() == 1
            && subject.digest.get("sha256").is_some_and(|hex| hex == digest.hex())
            && self.predicate.plan == *digest
    }
}
