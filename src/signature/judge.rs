use super::{AllowedSigner, AllowedSigners, Refusal};
use jiff::Timestamp;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PublicKey, SshSig};

/// A signature file is some hundred bytes; one of RSA 16384 is still below this.
pub const MAX_SIGNATURE_BYTES: usize = 16 * 1024;

/// Flags of a hardware key's signature: somebody touched it.
const USER_PRESENT: u8 = 1;
/// … and proved to be its owner, by PIN or finger.
const USER_VERIFIED: u8 = 4;
/// Flags and counter at the end of a hardware key's signature.
const TRAILER: usize = 5;

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose key it is, by the list.
    pub principals: Vec<String>,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The list's line.
    pub line: usize,
}

/// Judges a detached signature (`-----BEGIN SSH SIGNATURE-----`) of a message at an instant.
///
/// `principal` narrows it to one name of the list. The instant is the caller's now, never one that
/// the message states: an expired key must not make itself valid again.
///
/// # Errors
/// Why it does not count.
pub fn judge(
    message: &[u8],
    signature: &str,
    namespace: &str,
    allowed: &AllowedSigners,
    principal: Option<&str>,
    at: Timestamp,
) -> Result<Signed, Refusal> {
    let read = read(signature, namespace)?;
    let fingerprint = read.public_key().fingerprint(HashAlg::Sha256).to_string();
    let mut refusal = Refusal::Unknown { fingerprint: fingerprint.clone() };
    for signer in allowed.lines.iter().filter(|s| s.key == *read.public_key()) {
        match permits(signer, namespace, principal, at) {
            Err(why) => refusal = why,
            Ok(()) => {
                verify(message, &read, namespace)?;
                let principals = signer.principals.clone();
                return Ok(Signed { principals, fingerprint, line: signer.line });
            }
        }
    }
    Err(refusal)
}

/// Whether a signature is whole, of our kind and of this message, whoever made it.
///
/// # Errors
/// What is wrong with it.
pub fn check(message: &[u8], signature: &str, namespace: &str) -> Result<(), Refusal> {
    maker(message, signature, namespace).map(|_| ())
}

/// Whose key made a signature, for those who know keys themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maker {
    /// The raw key: comments, files and names are no part of it.
    pub key: KeyData,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Whether a hardware key made it, touched; and then, whether its owner gave PIN or finger.
    pub hardware: Option<OwnerVerified>,
}

/// Whether a hardware key asked who its owner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerVerified {
    Yes,
    No,
}

/// Reads whose key made a signature of exactly this message in exactly this namespace. Whether that
/// key counts is not asked.
///
/// # Errors
/// What is wrong with the signature.
pub fn maker(message: &[u8], signature: &str, namespace: &str) -> Result<Maker, Refusal> {
    let read = read(signature, namespace)?;
    let hardware = verify(message, &read, namespace)?;
    let fingerprint = read.public_key().fingerprint(HashAlg::Sha256).to_string();
    Ok(Maker { key: read.public_key().clone(), fingerprint, hardware })
}

fn permits(
    signer: &AllowedSigner,
    namespace: &str,
    principal: Option<&str>,
    at: Timestamp,
) -> Result<(), Refusal> {
    let line = signer.line;
    if !signer.namespaces.as_ref().is_some_and(|list| list.iter().any(|n| n == namespace)) {
        return Err(Refusal::NotForNamespace { line, want: namespace.into() });
    }
    if let Some(from) = signer.valid_after.filter(|from| at < *from) {
        return Err(Refusal::TooEarly { line, from });
    }
    if let Some(until) = signer.valid_before.filter(|until| at > *until) {
        return Err(Refusal::Expired { line, until });
    }
    match principal {
        Some(want) if !signer.principals.iter().any(|p| p == want) => {
            Err(Refusal::Principal { got: signer.principals.clone(), want: want.into() })
        }
        _ => Ok(()),
    }
}

fn read(signature: &str, namespace: &str) -> Result<SshSig, Refusal> {
    if signature.len() > MAX_SIGNATURE_BYTES {
        return Err(Refusal::Unreadable(format!("it is longer than {MAX_SIGNATURE_BYTES} bytes")));
    }
    let read =
        SshSig::from_pem(signature.trim_end()).map_err(|e| Refusal::Unreadable(e.to_string()))?;
    // The library reads lengths loosely: what it would write again must be what it was given. (It
    // writes P-256 hardware signatures wrongly, so these are left out; what they sign is checked.)
    let again = || read.to_pem(LineEnding::LF).unwrap_or_default();
    if !read.public_key().is_sk_ecdsa_p256() && again().trim_end() != signature.trim_end() {
        return Err(Refusal::Unreadable("it is not written as OpenSSH writes it".into()));
    }
    if read.version() != SshSig::VERSION || !read.reserved().is_empty() {
        return Err(Refusal::Unreadable(format!("it is of version {}", read.version())));
    }
    if read.namespace() != namespace {
        let got = read.namespace().to_owned();
        return Err(Refusal::Namespace { got, want: namespace.into() });
    }
    Ok(read)
}

fn verify(
    message: &[u8],
    read: &SshSig,
    namespace: &str,
) -> Result<Option<OwnerVerified>, Refusal> {
    let key = read.public_key();
    let algorithm = || Refusal::Algorithm(key.algorithm().to_string());
    let hardware = match key {
        KeyData::Ed25519(_) => false,
        KeyData::Ecdsa(key) if key.curve() == ssh_key::EcdsaCurve::NistP256 => false,
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => true,
        _ => return Err(algorithm()),
    };
    if read.algorithm() != key.algorithm() {
        return Err(algorithm());
    }
    PublicKey::from(key.clone()).verify(namespace, message, read).map_err(|_| Refusal::Mismatch)?;
    if !hardware {
        return Ok(None);
    }
    // The signature covers these bytes; neither stock ssh-keygen nor the library reads them.
    let bytes = read.signature_bytes();
    let flags = bytes.len().checked_sub(TRAILER).and_then(|at| bytes.get(at));
    match flags {
        Some(flags) if flags & USER_PRESENT == 0 => Err(Refusal::NoTouch),
        Some(flags) if flags & USER_VERIFIED == 0 => Ok(Some(OwnerVerified::No)),
        Some(_) => Ok(Some(OwnerVerified::Yes)),
        None => Err(Refusal::NoTouch),
    }
}
