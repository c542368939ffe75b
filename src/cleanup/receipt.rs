//! What an apply did, in full: enough to take it back without anything else.

use super::journal::{Chain, ItemState, Outside};
use super::plan::{Phase, Plan};
use super::recheck::{differs, objected};
use super::trace::untold;
use super::trust::{Revoked, Role, Trust};
use super::{Act, Digest, Hello, ItemRef, Reason, Refusal, Risk, Target};
use crate::signature::{self, RECEIPT};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag.
pub const SCHEMA: &str = "portcullis/cleanup-receipt/v1";

/// What was done of one plan, so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub schema: String,
    pub plan: Digest,
    pub phase: Phase,
    pub target: Target,
    /// Lines of the journal that it is made from, and the digest of the last of them.
    pub lines: u64,
    pub head: Digest,
    /// Whether nothing of the plan is left to do.
    pub finished: bool,
    pub items: Vec<Receipted>,
    /// What was left out, and why.
    pub skipped: Vec<Refusal>,
    /// What was hit that the plan does not name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Outside>,
}

/// One thing that was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipted {
    pub n: u32,
    pub item: ItemRef,
    pub action: String,
    /// The inverse; `None` where there is none.
    pub undo: Option<String>,
    pub risk: Risk,
    pub immutable: BTreeMap<String, String>,
    pub before: BTreeMap<String, String>,
    pub after: BTreeMap<String, String>,
    /// What the act gave out for its undoing.
    pub handed: BTreeMap<String, String>,
    pub at: Timestamp,
    /// Whether it was taken back since.
    pub undone: bool,
}

impl Receipt {
    /// What a journal says was done.
    #[must_use]
    pub fn of(plan: &Plan, digest: &Digest, chain: &Chain) -> Self {
        let mut items = Vec::new();
        let mut skipped = Vec::new();
        for item in &plan.items {
            let Some(it) = chain.ledger.items.get(&item.n) else { continue };
            skipped.extend(it.refusal.clone());
            let (ItemState::Confirmed | ItemState::Undone, Some(at)) = (it.state, it.acted_at)
            else {
                continue;
            };
            items.push(Receipted {
                n: item.n,
                item: item.item(),
                action: item.action.clone(),
                undo: item.undo.clone(),
                risk: item.risk,
                immutable: item.immutable.clone(),
                before: it.before.clone(),
                after: it.after.clone(),
                handed: it.handed.clone(),
                at,
                undone: it.state == ItemState::Undone,
            });
        }
        Self {
            schema: SCHEMA.into(),
            plan: digest.clone(),
            phase: plan.phase,
            target: plan.target.clone(),
            lines: chain.records.len() as u64,
            head: chain.head.clone(),
            finished: chain.ledger.finished,
            items,
            skipped,
            outside: chain.ledger.outside.clone(),
        }
    }

