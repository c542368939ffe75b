use super::SignError;
use ssh_key::PrivateKey;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// An OpenSSH key file of RSA 16384 is 13 kB.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// What a key's file holds.
pub(super) enum Held {
    /// A private key in the clear.
    Plain(Box<PrivateKey>),
    /// Something that only OpenSSH can sign with: an encrypted key, a hardware key's handle, a public
    /// key whose other half an agent holds.
    Elsewhere,
}

/// Reads a key's file. A private key that others may read is refused, as ssh refuses it.
pub(super) fn read(path: &Path) -> Result<Held, SignError> {
    let cannot = |why| SignError::Read { key: path.into(), why };
    let file = File::open(path).map_err(cannot)?;
    let meta = file.metadata().map_err(cannot)?;
    if !meta.is_file() {
        return Err(SignError::Key { key: path.into(), why: "it is no file".into() });
    }
    let mut text = String::new();
    file.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(cannot)?;
    if !text.contains("PRIVATE KEY-----") {
        return match ssh_key::PublicKey::from_openssh(text.trim()) {
            Ok(_) => Ok(Held::Elsewhere),
            // A certificate, whose key is beside it or an agent's.
            Err(_) if text.split_whitespace().next().is_some_and(|w| w.contains("-cert-v01@")) => {
                Ok(Held::Elsewhere)
            }
            Err(_) => Err(SignError::Key { key: path.into(), why: "it is no SSH key".into() }),
        };
    }
    // ssh's own rule: whose file it is not is judged by whoever owns it.
    if meta.uid() == own_uid() && meta.mode() & 0o077 != 0 {
        return Err(SignError::Open { key: path.into(), mode: meta.mode() & 0o7777 });
    }
    if !text.contains("OPENSSH PRIVATE KEY") {
        // PEM of old: OpenSSH reads it.
        return Ok(Held::Elsewhere);
    }
    match PrivateKey::from_openssh(text.as_bytes()) {
        Ok(key) if key.is_encrypted() => Ok(Held::Elsewhere),
        Ok(key) => Ok(match key.algorithm() {
            ssh_key::Algorithm::Ed25519
            | ssh_key::Algorithm::Ecdsa { curve: ssh_key::EcdsaCurve::NistP256 } => {
                Held::Plain(Box::new(key))
            }
            _ => Held::Elsewhere,
        }),
        Err(e) => {
            Err(SignError::Key { key: path.into(), why: format!("it is no whole SSH key: {e}") })
        }
    }
}

fn own_uid() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getuid() }
}
