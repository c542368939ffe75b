use super::SignError;
use ssh_key::{Algorithm, PrivateKey, PublicKey};
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
    /// Something that only OpenSSH can sign with.
    Elsewhere(Needs),
}

/// What OpenSSH needs to sign with it.
#[derive(Debug)]
pub(super) enum Needs {
    /// An agent that holds it, or its passphrase.
    Passphrase(Box<PublicKey>),
    /// An agent that holds its other half, or that half beside it.
    OtherHalf(Box<PublicKey>),
    /// Nothing that could be asked for before it signs: a touch, a certificate's key.
    Itself,
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
        let kind = text.split_whitespace().next().unwrap_or_default();
        if ["ssh-rsa", "rsa-sha2", "ssh-dss"].iter().any(|old| kind.starts_with(old)) {
            return Err(counts_nowhere(path));
        }
        return match PublicKey::from_openssh(text.trim()) {
            Ok(public) => Ok(Held::Elsewhere(Needs::OtherHalf(Box::new(public)))),
            // A certificate, whose key is beside it or an agent's.
            Err(_) if kind.contains("-cert-v01@") => Ok(Held::Elsewhere(Needs::Itself)),
            Err(_) => Err(SignError::Key { key: path.into(), why: "it is no SSH key".into() }),
        };
    }
    // ssh's own rule: whose file it is not is judged by whoever owns it.
    if meta.uid() == own_uid() && meta.mode() & 0o077 != 0 {
        return Err(SignError::Open { key: path.into(), mode: meta.mode() & 0o7777 });
    }
    if !text.contains("OPENSSH PRIVATE KEY") {
        if ["BEGIN RSA", "BEGIN DSA"].iter().any(|old| text.contains(old)) {
            return Err(counts_nowhere(path));
        }
        // PEM of old: OpenSSH reads it.
        return Ok(Held::Elsewhere(Needs::Itself));
    }
    match PrivateKey::from_openssh(text.as_bytes()) {
        Ok(key) => Ok(match key.algorithm() {
            Algorithm::Rsa { .. } | Algorithm::Dsa => return Err(counts_nowhere(path)),
            _ if key.is_encrypted() => {
                Held::Elsewhere(Needs::Passphrase(Box::new(key.public_key().clone())))
            }
            Algorithm::Ed25519 | Algorithm::Ecdsa { curve: ssh_key::EcdsaCurve::NistP256 } => {
                Held::Plain(Box::new(key))
            }
            _ => Held::Elsewhere(Needs::Itself),
        }),
        Err(e) => {
            Err(SignError::Key { key: path.into(), why: format!("it is no whole SSH key: {e}") })
        }
    }
}

fn counts_nowhere(path: &Path) -> SignError {
    let why = "nobody counts signatures of RSA and DSA keys: `ssh-keygen -t ed25519` makes one that counts";
    SignError::Key { key: path.into(), why: why.into() }
}

fn own_uid() -> u32 {
    // SAFETY: it takes nothing and cannot fail.
    unsafe { libc::getuid() }
}
