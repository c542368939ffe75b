//! Opt-outs on the disk, and a world in which they protect.

use super::marked::Mark;
use super::refused::refused;
use crate::cleanup::opt_out::{OptOuts, unreadable};
use crate::cleanup::plan::Plan;
use crate::cleanup::{Reason, Refusal, Resource};
use crate::cli::CliError;
use crate::dossier;
use crate::report::escape::visible;
use clap::Args;
use std::path::{Path, PathBuf};

/// Where opt-outs are.
#[derive(Debug, Clone, Args)]
pub struct OptOutArgs {
    /// Lines of whoever wants a thing to stay: `{"type": "servo", "id": "sv-81"}`; a file, or a
    /// folder of such files. A plan that was made with it is applied with it
    #[arg(long, value_name = "PATH", env = "PORTCULLIS_OPT_OUTS")]
    pub opt_outs: Option<PathBuf>,
}

impl OptOutArgs {
    /// Reads them; `None` where no place was named.
    pub(super) fn read(&self) -> Result<Option<OptOuts>, CliError> {
        let Some(path) = &self.opt_outs else { return Ok(None) };
        read(path).map(Some).map_err(|e| refused("tell what is to stay", &e))
    }

    /// The place, for an act of a plan that was made with one.
    pub(super) fn of(&self, plan: &Plan) -> Result<Option<&Path>, CliError> {
        let path = self.opt_outs.as_deref();
        if plan.pins.opt_outs && path.is_none() {
            let says = "the plan was made with opt-outs, and they are looked at before each act";
            return Err(refused("act without them", &Refusal::new(Reason::Loosening, says))
                .hint("--opt-outs PATH, the place that the plan was made with"));
        }
        Ok(path)
    }
}

/// Reads a file of opt-outs, or a folder of files. What is named and not there is no empty list.
pub(super) fn read(path: &Path) -> Result<OptOuts, Refusal> {
    let wrong = |e: dossier::DossierError| unreadable(e.to_string());
    let name = |path: &Path| visible(&path.display().to_string()).into_owned();
    let mut found = OptOuts::default();
    if path.is_dir() {
        for (file, bytes) in dossier::read_folder(path).map_err(wrong)? {
            found.read(&name(&path.join(file)), &bytes)?;
        }
    } else {
        found.read(&name(path), &dossier::read_file(path).map_err(wrong)?)?;
    }
    Ok(found)
}

/// What somebody wants to stay, read anew at each look.
pub(super) struct Opted {
    path: PathBuf,
    keep: OptOuts,
}

impl Opted {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), keep: OptOuts::default() }
    }
}

impl Mark for Opted {
    fn refresh(&mut self) -> Result<(), String> {
        self.keep = read(&self.path).map_err(|e| e.says)?;
        Ok(())
    }

    fn mark(&self, thing: &mut Resource) {
        self.keep.protect(thing);
    }
}
