//! Denials that were met, as commands remember them: on this machine and beside the claims.

use super::place::StateArgs;
use super::trusted::Trusted;
use crate::apply::{Register, claim_unknown};
use crate::cleanup::approval::said_no;
use crate::cleanup::denied::Denied;
use crate::cleanup::plan;
use crate::cleanup::{Digest, Refusal};
use crate::cli::CliError;
use crate::dossier::Dossier;

/// Keeps a no that lies in a plan's folder.
///
/// The plan is refused here whatever becomes of this: what fails is only not known elsewhere.
pub(super) fn note(state: &StateArgs, found: &Dossier, trusted: &Trusted) {
    let ask = trusted.ask(&found.digest);
    let Ok(plan) = plan::read_as(&found.papers.plan, &found.digest) else { return };
    let Some(no) = said_no(&found.papers, &ask) else { return };
    if state.are(&plan.pins.places).is_err() {
        return;
    }
    let places = [state.denied_here(&found.digest), state.denied(&found.digest)];
    for mut register in places.into_iter().flatten() {
        keep(register.as_mut(), &no);
    }
}

fn keep(register: &mut dyn Register, no: &Denied) {
    // The first no is as good as any later one.
    if let Ok(None) = register.read() {
        let _ = register.swap(None, &no.bytes());
    }
}

/// Whether nobody said no to a plan that this machine or the place of claims knows of.
///
/// # Errors
/// The outer one: a place that cannot be opened. The inner one: `Reason::DeniedBy`, and
/// `Reason::DenialsUnreadable` or `Reason::Claimed` where nobody can say.
pub(super) fn none(state: &StateArgs, digest: &Digest) -> Result<Result<(), Refusal>, CliError> {
    for mut register in [state.denied_here(digest)?, state.denied(digest)?] {
        let held = match register.read() {
            Ok(None) => continue,
            Ok(Some(held)) => Denied::read(&held.bytes),
            // A place that does not answer gives no claim either.
            Err(why) => Err(claim_unknown(&why.to_string())),
        };
        return Ok(Err(held.map_or_else(|why| why, |no| no.refusal())));
    }
    Ok(Ok(()))
}
