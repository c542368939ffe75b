//! The slow lane: declared endpoints that stayed silent where ICMP errors come back, asked again at
//! the pace at which such errors are sent.
//!
//! Systems limit the ICMP errors they send to one address; Linux sends six at once and then one a
//! second. So of many ports rejected in one sweep nearly all look dropped. Whoever asks one port a
//! second gets every answer, which is affordable only where the spec cares.

use super::Scheduler;
use super::probe::{Of, Phase};
use crate::model::Expect;
use crate::observation::{Observation, State};
use crate::probe::engine::Engine;
use crate::survey::{Hope, Why};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Between two sends to one sender of ICMP errors: Linux's limit (`icmp_ratelimit`, one a second),
/// with room for coarse clocks on both sides.
const EVERY: Duration = Duration::from_millis(1_100);
/// An ICMP error can be lost like any packet.
const TRIES: u32 = 3;

/// The slow lane of a run: one queue for each sender of ICMP errors.
#[derive(Default)]
pub(super) struct SlowLane {
    queues: BTreeMap<IpAddr, Queue>,
    /// Who rejected something in a network; see [`network`].
    nearby: HashMap<IpAddr, IpAddr>,
    /// When its first packet was sent.
    since: Option<Instant>,
}

struct Queue {
    /// By tries made, then what must answer first, then the order of the survey.
    waiting: BTreeSet<(u32, bool, usize)>,
    next: Instant,
}

/// A silent endpoint on its way through the lane.
pub(super) struct Slow {
    /// What the sweep saw.
    pub(super) seen: Observation,
    from: IpAddr,
    tries: u32,
}

/// Who sends the ICMP errors about an endpoint.
pub(super) struct Limiter {
    pub(super) from: IpAddr,
    /// Whether it was this very address that it rejected something of, or only one nearby.
    pub(super) here: bool,
}

impl Limiter {
    /// What silence may be, in words.
    pub(super) fn words(&self) -> String {
        let place = if self.here { "on this path" } else { "near this address" };
        format!("{} rejects with ICMP {place}, and such answers are limited", self.from)
    }
}

/// What shares a path with an address: routes of the internet are no finer than /24 and /48.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(a) => IpAddr::V4((u32::from(a) & !0xff).into()),
        IpAddr::V6(a) => IpAddr::V6((u128::from(a) & !(u128::MAX >> 48)).into()),
    }
}

