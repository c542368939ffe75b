use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{HashAlg, PublicKey};

/// The auditors whom a listener answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted {
    keys: Vec<Ed25519PublicKey>,
}

impl Trusted {
    /// Adds the keys of a `.pub` or `authorized_keys` file; tells how many.
    ///
    /// # Errors
    /// The first line that is no plain Ed25519 key, with its number: options would promise limits
    /// that nobody keeps here.
    pub fn add(&mut self, text: &str) -> Result<usize, String> {
        let mut added = 0;
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| format!("line {}: {why}", n + 1);
            if line.contains("PRIVATE KEY-----") {
                return Err(wrong("this is a private key: give the .pub beside it"));
            }
            let kind = line.split_whitespace().next().unwrap_or("");
            if kind != "ssh-ed25519" {
                return Err(wrong("not a plain ssh-ed25519 key (options are not read)"));
            }
            let key = PublicKey::from_openssh(line).map_err(|e| wrong(&e.to_string()))?;
            let key = key.key_data().ed25519().ok_or_else(|| wrong("no ssh-ed25519 key"))?;
            added += 1;
            if !self.keys.contains(key) {
                self.keys.push(*key);
            }
        }
        Ok(added)
    }

    /// Whether a key is one of them.
    #[must_use]
    pub fn knows(&self, key: &KeyData) -> bool {
        key.ed25519().is_some_and(|key| self.keys.contains(key))
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn keys(&self) -> &[Ed25519PublicKey] {
        &self.keys
    }

    /// Fingerprints, `SHA256:…`, in the order of the files.
    pub fn fingerprints(&self) -> impl Iterator<Item = String> + '_ {
        self.keys.iter().map(|key| {
            let data = KeyData::Ed25519(*key);
            data.fingerprint(HashAlg::Sha256).to_string()
        })
    }
}
