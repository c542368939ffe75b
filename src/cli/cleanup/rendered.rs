//! What an approver is shown.

use crate::cleanup::plan::{Item, Phase, Plan};
use crate::cleanup::{Digest, OPENS, Reason, Refusal, Risk};
use crate::report::escape::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most strata, and most refusals of one reason, before they are counted instead. Items are never cut.
const MOST: usize = 40;

/// In place of an undo.
const NO_UNDO: &str = "nothing takes it back";

/// A whole plan as text: totals, strata, every item, the riskiest first, and what was refused. Made
/// from the sealed bytes by the reader's own program.
pub(in crate::cli) fn rendered(plan: &Plan, digest: &Digest) -> String {
    let mut out = String::new();
    head(&mut out, plan, digest);
    strata(&mut out, plan);
    let mut items: Vec<_> = plan.items.iter().collect();
    // By what cannot be taken back, then by how little it rests on.
    let controls: BTreeMap<u32, u32> = plan.strata.iter().map(|s| (s.n, s.live[0])).collect();
    items.sort_by_key(|i| {
        let risk = if i.undo.is_none() { Risk::Irreversible } else { i.risk };
        let proven = controls.get(&i.stratum).copied().unwrap_or(0);
        (std::cmp::Reverse(risk), i.dead.len(), i.live_checked.len(), proven, i.n)
    });
    if !items.is_empty() {
        out.push_str("items, the riskiest first:\n");
    }
    for item in items {
        let undo = item.undo.as_deref().unwrap_or(NO_UNDO);
        let _ = writeln!(
            out,
            "  {} {} {} ({}), owner {}, stratum {}",
            visible(&item.action),
            visible(&item.kind),
            visible(&item.id),
            visible(undo),
            visible(item.owner.as_deref().unwrap_or("unknown")),
            item.stratum,
        );
        if let Some(opens) = opens(item) {
            let _ = writeln!(out, "      {opens}");
        }
        let because = if item.risk == Risk::Exposing { "wanted" } else { "dead" };
        for claim in &item.dead {
            let at = claim.at.map_or_else(|| "without a time".into(), |at| at.to_string());
            let detail = if claim.detail.is_empty() { "" } else { ": " };
            let _ = writeln!(
                out,
                "      {because}: {} ({}, {at}){detail}{}",
                visible(&claim.kind),
                visible(&claim.source),
                visible(&claim.detail),
            );
        }
        if !item.again.is_empty() {
            let again: Vec<&str> = item.again.iter().map(|it| it.kind.as_str()).collect();
            let _ =
                writeln!(out, "      asked again before the act: {}", visible(&again.join(", ")));
        }
        if !item.live_checked.is_empty() {
            let asked = visible(&item.live_checked.join(", ")).into_owned();
            let _ = writeln!(out, "      no life by: {asked}");
        }
    }
    refused(&mut out, plan);
    out
}

/// What the act opens, where it opens anything.
fn opens(item: &Item) -> Option<String> {
    item.state.get(OPENS).map(|opens| format!("opens {}", visible(opens)))
}

/// `1 item`, `2 items`.
pub(super) fn items(count: usize) -> String {
    if count == 1 { "1 item".into() } else { format!("{count} items") }
}

fn head(out: &mut String, plan: &Plan, digest: &Digest) {
    let phase = match plan.phase {
        Phase::Quarantine => "quarantine",
        Phase::Delete => "deletion",
        Phase::Repair => "repair",
    };
    let asked = plan.author.requested_by.as_deref();
    let asked = asked.map(|by| format!(", asked for by {}", visible(by))).unwrap_or_default();
    let _ = writeln!(
        out,
        "plan {digest}\n  {phase} of {} in {} ({}), made by {}{asked} at {}\n  to be claimed until {}",
        visible(&plan.target.scope),
        visible(&plan.target.account),
        visible(&plan.target.provider),
        visible(&plan.author.name),
        plan.created_at,
        plan.not_after,
    );
    let _ = writeln!(out, "  {}", items(plan.totals.items as usize));
    for (action, count) in &plan.totals.by_action {
        let _ = writeln!(out, "    {count} × {}", visible(action));
    }
    for (kind, count) in &plan.totals.by_type {
        let _ = writeln!(out, "    {count} × {}", visible(kind));
    }
    let limits = &plan.limits;
    let list = |numbers: Vec<String>| numbers.join(", ");
    let _ = writeln!(
        out,
        "  at most {} a plan and {} a day; batches of {} with rests of {} s",
        limits.max_items,
        limits.max_items_per_day,
        list(limits.ramp.iter().map(u32::to_string).collect()),
        list(limits.soak_s.iter().map(u64::to_string).collect()),
    );
    if limits.owners_told {
        out.push_str("  owners must have been told\n");
    }
    for word in &plan.loosened {
        let _ = writeln!(out, "  loosened: {}", visible(word));
    }
    for source in &plan.sources {
        let _ = writeln!(
            out,
            "  source {}: {} rows, {}",
            visible(&source.name),
            source.rows,
            if source.complete { "read whole" } else { "not read whole" },
        );
    }
}

