//! What an apply says of itself.

use crate::apply::{After, ApplyReport};
use crate::cleanup::journal::ItemState;
use crate::cleanup::plan::Plan;
use crate::cleanup::ramp::LOOKS;
use crate::cleanup::{Digest, Refusal};
use crate::report::escape::visible;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// For people.
pub(super) fn text(report: &ApplyReport, plan: &Plan, digest: &Digest, receipt: &Path) -> String {
    let mut out = format!("plan {digest}\n");
    for (n, it) in &report.ledger.items {
        let Some(item) = plan.items.iter().find(|i| i.n == *n) else { continue };
        let now = if report.done.contains(n) { "now" } else { "before" };
        let what = match it.state {
            ItemState::Confirmed => format!("{} {now}", item.action),
            ItemState::Undone => "taken back".into(),
            ItemState::Permitted => "permitted to a job".into(),
            ItemState::Unknown | ItemState::Intent | ItemState::Acted | ItemState::Undoing => {
                "UNKNOWN: look at it".into()
            }
            ItemState::Failed | ItemState::Skipped => "left out".into(),
            // Nothing lifts that: what is held is planned anew.
            ItemState::Planned | ItemState::Rechecked
                if report.ledger.held.contains_key(&it.stratum) =>
            {
                "held".into()
            }
            ItemState::Planned | ItemState::Rechecked => match report.after {
                // What was done outside of the plan ended it.
                _ if !report.ledger.outside.is_empty() => "not done".into(),
                After::Finished => "not done".into(),
                _ => "to come".into(),
            },
        };
        let mut why =
            it.refusal.as_ref().map_or(String::new(), |r| format!(": {}: {}", r.reason, r.says));
        if it.refusal.is_some() && what == "to come" {
            let _ = write!(why, "; it is looked at again ({} of {LOOKS})", it.unseen.0);
        }
        let line = format!("{:>4}  {what:<12}  {} {}{why}", n, item.kind, item.id);
        let _ = writeln!(out, "{}", visible(&line));
    }
    for (stratum, why) in &report.ledger.held {
        let line = format!("stratum {stratum} is held: {why}");
        let _ = writeln!(out, "{}", visible(&line));
    }
    for it in &report.ledger.outside {
        let line =
            format!("OUTSIDE THE PLAN: {} of {}, asked for item {}", it.action, it.item, it.n);
        let _ = writeln!(out, "{}", visible(&line));
    }
    let next = match &report.after {
        After::Soaking(until) => format!("the next batch may begin at {until}"),
        After::DayFull { until, says } => format!("the next batch may begin at {until}: {says}"),
        After::More => "the next batch may begin".into(),
        After::Finished => "nothing is left to do: the plan is consumed".into(),
        After::Stopped(why) => format!("stopped: {why}"),
    };
    let _ = writeln!(out, "{}", visible(&next));
    let _ = writeln!(out, "receipt: {}", visible(&receipt.display().to_string()));
    out
}

/// For machines.
pub(super) fn json(report: &ApplyReport, plan: &Plan, digest: &Digest) -> Value {
    let items: Vec<Value> = report
        .ledger
        .items
        .iter()
        .filter_map(|(n, it)| {
            let item = plan.items.iter().find(|i| i.n == *n)?;
            Some(json!({
                "n": n, "type": item.kind, "id": item.id, "action": item.action,
                "state": state(it.state), "now": report.done.contains(n),
                "reason": it.refusal.as_ref().map(|r| r.reason.code()),
                "says": it.refusal.as_ref().map(|r| r.says.clone()),
                "unseen": it.unseen.0,
            }))
        })
        .collect();
    let (after, until, stopped) = match &report.after {
        After::Soaking(until) => ("soaking", Some(*until), None),
        After::DayFull { until, .. } => ("day-full", Some(*until), None),
        After::More => ("more", None, None),
        After::Finished => ("finished", None, None),
        After::Stopped(why) => ("stopped", None, Some(why)),
    };
    let says = match &report.after {
        After::DayFull { says, .. } => Some(says),
        _ => stopped.map(|why| &why.says),
    };
    json!({
        "plan": digest, "after": after, "until": until,
        "class": report.class().map_or(0, |c| c as u8),
        "reason": stopped.map(|r| r.reason.code()),
        "says": says,
        "held": report.ledger.held.iter().map(|(n, why)| json!({
            "stratum": n, "reason": why.reason.code(), "says": why.says,
        })).collect::<Vec<_>>(),
        "outside": report.ledger.outside,
        "items": items,
    })
}

/// Of a run that did not begin.
pub(super) fn refusal(digest: &Digest, why: &Refusal) -> Value {
    json!({
        "plan": digest, "after": "refused", "class": why.reason.class() as u8,
        "reason": why.reason.code(), "says": why.says,
        "item": why.item,
    })
}

pub(super) fn state(state: ItemState) -> &'static str {
    match state {
        ItemState::Planned => "planned",
        ItemState::Rechecked => "rechecked",
        ItemState::Intent => "intent",
        ItemState::Acted => "acted",
        ItemState::Confirmed => "confirmed",
        ItemState::Failed => "failed",
        ItemState::Unknown => "unknown",
        ItemState::Skipped => "skipped",
        ItemState::Permitted => "permitted",
        ItemState::Undoing => "undoing",
        ItemState::Undone => "undone",
    }
}
