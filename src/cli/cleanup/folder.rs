//! A plan's folder, as commands are told it.

use super::refused::refused;
use crate::cli::CliError;
use crate::dossier::{self, Dossier, DossierError};
use crate::report::escape::visible;
use clap::Args;
use std::path::PathBuf;

/// Which plan.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The plan: its folder, or its digest, which is looked for below --plans
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Where the folders of plans are
    #[arg(long, value_name = "DIR", default_value = "cleanup")]
    pub plans: PathBuf,
}

impl PlanArgs {
    /// Reads the folder, once.
    pub(in crate::cli) fn read(&self) -> Result<Dossier, CliError> {
        dossier::place(&self.plan, &self.plans)
            .and_then(|path| dossier::read(&path))
            .map_err(|e| unusable(&e))
    }
}

/// A folder that cannot be used: refused where it is unsafe, else an error.
pub(in crate::cli) fn unusable(error: &DossierError) -> CliError {
    let cannot = "use the plan's folder";
    match error.refusal() {
        Some(why) => refused(cannot, &why),
        None => CliError::new(cannot).because(visible(&error.to_string())),
    }
}
