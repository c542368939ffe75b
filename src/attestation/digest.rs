use super::canonical;
use crate::snapshot::Snapshot;
use crate::spec::Source;
use sha2::{Digest, Sha256};

/// SHA-256 of bytes, 64 lower-case hexadecimal digits.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of a spec: of all its files together, whatever they are called, wherever they lie and
/// in whichever order they were read.
///
/// It is the SHA-256 of the line `portcullis-spec-v1` and then, sorted, one line for each file: the
/// SHA-256 of its bytes. `{ echo portcullis-spec-v1; sha256sum FILE… | cut -d' ' -f1 | LC_ALL=C sort; }
/// | sha256sum` prints the same.
#[must_use]
pub fn of_spec(sources: &[Source]) -> String {
    let mut files: Vec<String> = sources.iter().map(|s| of_bytes(&s.bytes)).collect();
    files.sort();
    let mut text = String::from("portcullis-spec-v1\n");
    for file in files {
        text.push_str(&file);
        text.push('\n');
    }
    of_bytes(text.as_bytes())
}

/// The digest of a snapshot: of its canonical JSON, so that it does not depend on how its file was
/// indented.
///
/// # Errors
/// A snapshot that has no canonical JSON.
pub fn of_snapshot(snapshot: &Snapshot) -> Result<String, String> {
    canonical(snapshot).map(|bytes| of_bytes(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
