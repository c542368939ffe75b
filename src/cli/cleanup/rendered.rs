//! What an approver is shown.

use crate::cleanup::plan::Plan;
use crate::cleanup::{Digest, Refusal};
use crate::cleanup::{Reason, Risk};
use crate::report::escape::visible;
use std::fmt::Write;

/// A whole plan as text: totals, strata, then every item, the riskiest first. Made from the sealed
/// bytes by the reader's own program.
pub(in crate::cli) fn rendered(plan: &Plan, digest: &Digest) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "plan {digest}\n  {:?} of {} in {} ({}), made by {} at {}",
        plan.phase,
        visible(&plan.target.scope),
        visible(&plan.target.account),
        visible(&plan.target.provider),
        visible(&plan.author.name),
        plan.created_at,
    );
    let _ = writeln!(out, "  {} items", plan.totals.items);
    for (action, count) in &plan.totals.by_action {
        let _ = writeln!(out, "    {count} × {}", visible(action));
    }
    for word in &plan.loosened {
        let _ = writeln!(out, "  loosened: {}", visible(word));
    }
    for stratum in &plan.strata {
        let key: Vec<String> = stratum.key.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let _ = writeln!(
            out,
            "  stratum {}: {}: {} of {} are candidates, {} unknown, live controls {}/{}",
            stratum.n,
            visible(&key.join(", ")),
            stratum.candidates,
            stratum.population,
            stratum.unknown,
            stratum.live[0],
            stratum.live[1],
        );
    }
    let mut items: Vec<_> = plan.items.iter().collect();
    items.sort_by_key(|i| {
        let risk = if i.undo.is_none() { Risk::Irreversible } else { i.risk };
        (std::cmp::Reverse(risk), i.dead.len(), i.live_checked.len(), i.n)
    });
    for item in items {
        let undo = item.undo.as_deref().unwrap_or("nothing takes it back");
        let _ = writeln!(
            out,
            "  {} {} {} ({undo}), owner {}",
            visible(&item.action),
            visible(&item.kind),
            visible(&item.id),
            visible(item.owner.as_deref().unwrap_or("unknown")),
        );
        for claim in &item.dead {
            let _ = writeln!(out, "      {} ({})", visible(&claim.kind), visible(&claim.source));
        }
    }
    out
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
