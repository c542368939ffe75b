//! Sending: what may go now, within the pace and the descriptors there are.

use super::Scheduler;
use super::probe::{Of, Phase, Try};
use crate::observation::State;
use crate::probe::engine::{Engine, NotSent, Packet};
use crate::probe::verdict;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long being out of descriptors or ports may last before it is a failure.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

impl<E: Engine> Scheduler<'_, E> {
    pub(super) fn send_what_may(&mut self, now: Instant) {
        if self.busy_until.is_some_and(|until| now < until) {
            return;
        }
        // A bounded batch, so that answers are heard while much is to be sent.
        for _ in 0..256 {
            if self.used() >= self.files && !self.make_room(now) {
                return;
            }
            if self.canary_due() {
                if !self.pace.take(now) {
                    return;
                }
                self.send_canary(now);
                continue;
            }
            let from_again = !self.again.is_empty();
            let Some(index) = self.again.pop_front().or_else(|| self.fresh.pop_front()) else {
                return;
            };
            if self.probes[index].phase != Phase::Queued
                && self.probes[index].phase != Phase::Flying
            {
                continue;
            }
            let sent = self.pace.take(now) && self.send(index, now);
            if !sent {
                if self.probes[index].phase != Phase::Settled {
                    if from_again { &mut self.again } else { &mut self.fresh }.push_front(index);
                }
                if self.busy_until.is_some() || self.probes[index].phase != Phase::Settled {
                    return;
                }
                continue;
            }
            self.canaries.since += 1;
        }
    }

    /// Sends one try; false when nothing left this machine.
    pub(super) fn send(&mut self, index: usize, now: Instant) -> bool {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let probe = &mut self.probes[index];
        let kind = usize::from(probe.udp.is_some());
        let packet = match &probe.udp {
            Some(udp) => Packet::Datagram(udp.request()),
            None => Packet::Connect,
        };
        match self.engine.send(ticket, probe.to, packet) {
            Ok(()) => {}
            Err(NotSent::Busy(errno)) => {
                self.pace.give_back();
                let since = *self.busy_since.get_or_insert(now);
                if now.duration_since(since) > BUSY_LIMIT && self.engine.open() == 0 {
                    self.settle(index, State::Failed, &verdict::of_errno(errno));
                    return false;
                }
                if matches!(errno, libc::EMFILE | libc::ENFILE) {
                    // The limit is not what we were told: live with what we have.
                    self.files = self.files.min(self.engine.open().max(1));
                }
                self.busy_until = Some(now + Duration::from_millis(5));
                return false;
            }
            Err(NotSent::Failed(errno)) => {
                self.pace.give_back();
                self.settle(index, State::Failed, &verdict::of_errno(errno));
                return false;
            }
        }
        self.busy_since = None;
        self.busy_until = None;
        if let Some(signed) = probe.udp.as_mut().and_then(|udp| udp.beside(probe.tries)) {
            // Beside the try and of its ticket: one that is lost or cannot leave costs no evidence.
            let _ = self.engine.send(ticket, probe.to, Packet::Datagram(signed));
            self.pace.charge();
        }
        probe.tries += 1;
        probe.phase = Phase::Flying;
        let (number, epoch, host) = (probe.tries, self.loss.epoch(now), probe.to.ip());
        probe.epochs.push(epoch);
        probe.open.push((ticket, number));
        self.tries.insert(ticket, Try { of: Of::Probe(index), number, epoch, at: now, host });
        self.flying[kind].push_back((now, ticket));
        self.hosts.entry(host).or_default().first.get_or_insert(now);
        let level = (number as usize).saturating_sub(1);
        while self.retries[kind].len() <= level {
            self.retries[kind].push(VecDeque::new());
        }
        self.retries[kind][level].push_back((now, index));
        true
    }

    /// Descriptors in use.
    pub(super) fn used(&self) -> usize {
        self.engine.open() + self.confirms.files()
    }

    /// Ends the oldest connect that has waited long enough to make room; false when there is none.
    pub(super) fn make_room(&mut self, now: Instant) -> bool {
        self.expire(now);
        self.used() < self.files
    }
}
