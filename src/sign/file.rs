use super::key::{self, Held};
use super::{SignError, keygen};
use crate::signature;
use ssh_key::{HashAlg, LineEnding};
use std::path::Path;

/// Reads a key as signing would, so that a wrong one is told before the work whose answer it signs.
///
/// # Errors
/// Keys that cannot be read, are open to others or are none. Whether an agent or a hardware key really
/// signs shows when it does.
pub fn readable(key: &Path) -> Result<(), SignError> {
    key::read(key).map(drop)
}

/// Signs bytes in a namespace and returns the detached signature, as `ssh-keygen -Y sign` writes it.
///
/// `key` is a private key's file, or a public key's where an agent holds the other half. A passphrase
/// is asked for by `ssh-keygen` on the terminal, a touch by the hardware key.
///
/// # Errors
/// Keys that cannot be read, are open to others or of a kind that nobody would accept; what
/// `ssh-keygen` says; a signature that does not hold when read back.
pub fn sign_file(key: &Path, namespace: &str, bytes: &[u8]) -> Result<String, SignError> {
    let made = match key::read(key)? {
        Held::Plain(private) => {
            let cannot = |e: ssh_key::Error| SignError::Key { key: key.into(), why: e.to_string() };
            let signed = private.sign(namespace, HashAlg::Sha512, bytes).map_err(cannot)?;
            signed.to_pem(LineEnding::LF).map_err(cannot)?
        }
        Held::Elsewhere => keygen::sign(key, namespace, bytes)?,
    };
    // What is handed out is what a judge would take.
    signature::check(bytes, &made, namespace)
        .map_err(|why| SignError::Made { key: key.into(), why })?;
    Ok(made)
}
