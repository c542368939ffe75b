use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What share of tries to endpoints that do answer got none, over time.
///
/// It is measured on canaries (endpoints known to answer, asked again) and on every endpoint that
/// answered a later try than its first. A silent endpoint gathers evidence from it: a try in an
/// epoch that lost half of what it should not have lost proves little.
#[derive(Debug)]
pub(crate) struct Loss {
    start: Instant,
    first: usize,
    epochs: VecDeque<Count>,
    all: Count,
}

/// Tries that had to be answered, and those that were not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) asked: u32,
    pub(crate) lost: u32,
}

/// Long enough for two dozen canaries at a thousand sends a second.
pub(crate) const EPOCH: Duration = Duration::from_millis(100);
/// Epochs kept: a probe is decided long before it is this old.
const KEPT: usize = 1_000;
/// Weight of the run's own average in the estimate of one epoch.
const PRIOR: f64 = 8.0;
/// A chance of a miss that a report may carry without a word: one in a hundred thousand.
pub(crate) const ENOUGH: f64 = 11.512_925;

impl Loss {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, first: 0, epochs: VecDeque::new(), all: Count::default() }
    }

    /// The epoch of a moment.
    pub(crate) fn epoch(&self, at: Instant) -> usize {
        let since = at.saturating_duration_since(self.start).as_micros() / EPOCH.as_micros();
        usize::try_from(since).unwrap_or(usize::MAX)
    }

    pub(crate) fn note(&mut self, epoch: usize, lost: bool) {
        if epoch < self.first {
            return;
        }
        while self.first + self.epochs.len() <= epoch {
            self.epochs.push_back(Count::default());
            if self.epochs.len() > KEPT {
                self.epochs.pop_front();
                self.first += 1;
            }
        }
        let at = epoch - self.first;
        for count in [self.epochs.get_mut(at), Some(&mut self.all)].into_iter().flatten() {
            count.asked += 1;
            count.lost += u32::from(lost);
        }
    }

    /// Counts a try that was no canary: it tells of the run, but not in time of its epoch.
    pub(crate) fn note_outside(&mut self, lost: bool) {
        self.all.asked += 1;
        self.all.lost += u32::from(lost);
    }

    /// What canaries told of one epoch.
    pub(crate) fn count(&self, epoch: usize) -> Count {
        epoch.checked_sub(self.first).and_then(|i| self.epochs.get(i)).copied().unwrap_or_default()
    }

    /// Whether anything that had to answer was asked.
    pub(crate) fn known(&self) -> bool {
        self.all.asked > 0
    }

    /// The run's loss, on the safe side while little was counted.
    pub(crate) fn overall(&self) -> f64 {
        let asked = f64::from(self.all.asked) + 2.0;
        let loss = (f64::from(self.all.lost) + 1.0) / asked;
        (loss + 1.64 * (loss * (1.0 - loss) / asked).sqrt()).min(0.99)
    }

    /// The chance that a try sent in `epoch` to something that answers was lost: the run's, unless
    /// the epoch was worse. A lucky epoch is no evidence.
    pub(crate) fn of(&self, epoch: usize) -> f64 {
        let (count, overall) = (self.count(epoch), self.overall());
        let here = (f64::from(count.lost) + PRIOR * overall) / (f64::from(count.asked) + PRIOR);
        here.max(overall).clamp(1e-4, 0.99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lossy_epoch_proves_little_and_a_clean_one_much() {
        let mut loss = Loss::new(Instant::now());
        for _ in 0..1_000 {
            loss.note(0, false);
        }
        for i in 0..100 {
            loss.note(1, i % 2 == 0);
        }
        assert!(loss.of(0) < 0.1, "{}", loss.of(0));
        assert!(loss.of(1) > 0.4, "{}", loss.of(1));
        assert!(loss.of(0) >= loss.overall(), "a lucky epoch is no evidence");
    }

    #[test]
    fn knowing_little_asks_for_more_tries() {
        let mut loss = Loss::new(Instant::now());
        assert!(!loss.known());
        loss.note(0, false);
        let tries = ENOUGH / -loss.of(0).ln();
        assert!(tries > 4.0, "{tries}");
    }
}
