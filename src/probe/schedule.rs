//! The scheduler: what is sent when, what silence is worth, what each answer means.
//!
//! Longer than most files because the life of a probe (sent, asked again, heard, confirmed, looked
//! at twice, settled) is one state machine, and halves of it would only share all its fields.

use super::engine::{Answer, Engine, Heard, Hops, NotSent, Packet, Ticket};
use super::loss::{ENOUGH, EPOCH, Loss};
use super::options::Options;
use super::pace::Pace;
use super::protocol::{Proof, Question, Udp};
use super::random::Random;
use super::rtt::Rtt;
use super::verdict::{self, Sender};
use crate::model::{Endpoint, Expect, Protocol};
use crate::observation::{Observation, State};
use crate::survey::{Hope, Target, Why};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// A try that lost its answer is not one that was late: nothing closes earlier than this.
const SHORTEST_LIFE: Duration = Duration::from_millis(300);
/// Hosts limit ICMP to about one a second: a datagram asked again sooner gets nothing new.
const DATAGRAM_WAIT: Duration = Duration::from_millis(700);
/// Tries of an endpoint when nothing answered anywhere, so that the path's loss is unknown.
const UNKNOWN_LOSS_TRIES: u32 = 3;
/// A listener is not asked again sooner: only refusals are free.
const LISTENER_REST: Duration = Duration::from_millis(50);
/// Canaries of one host, and of the run.
const CANARIES: (u32, usize) = (3, 512);
/// A second look comes no sooner than this.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);
/// Second looks of one run: a wholly wrong spec must not double the run.
const SECOND_LOOKS: u32 = 4096;
/// Services asked who they are at once.
const CONFIRMING: usize = 192;
/// Descriptors one of them may use.
const CONFIRM_FILES: usize = 4;
/// How long being out of descriptors or ports may last before it is a failure.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// Where a probe is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Queued,
    Flying,
    Confirming,
    /// A RST whose sender is told once the rest of the host is known.
    Parked,
    /// Waits for its second look.
    Later,
    Settled,
}

struct Probe {
    target: usize,
    to: SocketAddr,
    udp: Option<Udp>,
    phase: Phase,
    tries: u32,
    /// Epoch of each try.
    epochs: Vec<usize>,
    /// Tries still open, with their numbers.
    open: Vec<(Ticket, u32)>,
    last_try: bool,
    rtt: Option<Duration>,
    first_look: Option<Box<Observation>>,
}

#[derive(Clone, Copy)]
enum Of {
    Probe(usize),
    Canary,
}

/// An endpoint known to answer.
struct Canary {
    to: SocketAddr,
    /// Somebody has to accept each connection.
    listens: bool,
    last: Instant,
}

struct Try {
    of: Of,
    number: u32,
    epoch: usize,
    at: Instant,
    host: IpAddr,
}

#[derive(Default)]
struct Host {
    /// Probes neither settled nor parked.
    pending: usize,
    parked: Vec<usize>,
    canaries: u32,
    /// The longest way a RST of it came.
    furthest: Option<u8>,
    /// Who was seen rejecting with ICMP before it.
    rejects: Option<IpAddr>,
}

