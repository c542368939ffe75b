//! Journals: a chain that is whole has every line in its place, and a torn end changes nothing.
//!
//! No fuzzer finds a digest, so its lines are chained here before they are read: what is fed is the
//! order of events. The bytes as they are go to the reader as well.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::cleanup::journal::{self, Record};
use portcullis::cleanup::{Digest, plan};
use std::sync::LazyLock;

const PLAN: &[u8] = include_bytes!("../fixtures/plan.json");

static SEALED: LazyLock<(plan::Plan, Digest)> =
    LazyLock::new(|| (plan::read(PLAN).expect("a plan"), Digest::of(PLAN)));

fuzz_target!(|bytes: &[u8]| {
    let (plan, digest) = &*SEALED;
    let _ = journal::read(bytes, plan, digest);
    let chained = chained(bytes, digest);
    let Ok(chain) = journal::read(&chained, plan, digest) else { return };
    assert_eq!(chain.whole, chained.len());
    let lines: Vec<&[u8]> = chained.split_inclusive(|b| *b == b'\n').collect();
    assert_eq!(chain.records.len(), lines.len());
    // Torn off while it was written: what is whole is the same.
    let torn = [&chained[..], &bytes[..bytes.len().min(20)]].concat();
    if !bytes[..bytes.len().min(20)].contains(&b'\n') {
        assert_eq!(journal::read(&torn, plan, digest).map(|c| c.head), Ok(chain.head));
    }
    // A line that is gone is missed, unless it was the last.
    if lines.len() > 1 {
        let at = usize::from(bytes[0]) % (lines.len() - 1);
        let gone = [lines[..at].concat(), lines[at + 1..].concat()].concat();
        assert!(journal::read(&gone, plan, digest).is_err());
    }
});

/// The same events, each line bound to the one before.
fn chained(bytes: &[u8], digest: &Digest) -> Vec<u8> {
    let mut prev = digest.clone();
    let mut out = Vec::new();
    for (seq, line) in (1..).zip(bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty())) {
        let line = match serde_json::from_slice::<Record>(line) {
            Ok(record) => Record { seq, prev, ..record }.line(),
            Err(_) => line.to_vec(),
        };
        prev = Digest::of(&line);
        out.extend(line);
        out.push(b'\n');
    }
    out
}