    /// Reads a receipt and whose it is: somebody with the role applier signed exactly these bytes.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn read(
        bytes: &[u8],
        pem: Option<&str>,
        trust: &Trust,
        revoked: &Revoked,
        now: Timestamp,
    ) -> Result<(Self, String), Refusal> {
        let no = |reason, says: String| Refusal::new(reason, format!("the receipt: {says}"));
        let Some(pem) = pem else {
            return Err(no(Reason::SignatureInvalid, "nobody signed it".into()));
        };
        let maker = signature::maker(bytes, pem, RECEIPT)
            .map_err(|e| no(Reason::SignatureInvalid, format!("its signature is refused: {e}")))?;
        let Some(holder) = trust.holder(&maker) else {
            let says = format!("its key {} is nobody's of the list of trust", maker.fingerprint);
            return Err(no(Reason::SignatureInvalid, says));
        };
        let party = holder.party;
        if !party.roles.contains(&Role::Applier) {
            return Err(no(
                Reason::SignatureInvalid,
                format!("{} has no role applier", party.name),
            ));
        }
        holder.counts(revoked, now)?;
        // Its texts are what adapters gave out, whatever they hold: they go back as they came.
        let receipt: Self =
            serde_json::from_slice(bytes).map_err(|e| no(Reason::NonStrictJson, e.to_string()))?;
        if receipt.schema != SCHEMA {
            return Err(no(
                Reason::UnknownSchema,
                format!("it has the schema {:?}", receipt.schema),
            ));
        }
        Ok((receipt, party.name.clone()))
    }

    /// The receipt with what was taken back since, by the journal that it was made from: an undo has no
    /// key to sign a new one.
    ///
    /// # Errors
    /// As of [`Receipt::matches`].
    pub fn since(mut self, chain: &Chain) -> Result<Self, Refusal> {
        self.matches(chain)?;
        for it in &mut self.items {
            let state = chain.ledger.items.get(&it.n).map(|l| l.state);
            it.undone |= state != Some(ItemState::Confirmed);
        }
        Ok(self)
    }

    /// Whether the journal goes on from where the receipt was made, and has every act of it.
    ///
    /// # Errors
    /// [`Reason::LogBroken`].
    pub fn matches(&self, chain: &Chain) -> Result<(), Refusal> {
        let no = |says: &str| Err(Refusal::new(Reason::LogBroken, says));
        let at = usize::try_from(self.lines).ok().and_then(|n| n.checked_sub(1));
        let head = at.and_then(|n| chain.records.get(n)).map(|r| Digest::of(&r.line()));
        if head.as_ref() != Some(&self.head) {
            return no("the journal does not go on from the receipt's last line");
        }
        for it in &self.items {
            let acted = chain.ledger.items.get(&it.n).is_some_and(|l| {
                l.action == it.action && l.before == it.before && l.handed == it.handed
            });
            if !acted {
                return no("the receipt names an act that the journal does not have");
            }
        }
        Ok(())
    }
}

/// Whether a deletion rests on a quarantine that proved itself: every item was quarantined by this
/// receipt, rested for the plan's time, can be brought back by an undo that was rehearsed, and was
/// not taken back.
///
/// # Errors
/// [`Reason::NoQuarantineReceipt`], [`Reason::UndoUnproven`], about the first item.
pub fn covers(
    plan: &Plan,
    receipt: Option<&Receipt>,
    hello: &Hello,
    now: Timestamp,
) -> Result<(), Refusal> {
    let receipt = receipt.filter(|r| Some(&r.plan) == plan.parent.as_ref());
    for item in &plan.items {
        let seen = Seen { item: &item.item(), immutable: &item.immutable, state: &item.state };
        rested(&seen, receipt, &hello.acts, plan.limits.quarantine_s, now)?;
    }
    Ok(())
}

/// A thing as it is when its deletion is planned.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub item: &'a ItemRef,
    pub immutable: &'a BTreeMap<String, String>,
    pub state: &'a BTreeMap<String, String>,
}

