use super::judged::{Context, Judged};
use super::simple::{self, Found};
use crate::drift::{Direction, Drifted, Odd, OddWhy};
use crate::finding::{Evidence, Mend, Side, revoke_peer};
use crate::rule::Case;

/// Judges live permissions that match nothing.
#[must_use]
pub fn judge(drifted: &Drifted, context: &Context<'_>) -> Judged {
    let mut out = Judged::default();
    for odd in &drifted.odd {
        simple::judge(&mut out, found(odd, context), context);
    }
    out
}

fn found(odd: &Odd, context: &Context<'_>) -> Found {
    let (case, detail) = match &odd.why {
        OddWhy::Invalid(why) => (Case::PermissionInvalid, why),
        OddWhy::Stale(why) => (Case::PermissionStale, why),
    };
    let declared = match context.spec.groups.get(&odd.group) {
        Some(group) => Evidence::declared(format!("contents of {}", odd.group), Some(&group.at)),
        None => Evidence::declared(format!("the contents of {} are not declared", odd.group), None),
    };
    let text = format!("{} of {} in {}: {detail}", odd.permission, odd.group, odd.region);
    Found {
        case,
        subject: format!("{} {}", odd.group, odd.permission),
        role: None,
        group: Some(odd.group.clone()),
        fact: None,
        count: 1,
        limit: 0,
        measure: None,
        detail: detail.clone(),
        evidence: vec![declared, Evidence::seen(Side::Configured, text, Some(odd.group.clone()))],
        mends: mends(odd, context),
        diff: None,
        uncertain: false,
    }
}

/// The command that takes out what names a group that is gone. What is invalid by its form nobody can
/// name to the API: that is for its own file.
fn mends(odd: &Odd, context: &Context<'_>) -> Vec<Mend> {
    let Some((direction, peer)) = &odd.peer else { return Vec::new() };
    let ingress = *direction == Direction::Ingress;
    revoke_peer(context.ground, &odd.group, ingress, peer).into_iter().collect()
}
