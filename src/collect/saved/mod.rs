//! Reads saved `aws ... describe-*` output into a snapshot: files in any folders, recognised by
//! their top-level key, so that air-gapped users and other tools' collections come in.

mod bare;
mod called;
mod document;
mod error;
mod files;
mod finish;
mod flaw;
mod fold;
mod place;
mod rows;
mod unit;

pub use error::SavedError;

use crate::snapshot::Snapshot;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What a folder of saved output held.
#[derive(Debug)]
pub struct Saved {
    pub snapshot: Snapshot,
    /// How many files there were.
    pub files: usize,
    /// Files that hold no call we read, with why; sorted.
    pub ignored: Vec<(PathBuf, String)>,
    /// The file that told when the answers were taken, where nobody said it.
    pub oldest: Option<PathBuf>,
}

/// Reads a folder of saved output. A call whose file is absent was never made, so whatever needs
/// it is unknown; one whose file is empty failed; one malformed row makes its call truncated and leaves the other rows.
///
/// # Errors
/// The folder cannot be read, holds nothing we know, or a file that claims to be JSON is not.
pub fn read(dir: &Path, taken_at: Timestamp) -> Result<Snapshot, SavedError> {
    read_all(dir, Some(taken_at)).map(|s| s.snapshot)
}

/// As [`read`], and tells which files were not used. Without `taken_at` the answers are as old as the
/// oldest file that was used: a whole is no newer than any of its parts.
///
/// # Errors
/// As [`read`].
pub fn read_all(dir: &Path, taken_at: Option<Timestamp>) -> Result<Saved, SavedError> {
    let mut units = unit::Units::default();
    let mut ignored = Vec::new();
    let mut oldest: Option<(Timestamp, PathBuf)> = None;
    let files = files::list(dir)?;
    let count = files.len();
    for file in files {
        let read = document::read(&file)?;
        let used = fold::file(&file, read, &mut units);
        if let Err(why) = used {
            ignored.push((file.path, why));
        } else if oldest.as_ref().is_none_or(|(at, _)| file.modified < *at) {
            oldest = Some((file.modified, file.path));
        }
    }
    if ignored.len() == count {
        let (dir, files) = (dir.into(), ignored.len());
        return Err(SavedError::Nothing { dir, files, first: ignored.into_iter().next() });
    }
    let (at, oldest) = match (taken_at, oldest) {
        (Some(at), _) => (at, None),
        (None, Some((at, path))) => (at, Some(path)),
        (None, None) => (Timestamp::UNIX_EPOCH, None),
    };
    let (snapshot, strays) = finish::snapshot(units, at);
    let below = |name: &str| if dir.is_dir() { dir.join(name) } else { dir.into() };
    ignored.extend(strays.into_iter().map(|(name, why)| (below(&name), why)));
    ignored.sort();
    ignored.dedup();
    Ok(Saved { snapshot, files: count, ignored, oldest })
}

#[cfg(test)]
mod tests;
