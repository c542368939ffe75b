use super::ItemRef;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The classes of refusals, by the numbers of machine output. The process exits by the one table of
/// the program: 10, 11, 12 and 15 as refused; 13 and 14 as partly applied when something was done,
/// else as refused; 16 and 17 as incomplete; 2 as a usage error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    Usage = 2,
    Planning = 10,
    Invalid = 11,
    Quorum = 12,
    Drift = 13,
    Halted = 14,
    Claimed = 15,
    Unreconciled = 16,
    Source = 17,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $code:literal $class:ident,)*) => {
        /// Why something was refused: the code of machine output and journal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As machines read it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The class it belongs to, for the process's exit code.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }
        }
    };
}

reasons! {
    // Usage.
    EmptySelector "empty-selector" Usage,
    PolicyMissing "policy-missing" Usage,
    PolicyInvalid "policy-invalid" Usage,
    TrustInvalid "trust-invalid" Usage,
    Loosening "flag-loosens" Usage,
    // Planning: of the whole, of strata, of items.
    SelectsEverything "selects-everything" Planning,
    StratumAllDead "stratum-all-dead" Planning,
    StratumAnomaly "stratum-anomaly" Planning,
    StratumUnproven "stratum-unproven" Planning,
    StratumUnknown "stratum-unknown" Planning,
    ControlLiveHit "control-live-hit" Planning,
    ControlDeadMissed "control-dead-missed" Planning,
    BelowMinimum "below-minimum" Planning,
    Capped "capped" Planning,
    GuardDead "guard-dead" Planning,
    NoQuarantineReceipt "no-quarantine-receipt" Planning,
    UndoUnproven "undo-unproven" Planning,
    Shadow "shadow" Planning,
    Protected "protected" Planning,
    Live "live" Planning,
    LiveDescendant "live-descendant" Planning,
    Conflict "unknown:conflict" Planning,
    UnknownShape "unknown:schema" Planning,
    UnknownDefaulted "unknown:defaulted" Planning,
    Unknown "unknown" Planning,
    TooLittleEvidence "one-evidence" Planning,
    NoSuchAct "no-such-act" Planning,
    Exposes "exposes" Planning,
    // Plan or approval invalid.
    PlanDigestMismatch "plan-digest-mismatch" Invalid,
    ApprovalSubjectMismatch "approval-subject-mismatch" Invalid,
    Expired "expired" Invalid,
    NotYet "not-yet-valid" Invalid,
    TargetMismatch "target-mismatch" Invalid,
    PolicyChanged "policy-changed" Invalid,
    TrustChanged "trust-changed" Invalid,
    ToolChanged "tool-changed" Invalid,
    Namespace "namespace" Invalid,
    UnsafePath "unsafe-path" Invalid,
    NonStrictJson "non-strict-json" Invalid,
    UnknownSchema "unknown-schema" Invalid,
    PlanInvalid "plan-invalid" Invalid,
    NoteInvalid "note-invalid" Invalid,
    EvidenceChanged "evidence-changed" Invalid,
    OptOutsUnreadable "opt-outs-unreadable" Invalid,
    Superseded "superseded" Invalid,
    NewestUnreadable "newest-unreadable" Invalid,
    DenialsUnreadable "denials-unreadable" Invalid,
    SignatureInvalid "signature-invalid" Invalid,
    LogBroken "log-broken" Invalid,
    LogRollback "log-rollback" Invalid,
    // Quorum.
    SelfApproval "self-approval" Quorum,
    NotAnApprover "not-an-approver" Quorum,
    QuorumMissing "quorum" Quorum,
    KeyRevoked "key-revoked" Quorum,
    RevocationUnreadable "revocation-unreadable" Quorum,
    UserPresenceMissing "user-presence-missing" Quorum,
    DeniedBy "denied-by" Quorum,
    NotApproved "not-approved" Quorum,
    OwnersNotTold "owners-not-told" Quorum,
    // Drift at the act.
    IdentityChanged "identity-changed" Drift,
    StateChanged "state-changed" Drift,
    CameAlive "came-alive" Drift,
    RoleMismatch "role-mismatch" Drift,
    ActOutsidePlan "act-outside-plan" Drift,
    Gone "gone" Drift,
    // Halted.
    Halt "halt" Halted,
    HaltUnreadable "halt-unreadable" Halted,
    Unhealthy "unhealthy" Halted,
    HealthUnknown "health-unknown" Halted,
    Throttled "throttled" Halted,
    ActFailed "act-failed" Halted,
    StratumHeld "stratum-held" Halted,
    Resting "resting" Halted,
    JournalUnwritable "journal-unwritable" Halted,
    DayCap "day-cap" Halted,
    DayUnreadable "day-unreadable" Halted,
    // Claims.
    Claimed "claimed" Claimed,
    AlreadyConsumed "already-consumed" Claimed,
    Fenced "fenced" Claimed,
    // What has to be found out first.
    OutcomeUnknown "outcome-unknown" Unreconciled,
    // Sources.
    SourceIncomplete "source-incomplete" Source,
    SourceFloor "source-floor" Source,
    SourceDelta "source-delta" Source,
    SourceStale "source-stale" Source,
    SourceIgnoredFilter "source-ignored-filter" Source,
    SourceUnreadable "source-unreadable" Source,
    ClockSkew "clock-skew" Source,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A no, with what it is about and what to do. Prints as `CODE: what`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub reason: Reason,
    /// The thing that it is about; `None` for the whole.
    #[serde(default)]
    pub item: Option<ItemRef>,
    /// For people, unescaped.
    pub says: String,
}

impl Refusal {
    /// Of the whole.
    #[must_use]
    pub fn new(reason: Reason, says: impl Into<String>) -> Self {
        Self { reason, item: None, says: says.into() }
    }

    /// Of one thing.
    #[must_use]
    pub fn of(reason: Reason, item: ItemRef, says: impl Into<String>) -> Self {
        Self { reason, item: Some(item), says: says.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.reason)?;
        if let Some(item) = &self.item {
            write!(f, "{item}: ")?;
        }
        f.write_str(&self.says)
    }
}

impl std::error::Error for Refusal {}
