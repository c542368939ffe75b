use crate::snapshot::Snapshot;
use sha2::{Digest, Sha256};
use std::io::{self, BufWriter, Write};

/// SHA-256, lower-case hex, of everything that a snapshot says but when it was taken: equal for two
/// readings of an unchanged estate. Empty for a snapshot of nothing.
pub(in crate::cli) fn of_snapshot(snapshot: &Snapshot) -> String {
    if snapshot.regions.is_empty() && snapshot.calls.is_empty() {
        return String::new();
    }
    let Snapshot { format, taken_at: _, calls, regions } = snapshot;
    let mut out = BufWriter::with_capacity(1 << 16, Hashing(Sha256::new()));
    // Memory never fails, and our own types always have JSON.
    let _ = serde_json::to_writer(&mut out, &(format, calls, regions));
    match out.into_inner() {
        Ok(Hashing(hash)) => hash.finalize().iter().map(|b| format!("{b:02x}")).collect(),
        Err(_) => String::new(),
    }
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