/// A service to be asked who it is.
pub(super) struct Confirm {
    pub(super) probe: usize,
    pub(super) socket: OwnedFd,
    pub(super) question: Question,
}

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
    canaries_flying: VecDeque<(Instant, Ticket)>,
    later: VecDeque<(Instant, usize)>,
    to_confirm: VecDeque<(usize, OwnedFd)>,
    confirming: usize,
    canaries: Vec<Canary>,
    since_canary: u32,
    rtt: Rtt,
    loss: Loss,
    pace: Pace,
    judged: usize,
    random: Random,
    files: usize,
    busy_since: Option<Instant>,
    busy_until: Option<Instant>,
    looks: u32,
    unsettled: usize,
    settled: Vec<Observation>,
    answers: Vec<Answer>,
    /// Addresses that STUN answers reflected.
    pub(super) reflected: Vec<IpAddr>,
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
            canaries_flying: VecDeque::new(),
            later: VecDeque::new(),
            to_confirm: VecDeque::new(),
            confirming: 0,
            canaries: Vec::new(),
            since_canary: 0,
            rtt: Rtt::default(),
            loss: Loss::new(now),
            pace: Pace::new(options.rate, now),
            judged: 0,
            random: random.clone(),
            files: files.min(options.in_flight).max(1),
            busy_since: None,
            busy_until: None,
            looks: 0,
            unsettled: 0,
            settled: Vec::new(),
            answers: Vec::new(),
            reflected: Vec::new(),
            started: now,
        };
        for index in 0..targets.len() {
            this.enrol(index);
        }
        let mut order: Vec<usize> =
            (0..targets.len()).filter(|i| this.probes[*i].phase == Phase::Queued).collect();
        random.shuffle(&mut order);
        // Stable: controls go first, then what was declared, each in the seed's order.
        order.sort_by_key(|i| targets[*i].why);
        this.fresh = order.into();
        this
    }

    fn enrol(&mut self, index: usize) {
        let Endpoint { address, protocol, port } = self.targets[index].endpoint;
        let mapped = self.options.map.resolve(address, port);
        let to = mapped.unwrap_or_else(|| SocketAddr::new(address, port));
        let udp = (protocol == Protocol::Udp)
            .then(|| Udp::new(&self.targets[index].expect, port, self.random.nonce()));
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
            first_look: None,
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

    /// Whether every probe is settled.
    pub(super) const fn finished(&self) -> bool {
        self.unsettled == 0
    }

    /// Takes what settled since.
    pub(super) fn take_settled(&mut self) -> Vec<Observation> {
        std::mem::take(&mut self.settled)
    }

    /// Takes the services that may be asked now.
    pub(super) fn take_confirms(&mut self) -> Vec<Confirm> {
        let mut out = Vec::new();
        while self.confirming < CONFIRMING.min(self.files / CONFIRM_FILES).max(1) {
            let Some((index, socket)) = self.to_confirm.pop_front() else { break };
            self.confirming += 1;
            let probe = &self.probes[index];
            let target = &self.targets[probe.target];
            let question = Question {
                to: probe.to,
                address: target.endpoint.address,
                expect: target.expect.clone(),
                rtt: probe.rtt.unwrap_or(Duration::from_millis(100)),
            };
            out.push(Confirm { probe: index, socket, question });
        }
        out
    }

    /// One turn: hears, decides, sends, and waits for at most `longest`.
    pub(super) fn turn(&mut self, longest: Duration) {
        let now = Instant::now();
        if self.options.deadline.is_some_and(|d| now.duration_since(self.started) >= d) {
            self.give_up();
            return;
        }
        self.send_what_may(now);
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
        while let Some((due, index)) = self.later.front().copied()
            && due <= now
        {
            self.later.pop_front();
            self.probes[index].phase = Phase::Queued;
            self.again.push_back(index);
        }
        self.judge_pace(now);
    }

    /// What one service proved to be.
    pub(super) fn proven(&mut self, index: usize, proof: Proof) {
        self.confirming -= 1;
        if self.probes[index].phase == Phase::Confirming {
            let mut seen = self.observation(index, proof.state);
            seen.confirmed = proof.confirmed;
            seen.service = proof.service;
            seen.detail = proof.detail;
            seen.tls = proof.tls;
            self.finish(index, seen);
        }
    }

    // ---- sending

    fn send_what_may(&mut self, now: Instant) {
        if self.busy_until.is_some_and(|until| now < until) {
            return;
        }
        // A bounded batch, so that answers are heard while much is to be sent.
        for _ in 0..256 {
            let used = self.engine.open() + self.to_confirm.len() + self.confirming * CONFIRM_FILES;
            if used >= self.files && !self.make_room(now) {
                return;
            }
            if self.since_canary >= self.pace.canary_every() && !self.canaries.is_empty() {
                if !self.pace.take(now) {
                    return;
                }
                self.since_canary = 0;
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
            self.since_canary += 1;
        }
    }

    /// Sends one try; false when nothing left this machine.
    fn send(&mut self, index: usize, now: Instant) -> bool {
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
        probe.tries += 1;
        probe.phase = Phase::Flying;
        let (number, epoch, host) = (probe.tries, self.loss.epoch(now), probe.to.ip());
        probe.epochs.push(epoch);
        probe.open.push((ticket, number));
        self.tries.insert(ticket, Try { of: Of::Probe(index), number, epoch, at: now, host });
        self.flying[kind].push_back((now, ticket));
        let level = (number as usize).saturating_sub(1);
        while self.retries[kind].len() <= level {
            self.retries[kind].push(VecDeque::new());
        }
        self.retries[kind][level].push_back((now, index));
        true
    }

    fn send_canary(&mut self, now: Instant) {
        let index = self.random.below(self.canaries.len());
        let Canary { to, listens, last } = &mut self.canaries[index];
        if *listens && now.saturating_duration_since(*last) < LISTENER_REST {
            self.pace.give_back();
            return;
        }
        *last = now;
        let (host, to) = (to.ip(), *to);
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if self.engine.send(ticket, to, Packet::Connect).is_ok() {
            let epoch = self.loss.epoch(now);
            self.tries.insert(ticket, Try { of: Of::Canary, number: 1, epoch, at: now, host });
            self.canaries_flying.push_back((now, ticket));
        } else {
            self.pace.give_back();
        }
    }

    /// Ends the oldest connect that has waited long enough to make room; false when there is none.
    fn make_room(&mut self, now: Instant) -> bool {
        self.expire(now);
        let used = self.engine.open() + self.to_confirm.len() + self.confirming * CONFIRM_FILES;
        used < self.files
    }

    // ---- hearing

    fn hear(&mut self, answer: Answer) {
        let Some(tried) = self.tries.remove(&answer.ticket) else { return };
        let mut rtt = answer.at.saturating_duration_since(tried.at);
        if let Heard::Connected(_, Some(kernel)) = &answer.heard {
            rtt = rtt.min(*kernel);
        }
        // Past the kernel's own retransmission an answer may be to either SYN.
        let retransmitted = rtt > Duration::from_millis(950);
        let index = match tried.of {
            Of::Canary => {
                self.loss.note(tried.epoch, retransmitted);
                return;
            }
            Of::Probe(index) => index,
        };
        let probe = &mut self.probes[index];
        probe.open.retain(|(t, _)| *t != answer.ticket);
        if probe.phase != Phase::Flying && probe.phase != Phase::Queued {
            return;
        }
        let datagram = probe.udp.is_some();
        let again = retransmitted || (datagram && tried.number > 1);
        if !again {
            self.rtt.sample(tried.host, answer.at.saturating_duration_since(tried.at));
        }
        if !datagram && matches!(answer.heard, Heard::Connected(..) | Heard::Reset) {
            for _ in 1..tried.number {
                self.loss.note_outside(true);
            }
            self.loss.note_outside(retransmitted);
        }
        self.probes[index].rtt = Some(rtt);
        match answer.heard {
            Heard::Connected(socket, _) => self.connected(index, socket),
            Heard::Reset => self.reset(index),
            Heard::Icmp(icmp) => {
                let address = self.probes[index].to.ip();
                let (state, detail) = verdict::of_icmp(icmp, address);
                if state == State::Rejected
                    && let Some(from) = icmp.from
                {
                    self.hosts.entry(address).or_default().rejects = Some(from);
                }
                let mut seen = self.observation(index, state);
                seen.by = icmp.from.map(|from| self.real(index, from));
                seen.detail = detail;
                self.finish(index, seen);
            }
            Heard::Datagram(bytes) => {
                let Some(udp) = &self.probes[index].udp else { return };
                let proof = udp.judge(&bytes);
                self.reflected.extend(proof.reflected);
                let mut seen = self.observation(index, proof.state);
                seen.confirmed = proof.confirmed;
                seen.service = proof.service;
                seen.detail = proof.detail;
                self.finish(index, seen);
            }
            Heard::Local(errno) => self.settle(index, State::Failed, &verdict::of_errno(errno)),
        }
    }

    fn connected(&mut self, index: usize, socket: OwnedFd) {
        self.note_canary(index, true);
        let host = self.probes[index].to.ip();
        let target = &self.targets[self.probes[index].target];
        let ask = match target.expect {
            Expect::Connect => self.options.identify && target.why != Why::Control,
            Expect::Path => false,
            _ => true,
        };
        self.close_all(index);
        if ask {
            self.probes[index].phase = Phase::Confirming;
            self.to_confirm.push_back((index, socket));
        } else {
            drop(socket);
            let mut seen = self.observation(index, State::Open);
            seen.confirmed = true;
            self.finish(index, seen);
        }
        // The host's own distance is known now: RSTs in its name can be judged.
        if self.hops.handshake(host).is_some() {
            self.release(host);
        }
    }

    fn reset(&mut self, index: usize) {
        self.note_canary(index, false);
        let to = self.probes[index].to;
        self.close_all(index);
        let hops = self.hops.reset(to.ip(), to.port());
        let host = self.hosts.entry(to.ip()).or_default();
        host.furthest = host.furthest.max(hops);
        let sender = self.sender(to);
        if sender == Sender::NotTold && hops.is_some() && self.hops.hears(to.ip()) {
            self.probes[index].phase = Phase::Parked;
            let host = self.hosts.entry(to.ip()).or_default();
            host.parked.push(index);
            host.pending -= 1;
            if host.pending == 0 {
                self.release(to.ip());
            }
            return;
        }
        self.finish_reset(index, sender);
    }

    fn sender(&self, to: SocketAddr) -> Sender {
        if to.ip().is_loopback() {
            return Sender::Target;
        }
        let furthest = self.hosts.get(&to.ip()).and_then(|h| h.furthest);
        verdict::sender(self.hops.reset(to.ip(), to.port()), self.hops.handshake(to.ip()), furthest)
    }

    /// Settles the parked RSTs of a host with what is known of it now.
    fn release(&mut self, address: IpAddr) {
        let Some(host) = self.hosts.get_mut(&address) else { return };
        let parked = std::mem::take(&mut host.parked);
        host.pending += parked.len();
        for index in parked {
            let sender = self.sender(self.probes[index].to);
            self.finish_reset(index, sender);
        }
    }

    fn finish_reset(&mut self, index: usize, sender: Sender) {
        let (state, detail) = verdict::of_reset(sender);
        let mut seen = self.observation(index, state);
        if state == State::Refused && sender == Sender::Target {
            seen.by = Some(seen.address);
        }
        seen.detail = Some(detail);
        self.finish(index, seen);
    }

    fn note_canary(&mut self, index: usize, listens: bool) {
        let probe = &self.probes[index];
        let host = self.hosts.entry(probe.to.ip()).or_default();
        if self.canaries.len() < CANARIES.1 && host.canaries < CANARIES.0 {
            host.canaries += 1;
            self.canaries.push(Canary { to: probe.to, listens, last: Instant::now() });
        }
    }

    // ---- time

    fn expire(&mut self, now: Instant) {
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
        let life = self.rtt.wait() + Duration::from_millis(25);
        while let Some((at, ticket)) = self.canaries_flying.front().copied() {
            let open = self.tries.contains_key(&ticket);
            if open && now.saturating_duration_since(at) < life {
                break;
            }
            self.canaries_flying.pop_front();
            if !open {
                continue;
            }
            let heard = self.engine.close(ticket);
            if let Some(tried) = self.tries.remove(&ticket) {
                self.loss.note(tried.epoch, heard.is_none());
            }
        }
    }

    /// Ends one try that waited long enough.
    fn end(&mut self, ticket: Ticket) {
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

    fn retry(&mut self, now: Instant) {
        for kind in 0..2 {
            for level in 0..self.retries[kind].len() {
                let wait = self.retry_wait(kind, level);
                while let Some((at, index)) = self.retries[kind][level].front().copied()
                    && now.saturating_duration_since(at) >= wait
                {
                    self.retries[kind][level].pop_front();
                    self.decide(index, level);
                }
            }
        }
    }

    /// Whether silence so far is enough, or one more try is due.
    fn decide(&mut self, index: usize, level: usize) {
        let (known, tries) = (self.loss.known(), self.probes[index].tries);
        let probe = &mut self.probes[index];
        if probe.phase != Phase::Flying || probe.last_try || tries as usize != level + 1 {
            return;
        }
        let least = if probe.udp.is_some() { 3 } else { 2 };
        let evidence: f64 = probe.epochs.iter().map(|e| -self.loss.of(*e).ln()).sum();
        let enough =
            if known { tries >= least && evidence >= ENOUGH } else { tries >= UNKNOWN_LOSS_TRIES };
        if enough || tries >= self.options.tries.max(1) {
            probe.last_try = true;
            if probe.open.is_empty() {
                self.silent(index);
            }
        } else {
            self.again.push_back(index);
        }
    }

    fn silent(&mut self, index: usize) {
        let probe = &self.probes[index];
        let miss: f64 = probe.epochs.iter().map(|e| self.loss.of(*e)).product();
        let mut detail = if self.loss.known() {
            format!("no answer to {} tries, chance of a miss {miss:.0e}", probe.tries)
        } else {
            format!("no answer to {} tries, and nothing else answered: loss unknown", probe.tries)
        };
        if let Some(from) = self.hosts.get(&probe.to.ip()).and_then(|h| h.rejects) {
            detail +=
                &format!("; {from} rejects with ICMP on this path, and such answers are limited");
        }
        let state = match (&probe.udp, &self.targets[probe.target].expect) {
            (Some(_), Expect::Connect | Expect::Path) => State::Unproven,
            _ => State::Silent,
        };
        self.settle(index, state, &detail);
    }

    fn retry_wait(&self, kind: usize, level: usize) -> Duration {
        let base = self.rtt.wait();
        let base = if kind == 1 { base.max(DATAGRAM_WAIT) } else { base };
        // Doubling: what a burst drops together is asked again at different times.
        (base * (1u32 << level.min(5))).min(Duration::from_secs(1)).min(self.options.timeout)
    }

    /// How long a try stays open.
    fn life(&self, kind: usize) -> Duration {
        let most = self.options.timeout;
        if !self.rtt.known() {
            return most;
        }
        let life = (self.rtt.wait() * 6).max(SHORTEST_LIFE);
        if kind == 1 { life.max(DATAGRAM_WAIT) } else { life }.min(most)
    }

    /// When the next thing is due.
    fn wait(&self, now: Instant) -> Duration {
        let left = |at: Instant, wait: Duration| (at + wait).saturating_duration_since(now);
        let mut next = Duration::from_millis(250);
        if let Some(until) = self.busy_until {
            next = next.min(until.saturating_duration_since(now));
        } else if !self.fresh.is_empty() || !self.again.is_empty() {
            let used = self.engine.open() + self.to_confirm.len() + self.confirming * CONFIRM_FILES;
            if used < self.files {
                next = next.min(self.pace.wait());
            }
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
        if let Some((due, _)) = self.later.front() {
            next = next.min(due.saturating_duration_since(now));
        }
        next
    }

    fn judge_pace(&mut self, now: Instant) {
        // An epoch is judged when its canaries have had their time.
        let settled = self.rtt.wait() + Duration::from_millis(50);
        let Some(then) = now.checked_sub(settled) else { return };
        while (self.judged + 1) <= self.loss.epoch(then) && self.judged < self.loss.epoch(now) {
            let count = self.loss.count(self.judged);
            let ended = self.started + EPOCH * u32::try_from(self.judged + 1).unwrap_or(u32::MAX);
            self.pace.judge(count, ended, now);
            self.judged += 1;
        }
    }

    // ---- settling

    fn close_all(&mut self, index: usize) {
        for (ticket, _) in std::mem::take(&mut self.probes[index].open) {
            self.engine.close(ticket);
            self.tries.remove(&ticket);
        }
    }

    /// The address an answer came from, as the snapshot knows it.
    fn real(&self, index: usize, from: IpAddr) -> IpAddr {
        let probe = &self.probes[index];
        if from == probe.to.ip() { self.targets[probe.target].endpoint.address } else { from }
    }

    fn observation(&self, index: usize, state: State) -> Observation {
        let probe = &self.probes[index];
        let Endpoint { address, protocol, port } = self.targets[probe.target].endpoint;
        Observation {
            address,
            protocol,
            port,
            state,
            confirmed: false,
            service: None,
            by: None,
            vantage: self.options.vantage.name.clone(),
            rtt_us: probe.rtt.map(|r| u64::try_from(r.as_micros()).unwrap_or(u64::MAX)),
            tries: probe.tries,
            detail: None,
            tls: None,
        }
    }

    fn settle(&mut self, index: usize, state: State, detail: &str) {
        let mut seen = self.observation(index, state);
        if matches!(state, State::Silent | State::Unproven | State::Failed | State::Unprobed) {
            seen.rtt_us = None;
        }
        seen.detail = Some(detail.into());
        self.finish(index, seen);
    }

    /// Says what was seen, or looks once more first.
    fn finish(&mut self, index: usize, seen: Observation) {
        self.close_all(index);
        let probe = &mut self.probes[index];
        let target = &self.targets[probe.target];
        // A refusal by the host itself proves the path, where only the path is declared.
        let proven = target.expect == Expect::Path && seen.state == State::Refused;
        let hope = if proven { Hope::Either } else { target.hope };
        let first = probe.first_look.take();
        if first.is_none()
            && self.options.second_look
            && self.looks < SECOND_LOOKS
            && contradicts(hope, &seen)
        {
            self.looks += 1;
            probe.first_look = Some(Box::new(seen));
            probe.phase = Phase::Later;
            probe.tries = 0;
            probe.epochs.clear();
            probe.last_try = false;
            probe.rtt = None;
            self.later.push_back((Instant::now() + SECOND_LOOK_AFTER, index));
            return;
        }
        let seen = match first {
            Some(first) => both(hope, *first, seen),
            None => seen,
        };
        probe.phase = Phase::Settled;
        self.unsettled -= 1;
        self.settled.push(seen);
        let address = probe.to.ip();
        if let Some(host) = self.hosts.get_mut(&address) {
            host.pending -= 1;
            if host.pending == 0 && !host.parked.is_empty() {
                self.release(address);
            }
        }
    }

    /// The deadline came first.
    fn give_up(&mut self) {
        for address in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.release(address);
        }
        for index in 0..self.probes.len() {
            if self.probes[index].phase == Phase::Settled {
                continue;
            }
            if let Some(first) = self.probes[index].first_look.take() {
                self.probes[index].phase = Phase::Settled;
                self.close_all(index);
                self.unsettled -= 1;
                self.settled.push(*first);
                continue;
            }
            // No second look from here on.
            self.looks = SECOND_LOOKS;
            self.settle(index, State::Unprobed, "the run's deadline came first");
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