/// Whether one thing was quarantined by a receipt, rested for `quarantine_s` seconds, is as its
/// quarantine left it and can be brought back. Whoever took it out of there by hand, or took its mark
/// off, objects.
///
/// # Errors
/// [`Reason::NoQuarantineReceipt`], [`Reason::Protected`], [`Reason::Unknown`] of a receipt that is
/// too old to tell, [`Reason::StateChanged`], [`Reason::UndoUnproven`].
pub fn rested(
    seen: &Seen<'_>,
    receipt: Option<&Receipt>,
    acts: &[Act],
    quarantine_s: u64,
    now: Timestamp,
) -> Result<(), Refusal> {
    let Seen { item, immutable, state } = *seen;
    let no =
        |says: &str| Err(Refusal::of(Reason::NoQuarantineReceipt, item.clone(), says.to_owned()));
    let found = receipt
        .filter(|r| r.phase == Phase::Quarantine)
        .and_then(|r| r.items.iter().find(|i| i.item == *item));
    let Some(found) = found else {
        return no("no receipt says that it was in quarantine");
    };
    if found.undone {
        return no("it was taken out of quarantine");
    }
    if found.immutable != *immutable {
        return no("what was in quarantine was another of its name");
    }
    if let Some(says) = objected(&found.after, state) {
        return Err(Refusal::of(Reason::Protected, item.clone(), says));
    }
    if let Some(field) = untold(&found.after, state) {
        let says = format!(
            "its receipt is of an older version, which did not keep its {field} and when it was used: \
             whether it was used since nobody can say; take it back, and quarantine it anew"
        );
        return Err(Refusal::of(Reason::Unknown, item.clone(), says));
    }
    if let Some(says) = differs(&found.after, state) {
        let says = format!("it is not as its quarantine left it: {says}");
        return Err(Refusal::of(Reason::StateChanged, item.clone(), says));
    }
    let rest = i64::try_from(quarantine_s).unwrap_or(i64::MAX);
    let until = found.at.saturating_add(SignedDuration::from_secs(rest));
    if until.map_or(true, |until| now < until) {
        return no(&format!("it is in quarantine since {}, which is below {rest} s", found.at));
    }
    let quarantine = acts
        .iter()
        .find(|a| a.kind == item.kind && a.action == found.action && a.undo == found.undo);
    if !quarantine.is_some_and(|a| a.rehearsed && a.undo.is_some()) {
        let says = format!("undoing {} of a {} was never rehearsed", found.action, item.kind);
        return Err(Refusal::of(Reason::UndoUnproven, item.clone(), says));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const AT: &str = "2026-01-01T00:00:00Z";

    /// Of an instance that a quarantine left as `after` and that is `now`.
    fn of(after: Value, now: Value) -> Result<(), Refusal> {
        let (kind, digest) = ("AWS::EC2::Instance", Digest::of(b""));
        let receipt = json!({
            "schema": SCHEMA, "plan": digest, "phase": "quarantine", "lines": 1, "head": digest,
            "target": {"provider": "aws", "partition": "aws", "account": "1", "regions": ["r1"],
                       "scope": "s"},
            "finished": true, "skipped": [],
            "items": [{
                "n": 1, "item": {"type": kind, "id": "i-1"}, "action": "stop", "undo": "start",
                "risk": "reversible", "immutable": {}, "before": {}, "after": after,
                "handed": {}, "at": AT, "undone": false,
            }],
        });
        let receipt: Receipt = serde_json::from_value(receipt).expect("a receipt");
        let item = ItemRef { kind: kind.into(), id: "i-1".into() };
        let state: BTreeMap<String, String> = serde_json::from_value(now).expect("a state");
        let seen = Seen { item: &item, immutable: &BTreeMap::new(), state: &state };
        let later = "2026-02-01T00:00:00Z".parse().expect("a time");
        rested(&seen, Some(&receipt), &crate::cleanup::aws::acts(), 86_400, later)
    }

    #[test]
    fn a_deletion_rests_on_a_receipt_that_tells_whether_it_was_used_since() {
        let left = json!({"state": "stopped", "instance-type": "t3.micro", "launched": "monday"});
        assert_eq!(of(left.clone(), left.clone()), Ok(()));
        let mut used = left.clone();
        used["launched"] = "tuesday".into();
        let why = of(left.clone(), used).expect_err("it was started");
        assert_eq!(why.reason, Reason::StateChanged);
        // Of before these fields: nobody can say, and what it does tell counts.
        let older = json!({"state": "stopped"});
        let why = of(older.clone(), left.clone()).expect_err("nobody can say");
        assert_eq!(why.reason, Reason::Unknown);
        assert!(why.says.contains("quarantine it anew"), "{why}");
        assert_eq!(of(older.clone(), older), Ok(()), "what AWS does not tell of, as before");
    }
}
