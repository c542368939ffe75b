//! What owners are told of a plan, and whether they were.
//!
//! A notice is a courtesy that a policy can ask for: what was told stands unsigned beside the plan,
//! and proves nothing against somebody who can write there. What protects a thing is its owner's
//! opt-out, which is read anew right before the act.

use super::plan::{Phase, Plan};
use super::{Digest, Reason, Refusal, Target};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The format tag of a notice.
pub const SCHEMA: &str = "portcullis/cleanup-notice/v1";
/// The file beside the plan that says who was told.
pub const NAME: &str = "notified.jsonl";

/// What one owner is told, as the hook reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice<'a> {
    pub schema: &'static str,
    /// `None` for things that nobody is known to own.
    pub owner: Option<&'a str>,
    pub plan: &'a Digest,
    pub phase: Phase,
    pub target: &'a Target,
    pub by: &'a str,
    /// The last moment that it may begin.
    pub not_after: Timestamp,
    pub items: Vec<Act<'a>>,
    pub opt_out: OptOut,
}

/// One act, as an owner has to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act<'a> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub id: &'a str,
    pub action: &'a str,
    /// What takes it back; `None` where nothing does.
    pub undo: Option<&'a str>,
    /// The line of an opt-outs file that keeps it.
    pub keep: String,
}

/// The ways to object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptOut {
    pub protect: &'static str,
    pub line: &'static str,
    pub deny: String,
}

/// Whether one owner was told: a line of [`NAME`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    pub plan: Digest,
    pub owner: Option<String>,
    pub at: Timestamp,
    pub told: bool,
    #[serde(default)]
    pub why: Option<String>,
}

/// One notice for each owner of something in the plan, by name; of what nobody owns last.
#[must_use]
pub fn notices<'a>(plan: &'a Plan, digest: &'a Digest) -> Vec<Notice<'a>> {
    let mut by_owner: BTreeMap<(bool, Option<&str>), Vec<Act<'_>>> = BTreeMap::new();
    for item in &plan.items {
        let owner = item.owner.as_deref();
        by_owner.entry((owner.is_none(), owner)).or_default().push(Act {
            kind: &item.kind,
            id: &item.id,
            action: &item.action,
            undo: item.undo.as_deref(),
            keep: super::opt_out::line(&item.item()),
        });
    }
    let notice = |((_, owner), items)| Notice {
        schema: SCHEMA,
        owner,
        plan: digest,
        phase: plan.phase,
        target: &plan.target,
        by: &plan.author.name,
        not_after: plan.not_after,
        items,
        opt_out: OptOut {
            protect: "mark the thing as protected where it lives (AWS: the tag portcullis:protect)",
            line: "add the item's `keep` to the opt-outs file that the cleanup reads",
            deny: format!(
                "portcullis cleanup deny {} --key KEYFILE --as NAME --trust trust.yaml",
                digest.folder()
            ),
        },
    };
    by_owner.into_iter().map(notice).collect()
}

/// Whether every owner was told, where the plan asks for it.
///
/// # Errors
/// [`Reason::OwnersNotTold`] with the first who was not.
pub fn everybody(plan: &Plan, digest: &Digest, told: Option<&[u8]>) -> Result<(), Refusal> {
    if !plan.limits.owners_told {
        return Ok(());
    }
    let no = |says: String| Err(Refusal::new(Reason::OwnersNotTold, says));
    let lines = told.unwrap_or_default().split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let mut reached = Vec::new();
    for line in lines {
        match serde_json::from_slice::<Told>(line) {
            Ok(it) if it.told && it.plan == *digest => reached.push(it.owner),
            Ok(_) => {}
            Err(e) => return no(format!("{NAME} cannot be understood: {e}")),
        }
    }
    for item in &plan.items {
        if !reached.contains(&item.owner) {
            let who = item.owner.as_deref().unwrap_or("whoever takes care of what nobody owns");
            return no(format!("the policy wants owners to be told, and {who} was not: plan anew"));
        }
    }
    Ok(())
}
