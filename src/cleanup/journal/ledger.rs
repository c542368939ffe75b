use super::{Event, Found, ItemState, Record};
use crate::cleanup::plan::{Item, Plan};
use crate::cleanup::{Digest, ItemRef, Reason, Refusal};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a journal says, taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// By their numbers, every item of the plan.
    pub items: BTreeMap<u32, ItemLedger>,
    /// When it was first claimed: its deadline counts from there.
    pub claimed_at: Option<Timestamp>,
    /// The highest fence that wrote.
    pub fence: u64,
    /// Of the last line.
    pub last_at: Option<Timestamp>,
    /// Batches that began, and what was in them.
    pub batches: Vec<Vec<u32>>,
    /// How many batches of a stratum are over, and until when it rests.
    pub soaks: BTreeMap<u32, (u32, Timestamp)>,
    /// Whether the last batch was begun and not ended.
    pub open_batch: bool,
    pub held: BTreeMap<u32, Refusal>,
    /// Halts by the switch: each wants its signed lifting.
    pub halts: BTreeSet<Digest>,
    /// What answered from outside before the first batch that was watched.
    pub watched: Option<BTreeSet<String>>,
    /// What jobs were permitted, in order.
    pub permitted: Vec<(u32, Timestamp)>,
    /// What was done that is not the plan's.
    pub outside: Vec<Outside>,
    pub finished: bool,
}

/// An act that nobody planned, done by an adapter that was asked for an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The item that was asked for.
    pub n: u32,
    /// What was hit.
    pub item: ItemRef,
    pub action: String,
    pub at: Timestamp,
}

/// One item's part of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLedger {
    /// As planned.
    pub action: String,
    kind: String,
    id: String,
    pub state: ItemState,
    /// Its stratum.
    pub stratum: u32,
    /// Of its last look before the act.
    pub before: BTreeMap<String, String>,
    /// Of the act, the same for every try.
    pub token: Option<String>,
    pub handed: BTreeMap<String, String>,
    pub after: BTreeMap<String, String>,
    pub acted_at: Option<Timestamp>,
    /// Why it failed or was left out.
    pub refusal: Option<Refusal>,
    /// Acts that were asked of the world.
    pub tries: u32,
    /// Looks before its act that saw nothing, and when the last one was.
    pub unseen: (u32, Timestamp),
}

impl Ledger {
    /// Of a plan that nothing was done of.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let items = plan.items.iter().map(|i| (i.n, ItemLedger::new(i))).collect();
        Self {
            items,
            claimed_at: None,
            fence: 0,
            last_at: None,
            batches: Vec::new(),
            soaks: BTreeMap::new(),
            open_batch: false,
            held: BTreeMap::new(),
            halts: BTreeSet::new(),
            watched: None,
            permitted: Vec::new(),
            outside: Vec::new(),
            finished: false,
        }
    }

    /// Takes one more line in.
    ///
    /// # Errors
    /// Why it may not stand after the ones before it.
    pub fn take(&mut self, record: &Record) -> Result<(), String> {
        if record.fence < self.fence {
            return Err(format!("its fence {} is below {}", record.fence, self.fence));
        }
        if self.claimed_at.is_none()
            // What a permit refuses changes nothing.
            && !matches!(
                record.what,
                Event::Claimed { .. }
                    | Event::Permitted { .. }
                    | Event::Skipped { .. }
                    | Event::StratumHeld { .. }
                    | Event::Denied { .. }
            )
        {
            return Err("something was done before anybody claimed the plan".into());
        }
        if let Some(n) = record.what.item() {
            let item = self.items.get_mut(&n).ok_or(format!("the plan has no item {n}"))?;
            item.take(record)?;
        }
        match &record.what {
            Event::Claimed { .. } => {
                self.claimed_at.get_or_insert(record.at);
            }
            Event::Batch { number, items } => {
                if *number as usize != self.batches.len() + 1 {
                    return Err(format!("it begins batch {number} after {}", self.batches.len()));
                }
                if let Some(n) = items.iter().find(|n| !self.items.contains_key(n)) {
                    return Err(format!("the plan has no item {n}"));
                }
                self.batches.push(items.clone());
                self.open_batch = true;
            }
            Event::Soak { until, .. } => {
                self.open_batch = false;
                for (stratum, until) in until {
                    let soak = self.soaks.entry(*stratum).or_insert((0, *until));
                    *soak = (soak.0 + 1, *until);
                }
            }
            Event::StratumHeld { stratum, refusal } => {
                self.held.entry(*stratum).or_insert_with(|| refusal.clone());
            }
            // Whoever takes one back says that the judgement was wrong, as one that came alive does.
            Event::Undone { n, .. } => {
                if let Some(stratum) = self.items.get(n).map(|i| i.stratum) {
                    let says = "an act of it was taken back";
                    let held = || Refusal::new(Reason::StratumHeld, says);
                    self.held.entry(stratum).or_insert_with(held);
                }
            }
            Event::Watched { answering } => {
                if self.watched.is_some() {
                    return Err("what answers is set for the second time".into());
                }
                self.watched = Some(answering.clone());
            }
            Event::Permitted { n, .. } => self.permitted.push((*n, record.at)),
            Event::Outside { n, item, action } => self.outside.push(Outside {
                n: *n,
                item: item.clone(),
                action: action.clone(),
                at: record.at,
            }),
            Event::Halted { halt, .. } => self.halts.extend(halt.clone()),
            Event::Finished => {
                if self.items.values().any(|i| i.state.is_open()) {
                    return Err("it is finished while an outcome is unknown".into());
                }
                self.finished = true;
            }
            _ => {}
        }
        self.fence = record.fence;
        self.last_at = Some(record.at);
        Ok(())
    }

    /// Items whose outcome has to be looked at before anything else is done.
    pub fn open(&self) -> impl Iterator<Item = u32> {
        self.items.iter().filter(|(_, i)| i.state.is_open()).map(|(n, _)| *n)
    }

    /// Items that may still be acted on.
    pub fn left(&self) -> impl Iterator<Item = u32> {
        let left = |i: &ItemLedger| {
            matches!(i.state, ItemState::Planned | ItemState::Rechecked)
                && !self.held.contains_key(&i.stratum)
        };
        self.items.iter().filter(move |(_, i)| left(i)).map(|(n, _)| *n)
    }

    /// Whether anything of the world was changed, or may have been.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.outside.is_empty()
            || self.items.values().any(|i| i.state.is_open() || i.acted_at.is_some())
    }
}

