use super::envelope::{self, Envelope};
use super::{AllowedSigner, AllowedSigners, Certificate, Refusal};
use jiff::Timestamp;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

/// A signature file is some hundred bytes; one of RSA 16384 is still below this.
pub const MAX_SIGNATURE_BYTES: usize = 16 * 1024;

/// Flags of a hardware key's signature: somebody touched it.
const USER_PRESENT: u8 = 1;
/// … and proved to be its owner, by PIN or finger.
const USER_VERIFIED: u8 = 4;
/// Flags and counter at the end of a hardware key's signature.
pub(super) const TRAILER: usize = 5;

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose key it is, by the list; of a certificate, by both.
    pub principals: Vec<String>,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// The list's line.
    pub line: usize,
    /// The key that made it.
    pub maker: Maker,
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
    let read = envelope::read(signature, namespace)?;
    let fingerprint = read.key.fingerprint(HashAlg::Sha256).to_string();
    let certificate = read.certificate.as_ref();
    // A certificate stands or falls with its authority: its key's own line is none of it.
    let named = certificate.map_or(&read.key, |c| &c.authority);
    let mut refusal = Refusal::Unknown {
        fingerprint: certificate.map_or_else(|| fingerprint.clone(), |c| c.fingerprint.clone()),
    };
    let lines = allowed.lines.iter().filter(|s| s.authority == certificate.is_some());
    for signer in lines.filter(|s| s.key == *named) {
        match permits(signer, namespace, certificate, principal, at) {
            Err(why) => refusal = why,
            Ok(principals) => {
                let maker = made(message, read, namespace)?;
                return Ok(Signed { principals, fingerprint, line: signer.line, maker });
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
    /// The certificate that came in the key's place: it alone says whose the key is then, and when.
    pub certificate: Option<Certificate>,
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
    made(message, envelope::read(signature, namespace)?, namespace)
}

fn made(message: &[u8], read: Envelope, namespace: &str) -> Result<Maker, Refusal> {
    let hardware = verify(message, &read, namespace)?;
    let Envelope { key, certificate, .. } = read;
    if certificate.as_ref().is_some_and(|c| c.pin) && hardware != Some(OwnerVerified::Yes) {
        return Err(Refusal::Certificate("its key was to ask for its PIN, and did not".into()));
    }
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    Ok(Maker { key, fingerprint, hardware, certificate })
}

/// Whose a signature is by one line of the list.
fn permits(
    signer: &AllowedSigner,
    namespace: &str,
    certificate: Option<&Certificate>,
    principal: Option<&str>,
    at: Timestamp,
) -> Result<Vec<String>, Refusal> {
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
    let mut principals = signer.principals.clone();
    if let Some(certificate) = certificate {
        certificate.valid_at(at).map_err(|why| Refusal::Certificate(why.to_string()))?;
        principals.retain(|p| certificate.principals.contains(p));
        if principals.is_empty() {
            return Err(Refusal::Certificate(format!(
                "it is of {}, whom line {line} does not name",
                certificate.principals.join(", ")
            )));
        }
    }
    match principal {
        Some(want) if !principals.iter().any(|p| p == want) => {
            Err(Refusal::Principal { got: principals, want: want.into() })
        }
        _ => Ok(principals),
    }
}

fn verify(
    message: &[u8],
    read: &Envelope,
    namespace: &str,
) -> Result<Option<OwnerVerified>, Refusal> {
    let key = &read.key;
    let algorithm = || Refusal::Algorithm(key.algorithm().to_string());
    let hardware = match key {
        KeyData::Ed25519(_) => false,
        KeyData::Ecdsa(key) if key.curve() == ssh_key::EcdsaCurve::NistP256 => false,
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => true,
        _ => return Err(algorithm()),
    };
    PublicKey::from(key.clone())
        .verify(namespace, message, &read.plain)
        .map_err(|_| Refusal::Mismatch)?;
    if !hardware {
        return Ok(None);
    }
    // The signature covers these bytes; neither stock ssh-keygen nor the library reads them.
    let bytes = read.plain.signature_bytes();
    let flags = bytes.len().checked_sub(TRAILER).and_then(|at| bytes.get(at));
    match flags {
        Some(flags) if flags & USER_PRESENT == 0 => Err(Refusal::NoTouch),
        Some(flags) if flags & USER_VERIFIED == 0 => Ok(Some(OwnerVerified::No)),
        Some(_) => Ok(Some(OwnerVerified::Yes)),
        None => Err(Refusal::NoTouch),
    }
}
