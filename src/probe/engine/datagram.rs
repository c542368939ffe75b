use super::sys;
use super::{Answer, Heard, NotSent, Ticket};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Instant;

/// One unconnected UDP socket that hears answers and ICMP errors of many endpoints.
pub(super) struct Datagrams {
    socket: UdpSocket,
    asked: HashMap<SocketAddr, Vec<Ticket>>,
    tickets: HashMap<Ticket, SocketAddr>,
}

/// Answers taken in one go, so that a flood cannot keep the scheduler from its work.
const AT_ONCE: usize = 1024;

/// What the kernel makes of an ICMP error, and then reports on whatever is sent next.
const BY_ICMP: [i32; 8] = [
    libc::ECONNREFUSED,
    libc::EHOSTUNREACH,
    libc::ENETUNREACH,
    libc::EHOSTDOWN,
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EACCES,
    libc::EOPNOTSUPP,
];

/// Errors of earlier datagrams that may wait in front of one send: each answer to an ICMP error
/// is read between two turns, so there are few.
const PENDING: usize = 16;

impl Datagrams {
    pub(super) fn new(v6: bool) -> io::Result<Self> {
        let (domain, any): (_, SocketAddr) = if v6 {
            (socket2::Domain::IPV6, (std::net::Ipv6Addr::UNSPECIFIED, 0).into())
        } else {
            (socket2::Domain::IPV4, (std::net::Ipv4Addr::UNSPECIFIED, 0).into())
        };
        let kind = socket2::Type::DGRAM.nonblocking().cloexec();
        let socket = socket2::Socket::new(domain, kind, Some(socket2::Protocol::UDP))?;
        if v6 {
            socket.set_only_v6(true)?;
        }
        sys::queue_errors(socket.as_raw_fd(), v6)?;
        let _ = socket.set_recv_buffer_size(4 << 20);
        socket.bind(&any.into())?;
        Ok(Self { socket: socket.into(), asked: HashMap::new(), tickets: HashMap::new() })
    }

    pub(super) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    pub(super) fn send(
        &mut self,
        ticket: Ticket,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), NotSent> {
        // The error of an earlier datagram is reported on the next send: it is not this one's. Only
        // one that stays when all of those are taken is.
        let mut errno = libc::EHOSTUNREACH;
        for _ in 0..PENDING {
            match self.socket.send_to(bytes, to) {
                Ok(_) => {
                    self.asked.entry(to).or_default().push(ticket);
                    self.tickets.insert(ticket, to);
                    return Ok(());
                }
                Err(e) => match sys::errno(&e) {
                    n if BY_ICMP.contains(&n) => errno = n,
                    n @ (libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM) => {
                        return Err(NotSent::Busy(n));
                    }
                    n => return Err(NotSent::Failed(n)),
                },
            }
        }
        Err(NotSent::Failed(errno))
    }

    pub(super) fn hear(&mut self, at: Instant, out: &mut Vec<Answer>) {
        for _ in 0..AT_ONCE {
            let Some(entry) = sys::queued_error(self.fd()) else { break };
            if let (Some(to), Some(icmp)) = (entry.to, entry.icmp)
                && let Some(ticket) = self.latest(to)
            {
                out.push(Answer { ticket, heard: Heard::Icmp(icmp), at });
            }
        }
        let mut bytes = [0u8; 2048];
        for _ in 0..AT_ONCE {
            match self.socket.recv_from(&mut bytes) {
                Ok((length, from)) => {
                    if let Some(ticket) = self.latest(from) {
                        let heard = Heard::Datagram(bytes[..length].to_vec());
                        out.push(Answer { ticket, heard, at });
                    }
                }
                // The pending error of a datagram: the queue above has its story.
                Err(e) if sys::errno(&e) != libc::EAGAIN => {}
                Err(_) => break,
            }
        }
    }

    /// The newest try to an endpoint: which one was answered nothing tells.
    fn latest(&self, to: SocketAddr) -> Option<Ticket> {
        let plain = SocketAddr::new(sys::canonical(to.ip()), to.port());
        self.asked.get(&plain).and_then(|t| t.last().copied())
    }

    pub(super) fn forget(&mut self, ticket: Ticket) {
        if let Some(to) = self.tickets.remove(&ticket)
            && let Some(tickets) = self.asked.get_mut(&to)
        {
            tickets.retain(|t| *t != ticket);
            if tickets.is_empty() {
                self.asked.remove(&to);
            }
        }
    }
}
