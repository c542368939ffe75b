use super::{End, Span};

/// This many turns within [`FLAPPING_RUNS`] make a finding flap.
pub const FLAPPING_TURNS: usize = 3;

/// Runs of its series that are looked back at.
pub const FLAPPING_RUNS: u64 = 20;

/// Whether a finding was resolved or came back [`FLAPPING_TURNS`] times or more within the last
/// [`FLAPPING_RUNS`] runs of its series, of which `last` is the place of the latest.
///
/// Its first sighting is no turn, and neither is a run that could not tell.
#[must_use]
pub fn flapping(spans: &[Span], last: u64) -> bool {
    flaps(&turns(spans), last)
}

/// The same of the turns alone: the places in the series at which it was resolved or came back.
#[must_use]
pub fn flaps(turns: &[u64], last: u64) -> bool {
    turns.iter().filter(|seq| *seq + FLAPPING_RUNS > last).count() >= FLAPPING_TURNS
}

/// The places at which a finding was resolved or came back, in order.
#[must_use]
pub fn turns(spans: &[Span]) -> Vec<u64> {
    let mut out = Vec::new();
    for (n, span) in spans.iter().enumerate() {
        if let End::Resolved { by, .. } = span.end {
            out.push(by);
            out.extend(spans.get(n + 1).map(|back| back.from));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Content, Standing};
    use crate::model::{Confidence, Severity};
    use jiff::Timestamp;

    fn span(from: u64, to: u64, resolved: Option<u64>) -> Span {
        let at = Timestamp::UNIX_EPOCH;
        Span {
            from,
            to,
            from_at: at,
            to_at: at,
            content: Content {
                severity: Severity::Low,
                confidence: Confidence::Low,
                measure: None,
                standing: Standing::Open,
                note: String::new(),
                message: String::new(),
            },
            end: resolved.map_or(End::Lasts, |by| End::Resolved { by, at }),
        }
    }

    #[test]
    fn three_turns_within_twenty_runs() {
        let once = [span(1, 1, Some(2)), span(3, 3, None)];
        assert!(!flapping(&once, 3), "gone and back is two turns");
        let twice = [span(1, 1, Some(2)), span(3, 3, Some(4))];
        assert!(flapping(&twice, 4));
        assert!(flapping(&twice, 21), "run 2 is one of the twenty that end with 21");
        assert!(!flapping(&twice, 22));
        let mut unseen = once.clone();
        unseen[0].end = End::Unseen { why: String::new() };
        assert!(!flapping(&[unseen[0].clone(), span(3, 3, Some(4)), span(5, 5, None)], 5));
    }
}
