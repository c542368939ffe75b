use super::key::{self, Held, Needs};
use super::{SignError, keygen};
use crate::signature;
use ssh_key::{HashAlg, LineEnding, PublicKey};
use std::path::Path;

/// Makes sure that a key can sign, as far as that shows before it does: so that a wrong one is told before
/// the work whose answer it signs.
///
/// # Errors
/// Keys that cannot be read, are open to others, are none, or are of a kind whose signatures nobody counts;
/// what needs an agent or a passphrase, where there is neither. Whether an agent or a hardware key really
/// signs shows when it does.
pub fn ready(key: &Path) -> Result<(), SignError> {
    match key::read(key)? {
        Held::Elsewhere(needs) => wanting(key, &needs, keygen::agent_holds, keygen::can_ask),
        Held::Plain(_) => Ok(()),
    }
}

/// Refuses what OpenSSH would need and is not there.
pub(super) fn wanting(
    key: &Path,
    needs: &Needs,
    agent_holds: impl Fn(&PublicKey) -> bool,
    can_ask: impl Fn() -> bool,
) -> Result<(), SignError> {
    let why = match needs {
        Needs::Passphrase(public) if !can_ask() && !agent_holds(public) => {
            "it has a passphrase, no agent holds it, and there is no terminal to ask at"
        }
        Needs::OtherHalf(public) if !key.with_extension("").is_file() && !agent_holds(public) => {
            "it is a public key, and neither an agent nor the file beside it has the other half"
        }
        _ => return Ok(()),
    };
    Err(SignError::Key { key: key.into(), why: why.into() })
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
        Held::Elsewhere(_) => keygen::sign(key, namespace, bytes)?,
    };
    // What is handed out is what a judge would take.
    signature::check(bytes, &made, namespace)
        .map_err(|why| SignError::Made { key: key.into(), why })?;
    Ok(made)
}
