//! The cap of a day, as planning and applying count it.

use super::agreed::Agreed;
use super::folder::unusable;
use super::place::StateArgs;
use super::refused::refused;
use super::trusted::Trusted;
use crate::apply::DayBook;
use crate::cleanup::approval::spoken_for;
use crate::cleanup::plan::Phase;
use crate::cleanup::{Refusal, Target, day};
use crate::cli::CliError;
use crate::dossier;
use jiff::Timestamp;
use std::path::Path;

/// How much of an account's day other plans below `root` have done or may still do.
pub(super) fn today(
    root: &Path,
    target: &Target,
    phase: Phase,
    trusted: &Trusted,
    now: Timestamp,
) -> Result<u32, CliError> {
    let beside = dossier::beside(root, None).map_err(|e| unusable(&e))?;
    spoken_for(&beside, target, phase, &trusted.trust, &trusted.revoked, now)
        .map_err(|e| refused("count what was done of the day", &e))
}

/// What an apply takes its acts out of.
pub(super) fn book(
    state: &StateArgs,
    agreed: &Agreed,
) -> Result<Result<DayBook, Refusal>, CliError> {
    let plan = agreed.approved.plan();
    let root = agreed.folder.parent().unwrap_or(Path::new(""));
    let beside = dossier::beside(root, None).map_err(|e| unusable(&e))?;
    let known = match day::acts(&beside, &plan.target, Timestamp::now()) {
        Ok(known) => known,
        Err(why) => return Ok(Err(why)),
    };
    let register = state.day(&plan.target)?;
    Ok(Ok(DayBook { register, most: plan.limits.max_items_per_day, known }))
}
