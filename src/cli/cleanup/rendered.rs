//! What an approver is shown.

use crate::cleanup::plan::{Phase, Plan};
use crate::cleanup::{Digest, Refusal};
use crate::cleanup::{Reason, Risk};
use crate::report::escape::visible;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Most strata, and most refusals of one reason, before they are counted instead. Items are never cut.
const MOST: usize = 40;

/// A whole plan as text: totals, strata, every item, the riskiest first, and what was refused. Made
/// from the sealed bytes by the reader's own program.
pub(in crate::cli) fn rendered(plan: &Plan, digest: &Digest) -> String {
    let mut out = String::new();
    head(&mut out, plan, digest);
    strata(&mut out, plan);
    let mut items: Vec<_> = plan.items.iter().collect();
    items.sort_by_key(|i| {
        let risk = if i.undo.is_none() { Risk::Irreversible } else { i.risk };
        (std::cmp::Reverse(risk), i.dead.len(), i.live_checked.len(), i.n)
    });
    if !items.is_empty() {
        out.push_str("items, the riskiest first:\n");
    }
    for item in items {
        let undo = item.undo.as_deref().unwrap_or("nothing takes it back");
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
        for claim in &item.dead {
            let at = claim.at.map_or_else(|| "without a time".into(), |at| at.to_string());
            let detail = if claim.detail.is_empty() { "" } else { ": " };
            let _ = writeln!(
                out,
                "      dead: {} ({}, {at}){detail}{}",
                visible(&claim.kind),
                visible(&claim.source),
                visible(&claim.detail),
            );
        }
        if !item.live_checked.is_empty() {
            let asked = visible(&item.live_checked.join(", ")).into_owned();
            let _ = writeln!(out, "      no life by: {asked}");
        }
    }
    refused(&mut out, plan);
    out
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
    let _ = writeln!(out, "  {} items", plan.totals.items);
    for (action, count) in &plan.totals.by_action {
        let _ = writeln!(out, "    {count} × {}", visible(action));
    }
    for (kind, count) in &plan.totals.by_type {
        let _ = writeln!(out, "    {count} × {}", visible(kind));
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

/// Whether a text shows every act of a plan: what was cut was not agreed to.
pub(in crate::cli) fn whole(plan: &Plan, text: &str) -> Result<(), Refusal> {
    let cut = plan.items.iter().find(|i| {
        !text.lines().any(|line| {
            [&i.action, &i.kind, &i.id].iter().all(|word| line.contains(visible(word).as_ref()))
        })
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
