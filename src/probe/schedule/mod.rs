//! The scheduler: what is sent when, what silence is worth, what each answer means.
//!
//! The life of a probe is one state machine (`probe::Phase`); each file holds one stretch of it:
//! `send` and `canary` what leaves, `hear` and `reset` what comes back, `silence` what does not,
//! `second_look`, `slow_lane` and `confirm` what is asked once more, `settle` what is said in the end.

mod canary;
mod confirm;
mod hear;
mod probe;
mod reset;
mod second_look;
mod send;
mod settle;
mod silence;
mod slow_lane;

use super::engine::{Answer, Engine, Hops, Ticket};
use super::loss::Loss;
use super::options::Options;
use super::pace::Pace;
use super::protocol::{Signer, Udp};
use super::random::Random;
use super::rtt::Rtt;
use crate::model::{Endpoint, Protocol};
use crate::observation::{Observation, State};
use crate::survey::{Hope, Target, Why};
use canary::Canaries;
use confirm::Confirms;
use probe::{Host, Phase, Probe, Try};
use second_look::SecondLooks;
use slow_lane::SlowLane;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

pub(super) struct Scheduler<'a, E> {
    targets: &'a [Target],
    options: &'a Options,
    engine: E,
    hops: Hops,
    probes: Vec<Probe>,
    hosts: HashMap<IpAddr, Host>,
    tries: HashMap<Ticket, Try>,
    next_ticket: Ticket,
    fresh: VecDeque<usize>,
    again: VecDeque<usize>,
    /// Tries waiting for their retry time, by protocol and try number.
    retries: [Vec<VecDeque<(Instant, usize)>>; 2],
    /// Open tries in the order they were sent, by protocol.
    flying: [VecDeque<(Instant, Ticket)>; 2],
    confirms: Confirms,
    canaries: Canaries,
    looks: SecondLooks,
    /// Silent endpoints of hosts that answered nothing yet, by when they are tried once more.
    cold: BTreeSet<(Instant, usize)>,
    slow: SlowLane,
    rtt: Rtt,
    loss: Loss,
    pace: Pace,
    random: Random,
    files: usize,
    busy_since: Option<Instant>,
    busy_until: Option<Instant>,
    unsettled: usize,
    settled: Vec<Observation>,
    answers: Vec<Answer>,
    started: Instant,
}

impl<'a, E: Engine> Scheduler<'a, E> {
    pub(super) fn new(
        targets: &'a [Target],
        options: &'a Options,
        engine: E,
        files: usize,
    ) -> Self {
        let now = Instant::now();
        let mut random = Random::new(options.seed);
        let mut this = Self {
            targets,
            options,
            engine,
            hops: Hops::listen(),
            probes: Vec::with_capacity(targets.len()),
            hosts: HashMap::new(),
            tries: HashMap::new(),
            next_ticket: 0,
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            retries: [Vec::new(), Vec::new()],
            flying: [VecDeque::new(), VecDeque::new()],
            confirms: Confirms::default(),
            canaries: Canaries::default(),
            looks: SecondLooks::default(),
            cold: BTreeSet::new(),
            slow: SlowLane::default(),
            rtt: Rtt::default(),
            loss: Loss::new(now),
            pace: Pace::new(options.rate, now),
            random: random.clone(),
            files: files.min(options.in_flight).max(1),
            busy_since: None,
            busy_until: None,
            unsettled: 0,
            settled: Vec::new(),
            answers: Vec::new(),
            started: now,
        };
        for index in 0..targets.len() {
            this.enrol(index);
        }
        let mut order: Vec<usize> =
            (0..targets.len()).filter(|i| this.probes[*i].phase == Phase::Queued).collect();
        random.shuffle(&mut order);
        // Stable: controls go first, then what was declared, each in the seed's order. Of what is swept
        // UDP does, whose refusals come a second apart.
        order.sort_by_key(|i| {
            let Target { why, endpoint, .. } = &targets[*i];
            (*why, *why == Why::Swept && endpoint.protocol == Protocol::Tcp)
        });
        this.fresh = order.into();
        this
    }

