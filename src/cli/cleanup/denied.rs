//! Denials that were met, as commands remember them: on this machine and beside the claims.

use super::agreed::{JOURNAL, chain};
use super::apply::{LEASE, by};
use super::nonce::nonce;
use super::place::StateArgs;
use super::refused::refused;
use super::trusted::Trusted;
use crate::apply::{
    DeniedSetup, JournalFile, Register, SystemClock, claim_unknown, denial_told, write_denied,
};
use crate::cleanup::approval::said_no;
use crate::cleanup::denied::Denied;
use crate::cleanup::plan::{self, Plan};
use crate::cleanup::{Digest, Refusal};
use crate::cli::CliError;
use crate::dossier::Dossier;
use std::path::Path;

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

/// Writes a no that is remembered into the journal of its plan, which no other run may be writing: what fails
/// leaves the refusal as it is.
pub(super) fn write(state: &StateArgs, folder: &Path, plan: &Plan, digest: &Digest) {
    let Some(no) = remembered(state, digest) else { return };
    let known = chain(folder, plan, digest);
    if !matches!(&known, Ok(chain) if chain.as_ref().is_none_or(|c| !denial_told(c, &no))) {
        return;
    }
    let written = || -> Result<(), CliError> {
        let mut register = state.claims(digest, folder)?;
        let mut journal = JournalFile::open(&folder.join(JOURNAL))
            .map_err(|e| CliError::new("write down who denied it").because(e))?;
        let setup = DeniedSetup {
            plan,
            no: &no,
            journal: &mut journal,
            register: register.as_mut(),
            clock: &SystemClock,
            nonce: nonce()?,
            by: by(),
            lease: LEASE,
        };
        write_denied(setup).map_err(|e| refused("write down who denied it", &e))
    };
    let _ = written();
}

fn remembered(state: &StateArgs, digest: &Digest) -> Option<Denied> {
    let places = [state.denied_here(digest), state.denied(digest)];
    let read = |mut register: Box<dyn Register>| Denied::read(&register.read().ok()??.bytes).ok();
    places.into_iter().flatten().find_map(read)
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
