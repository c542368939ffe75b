use super::{Ask, Paper, judge};
use crate::cleanup::newest::Sealed;
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::{Digest, Reason, Refusal};

/// The plans of the same scope that were sealed after this one: what they saw is newer than what this
/// one saw.
///
/// A folder beside this one counts where its plan is whole and sealed by an author of the list of
/// trust; others could be put there by anybody, to hold a plan or to distract.
pub fn newer<'a>(
    plan: &'a Plan,
    siblings: &'a [Paper],
    ask: &'a Ask<'_>,
) -> impl Iterator<Item = Sealed> + 'a {
    siblings.iter().filter_map(|sibling| {
        let other = plan::read(&sibling.bytes).ok()?;
        let newer = other.created_at > plan.created_at
            && other.phase == plan.phase
            && other.target.provider == plan.target.provider
            && other.target.partition == plan.target.partition
            && other.target.account == plan.target.account
            && other.target.scope == plan.target.scope;
        let by_author = newer
            && judge::author(&other, &sibling.bytes, sibling.signature.as_deref(), ask).is_ok();
        by_author.then(|| Sealed::new(&other, &Digest::of(&sibling.bytes)))
    })
}

/// Whether a newer plan of the same scope was sealed.
pub(super) fn superseded(plan: &Plan, siblings: &[Paper], ask: &Ask<'_>) -> Result<(), Refusal> {
    let newest = newer(plan, siblings, ask).max_by_key(|s| s.at);
    let Some(Sealed { plan: other, at }) = newest else { return Ok(()) };
    let says = format!("a plan for {} was sealed later, at {at}: {other}", plan.target.scope);
    Err(Refusal::new(Reason::Superseded, says))
}
