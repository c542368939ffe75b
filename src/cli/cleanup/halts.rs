//! Halts that this machine remembers, so that nobody can make one unseen by putting the switch back.

use crate::cleanup::Digest;
use crate::cli::CliError;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

const NAME: &str = "halts";

/// Every halt that was given here.
pub(in crate::cli) fn remembered(state: &Path) -> Result<BTreeSet<Digest>, CliError> {
    let path = state.join(NAME);
    let cannot = || CliError::new(format!("read {}", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().map(|l| l.parse().map_err(|e| cannot().because(e))).collect(),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(e) => Err(cannot().because(e)),
    }
}

/// Remembers one more.
pub(in crate::cli) fn remember(state: &Path, halt: &Digest) -> Result<(), CliError> {
    let path = state.join(NAME);
    let write = || {
        std::fs::create_dir_all(state)?;
        let mut file = File::options().create(true).append(true).open(&path)?;
        file.write_all(format!("{halt}\n").as_bytes())?;
        file.sync_all()
    };
    write()
        .map_err(|e: std::io::Error| CliError::new(format!("write {}", path.display())).because(e))
}
