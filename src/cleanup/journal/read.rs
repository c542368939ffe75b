use super::{Event, Ledger, Record};
use crate::cleanup::plan::Plan;
use crate::cleanup::{Digest, Reason, Refusal};
use jiff::SignedDuration;
use std::collections::BTreeSet;

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

/// How much earlier than its own time a line may count a rest: its writer looks at the clock twice.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// Whether a line that lets the next batch begin, or ends the plan, owes nothing to it. Whoever can write
/// the journal can chain a line of his own: such a line must not be worth more than what was done.
fn owed(plan: &Plan, ledger: &Ledger, record: &Record) -> Result<(), String> {
    match &record.what {
        Event::Soak { batch, until } => {
            if !ledger.open_batch || *batch as usize != ledger.batches.len() {
                return Err(format!(
                    "it ends batch {batch}, which is not the one that is under way"
                ));
            }
            let asked: BTreeSet<u32> = ledger
                .batches
                .last()
                .into_iter()
                .flatten()
                .filter_map(|n| ledger.items.get(n).filter(|i| i.token.is_some()))
                .map(|i| i.stratum)
                .collect();
            for (stratum, until) in until {
                if !asked.contains(stratum) {
                    return Err(format!("class {stratum} rests, of which the batch did nothing"));
                }
                let step = ledger.soaks.get(stratum).map_or(0, |(step, _)| *step);
                // Never before the last thing that was done.
                let from = ledger.last_at.map_or(record.at, |last| last.max(record.at));
                let rests = plan.limits.rest(step, from);
                if until.saturating_add(SLACK).is_ok_and(|until| until < rests) {
                    let seconds = rests.duration_since(from).as_secs();
                    return Err(format!(
                        "class {stratum} rests until {until}, and the plan asks for {seconds} s"
                    ));
                }
            }
            Ok(())
        }
        Event::Finished if plan.limits.ramp.iter().any(|most| *most > 0) => {
            match ledger.left().next() {
                Some(n) => Err(format!("it is finished, and item {n} is left")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
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
        owed(plan, &ledger, &record).map_err(broken)?;
        ledger.take(&record).map_err(broken)?;
        head = Digest::of(line);
        records.push(record);
    }
    Ok(Chain { records, head, whole, ledger })
}
