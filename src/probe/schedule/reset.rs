//! Whose RST it was: parked until enough of the host is known to tell.

use super::Scheduler;
use super::probe::Phase;
use crate::observation::State;
use crate::probe::engine::Engine;
use crate::probe::verdict::{self, Sender};
use std::net::{IpAddr, SocketAddr};

impl<E: Engine> Scheduler<'_, E> {
    pub(super) fn reset(&mut self, index: usize) {
        self.note_canary(index, false);
        let to = self.probes[index].to;
        self.close_all(index);
        let hops = self.hops.reset(to.ip(), to.port());
        let host = self.hosts.entry(to.ip()).or_default();
        host.furthest = host.furthest.max(hops);
        let sender = self.sender(to);
        if sender == Sender::NotTold && hops.is_some() && self.hops.hears(to.ip()) {
            self.probes[index].phase = Phase::Parked;
            self.hosts.entry(to.ip()).or_default().parked.push(index);
            self.rest(to.ip());
            return;
        }
        self.finish_reset(index, sender);
    }

    pub(super) fn sender(&self, to: SocketAddr) -> Sender {
        if to.ip().is_loopback() {
            return Sender::Target;
        }
        let furthest = self.hosts.get(&to.ip()).and_then(|h| h.furthest);
        verdict::sender(self.hops.reset(to.ip(), to.port()), self.hops.handshake(to.ip()), furthest)
    }

    /// Settles the parked RSTs of a host with what is known of it now.
    pub(super) fn release(&mut self, address: IpAddr) {
        let Some(host) = self.hosts.get_mut(&address) else { return };
        let parked = std::mem::take(&mut host.parked);
        host.pending += parked.len();
        for index in parked {
            let sender = self.sender(self.probes[index].to);
            self.finish_reset(index, sender);
        }
    }

    pub(super) fn finish_reset(&mut self, index: usize, sender: Sender) {
        let (state, detail) = verdict::of_reset(sender);
        let mut seen = self.observation(index, state);
        if state == State::Refused && sender == Sender::Target {
            seen.by = Some(seen.address);
        }
        seen.detail = Some(detail);
        self.finish(index, seen);
    }
}