impl ItemLedger {
    fn new(item: &Item) -> Self {
        Self {
            action: item.action.clone(),
            kind: item.kind.clone(),
            id: item.id.clone(),
            state: ItemState::Planned,
            stratum: item.stratum,
            before: BTreeMap::new(),
            token: None,
            handed: BTreeMap::new(),
            after: BTreeMap::new(),
            acted_at: None,
            refusal: None,
            tries: 0,
            unseen: (0, Timestamp::MIN),
        }
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        let what = &record.what;
        let next = self.state.after(what).ok_or_else(|| {
            format!("this may not happen to {} {}, which is {:?}", self.kind, self.id, self.state)
        })?;
        let settled = matches!(self.state, ItemState::Planned | ItemState::Rechecked);
        if settled && self.token.is_none() && matches!(what, Event::Reconciled { .. }) {
            return Err(format!("{} {} was done before it was asked for", self.kind, self.id));
        }
        match what {
            Event::Rechecked { state, .. } => {
                self.before.clone_from(state);
                // What kept it from being seen is over.
                self.refusal = None;
            }
            Event::Unseen { refusal, .. } => {
                self.refusal = Some(refusal.clone());
                self.unseen = (self.unseen.0 + 1, record.at);
            }
            Event::Intent { item, action, token, .. } => {
                if (&item.kind, &item.id, action) != (&self.kind, &self.id, &self.action) {
                    return Err(format!("it does {action} to {item}, which is not planned"));
                }
                if self.token.as_ref().is_some_and(|t| t != token) {
                    return Err("one act has two tokens".into());
                }
                self.token = Some(token.clone());
                self.tries += 1;
            }
            Event::Acted { handed, .. } => {
                self.handed.clone_from(handed);
                self.acted_at = Some(record.at);
            }
            Event::Reconciled { found: Found::Done, state, .. } => {
                self.after.clone_from(state);
                self.acted_at.get_or_insert(record.at);
            }
            Event::Reconciled { found: Found::NotDone, .. } => self.acted_at = None,
            Event::Confirmed { state, .. } | Event::Undone { state, .. } => {
                self.after.clone_from(state);
            }
            Event::Failed { refusal, .. } | Event::Skipped { refusal, .. } => {
                self.refusal = Some(refusal.clone());
            }
            _ => {}
        }
        self.state = next;
        Ok(())
    }
}

/// A digest's first digits tell two plans apart in a token.
const TOKEN_DIGITS: usize = 16;

/// The idempotency token of an item's act: the same for every try of every run.
#[must_use]
pub fn token(digest: &Digest, n: u32, action: &str) -> String {
    format!("{}-{n}-{action}", &digest.hex()[..TOKEN_DIGITS])
}
