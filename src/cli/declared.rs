//! What was declared: spec files, and hosts from an inventory beside them.

use super::{CliError, input};
use crate::spec::{self, Source, Spec, hosts};
use clap::Args;
use std::path::PathBuf;

/// Where declarations are.
#[derive(Debug, Clone, Default, Args)]
pub struct DeclaredArgs {
    /// Spec files and folders; `-` is standard input [default: spec.yaml, spec or specs]
    #[arg(value_name = "SPEC")]
    pub specs: Vec<PathBuf>,
    /// More hosts that no cloud tells about: JSON, NDJSON, CSV with a first line of names, or what
    /// `ansible-inventory --list` prints; `-` is standard input (repeatable)
    #[arg(long, value_name = "FILE")]
    pub inventory: Vec<PathBuf>,
}

/// What was declared, and the files that it stands in.
pub(super) struct Declared {
    pub(super) spec: Spec,
    /// Specs and inventories: what a digest of the declaration is made of.
    pub(super) sources: Vec<Source>,
}

impl DeclaredArgs {
    /// Reads all of it.
    ///
    /// # Errors
    /// Files that cannot be read, and everything wrong with them.
    pub(super) fn read(&self) -> Result<Declared, CliError> {
        let mut sources = input::sources(&self.specs)?;
        let mut spec = spec::load(&sources).map_err(input::rendered)?;
        for path in &self.inventory {
            let source = input::source(path)?;
            let found = hosts::read(&source).and_then(|found| hosts::add(&mut spec, found));
            found.map_err(|e| input::rendered(e.of_what("the inventory")))?;
            sources.push(source);
        }
        Ok(Declared { spec, sources })
    }

    /// The paths that tell one series of runs from another.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        if self.inventory.is_empty() {
            return self.specs.clone();
        }
        let default = || input::default_specs().into_iter().collect();
        let mut all = if self.specs.is_empty() { default() } else { self.specs.clone() };
        all.extend(self.inventory.iter().cloned());
        all
    }
}
