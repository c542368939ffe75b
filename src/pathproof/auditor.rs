use super::request::{self, SIGNED};
use super::{NAMESPACE, REQUEST};
use crate::model::Endpoint;
use jiff::Timestamp;
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::fmt;
use std::sync::Arc;

/// The key of whoever asks, in the clear: one audit signs thousands of requests.
#[derive(Clone)]
pub struct Auditor {
    key: Arc<PrivateKey>,
    id: [u8; 8],
}

/// A key of another kind. Fits after "cannot ask with it: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotEd25519(pub String);

impl Auditor {
    /// Takes an unencrypted Ed25519 key.
    ///
    /// # Errors
    /// Keys of another kind.
    pub fn new(key: PrivateKey) -> Result<Self, NotEd25519> {
        let public = key.public_key().key_data().ed25519().map(|p| p.0);
        match public {
            Some(public) if !key.is_encrypted() => {
                Ok(Self { id: request::id(&public), key: Arc::new(key) })
            }
            _ => Err(NotEd25519(key.algorithm().to_string())),
        }
    }

    /// Its public key's fingerprint, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// An SSH signature of other bytes than a request, in another namespace than [`NAMESPACE`]; `None`
    /// in this one, or where the key cannot.
    #[must_use]
    pub fn sign(&self, namespace: &str, bytes: &[u8]) -> Option<String> {
        if namespace == NAMESPACE {
            return None;
        }
        let signed = self.key.sign(namespace, HashAlg::Sha512, bytes).ok()?;
        signed.to_pem(LineEnding::LF).ok()
    }

    /// The request to one endpoint. Each request needs a nonce of its own: a listener answers one
    /// nonce once, so a retry is a new request.
    ///
    /// `None` for protocols without ports.
    #[must_use]
    pub fn ask(&self, to: Endpoint, nonce: [u8; 16], at: Timestamp) -> Option<Vec<u8>> {
        let mut bytes = request::unsigned(to, nonce, at, self.id)?;
        let signed = self.key.sign(NAMESPACE, HashAlg::Sha512, &bytes).ok()?;
        bytes.extend_from_slice(signed.signature_bytes());
        const { assert!(SIGNED < REQUEST) };
        (bytes.len() == REQUEST).then_some(bytes)
    }
}

/// The public half only.
impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Auditor").field(&self.fingerprint()).finish()
    }
}

impl PartialEq for Auditor {
    fn eq(&self, other: &Self) -> bool {
        self.key.public_key() == other.key.public_key()
    }
}

impl fmt::Display for NotEd25519 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "it is a key of type {}, an auditor's is ssh-ed25519 without a passphrase",
            self.0
        )
    }
}

impl std::error::Error for NotEd25519 {}
