//! Silence: how long a try is waited for, when one more is due, and what no answer is worth.

use super::Scheduler;
use super::probe::{Of, Phase};
use crate::model::Expect;
use crate::observation::State;
use crate::probe::engine::{Answer, Engine, Ticket};
use crate::probe::loss::ENOUGH;
use crate::survey::Why;
use std::time::{Duration, Instant};

/// A try that lost its answer is not one that was late: nothing closes earlier than this.
const SHORTEST_LIFE: Duration = Duration::from_millis(300);
/// Hosts limit ICMP to about one a second: a datagram asked again sooner gets nothing new.
const DATAGRAM_WAIT: Duration = Duration::from_millis(700);
/// A host that answered nothing yet is tried once more this long after the first packet to it, because
/// others' answers say nothing of its path: neighbours are looked up first, new addresses are silent
/// for two seconds, tunnels come up.
const COLD: Duration = Duration::from_secs(2);
/// A chance of a miss beyond which a swept port was not looked at.
const DOUBTFUL: f64 = 0.01;
/// Tries of an endpoint when nothing answered anywhere, so that the path's loss is unknown.
const UNKNOWN_LOSS_TRIES: u32 = 3;

impl<E: Engine> Scheduler<'_, E> {
    pub(super) fn expire(&mut self, now: Instant) {
        for kind in 0..2 {
            let life = self.life(kind);
            while let Some((at, ticket)) = self.flying[kind].front().copied() {
                let open = self.tries.contains_key(&ticket);
                if open && now.saturating_duration_since(at) < life {
                    break;
                }
                self.flying[kind].pop_front();
                if open {
                    self.end(ticket);
                }
            }
        }
        self.expire_canaries(now);
    }

    /// Ends one try that waited long enough.
    pub(super) fn end(&mut self, ticket: Ticket) {
        if let Some(heard) = self.engine.close(ticket) {
            self.hops.drain();
            self.hear(Answer { ticket, heard, at: Instant::now() });
            return;
        }
        let Some(tried) = self.tries.remove(&ticket) else { return };
        let Of::Probe(index) = tried.of else { return };
        let probe = &mut self.probes[index];
        probe.open.retain(|(t, _)| *t != ticket);
        if probe.phase == Phase::Flying && probe.last_try && probe.open.is_empty() {
            self.silent(index);
        }
    }

    pub(super) fn retry(&mut self, now: Instant) {
        for kind in 0..2 {
            for level in 0..self.retries[kind].len() {
                let wait = self.retry_wait(kind, level);
                while let Some((at, index)) = self.retries[kind][level].front().copied()
                    && now.saturating_duration_since(at) >= wait
                {
                    self.retries[kind][level].pop_front();
                    self.decide(index, level, at);
                }
            }
        }
    }

    /// Whether silence so far is enough, or one more try is due.
    pub(super) fn decide(&mut self, index: usize, level: usize, sent: Instant) {
        let (known, tries) = (self.loss.known(), self.probes[index].tries);
        let probe = &mut self.probes[index];
        if probe.phase != Phase::Flying || probe.last_try || tries as usize != level + 1 {
            return;
        }
        let least = if probe.udp.is_some() { 3 } else { 2 };
        let host = probe.to.ip();
        let evidence: f64 = probe.epochs.iter().map(|e| -self.loss.of(*e, host).ln()).sum();
        let enough =
            if known { tries >= least && evidence >= ENOUGH } else { tries >= UNKNOWN_LOSS_TRIES };
        let most = self.options.tries.max(1);
        let cold = self.hosts.get(&host).filter(|h| !h.heard).and_then(|h| h.first);
        if let Some(due) = cold.map(|first| first + COLD)
            && enough
            && tries < most
            && sent < due
        {
            self.cold.insert((due, index));
            return;
        }
        let probe = &mut self.probes[index];
        if enough || tries >= most {
            probe.last_try = true;
            if probe.open.is_empty() {
                self.silent(index);
            }
        } else {
            self.again.push_back(index);
        }
    }

    /// Queues the last try of what is silent on hosts that answered nothing, once it is due.
    pub(super) fn queue_cold(&mut self, now: Instant) {
        while let Some((due, index)) = self.cold.first().copied()
            && due <= now
        {
            self.cold.pop_first();
            self.again.push_back(index);
        }
    }

    pub(super) fn silent(&mut self, index: usize) {
        let probe = &self.probes[index];
        let host = probe.to.ip();
        let miss: f64 = probe.epochs.iter().map(|e| self.loss.of(*e, host)).product();
        let mut detail = if self.loss.known() {
            format!("no answer to {} tries, chance of a miss {miss:.0e}", probe.tries)
        } else {
            format!("no answer to {} tries, and nothing else answered: loss unknown", probe.tries)
        };
        if let Some(limiter) = self.limiter(index) {
            detail += &format!("; {}", limiter.words());
        }
        let target = &self.targets[probe.target];
        let state = match (&probe.udp, &target.expect) {
            (Some(_), Expect::Connect | Expect::Path) => State::Unproven,
            // A sweep asks whether anything answers there: nobody can say.
            _ if target.why == Why::Swept && self.loss.known() && miss > DOUBTFUL => {
                detail += ": what its host answers elsewhere is lost as well";
                State::Unprobed
            }
            _ => State::Silent,
        };
        self.settle(index, state, &detail);
    }

    pub(super) fn retry_wait(&self, kind: usize, level: usize) -> Duration {
        let base = self.rtt.wait();
        let base = if kind == 1 { base.max(DATAGRAM_WAIT) } else { base };
        // Doubling: what a burst drops together is asked again at different times.
        (base * (1u32 << level.min(5))).min(Duration::from_secs(1)).min(self.options.timeout)
    }

    /// How long a try stays open.
    pub(super) fn life(&self, kind: usize) -> Duration {
        let most = self.options.timeout;
        if !self.rtt.known() {
            return most;
        }
        let life = (self.rtt.wait() * 6).max(SHORTEST_LIFE);
        if kind == 1 { life.max(DATAGRAM_WAIT) } else { life }.min(most)
    }
}