    fn enrol(&mut self, index: usize) {
        let Endpoint { address, protocol, port } = self.targets[index].endpoint;
        let mapped = self.options.map.resolve(address, port);
        let to = mapped.unwrap_or_else(|| SocketAddr::new(address, port));
        let udp = (protocol == Protocol::Udp)
            .then(|| Udp::new(&self.targets[index].expect, port, self.random.nonce()))
            .map(|udp| udp.signed_by(self.signer(index)));
        self.probes.push(Probe {
            target: index,
            to,
            udp,
            phase: Phase::Queued,
            tries: 0,
            epochs: Vec::new(),
            open: Vec::new(),
            last_try: false,
            rtt: None,
            parked: None,
            first_look: None,
            slow: None,
        });
        self.unsettled += 1;
        self.hosts.entry(to.ip()).or_default().pending += 1;
        if mapped.is_none() {
            self.settle(index, State::Failed, "nothing of the replay stands for this address");
        } else if !protocol.has_ports() {
            self.settle(index, State::Unprobed, "only tcp and udp are probed");
        } else if port == 0 {
            self.settle(index, State::Unprobed, "port 0 is reserved");
        }
    }

    /// Who asks `portcullis listen` there: only a port that must answer, or was named, is asked.
    fn signer(&self, index: usize) -> Option<Signer> {
        let target = &self.targets[index];
        let asked = target.hope == Hope::Answer || target.why == Why::Asked;
        let auditor = self.options.auditor.clone().filter(|_| asked)?;
        Some(Signer::new(auditor, target.endpoint))
    }

    /// Whether every probe is settled.
    pub(super) const fn finished(&self) -> bool {
        self.unsettled == 0
    }

    /// Takes what settled since.
    pub(super) fn take_settled(&mut self) -> Vec<Observation> {
        std::mem::take(&mut self.settled)
    }

    /// One turn: hears, decides, sends, and waits for at most `longest`.
    pub(super) fn turn(&mut self, longest: Duration) {
        let now = Instant::now();
        if self.options.deadline.is_some_and(|d| now.duration_since(self.started) >= d) {
            self.give_up();
            return;
        }
        self.send_what_may(now);
        self.ask_canaries_meanwhile(now);
        self.send_slowly(now);
        let wait = self.wait(Instant::now()).min(longest);
        let mut answers = std::mem::take(&mut self.answers);
        self.engine.poll(wait, &mut answers);
        self.hops.drain();
        for answer in answers.drain(..) {
            self.hear(answer);
        }
        self.answers = answers;
        let now = Instant::now();
        self.expire(now);
        self.retry(now);
        self.queue_cold(now);
        self.queue_second_looks(now);
        self.judge_pace(now);
    }

    /// When the next thing is due.
    fn wait(&self, now: Instant) -> Duration {
        let left = |at: Instant, wait: Duration| (at + wait).saturating_duration_since(now);
        let mut next = Duration::from_millis(250);
        if let Some(until) = self.busy_until {
            next = next.min(until.saturating_duration_since(now));
        } else if !(self.fresh.is_empty() && self.again.is_empty()) && self.used() < self.files {
            next = next.min(self.pace.wait());
        }
        for kind in 0..2 {
            if let Some((at, _)) = self.flying[kind].front() {
                next = next.min(left(*at, self.life(kind)));
            }
            for (level, queue) in self.retries[kind].iter().enumerate() {
                if let Some((at, _)) = queue.front() {
                    next = next.min(left(*at, self.retry_wait(kind, level)));
                }
            }
        }
        if self.wants_evidence() {
            next = next.min(canary::IDLE_TURN);
        }
        let cold = self.cold.first().map(|(due, _)| *due);
        for due in self.looks.next().into_iter().chain(self.slow_lane_next()).chain(cold) {
            next = next.min(due.saturating_duration_since(now));
        }
        next
    }
}
