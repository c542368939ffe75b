use super::{Ledger, Record};
use crate::cleanup::plan::Plan;
use crate::cleanup::{Digest, Reason, Refusal};

/// A journal that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub records: Vec<Record>,
    /// Of the last line; of an empty journal, the plan's digest.
    pub head: Digest,
    /// Bytes that are whole lines. What follows was torn off while it was written, and is cut.
    pub whole: usize,
    pub ledger: Ledger,
}

/// Reads and verifies a journal: the chain, the order of events, and that they are the plan's.
///
/// Bytes after the last line break are a line that was being written when the writer ended: nothing
/// was done on the strength of it.
///
/// # Errors
/// [`Reason::LogBroken`] with the line.
pub fn read(bytes: &[u8], plan: &Plan, digest: &Digest) -> Result<Chain, Refusal> {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let mut head = digest.clone();
    let mut records = Vec::new();
    let mut ledger = Ledger::new(plan);
    for (number, line) in (1_u64..).zip(bytes[..whole].split_inclusive(|b| *b == b'\n')) {
        let line = &line[..line.len() - 1];
        let broken = |why: String| {
            Refusal::new(Reason::LogBroken, format!("line {number} of the journal: {why}"))
        };
        let record: Record = serde_json::from_slice(line).map_err(|e| broken(e.to_string()))?;
        if record.line() != line {
            return Err(broken("it is not spelled as it is written".into()));
        }
        if record.seq != number {
            return Err(broken(format!("it has the number {}", record.seq)));
        }
        if record.prev != head {
            return Err(broken(format!(
                "it follows {}, and the line before is {head}: a line was removed, changed or moved",
                record.prev
            )));
        }
        ledger.take(&record).map_err(broken)?;
        head = Digest::of(line);
        records.push(record);
    }
    Ok(Chain { records, head, whole, ledger })
}
