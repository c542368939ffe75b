//! The newest plan of a scope, as commands read and write it beside the claims.

use super::place::StateArgs;
use super::trusted::Trusted;
use crate::apply::NewestBook;
use crate::cleanup::approval::newer;
use crate::cleanup::plan::{self, Plan};
use crate::cli::CliError;
use crate::dossier::Dossier;

/// What an apply asks whether its plan is superseded.
pub(super) fn book(state: &StateArgs, plan: &Plan) -> Result<NewestBook, CliError> {
    Ok(NewestBook { register: state.newest(plan)? })
}

/// Keeps what supersedes a plan among the folders beside it, so that the plan is superseded elsewhere too.
///
/// The plan is refused here whatever becomes of this: what fails is only not known elsewhere.
pub(super) fn note(state: &StateArgs, found: &Dossier, trusted: &Trusted) {
    let ask = trusted.ask(&found.digest);
    let Ok(plan) = plan::read_as(&found.papers.plan, &found.digest) else { return };
    // None of a time to come: nothing could supersede it any more.
    let known = newer(&plan, &found.papers.siblings, &ask).filter(|s| s.at <= ask.now);
    let Some(sealed) = known.max_by_key(|s| s.at) else { return };
    if state.are(&plan.pins.places).is_ok()
        && let Ok(mut book) = book(state, &plan)
    {
        let _ = book.stands(&sealed);
    }
}
