//! Hearing: what each answer means for the probe it answers.

use super::Scheduler;
use super::probe::{Of, Phase};
use crate::model::Expect;
use crate::observation::State;
use crate::probe::engine::{Answer, Engine, Heard};
use crate::probe::verdict;
use crate::survey::Why;
use std::os::fd::OwnedFd;
use std::time::Duration;

impl<E: Engine> Scheduler<'_, E> {
    pub(super) fn hear(&mut self, answer: Answer) {
        let Some(tried) = self.tries.remove(&answer.ticket) else { return };
        let mut rtt = answer.at.saturating_duration_since(tried.at);
        if let Heard::Connected(_, Some(kernel)) = &answer.heard {
            rtt = rtt.min(*kernel);
        }
        // Past the kernel's own retransmission an answer may be to either SYN.
        let retransmitted = rtt > Duration::from_millis(950);
        if !matches!(answer.heard, Heard::Icmp(_) | Heard::Local(_)) {
            self.hosts.entry(tried.host).or_default().heard = true;
        }
        let index = match tried.of {
            Of::Canary => {
                self.loss.note(tried.epoch, tried.host, retransmitted);
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
                self.loss.note_outside(tried.host, true);
            }
            self.loss.note_outside(tried.host, retransmitted);
        }
        self.probes[index].rtt = Some(rtt);
        match answer.heard {
            Heard::Connected(socket, _) => self.connected(index, socket),
            Heard::Reset => self.reset(index),
            Heard::Icmp(icmp) => {
                self.icmp(index, icmp);
            }
            Heard::Datagram(bytes) => {
                let Some(udp) = &self.probes[index].udp else { return };
                let proof = udp.judge(&bytes);
                let mut seen = self.observation(index, proof.state);
                seen.seen_from = proof.reflected;
                seen.confirmed = proof.confirmed;
                seen.service = proof.service;
                seen.detail = proof.detail;
                self.finish(index, seen);
            }
            Heard::Local(errno) => self.settle(index, State::Failed, &verdict::of_errno(errno)),
        }
    }

    pub(super) fn connected(&mut self, index: usize, socket: OwnedFd) {
        self.note_canary(index, true);
        let host = self.probes[index].to.ip();
        let target = &self.targets[self.probes[index].target];
        let ask = match target.expect {
            Expect::Connect => self.options.identify && target.why != Why::Control,
            Expect::Path => self.options.auditor.is_some(),
            _ => true,
        };
        self.close_all(index);
        if ask {
            self.probes[index].phase = Phase::Confirming;
            self.confirms.waiting.push_back((index, socket));
        } else {
            drop(socket);
            let mut seen = self.observation(index, State::Open);
            seen.confirmed = true;
            self.accepted(index, seen);
        }
        // The host's own distance is known now: RSTs in its name can be judged.
        if self.hops.handshake(host).is_some() {
            self.release(host);
        }
    }
}
