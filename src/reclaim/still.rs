//! Whether what a plan rests on still holds, by a reading made right before the act.

use super::place::NEEDS;
use crate::cleanup::{Claim, Resource, aws};
use crate::drift;
use crate::reach::{self, Reach};
use crate::snapshot::{CallKind, Outcome, RegionView, Snapshot};
use std::collections::BTreeSet;

/// The claim that a permission changes nothing that can be reached.
pub(super) const CHANGES_NOTHING: &str = "changes-nothing";

/// What such a claim cannot be made without; what else decides is unknown where it was not read, and then
/// the permission changes something.
const REACH: [CallKind; 6] = [
    CallKind::Instances,
    CallKind::NetworkInterfaces,
    CallKind::SecurityGroups,
    CallKind::RouteTables,
    CallKind::Addresses,
    CallKind::Vpcs,
];

/// The calls that these claims were read from, beside [`super::needs`]: of what a permission changes
/// everything on the way decides.
#[must_use]
pub fn rests_on(dead: &[Claim]) -> BTreeSet<CallKind> {
    let mut out: BTreeSet<CallKind> = dead.iter().filter_map(call).collect();
    if dead.iter().any(|claim| claim.kind == CHANGES_NOTHING) {
        out.extend(CallKind::ALL.iter().copied().filter(|call| !call.on_request()));
    }
    out
}

/// Which of the claims that a plan rests on hold no more, or cannot be read, in words. Claims that are of no
/// call are not asked again: the plan pins the spec, and what a job says is the job's.
#[must_use]
pub fn lost(dead: &[Claim], now: &Resource, snapshot: &Snapshot) -> Vec<String> {
    let place = |key: &str| now.immutable.get(key).map_or("", String::as_str);
    let (account, region) = (place("account"), place("region"));
    let Some(view) = snapshot.view(account, region) else {
        return vec![format!("{account}/{region} was not read")];
    };
    let mut out = Vec::new();
    for claim in dead {
        let Some(call) = call(claim) else { continue };
        let reached = claim.kind == CHANGES_NOTHING;
        let calls = if reached { &REACH[..] } else { std::slice::from_ref(&call) };
        let unread = calls.iter().find_map(|call| {
            let outcome: Outcome = snapshot.outcome(account, region, *call);
            (!outcome.is_complete()).then(|| format!("{} {outcome}", call.name()))
        });
        let holds = match claim.kind.as_str() {
            CHANGES_NOTHING => needless(view, snapshot, now),
            // Who carries its group is part of its state.
            _ if now.kind == aws::PERMISSION => true,
            _ => now.dead.iter().any(|c| c.kind == claim.kind && c.source == claim.source),
        };
        match unread {
            Some(why) => out.push(format!("the plan rests on {}, and now {why}", claim.kind)),
            None if holds => {}
            None => out.push(format!(
                "the plan rests on {} ({}), which holds no more{}",
                claim.kind,
                claim.source,
                if reached { unread_elsewhere(snapshot, account, region) } else { String::new() }
            )),
        }
    }
    out
}

/// What of the way could not be read, in words: then a permission changes something, or may.
fn unread_elsewhere(snapshot: &Snapshot, account: &str, region: &str) -> String {
    let calls = CallKind::ALL.iter().filter(|call| !call.on_request());
    let mut outcomes = calls.map(|call| (call, snapshot.outcome(account, region, *call)));
    let found = outcomes.find(|(_, outcome)| !outcome.is_complete());
    found.map_or(String::new(), |(call, outcome)| format!(": {} {outcome}", call.name()))
}

/// The call that a claim was read from; `None` where it was none.
fn call(claim: &Claim) -> Option<CallKind> {
    let (name, _) = claim.source.split_once(' ')?;
    NEEDS.into_iter().find(|call| call.name() == name)
}

fn needless(view: &RegionView, snapshot: &Snapshot, permission: &Resource) -> bool {
    let Some((group, _)) = permission.id.split_once('/') else { return false };
    let Some(group) = view.security_groups.iter().find(|g| g.group_id == group) else {
        return false;
    };
    let mut rules = super::rules(group).into_iter();
    let line = rules.find(|(rule, _)| rule.id(&group.group_id) == permission.id);
    let Some((_, Some(line))) = line else { return false };
    let reach = Reach::new(snapshot, &reach::Options { assume_bpa_off: false });
    drift::needless(snapshot, &reach, group, &line)
}
