//! What is remembered of one probe, of each of its tries and of the host it asks.

use super::slow_lane::Slow;
use crate::observation::Observation;
use crate::probe::engine::{Icmp, Ticket};
use crate::probe::protocol::Udp;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// Where a probe is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Queued,
    Flying,
    Confirming,
    /// An answer whose sender is told once the rest of the host is known.
    Parked,
    /// Waits for its second look.
    Later,
    /// Waits in the slow lane.
    Slow,
    Settled,
}

/// One target, and where its probing stands.
pub(super) struct Probe {
    pub(super) target: usize,
    pub(super) to: SocketAddr,
    pub(super) udp: Option<Udp>,
    pub(super) phase: Phase,
    pub(super) tries: u32,
    /// Epoch of each try.
    pub(super) epochs: Vec<usize>,
    /// Tries still open, with their numbers.
    pub(super) open: Vec<(Ticket, u32)>,
    pub(super) last_try: bool,
    pub(super) rtt: Option<Duration>,
    /// What is parked, where it is no RST.
    pub(super) parked: Option<Parked>,
    pub(super) first_look: Option<Box<Observation>>,
    /// What the sweep saw, once it is in the slow lane.
    pub(super) slow: Option<Box<Slow>>,
}

/// An answer in a host's name that waits for what is known of the host.
pub(super) enum Parked {
    Icmp(Icmp),
    /// A handshake that is to prove a path.
    Accept(Box<Observation>),
}

/// What a try belongs to.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Probe(usize),
    Canary,
}

/// One packet sent.
pub(super) struct Try {
    pub(super) of: Of,
    pub(super) number: u32,
    pub(super) epoch: usize,
    pub(super) at: Instant,
    pub(super) host: IpAddr,
}

/// What is known of one address.
#[derive(Default)]
pub(super) struct Host {
    /// Probes neither settled nor parked nor waiting in the slow lane.
    pub(super) pending: usize,
    pub(super) parked: Vec<usize>,
    pub(super) canaries: u32,
    /// When it was first sent to.
    pub(super) first: Option<Instant>,
    /// Whether it answered anything itself.
    pub(super) heard: bool,
    /// The longest way a refusal in its name came.
    pub(super) furthest: Option<u8>,
    /// Who was seen rejecting with ICMP before it.
    pub(super) rejects: Option<IpAddr>,
    /// Whether it was seen refusing with ICMP of its own.
    pub(super) refuses: bool,
}
