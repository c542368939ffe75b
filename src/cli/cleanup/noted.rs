//! Decommission notes on the disk.

use super::folder::unusable;
use super::refused::refused;
use super::trusted::Trusted;
use crate::cleanup::approval::note;
use crate::cleanup::plan::Author;
use crate::cleanup::{Noted, Reason, Refusal, SignedNote};
use crate::cli::CliError;
use crate::dossier;
use crate::report::escape::visible;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Reads notes with their signatures, and judges each against the list of trust.
pub(super) fn read(
    paths: &[PathBuf],
    author: &Author,
    trusted: &Trusted,
    now: Timestamp,
) -> Result<Vec<Noted>, CliError> {
    let one = |path: &PathBuf| {
        let signed = signed(path)?;
        note(&signed, author, &trusted.trust, &trusted.revoked, now)
            .map_err(|e| refused(cannot(path), &e))
    };
    paths.iter().map(one).collect()
}

/// "cannot …" of a note.
pub(super) fn cannot(path: &Path) -> String {
    format!("plan by the note {}", visible(&path.display().to_string()))
}

fn signed(path: &Path) -> Result<SignedNote, CliError> {
    let text = |path: &Path| {
        let bytes = dossier::read_file(path).map_err(|e| unusable(&e))?;
        String::from_utf8(bytes).map_err(|_| {
            let why = Refusal::new(Reason::NonStrictJson, "it is no text");
            refused(cannot(path), &why)
        })
    };
    let statement = text(path)?;
    let sig = beside(path);
    if !sig.exists() {
        let says = format!("there is no signature {}", sig.display());
        return Err(refused(cannot(path), &Refusal::new(Reason::SignatureInvalid, says)));
    }
    let signature = text(&sig)?.lines().map(str::to_owned).collect();
    Ok(SignedNote { statement, signature })
}

/// Where a file's signature is.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}
