//! What sends packets and hears answers, behind one small interface: the scheduler above decides
//! what is sent when, so that a raw-packet engine can take the place of the sockets.

mod datagram;
mod hops;
mod icmp;
mod sockets;
mod sys;

pub(crate) use hops::Hops;
pub(crate) use icmp::{Icmp, IcmpClass};
pub(crate) use sockets::Sockets;
pub(crate) use sys::raise_file_limit;

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// One try, by a number the scheduler chose.
pub(crate) type Ticket = u64;

/// What one try heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A completed handshake, with the connection and the kernel's own measure of the round trip.
    Connected(OwnedFd, Option<Duration>),
    /// A RST.
    Reset,
    Icmp(Icmp),
    /// A datagram from the very socket asked.
    Datagram(Vec<u8>),
    /// Trouble of our own: an errno.
    Local(i32),
}

/// An answer to one try.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) ticket: Ticket,
    pub(crate) heard: Heard,
    pub(crate) at: Instant,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packet<'a> {
    Connect,
    Datagram(&'a [u8]),
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// Out of descriptors, ports or buffers for now; the errno says which.
    Busy(i32),
    /// It will not work later either.
    Failed(i32),
}

/// Sends tries and hears answers.
pub(crate) trait Engine {
    /// Sends one try now.
    ///
    /// # Errors
    /// When nothing left this machine.
    fn send(&mut self, ticket: Ticket, to: SocketAddr, packet: Packet<'_>) -> Result<(), NotSent>;

    /// Waits until something was heard, the waker fired, or `wait` is over, and adds what was heard.
    fn poll(&mut self, wait: Duration, out: &mut Vec<Answer>);

    /// Ends one try. What it heard until this moment and nobody took yet is returned: a machine
    /// that is behind must not report silence.
    fn close(&mut self, ticket: Ticket) -> Option<Heard>;

    /// Sockets open now.
    fn open(&self) -> usize;
}
