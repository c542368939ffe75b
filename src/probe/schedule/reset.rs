//! Whose answer it was: parked until enough of the host is known to tell.

use super::Scheduler;
use super::probe::{Parked, Phase};
use crate::model::Expect;
use crate::observation::{Observation, State};
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
            self.probes[index].parked = Some(Parked::Icmp(icmp));
            return self.park(index);
        }
        self.finish_icmp(index, icmp, sender);
    }

    /// A handshake. Where it is to prove the path it has to be the host's own: one that came a shorter way
    /// than anything else in the host's name is that of whoever redirects it.
    pub(super) fn accepted(&mut self, index: usize, seen: Observation) {
        let probe = &self.probes[index];
        let (to, expect) = (probe.to, &self.targets[probe.target].expect);
        let bare = *expect == Expect::Path && seen.confirmed && seen.service.is_none();
        let hops = self.hops.accept(to.ip(), to.port());
        if !bare || hops.is_none() || to.ip().is_loopback() {
            return self.finish(index, seen);
        }
        self.close_all(index);
        self.probes[index].parked = Some(Parked::Accept(Box::new(seen)));
        self.park(index);
    }

    fn finish_accept(&mut self, index: usize, mut seen: Observation) {
        let to = self.probes[index].to;
        let hops = self.hops.accept(to.ip(), to.port());
        if let Sender::Before { hops, target } = self.sender(to.ip(), hops) {
            seen.confirmed = false;
            seen.detail = Some(format!(
                "accepted in the target's name by something before it: {hops} hops away, the target is \
                 {target}"
            ));
        }
        self.finish(index, seen);
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

    /// Whose an answer in a host's name is, by the hops that it travelled.
    fn sender(&self, address: IpAddr, hops: Option<u8>) -> Sender {
        if address.is_loopback() {
            return Sender::Target;
        }
        let furthest = self.hosts.get(&address).and_then(|h| h.furthest);
        verdict::sender(hops, self.hops.handshake(address), furthest)
    }

    /// Settles the parked answers of a host with what is known of it now. Handshakes wait for all else of
    /// it: what makes them the host's own is that nothing came from further away.
    pub(super) fn release(&mut self, address: IpAddr) {
        let last = self.hosts.get(&address).is_some_and(|host| host.pending == 0);
        self.settle_parked(address, last);
    }

    /// The same; `last` says that nothing more of the host is waited for.
    pub(super) fn settle_parked(&mut self, address: IpAddr, last: bool) {
        let Some(host) = self.hosts.get_mut(&address) else { return };
        let parked = std::mem::take(&mut host.parked);
        let waits = |i: &usize| !last && matches!(self.probes[*i].parked, Some(Parked::Accept(_)));
        let (wait, settle): (Vec<usize>, Vec<usize>) = parked.into_iter().partition(waits);
        host.pending += settle.len();
        host.parked = wait;
        for index in settle {
            match self.probes[index].parked.take() {
                Some(Parked::Icmp(icmp)) => {
                    let sender = self.sender(address, icmp.hops);
                    self.finish_icmp(index, icmp, sender);
                }
                Some(Parked::Accept(seen)) => self.finish_accept(index, *seen),
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