/// The held ones first.
fn strata(out: &mut String, plan: &Plan) {
    if plan.strata.is_empty() {
        return;
    }
    let held = plan.strata.iter().filter(|s| !s.held.is_empty()).count();
    let _ = writeln!(out, "strata: {} with candidates, {held} held", plan.strata.len());
    let mut sorted: Vec<_> = plan.strata.iter().collect();
    sorted.sort_by_key(|s| (s.held.is_empty(), s.n));
    for stratum in sorted.iter().take(MOST) {
        let key: Vec<String> = stratum.key.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let key = if key.is_empty() { "everything".into() } else { key.join(" ") };
        let _ = writeln!(
            out,
            "  stratum {}: {}: {} of {} are candidates, {} unknown, live controls {}/{}",
            stratum.n,
            visible(&key),
            stratum.candidates,
            stratum.population,
            stratum.unknown,
            stratum.live[0],
            stratum.live[1],
        );
        for why in &stratum.held {
            let _ = writeln!(out, "      held: {}", visible(&why.to_string()));
        }
    }
    if sorted.len() > MOST {
        let _ = writeln!(out, "  and {} more strata, in plan.json", sorted.len() - MOST);
    }
}

/// By reason, so that none hides behind another.
fn refused(out: &mut String, plan: &Plan) {
    let mut by_reason: BTreeMap<Reason, Vec<&Refusal>> = BTreeMap::new();
    for refusal in &plan.refused {
        by_reason.entry(refusal.reason).or_default().push(refusal);
    }
    if !by_reason.is_empty() {
        let _ = writeln!(out, "refused: {}", plan.refused.len());
    }
    for (reason, refusals) in by_reason {
        let _ = writeln!(out, "  {} × {reason}", refusals.len());
        for refusal in refusals.iter().take(MOST) {
            let item = refusal.item.as_ref().map(|i| format!("{i}: ")).unwrap_or_default();
            let _ = writeln!(out, "      {}{}", visible(&item), visible(&refusal.says));
        }
        if refusals.len() > MOST {
            let _ = writeln!(out, "      and {} more, in plan.json", refusals.len() - MOST);
        }
    }
}

/// Whether a text shows every act of a plan, each on a line of its own as [`rendered`] writes it:
/// what was cut was not agreed to.
pub(in crate::cli) fn whole(plan: &Plan, text: &str) -> Result<(), Refusal> {
    let cut = plan.items.iter().find(|i| {
        let act = format!(
            "{} {} {} ({}), owner ",
            visible(&i.action),
            visible(&i.kind),
            visible(&i.id),
            visible(i.undo.as_deref().unwrap_or(NO_UNDO)),
        );
        let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(&act));
        let (shown, opened) = (lines.next(), lines.next().map(str::trim_start));
        shown.is_none() || opens(i).is_some_and(|opens| opened != Some(opens.as_str()))
    });
    match cut {
        None => Ok(()),
        Some(item) => Err(Refusal::of(
            Reason::UnknownSchema,
            item.item(),
            "what was shown leaves it out, and what was not shown cannot be approved",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Twelve things, so that the id of one begins that of another.
    fn plan() -> Plan {
        let digest = Digest::of(b"x");
        let item = |n: u32| {
            json!({"n": n, "type": "servo", "id": format!("sv-{n}"), "immutable": {"u": "1"},
                   "state_sha256": digest, "state": {}, "stratum": 1, "action": "stop",
                   "undo": "start", "risk": "reversible", "dead": [], "live_checked": []})
        };
        serde_json::from_value(json!({
            "schema": "s", "phase": "quarantine", "created_at": "2026-11-22T18:00:00Z",
            "not_before": "2026-11-22T18:00:00Z", "not_after": "2026-11-23T18:00:00Z",
            "author": {"name": "alice"},
            "target": {"provider": "sim", "account": "111", "scope": "servos"},
            "pins": {"tool": "1", "policy": digest, "trust": digest},
            "sources": [], "strata": [], "items": (1..=12).map(item).collect::<Vec<_>>(),
            "refused": [],
            "limits": {"max_items": 25, "max_items_per_day": 25,
                   "max_percent_stratum": 5, "max_percent_total": 2,
                       "ramp": [1], "soak_s": [0], "max_retries": 3, "quarantine_s": 60,
                       "deadline_s": 3600},
            "totals": {"items": 12, "by_action": {"stop": 12}, "by_type": {"servo": 12}},
        }))
        .expect("a plan")
    }

    #[test]
    fn a19_a_text_that_leaves_out_one_item_is_told() {
        let plan = plan();
        let text = rendered(&plan, &Digest::of(b"x"));
        assert_eq!(whole(&plan, &text), Ok(()));
        for item in &plan.items {
            let line = format!("stop servo {} (", item.id);
            let cut: Vec<&str> = text.lines().filter(|l| !l.contains(&line)).collect();
            assert_eq!(cut.len() + 1, text.lines().count(), "{line}");
            let refused = whole(&plan, &cut.join("\n")).expect_err(&line);
            assert_eq!(refused.item, Some(item.item()), "the one that was cut, and no other");
        }
    }

    #[test]
    fn a19_a_text_that_leaves_out_what_an_act_opens_is_told() {
        let mut plan = plan();
        plan.items[3].state.insert(OPENS.into(), "tcp/443 of i-1 to internet".into());
        let text = rendered(&plan, &Digest::of(b"x"));
        assert_eq!(whole(&plan, &text), Ok(()));
        let cut: Vec<&str> = text.lines().filter(|l| !l.contains("opens")).collect();
        let refused = whole(&plan, &cut.join("\n")).expect_err("it was cut");
        assert_eq!(refused.item, Some(plan.items[3].item()));
    }
}
