use super::{Ask, Paper, judge};
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::{Digest, Reason, Refusal};

/// Whether a newer plan of the same scope was sealed: what it saw is newer than what this one saw.
///
/// A folder beside this one counts where its plan is whole and sealed by an author of the list of
/// trust; others could be put there by anybody, to hold a plan or to distract.
pub(super) fn superseded(
    plan: &Plan,
    digest: &Digest,
    siblings: &[Paper],
    ask: &Ask<'_>,
) -> Result<(), Refusal> {
    for sibling in siblings {
        let Ok(other) = plan::read(&sibling.bytes) else { continue };
        let newer = other.created_at > plan.created_at
            && other.phase == plan.phase
            && other.target.provider == plan.target.provider
            && other.target.partition == plan.target.partition
            && other.target.account == plan.target.account
            && other.target.scope == plan.target.scope;
        let own = Digest::of(&sibling.bytes);
        if !newer || own == *digest {
            continue;
        }
        if judge::author(&other, &sibling.bytes, sibling.signature.as_deref(), ask).is_ok() {
            return Err(Refusal::new(
                Reason::Superseded,
                format!(
                    "a plan for {} was sealed later, at {}: {own}",
                    plan.target.scope, other.created_at
                ),
            ));
        }
    }
    Ok(())
}
