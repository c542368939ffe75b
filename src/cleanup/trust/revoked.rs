use crate::cleanup::{Reason, Refusal};
use crate::signature::{Certificate, Krl, public_key};
use ssh_key::public::KeyData;
use ssh_key::{Fingerprint, HashAlg};
use std::collections::BTreeSet;

/// The longest list that is read.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Keys that no longer count: a line each, as a `.pub` file has them or as `SHA256:…`, or a binary
/// KRL of `ssh-keygen -k`. Stock OpenSSH takes the same file for `ssh-keygen -Y verify -r`, and
/// passes over what is no whole key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    fingerprints: BTreeSet<String>,
    krl: Krl,
}

impl Revoked {
    /// Reads the list. An empty one is one: nobody was revoked.
    ///
    /// # Errors
    /// [`Reason::RevocationUnreadable`] for the first line or section that is not understood: who is
    /// revoked is not known in part.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let no = |says: String| {
            Refusal::new(Reason::RevocationUnreadable, format!("the revoked keys: {says}"))
        };
        if bytes.len() > MAX_BYTES {
            return Err(no(format!("the list is longer than {MAX_BYTES} bytes")));
        }
        if Krl::is_one(bytes) {
            let krl = Krl::parse(bytes).map_err(|why| no(format!("the binary KRL: {why}")))?;
            return Ok(Self { krl, ..Self::default() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| no("it is no text".into()))?;
        let mut fingerprints = BTreeSet::new();
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fingerprint = match line.strip_prefix("SHA256:") {
                Some(_) => line
                    .parse::<Fingerprint>()
                    .map(|f| f.to_string())
                    .map_err(|e| no(format!("line {}: {e}", n + 1)))?,
                None => public_key(line)
                    .map(|k| k.fingerprint(HashAlg::Sha256).to_string())
                    .map_err(|e| no(format!("line {}: {e}", n + 1)))?,
            };
            fingerprints.insert(fingerprint);
        }
        Ok(Self { fingerprints, ..Self::default() })
    }

    /// Whether a key was revoked.
    #[must_use]
    pub fn has(&self, key: &KeyData) -> bool {
        self.fingerprints.contains(&key.fingerprint(HashAlg::Sha256).to_string())
            || self.krl.has(key)
    }

    /// What of a signature's key was revoked, in words: the key itself, the authority of its
    /// certificate, or the certificate, by its serial or key id.
    #[must_use]
    pub fn gone(&self, key: &KeyData, certificate: Option<&Certificate>) -> Option<String> {
        if self.has(key) {
            return Some(format!("the key {}", key.fingerprint(HashAlg::Sha256)));
        }
        let it = certificate?;
        if self.has(&it.authority) {
            return Some(format!("the authority {}", it.fingerprint));
        }
        let gone = self.krl.has_certificate(&it.authority, it.serial, &it.key_id);
        gone.then(|| format!("the certificate {} ({:?})", it.serial, it.key_id))
    }
}
