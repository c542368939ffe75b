use crate::cleanup::{Digest, ItemRef, Refusal};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A run begins, under this claim.
    Claimed {
        /// Of the run: two of one plan never have the same.
        nonce: String,
        /// Who applies: the host's or the job's name.
        by: String,
        /// Who agreed, as counted.
        approved_by: Vec<String>,
    },
    /// What a spec declares was asked from outside for the first time: all of these answered, and must
    /// go on answering.
    Watched { answering: BTreeSet<String> },
    /// A batch begins.
    Batch { number: u32, items: Vec<u32> },
    /// The item was looked at again, and nothing speaks against the act.
    Rechecked {
        n: u32,
        /// Its state a moment before the act.
        state: BTreeMap<String, String>,
        /// Channels that were asked for life and showed none.
        live_checked: Vec<String>,
    },
    /// The act is about to be asked for.
    Intent { n: u32, item: ItemRef, action: String, token: String },
    /// The world was asked too often, and nothing changed: the item is as before.
    Throttled { n: u32, tries: u32 },
    /// The world says that it was done.
    Acted {
        n: u32,
        /// What undoing it needs.
        handed: BTreeMap<String, String>,
    },
    /// It was seen done.
    Confirmed {
        n: u32,
        /// Its state afterwards; empty where it is gone.
        state: BTreeMap<String, String>,
        /// Milliseconds between the last look and the act's answer: what nobody could see.
        gap_ms: u64,
    },
    /// It was not done, and nothing changed.
    Failed { n: u32, refusal: Refusal },
    /// Nobody knows whether it was done.
    Unknown { n: u32, why: String },
    /// The world says that it did something else than was asked for: nobody knows what became of the item,
    /// and nothing more of the plan is done.
    Outside {
        n: u32,
        /// What was hit instead.
        item: ItemRef,
        action: String,
    },
    /// A fresh look at something whose outcome was unknown.
    Reconciled { n: u32, found: Found, state: BTreeMap<String, String> },
    /// It is left out.
    Skipped { n: u32, refusal: Refusal },
    /// An existing job was told that it may do this one, once.
    Permitted { n: u32, by: String },
    /// Nobody could see what it is right before its act: it is looked at again.
    Unseen { n: u32, refusal: Refusal },
    /// Somebody denied the plan, which stops it for good.
    Denied {
        by: String,
        /// When they signed it.
        said_at: Timestamp,
        comment: String,
    },
    /// Nothing more of this stratum.
    StratumHeld { stratum: u32, refusal: Refusal },
    /// A batch is over, and its strata rest until then.
    Soak { batch: u32, until: Vec<(u32, Timestamp)> },
    /// The run stopped.
    Halted {
        refusal: Refusal,
        /// Of the halt switch's content, where that was it: only its signed lifting undoes it.
        #[serde(default)]
        halt: Option<Digest>,
    },
    /// Nothing is left to do: the plan is consumed.
    Finished,
    /// An act is about to be taken back.
    UndoIntent { n: u32, action: String, token: String },
    /// It was taken back.
    Undone { n: u32, state: BTreeMap<String, String> },
    /// It was not taken back, and nothing changed.
    UndoFailed { n: u32, why: String },
}

/// What a fresh look found of an act whose outcome nobody knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The thing is as it was: the act was not done.
    NotDone,
    /// The thing has changed or is gone.
    Done,
}
