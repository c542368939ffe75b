//! Opt-outs on the disk, and a world in which they protect.

use super::refused::refused;
use crate::cleanup::opt_out::{OptOuts, unreadable};
use crate::cleanup::plan::Plan;
use crate::cleanup::{
    ActRequest, Acted, Health, Hello, ItemRef, Listing, Observed, Reason, Refusal, World,
    WorldError,
};
use crate::cli::CliError;
use crate::dossier;
use crate::report::escape::visible;
use clap::Args;
use std::collections::BTreeMap;
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

/// A world in which what somebody wants to stay is protected, as of this very look.
pub(super) struct Opted {
    pub(super) inner: Box<dyn World>,
    pub(super) path: PathBuf,
}

impl Opted {
    fn opt_outs(&self, verb: &str) -> Result<OptOuts, WorldError> {
        read(&self.path).map_err(|e| WorldError { verb: verb.into(), why: e.says })
    }
}

impl World for Opted {
    fn hello(&mut self) -> Result<Hello, WorldError> {
        self.inner.hello()
    }

    fn list(
        &mut self,
        scope: &str,
        selector: &BTreeMap<String, String>,
    ) -> Result<Listing, WorldError> {
        let mut listing = self.inner.list(scope, selector)?;
        let keep = self.opt_outs("list")?;
        listing.resources.iter_mut().for_each(|r| keep.protect(r));
        Ok(listing)
    }

    fn observe(&mut self, item: &ItemRef) -> Result<Observed, WorldError> {
        let mut seen = self.inner.observe(item)?;
        // After the look, which may take its time: an objection until now counts.
        let keep = self.opt_outs("observe")?;
        if let Observed::Yes { resource } = &mut seen {
            keep.protect(resource);
        }
        Ok(seen)
    }

    fn act(&mut self, request: &ActRequest) -> Result<Acted, WorldError> {
        self.inner.act(request)
    }

    fn undo(
        &mut self,
        request: &ActRequest,
        handed: &BTreeMap<String, String>,
    ) -> Result<Acted, WorldError> {
        self.inner.undo(request, handed)
    }

    fn health(&mut self) -> Result<Health, WorldError> {
        self.inner.health()
    }
}
