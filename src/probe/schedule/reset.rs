//! Whose refusal it was: parked until enough of the host is known to tell.

use super::Scheduler;
use super::probe::Phase;
use crate::observation::State;
use crate::probe::engine::{Engine, Icmp};
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
        let sender = self.sender_of_reset(to);
        if sender == Sender::NotTold && hops.is_some() && self.hops.hears(to.ip()) {
            return self.park(index);
        }
        self.finish_reset(index, sender);
    }

    /// An ICMP error. One in the target's own name is judged by its way, as a RST is: a NAT gives that
    /// name to what a firewall behind it says.
    pub(super) fn icmp(&mut self, index: usize, icmp: Icmp) {
        let address = self.probes[index].to.ip();
        if !icmp.class.refuses() || icmp.from != Some(address) || icmp.hops.is_none() {
            return self.finish_icmp(index, icmp, Sender::NotTold);
        }
        let host = self.hosts.entry(address).or_default();
        host.furthest = host.furthest.max(icmp.hops);
        let sender = self.sender(address, icmp.hops);
        if sender == Sender::NotTold && self.hops.hears(address) {
            self.close_all(index);
            self.probes[index].parked = Some(icmp);
            return self.park(index);
        }
        self.finish_icmp(index, icmp, sender);
    }

    fn park(&mut self, index: usize) {
        let address = self.probes[index].to.ip();
        self.probes[index].phase = Phase::Parked;
        self.hosts.entry(address).or_default().parked.push(index);
        self.rest(address);
    }

    pub(super) fn sender_of_reset(&self, to: SocketAddr) -> Sender {
        self.sender(to.ip(), self.hops.reset(to.ip(), to.port()))
    }

    /// Whose a refusal in a host's name is, by the hops that it travelled.
    fn sender(&self, address: IpAddr, hops: Option<u8>) -> Sender {
        if address.is_loopback() {
            return Sender::Target;
        }
        let furthest = self.hosts.get(&address).and_then(|h| h.furthest);
        verdict::sender(hops, self.hops.handshake(address), furthest)
    }

    /// Settles the parked refusals of a host with what is known of it now.
    pub(super) fn release(&mut self, address: IpAddr) {
        let Some(host) = self.hosts.get_mut(&address) else { return };
        let parked = std::mem::take(&mut host.parked);
        host.pending += parked.len();
        for index in parked {
            match self.probes[index].parked.take() {
                Some(icmp) => {
                    let sender = self.sender(address, icmp.hops);
                    self.finish_icmp(index, icmp, sender);
                }
                None => {
                    let sender = self.sender_of_reset(self.probes[index].to);
                    self.finish_reset(index, sender);
                }
            }
        }
    }

    fn finish_icmp(&mut self, index: usize, icmp: Icmp, sender: Sender) {
        let address = self.probes[index].to.ip();
        let (state, detail) = verdict::of_icmp(icmp, address, sender);
        if let Some(from) = icmp.from {
            self.note_icmp(address, from, state);
        }
        let mut seen = self.observation(index, state);
        if !matches!(sender, Sender::Before { .. }) {
            seen.by = icmp.from.map(|from| self.real(index, from));
        }
        seen.detail = detail;
        self.finish(index, seen);
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
