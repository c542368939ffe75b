//! What a run learns of a target, kept for the next one.

use crate::cleanup::{Digest, Memory, Target};
use crate::cli::{CliError, whole};
use crate::dossier;
use crate::report::escape::visible;
use std::path::Path;

/// The name of what a run learns of a target: one file for each.
pub(super) fn memory_name(target: &Target) -> String {
    let text = format!("{target:?}");
    format!("seen-{}.json", &Digest::of(text.as_bytes()).hex()[..16])
}

pub(super) fn memory(place: &Path, target: &Target) -> Result<Option<Memory>, CliError> {
    if !place.exists() {
        return Ok(None);
    }
    let cannot = || {
        CliError::new(format!("read what the last run learned, {}", place.display()))
            .hint("move the file away to begin in shadow: that run plans nothing and learns anew")
    };
    let bytes = dossier::read_file(place).map_err(|e| cannot().because(e))?;
    Memory::read(&bytes, target).map(Some).map_err(|e| cannot().because(visible(&e.to_string())))
}

pub(super) fn remember(place: &Path, memory: &Memory) -> Result<(), CliError> {
    let written = whole::place(place).and_then(whole::WholeFile::create).and_then(|file| {
        let _writing = crate::cli::interrupt::writing();
        file.write(|out| out.write_all(&memory.bytes()))
    });
    written.map_err(|e| CliError::new(format!("write {}", place.display())).because(e))
}
