//! Canaries: endpoints known to answer, asked again so that lost answers are counted, not guessed.

use super::Scheduler;
use super::probe::{Of, Try};
use crate::probe::engine::{Engine, Packet, Ticket};
use crate::probe::loss::EPOCH;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A listener is not asked again sooner: only refusals are free.
const LISTENER_REST: Duration = Duration::from_millis(50);
/// Nor is a closed port, while nothing else is sent: some systems send two hundred RSTs a second.
const REFUSAL_REST: Duration = Duration::from_millis(20);
/// While nothing else is sent, canaries are looked at this often.
pub(super) const IDLE_TURN: Duration = Duration::from_millis(10);
/// Canaries of one host, and of the run.
const MOST: (u32, usize) = (3, 512);

/// An endpoint known to answer.
struct Canary {
    to: SocketAddr,
    /// Somebody has to accept each connection.
    listens: bool,
    last: Instant,
}

/// Every canary of the run, and those being asked.
#[derive(Default)]
pub(super) struct Canaries {
    known: Vec<Canary>,
    flying: VecDeque<(Instant, Ticket)>,
    /// Sends since the last one.
    pub(super) since: u32,
    /// Epochs whose loss was judged.
    judged: usize,
}

impl<E: Engine> Scheduler<'_, E> {
    /// Whether it is a canary's turn.
    pub(super) fn canary_due(&self) -> bool {
        self.canaries.since >= self.pace.canary_every() && !self.canaries.known.is_empty()
    }

    pub(super) fn send_canary(&mut self, now: Instant) {
        self.canaries.since = 0;
        let index = self.random.below(self.canaries.known.len());
        let Canary { listens, last, .. } = self.canaries.known[index];
        if listens && now.saturating_duration_since(last) < LISTENER_REST {
            self.pace.give_back();
            return;
        }
        self.ask_canary(index, now);
    }

    /// Whether silence waits for evidence while nothing else is to be sent, and few answers were
    /// counted yet: a small survey, where each try of a silent port would else be worth little.
    pub(super) fn wants_evidence(&self) -> bool {
        let waiting = || self.retries.iter().flatten().any(|queue| !queue.is_empty());
        self.fresh.is_empty()
            && self.again.is_empty()
            && !self.canaries.known.is_empty()
            && self.loss.sparse()
            && waiting()
    }

    /// Asks every canary that has rested, once nothing else is to be sent.
    pub(super) fn ask_canaries_meanwhile(&mut self, now: Instant) {
        if !self.wants_evidence() {
            return;
        }
        for index in 0..self.canaries.known.len() {
            let Canary { listens, last, .. } = self.canaries.known[index];
            let rest = if listens { LISTENER_REST } else { REFUSAL_REST };
            if now.saturating_duration_since(last) < rest {
                continue;
            }
            if self.used() >= self.files || !self.pace.take(now) {
                return;
            }
            self.ask_canary(index, now);
        }
    }

    fn ask_canary(&mut self, index: usize, now: Instant) {
        let canary = &mut self.canaries.known[index];
        canary.last = now;
        let (host, to) = (canary.to.ip(), canary.to);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if self.engine.send(ticket, to, Packet::Connect).is_ok() {
            let epoch = self.loss.epoch(now);
            self.tries.insert(ticket, Try { of: Of::Canary, number: 1, epoch, at: now, host });
            self.canaries.flying.push_back((now, ticket));
        } else {
            self.pace.give_back();
        }
    }

    pub(super) fn note_canary(&mut self, index: usize, listens: bool) {
        let probe = &self.probes[index];
        let host = self.hosts.entry(probe.to.ip()).or_default();
        if self.canaries.known.len() < MOST.1 && host.canaries < MOST.0 {
            host.canaries += 1;
            self.canaries.known.push(Canary { to: probe.to, listens, last: Instant::now() });
        }
    }

    /// Ends canaries that waited long enough: what had to answer and did not was lost.
    pub(super) fn expire_canaries(&mut self, now: Instant) {
        let life = self.rtt.wait() + Duration::from_millis(25);
        while let Some((at, ticket)) = self.canaries.flying.front().copied() {
            let open = self.tries.contains_key(&ticket);
            if open && now.saturating_duration_since(at) < life {
                break;
            }
            self.canaries.flying.pop_front();
            if !open {
                continue;
            }
            let heard = self.engine.close(ticket);
            if let Some(tried) = self.tries.remove(&ticket) {
                self.loss.note(tried.epoch, tried.host, heard.is_none());
            }
        }
    }

    pub(super) fn judge_pace(&mut self, now: Instant) {
        // An epoch is judged when its canaries have had their time.
        let settled = self.rtt.wait() + Duration::from_millis(50);
        let Some(then) = now.checked_sub(settled) else { return };
        while (self.canaries.judged + 1) <= self.loss.epoch(then)
            && self.canaries.judged < self.loss.epoch(now)
        {
            let count = self.loss.count(self.canaries.judged);
            let ended =
                self.started + EPOCH * u32::try_from(self.canaries.judged + 1).unwrap_or(u32::MAX);
            self.pace.judge(count, ended, now);
            self.canaries.judged += 1;
        }
    }
}
