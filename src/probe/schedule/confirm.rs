//! Handing over to confirmation: open ports are asked who they are, a bounded number at once.

use super::Scheduler;
use super::probe::Phase;
use crate::probe::engine::Engine;
use crate::probe::protocol::{Proof, Question};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Services asked who they are at once.
const AT_ONCE: usize = 192;
/// Descriptors one of them may use.
const FILES_EACH: usize = 4;

/// A service to be asked who it is.
pub(in crate::probe) struct Confirm {
    pub(in crate::probe) probe: usize,
    pub(in crate::probe) socket: OwnedFd,
    pub(in crate::probe) question: Question,
}

/// Open ports on their way through confirmation.
#[derive(Default)]
pub(super) struct Confirms {
    pub(super) waiting: VecDeque<(usize, OwnedFd)>,
    /// Being asked now.
    asked: usize,
}

impl Confirms {
    /// Descriptors they use, or may use.
    pub(super) fn files(&self) -> usize {
        self.waiting.len() + self.asked * FILES_EACH
    }
}

impl<E: Engine> Scheduler<'_, E> {
    /// Takes the services that may be asked now.
    pub(in crate::probe) fn take_confirms(&mut self) -> Vec<Confirm> {
        let mut out = Vec::new();
        while self.confirms.asked < AT_ONCE.min(self.files / FILES_EACH).max(1) {
            let Some((index, socket)) = self.confirms.waiting.pop_front() else { break };
            self.confirms.asked += 1;
            let probe = &self.probes[index];
            let target = &self.targets[probe.target];
            let question = Question {
                to: probe.to,
                address: target.endpoint.address,
                expect: target.expect.clone(),
                rtt: probe.rtt.unwrap_or(Duration::from_millis(100)),
                signer: self.signer(probe.target),
            };
            out.push(Confirm { probe: index, socket, question });
        }
        out
    }

    /// What one service proved to be.
    pub(in crate::probe) fn proven(&mut self, index: usize, proof: Proof) {
        self.confirms.asked -= 1;
        if self.probes[index].phase == Phase::Confirming {
            let mut seen = self.observation(index, proof.state);
            seen.confirmed = proof.confirmed;
            seen.service = proof.service;
            seen.detail = proof.detail;
            seen.tls = proof.tls;
            self.accepted(index, seen);
        }
    }
}
