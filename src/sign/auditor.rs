use super::SignError;
use super::key::{self, Held};
use crate::pathproof::Auditor;
use std::path::Path;

/// Reads the auditor's key: an unencrypted Ed25519 file that nobody else may read. One audit signs
/// thousands of requests with it, which no agent and no touch would bear.
///
/// # Errors
/// Files that cannot be read, that others may read, and keys of another kind.
pub fn auditor(path: &Path) -> Result<Auditor, SignError> {
    let wrong = |why: String| SignError::Key { key: path.into(), why };
    match key::read(path)? {
        Held::Plain(private) => Auditor::new(*private).map_err(|e| wrong(e.to_string())),
        Held::Elsewhere(_) => Err(wrong(
            "an auditor's key is a private ssh-ed25519 file without a passphrase: \
             `ssh-keygen -t ed25519 -N '' -f FILE` makes one"
                .into(),
        )),
    }
}
