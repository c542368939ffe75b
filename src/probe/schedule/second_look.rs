//! The second look: what contradicts the declaration is asked again before it is said.

use super::Scheduler;
use super::probe::Phase;
use crate::observation::{Observation, State};
use crate::probe::engine::Engine;
use crate::survey::Hope;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A second look comes no sooner than this.
const AFTER: Duration = Duration::from_secs(1);
/// Second looks of one run: a wholly wrong spec must not double the run.
const MOST: u32 = 4096;

/// Second looks of the run.
#[derive(Default)]
pub(super) struct SecondLooks {
    waiting: VecDeque<(Instant, usize)>,
    taken: u32,
}

impl SecondLooks {
    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    /// Allows none from here on.
    pub(super) fn end(&mut self) {
        self.taken = MOST;
    }
}

impl<E: Engine> Scheduler<'_, E> {
    /// Puts off what was seen for a second look, where it contradicts `hope` and there may be one;
    /// gives back what is to be said now.
    pub(super) fn look_again(
        &mut self,
        index: usize,
        hope: Hope,
        seen: Observation,
    ) -> Option<Observation> {
        let probe = &mut self.probes[index];
        if let Some(first) = probe.first_look.take() {
            return Some(both(hope, *first, seen));
        }
        if !self.options.second_look || self.looks.taken >= MOST || !contradicts(hope, &seen) {
            return Some(seen);
        }
        self.looks.taken += 1;
        probe.first_look = Some(Box::new(seen));
        probe.phase = Phase::Later;
        probe.tries = 0;
        probe.epochs.clear();
        probe.last_try = false;
        probe.rtt = None;
        self.looks.waiting.push_back((Instant::now() + AFTER, index));
        None
    }

    /// Queues the second looks that are due.
    pub(super) fn queue_second_looks(&mut self, now: Instant) {
        while let Some((due, index)) = self.looks.waiting.front().copied()
            && due <= now
        {
            self.looks.waiting.pop_front();
            self.probes[index].phase = Phase::Queued;
            self.again.push_back(index);
        }
    }
}

/// Whether an observation contradicts what was hoped for; trouble of our own never does.
fn contradicts(hope: Hope, seen: &Observation) -> bool {
    match hope {
        Hope::Either => false,
        Hope::Answer => match seen.state {
            State::Open => !seen.confirmed,
            State::Failed | State::Unprobed | State::Unproven => false,
            _ => true,
        },
        Hope::NoAnswer => matches!(seen.state, State::Open | State::WrongService),
    }
}

/// One observation of two looks.
fn both(hope: Hope, first: Observation, second: Observation) -> Observation {
    // A completed handshake is proof, whatever the second look missed.
    let (mut kept, other, which) = if hope == Hope::NoAnswer && !contradicts(hope, &second) {
        (first, second, "second")
    } else {
        (second, first, "first")
    };
    kept.tries += other.tries;
    let words = if kept.state == other.state && kept.confirmed == other.confirmed {
        "seen twice".to_owned()
    } else {
        format!("{which} look: {}", other.state)
    };
    kept.detail = Some(match kept.detail {
        Some(detail) => format!("{detail}; {words}"),
        None => words,
    });
    kept
}