impl<E: Engine> Scheduler<'_, E> {
    /// Notes who sent an ICMP error about `address`.
    pub(super) fn note_icmp(&mut self, address: IpAddr, from: IpAddr, state: State) {
        let host = self.hosts.entry(address).or_default();
        match state {
            State::Rejected => {
                host.rejects = Some(from);
                // What a host says of itself holds for nobody else.
                if from != address {
                    self.slow.nearby.entry(network(address)).or_insert(from);
                }
            }
            State::Refused => host.refuses = true,
            _ => {}
        }
    }

    /// Who would have sent an ICMP error about this endpoint, were there one.
    pub(super) fn limiter(&self, index: usize) -> Option<Limiter> {
        let probe = &self.probes[index];
        let address = probe.to.ip();
        let host = self.hosts.get(&address);
        if let Some(from) = host.and_then(|h| h.rejects) {
            return Some(Limiter { from, here: true });
        }
        if let Some(from) = self.slow.nearby.get(&network(address)) {
            return Some(Limiter { from: *from, here: false });
        }
        // Closed UDP ports are told by the host's own ICMP; closed TCP ports are not.
        let refuses = probe.udp.is_some() && host.is_some_and(|h| h.refuses);
        refuses.then_some(Limiter { from: address, here: true })
    }

    /// Takes a silent endpoint into the lane, where somebody declared that it matters; gives back
    /// what is to be said now.
    pub(super) fn enter_slow_lane(
        &mut self,
        index: usize,
        seen: Observation,
    ) -> Option<Observation> {
        let silent = matches!(seen.state, State::Silent | State::Unproven);
        if self.probes[index].slow.is_some() {
            return self.asked_slowly(index, seen, silent);
        }
        let target = &self.targets[self.probes[index].target];
        let cares = match target.why {
            Why::Declared => target.hope != Hope::NoAnswer,
            Why::Asked => target.expect != Expect::Connect,
            Why::Control | Why::Permitted | Why::Swept => false,
        };
        if !silent || !cares || self.options.slow_lane.is_zero() {
            return Some(seen);
        }
        let Some(Limiter { from, .. }) = self.limiter(index) else { return Some(seen) };
        let probe = &mut self.probes[index];
        probe.slow = Some(Box::new(Slow { seen, from, tries: 0 }));
        probe.last_try = true;
        self.wait_in_slow_lane(index);
        None
    }

    fn wait_in_slow_lane(&mut self, index: usize) {
        let hope = self.targets[self.probes[index].target].hope;
        let probe = &mut self.probes[index];
        let Some(slow) = &probe.slow else { return };
        probe.phase = Phase::Slow;
        let probe_host = probe.to.ip();
        let first = Queue { waiting: BTreeSet::new(), next: Instant::now() + EVERY };
        let queue = self.slow.queues.entry(slow.from).or_insert(first);
        queue.waiting.insert((slow.tries, hope != Hope::Answer, index));
        self.rest(probe_host);
    }

    /// Takes the next endpoint of one queue out of it.
    fn next_slow(&mut self, from: IpAddr) -> Option<usize> {
        let (.., index) = self.slow.queues.get_mut(&from)?.waiting.pop_first()?;
        self.hosts.entry(self.probes[index].to.ip()).or_default().pending += 1;
        Some(index)
    }

    /// What one endpoint of the lane is now: an answer is taken as it is, silence is asked again
    /// while there are tries and time.
    fn asked_slowly(
        &mut self,
        index: usize,
        heard: Observation,
        silent: bool,
    ) -> Option<Observation> {
        let over = self.slow_lane_over(Instant::now());
        if silent && !over && self.probes[index].slow.as_ref()?.tries < TRIES {
            self.wait_in_slow_lane(index);
            return None;
        }
        let Slow { mut seen, tries, .. } = *self.probes[index].slow.take()?;
        let words = if !silent && !matches!(heard.state, State::Failed | State::Unprobed) {
            let words = format!("silent to {} tries while ICMP was limited", seen.tries);
            seen = Observation { tries: seen.tries, ..heard };
            words
        } else if tries == 0 {
            format!("not asked again: the slow lane ended after {:?}", self.options.slow_lane)
        } else {
            format!("{tries} more at the pace of such answers got none")
        };
        seen.tries += tries;
        add(&mut seen, &words);
        Some(seen)
    }

    /// Sends what the lane may send now, once the sweep is over: other rejected ports would take
    /// the answers.
    pub(super) fn send_slowly(&mut self, now: Instant) {
        if self.slow.queues.is_empty() {
            return;
        }
        if self.slow_lane_over(now) {
            self.end_slow_lane();
            return;
        }
        if self.sweeping() {
            for queue in self.slow.queues.values_mut() {
                queue.next = queue.next.max(now + EVERY);
            }
            return;
        }
        let due: Vec<IpAddr> =
            self.slow.queues.iter().filter(|(_, q)| q.next <= now).map(|(from, _)| *from).collect();
        for from in due {
            let Some(index) = self.next_slow(from) else {
                // What is still in flight comes back into it, or needs it no more.
                self.slow.queues.remove(&from);
                continue;
            };
            if !self.pace.take(now) {
                self.wait_in_slow_lane(index);
                continue;
            }
            if let Some(queue) = self.slow.queues.get_mut(&from) {
                queue.next = now + EVERY;
            }
            if self.send(index, now) {
                self.slow.since.get_or_insert(now);
                if let Some(slow) = &mut self.probes[index].slow {
                    slow.tries += 1;
                }
            } else if self.probes[index].slow.is_some() {
                self.wait_in_slow_lane(index);
            }
        }
    }

    /// When the lane has something to do next.
    pub(super) fn slow_lane_next(&self) -> Option<Instant> {
        self.slow.queues.values().map(|q| q.next).min()
    }

    fn slow_lane_over(&self, now: Instant) -> bool {
        let longest = self.options.slow_lane;
        self.slow.since.is_some_and(|since| now.saturating_duration_since(since) >= longest)
    }

    /// Whether anything but the lane is being asked.
    fn sweeping(&self) -> bool {
        let queued = !self.fresh.is_empty()
            || !self.again.is_empty()
            || !self.cold.is_empty()
            || self.looks.next().is_some();
        queued
            || self
                .tries
                .values()
                .any(|t| matches!(t.of, Of::Probe(index) if self.probes[index].slow.is_none()))
    }

    /// Time is over: what waits is said as it was seen.
    fn end_slow_lane(&mut self) {
        for from in self.slow.queues.keys().copied().collect::<Vec<_>>() {
            while let Some(index) = self.next_slow(from) {
                if let Some(seen) = self.probes[index].slow.as_ref().map(|s| s.seen.clone()) {
                    self.finish(index, seen);
                }
            }
        }
        self.slow.queues.clear();
    }
}

fn add(seen: &mut Observation, words: &str) {
    seen.detail = Some(match seen.detail.take() {
        Some(detail) => format!("{detail}; {words}"),
        None => words.to_owned(),
    });
}
