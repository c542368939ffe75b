//! Settling: from what was heard, or not, to one observation.

use super::Scheduler;
use super::probe::Phase;
use crate::model::Expect;
use crate::observation::{Observation, State};
use crate::probe::engine::Engine;
use crate::survey::Hope;
use std::net::IpAddr;

impl<E: Engine> Scheduler<'_, E> {
    pub(super) fn close_all(&mut self, index: usize) {
        for (ticket, _) in std::mem::take(&mut self.probes[index].open) {
            self.engine.close(ticket);
            self.tries.remove(&ticket);
        }
    }

    /// The address an answer came from, as the snapshot knows it.
    pub(super) fn real(&self, index: usize, from: IpAddr) -> IpAddr {
        let probe = &self.probes[index];
        if from == probe.to.ip() { self.targets[probe.target].endpoint.address } else { from }
    }

    pub(super) fn observation(&self, index: usize, state: State) -> Observation {
        let probe = &self.probes[index];
        let endpoint = self.targets[probe.target].endpoint;
        Observation {
            rtt_us: probe.rtt.map(|r| u64::try_from(r.as_micros()).unwrap_or(u64::MAX)),
            tries: probe.tries,
            ..Observation::new(endpoint, state, &self.options.vantage.name)
        }
    }

    pub(super) fn settle(&mut self, index: usize, state: State, detail: &str) {
        let mut seen = self.observation(index, state);
        if matches!(state, State::Silent | State::Unproven | State::Failed | State::Unprobed) {
            seen.rtt_us = None;
        }
        seen.detail = Some(detail.into());
        self.finish(index, seen);
    }

    /// Says what was seen, or looks once more first.
    pub(super) fn finish(&mut self, index: usize, seen: Observation) {
        self.close_all(index);
        let target = &self.targets[self.probes[index].target];
        let slow = self.probes[index].slow.is_some();
        // A refusal by the host itself proves the path, where only the path is declared.
        let proven =
            target.expect == Expect::Path && seen.state == State::Refused && seen.is_by_target();
        let hope = if proven { Hope::Either } else { target.hope };
        // The slow lane comes after the second look, and is one itself.
        let seen = if slow { Some(seen) } else { self.look_again(index, hope, seen) };
        let Some(seen) = seen.and_then(|seen| self.enter_slow_lane(index, seen)) else { return };
        let probe = &mut self.probes[index];
        probe.phase = Phase::Settled;
        self.unsettled -= 1;
        self.settled.push(seen);
        let address = probe.to.ip();
        self.rest(address);
    }

    /// One probe less of an address is pending: what waits for the last of them is said.
    pub(super) fn rest(&mut self, address: IpAddr) {
        if let Some(host) = self.hosts.get_mut(&address) {
            host.pending -= 1;
            if host.pending == 0 && !host.parked.is_empty() {
                self.release(address);
            }
        }
    }

    /// Says what is known when the run ends early, and no more: `why` it does.
    pub(in crate::probe) fn say_known(&mut self, why: &str) {
        // No second look from here on.
        self.looks.end();
        for address in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.settle_parked(address, true);
        }
        for index in 0..self.probes.len() {
            if self.probes[index].phase == Phase::Settled {
                continue;
            }
            let probe = &mut self.probes[index];
            let seen = probe.first_look.take().map(|seen| *seen);
            if let Some(seen) = seen.or_else(|| probe.slow.take().map(|slow| slow.seen)) {
                self.probes[index].phase = Phase::Settled;
                self.close_all(index);
                self.unsettled -= 1;
                self.settled.push(seen);
            } else if probe.phase == Phase::Confirming {
                let words = format!("{why} before it could be asked what it is");
                self.settle(index, State::Open, &words);
            }
        }
    }

    /// The deadline came first.
    pub(super) fn give_up(&mut self) {
        self.say_known("the run's deadline came");
        for index in 0..self.probes.len() {
            if self.probes[index].phase != Phase::Settled {
                self.settle(index, State::Unprobed, "the run's deadline came first");
            }
        }
    }
}
