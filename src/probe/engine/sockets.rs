use super::datagram::Datagrams;
use super::icmp::{Icmp, IcmpClass};
use super::sys::{self, Epoll, SYN_SENT, WAKE, Waker};
use super::{Answer, Engine, Heard, NotSent, Packet, Ticket};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// The engine that needs no privileges: non-blocking connects, and one unconnected UDP socket for
/// each family.
pub(crate) struct Sockets {
    epoll: Epoll,
    waker: Waker,
    connecting: HashMap<Ticket, OwnedFd>,
    v4: Option<Datagrams>,
    v6: Option<Datagrams>,
    ready: Vec<Answer>,
}

/// Tokens above every ticket.
const DATAGRAMS_V4: u64 = WAKE - 1;
const DATAGRAMS_V6: u64 = WAKE - 2;

impl Sockets {
    /// # Errors
    /// When the machine has no descriptor left.
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = Epoll::new()?;
        let waker = Waker::new()?;
        epoll.add(waker.fd(), WAKE, libc::EPOLLIN)?;
        Ok(Self { epoll, waker, connecting: HashMap::new(), v4: None, v6: None, ready: Vec::new() })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    fn connect(&mut self, ticket: Ticket, to: SocketAddr) -> Result<(), NotSent> {
        let fd = match sys::start_connect(to) {
            Ok(fd) => fd,
            Err(e) => return self.not_connected(ticket, sys::errno(&e)),
        };
        let interest = libc::EPOLLOUT | libc::EPOLLERR | libc::EPOLLHUP;
        match self.epoll.add(fd.as_raw_fd(), ticket, interest) {
            Ok(()) => {
                self.connecting.insert(ticket, fd);
                Ok(())
            }
            Err(e) => Err(NotSent::Busy(sys::errno(&e))),
        }
    }

    fn not_connected(&mut self, ticket: Ticket, errno: i32) -> Result<(), NotSent> {
        match errno {
            libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN => {
                Err(NotSent::Busy(errno))
            }
            // Every local port to this endpoint is taken: some come back when tries end.
            libc::EADDRNOTAVAIL => Err(NotSent::Busy(errno)),
            libc::ECONNREFUSED => {
                self.ready.push(Answer { ticket, heard: Heard::Reset, at: Instant::now() });
                Ok(())
            }
            other => Err(NotSent::Failed(other)),
        }
    }

    fn datagram(&mut self, ticket: Ticket, to: SocketAddr, bytes: &[u8]) -> Result<(), NotSent> {
        let (slot, token) =
            if to.is_ipv6() { (&mut self.v6, DATAGRAMS_V6) } else { (&mut self.v4, DATAGRAMS_V4) };
        if slot.is_none() {
            let made = Datagrams::new(to.is_ipv6()).and_then(|d| {
                self.epoll.add(d.fd(), token, libc::EPOLLIN | libc::EPOLLERR)?;
                Ok(d)
            });
            match made {
                Ok(d) => *slot = Some(d),
                Err(e) => return Err(NotSent::Failed(sys::errno(&e))),
            }
        }
        match slot {
            Some(socket) => socket.send(ticket, to, bytes),
            None => Err(NotSent::Failed(libc::EIO)),
        }
    }

    /// What came of a connect; `None` while it is still under way.
    fn outcome(fd: &OwnedFd) -> Option<Outcome> {
        // The queue first: an ICMP error that came while the kernel held the socket is only there.
        let mut icmp = None;
        while let Some(entry) = sys::queued_error(fd.as_raw_fd()) {
            icmp = icmp.or(entry.icmp);
        }
        let error = sys::take_error(fd.as_fd());
        let info = sys::tcp_info(fd.as_raw_fd()).ok();
        if let Some(icmp) = icmp {
            return Some(Outcome::Heard(Heard::Icmp(icmp)));
        }
        let heard_segments = info.and_then(|i| i.segments_in);
        match error {
            None => match info {
                Some(i) if i.state == SYN_SENT => None,
                Some(i) => Some(Outcome::Connected((!i.rtt.is_zero()).then_some(i.rtt))),
                None => None,
            },
            Some(libc::ECONNREFUSED) if heard_segments != Some(0) => {
                Some(Outcome::Heard(Heard::Reset))
            }
            // The handshake was complete and the peer reset at once: it was open.
            Some(libc::ECONNRESET | libc::EPIPE) => Some(Outcome::Connected(None)),
            // The kernel gave up retransmitting: nothing was heard.
            Some(libc::ETIMEDOUT) => None,
            Some(errno) => Some(Outcome::Heard(match IcmpClass::of_errno(errno) {
                Some(class) => Heard::Icmp(Icmp { class, from: None, hops: None }),
                None => Heard::Local(errno),
            })),
        }
    }

    fn settle(&mut self, ticket: Ticket) -> Option<Heard> {
        let outcome = Self::outcome(self.connecting.get(&ticket)?)?;
        let fd = self.connecting.remove(&ticket)?;
        self.epoll.remove(fd.as_raw_fd());
        Some(match outcome {
            // Its own port was the one asked: it is free, or the kernel had not chosen it.
            Outcome::Connected(_) if sys::is_its_own_peer(fd.as_fd()) => Heard::Reset,
            Outcome::Connected(rtt) => Heard::Connected(fd, rtt),
            Outcome::Heard(heard) => heard,
        })
    }
}

enum Outcome {
    Connected(Option<Duration>),
    Heard(Heard),
}

impl Engine for Sockets {
    fn send(&mut self, ticket: Ticket, to: SocketAddr, packet: Packet<'_>) -> Result<(), NotSent> {
        match packet {
            Packet::Connect => self.connect(ticket, to),
            Packet::Datagram(bytes) => self.datagram(ticket, to, bytes),
        }
    }

    fn poll(&mut self, wait: Duration, out: &mut Vec<Answer>) {
        let wait = if self.ready.is_empty() { wait } else { Duration::ZERO };
        let events = self.epoll.wait(wait);
        let at = Instant::now();
        out.append(&mut self.ready);
        for (token, events) in events {
            match token {
                WAKE => self.waker.rest(),
                DATAGRAMS_V4 => {
                    if let Some(socket) = &mut self.v4 {
                        socket.hear(at, out);
                    }
                }
                DATAGRAMS_V6 => {
                    if let Some(socket) = &mut self.v6 {
                        socket.hear(at, out);
                    }
                }
                ticket => {
                    if let Some(heard) = self.settle(ticket) {
                        out.push(Answer { ticket, heard, at });
                    } else if events & libc::EPOLLHUP != 0
                        && let Some(fd) = self.connecting.get(&ticket)
                    {
                        // Dead without an answer: it would be ready for ever.
                        self.epoll.remove(fd.as_raw_fd());
                    }
                }
            }
        }
    }

    fn close(&mut self, ticket: Ticket) -> Option<Heard> {
        if self.connecting.contains_key(&ticket) {
            let heard = self.settle(ticket);
            self.connecting.remove(&ticket);
            return heard;
        }
        for socket in [&mut self.v4, &mut self.v6].into_iter().flatten() {
            socket.forget(ticket);
        }
        None
    }

    fn open(&self) -> usize {
        self.connecting.len()
    }
}
