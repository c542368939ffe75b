//! `portcullis cleanup show --evidence`: what spoke for and against one thing.

use crate::cleanup::plan::Plan;
use crate::cleanup::{Claim, Digest, Resource};
use crate::report::escape::visible;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// For people.
pub(super) fn text(plan: &Plan, digest: &Digest, found: &[Resource]) -> String {
    let mut out = format!("plan {digest}\n");
    for resource in found {
        let _ = writeln!(out, "{}", visible(&resource.item().to_string()));
        let item = plan.items.iter().find(|i| i.item() == resource.item());
        if let Some(item) = item {
            let undo = item.undo.as_deref().unwrap_or("nothing takes it back");
            let line = format!("{} ({undo}), stratum {}", item.action, item.stratum);
            let _ = writeln!(out, "  planned: {}", visible(&line));
        }
        let of = |r: &&crate::cleanup::Refusal| r.item.as_ref() == Some(&resource.item());
        for why in plan.refused.iter().filter(of) {
            let line = format!("{}: {}", why.reason, why.says);
            let _ = writeln!(out, "  not planned: {}", visible(&line));
        }
        out.push_str("  speaks for it:\n");
        claims(&mut out, "dead", &resource.dead);
        out.push_str("  speaks against it:\n");
        claims(&mut out, "live", &resource.live);
        claims(&mut out, "protected", &resource.protected);
        for what in &resource.unknown {
            let _ = writeln!(out, "    unknown: {}", visible(what));
        }
        fields(&mut out, "attributes", &resource.attributes);
        fields(&mut out, "state", &resource.state);
        fields(&mut out, "immutable", &resource.immutable);
        for child in &resource.children {
            let _ = writeln!(out, "  holds {}", visible(&child.to_string()));
        }
    }
    out
}

fn claims(out: &mut String, what: &str, claims: &[Claim]) {
    for claim in claims {
        let at = claim.at.map_or_else(|| "without a time".into(), |at| at.to_string());
        let detail = if claim.detail.is_empty() { "" } else { ": " };
        let line = format!("{} ({}, {at}){detail}{}", claim.kind, claim.source, claim.detail);
        let _ = writeln!(out, "    {what}: {}", visible(&line));
        if let Some(record) = &claim.record {
            let _ = writeln!(out, "      record {}", visible(&record.to_string()));
        }
    }
}

fn fields(out: &mut String, what: &str, map: &BTreeMap<String, String>) {
    if map.is_empty() {
        return;
    }
    let parts: Vec<String> = map.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let _ = writeln!(out, "  {what}: {}", visible(&parts.join(" ")));
}

/// For machines.
pub(super) fn json(plan: &Plan, digest: &Digest, found: &[Resource]) -> Value {
    let things: Vec<Value> = found
        .iter()
        .map(|resource| {
            let is = resource.item();
            json!({
                "resource": resource,
                "planned": plan.items.iter().find(|i| i.item() == is).map(|i| i.n),
                "refused": plan.refused.iter().filter(|r| r.item.as_ref() == Some(&is))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({"schema": "portcullis/cleanup-evidence-shown/v1", "plan": digest, "things": things})
}
