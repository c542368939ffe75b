use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hex over rule, subject and source, kept apart.
///
/// Nothing that changes from run to run is in it, so that the same finding tomorrow is the same.
#[must_use]
pub fn fingerprint(rule: &str, subject: &str, source: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for part in [Some(rule), Some(subject), source] {
        match part {
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update([0]),
        }
    }
    let mut out = String::with_capacity(64);
    for byte in hash.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}
