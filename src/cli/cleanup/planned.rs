//! What a draft came to, for people and for machines.

use super::refused::status;
use super::rendered::rendered;
use crate::cleanup::notice::Told;
use crate::cleanup::plan::{Phase, Plan, PlanReport};
use crate::cleanup::{Digest, Refusal};
use crate::cli::ExitStatus;
use crate::report::escape::visible;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// A draft, sealed or not.
pub(in crate::cli) struct Outcome {
    pub(in crate::cli) plan: Plan,
    pub(in crate::cli) report: PlanReport,
    pub(in crate::cli) sealed: Option<(Digest, PathBuf)>,
    pub(in crate::cli) signed: bool,
    /// The owners, and whether they were told.
    pub(in crate::cli) told: Vec<Told>,
}

impl Outcome {
    /// 0 where nothing speaks against it; else by the class of the gravest. `strict` takes classes
    /// that are held for want of proof as grave.
    pub(super) fn status(&self, strict: bool) -> ExitStatus {
        let held = || self.plan.strata.iter().flat_map(|s| &s.held).next();
        let worst = self.report.worst().or_else(|| held().filter(|_| strict));
        // Nobody will apply what its owners had to hear of and did not.
        let untold = self.plan.limits.owners_told && self.told.iter().any(|t| !t.told);
        let well = if untold { ExitStatus::Incomplete } else { ExitStatus::Clean };
        worst.map_or(well, |w| status(w.reason.class(), false))
    }
}

/// Most lines of one kind before they are counted instead.
const MOST: usize = 40;

/// For people. What is left out is counted.
pub(in crate::cli) fn text(outcome: &Outcome) -> String {
    let Outcome { plan, report, sealed, signed, told } = outcome;
    let mut out = String::new();
    match sealed {
        Some((digest, folder)) => {
            out.push_str(&rendered(plan, digest));
            let _ = writeln!(out, "\nsealed in {}", visible(&folder.display().to_string()));
            owners(&mut out, told, plan.limits.owners_told);
            if !signed {
                let _ = writeln!(
                    out,
                    "  not signed: sign it as its author, or nobody will apply it\n    \
                     ssh-keygen -Y sign -n portcullis-plan.v1 -f KEY {}/plan.json",
                    visible(&folder.display().to_string())
                );
            }
        }
        None if report.vetoes.is_empty() => {
            let _ = writeln!(
                out,
                "shadow: nothing is planned without an adapter that lists what there is"
            );
        }
        None => {
            let _ = writeln!(out, "nothing is planned");
        }
    }
    let _ = writeln!(
        out,
        "\n{} things, {} of them called {}, {} planned, {} refused",
        report.population,
        report.candidates,
        if plan.phase == Phase::Repair { "missing" } else { "dead" },
        plan.items.len(),
        report.refused.values().sum::<u32>(),
    );
    for (reason, count) in &report.refused {
        let _ = writeln!(out, "  {count} × {reason}");
    }
    listed(&mut out, "speaks against planning at all", &report.vetoes);
    listed(&mut out, "says that the classifier is wrong", &report.alarms);
    if sealed.is_none() {
        let of_items: Vec<Refusal> =
            plan.refused.iter().filter(|r| r.item.is_some()).cloned().collect();
        listed(&mut out, "not planned", &of_items);
    }
    if !report.dropped.is_empty() {
        let names: Vec<_> = report.dropped.iter().map(|n| visible(n)).collect();
        let _ = writeln!(out, "no strata by {}: too many values", names.join(", "));
    }
    out
}

/// Who was told of it, and who was not.
fn owners(out: &mut String, told: &[Told], required: bool) {
    let (reached, missed): (Vec<&Told>, Vec<&Told>) = told.iter().partition(|t| t.told);
    if !reached.is_empty() {
        let _ = writeln!(out, "  owners told: {}", reached.len());
    }
    for it in missed {
        let who = it.owner.as_deref().unwrap_or("of what nobody owns");
        let why = it.why.as_deref().unwrap_or_default();
        let _ = writeln!(out, "  owner NOT told: {}: {}", visible(who), visible(why));
        if required {
            out.push_str("    the policy wants it: nobody will apply this plan\n");
        }
    }
}

fn listed(out: &mut String, title: &str, refusals: &[Refusal]) {
    if refusals.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}:");
    for refusal in refusals.iter().take(MOST) {
        let _ = writeln!(out, "  {}", visible(&refusal.to_string()));
    }
    if refusals.len() > MOST {
        let _ = writeln!(out, "  and {} more: --format json has them all", refusals.len() - MOST);
    }
}

/// For machines: one object, versioned.
pub(in crate::cli) fn json(outcome: &Outcome) -> Value {
    let Outcome { plan, report, sealed, signed, told } = outcome;
    let worst = report.worst();
    json!({
        "schema": "portcullis/cleanup-planned/v1",
        "class": worst.map(|w| w.reason.class() as u8),
        "reason": worst.map(|w| w.reason.code()),
        "plan": sealed.as_ref().map(|(digest, _)| digest.to_string()),
        "folder": sealed.as_ref().map(|(_, folder)| folder.display().to_string()),
        "signed": signed,
        "population": report.population,
        "candidates": report.candidates,
        "items": plan.items,
        "vetoes": report.vetoes,
        "alarms": report.alarms,
        "strata": plan.strata,
        "refused": plan.refused,
        "loosened": plan.loosened,
        "no_strata_by": report.dropped,
        "told": told,
    })
}
