//! The few system calls that the standard library has no word for, each made safe here.
#![expect(unsafe_code, reason = "epoll, the socket error queue, TCP_INFO and rlimits need libc")]

use super::icmp::{Icmp, IcmpClass};
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// Raises the soft limit of open files to the hard one and returns it.
pub(crate) fn raise_file_limit() -> usize {
    // SAFETY: both calls get a valid pointer to a plain struct.
    let limit = unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 1024;
        }
        if limit.rlim_cur < limit.rlim_max {
            let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
                limit.rlim_cur = limit.rlim_max;
            }
        }
        limit.rlim_cur
    };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The errno of an I/O error; `EIO` when it has none.
pub(super) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// Sets an integer socket option.
pub(super) fn set_option(
    fd: RawFd,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the value outlives the call and its length is told.
    check(unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })
    .map(|_| ())
}

/// An epoll instance.
pub(super) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

/// The token of the waker.
pub(super) const WAKE: u64 = u64::MAX;

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a fresh descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 4096] })
    }

    pub(super) fn add(&self, fd: RawFd, token: u64, events: libc::c_int) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: token };
        // SAFETY: the event outlives the call.
        check(unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event)
        })
        .map(|_| ())
    }

    pub(super) fn remove(&self, fd: RawFd) {
        // SAFETY: removing takes no event.
        unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_DEL, fd, std::ptr::null_mut())
        };
    }

    /// Tokens that are ready, with their events.
    pub(super) fn wait(&mut self, wait: Duration) -> Vec<(u64, libc::c_int)> {
        // Rounded up: a wait that is too short would spin.
        let ms = i32::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
        // SAFETY: the buffer is as long as told.
        let n = unsafe {
            libc::epoll_wait(
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as libc::c_int,
                ms,
            )
        };
        let n = usize::try_from(n).unwrap_or(0);
        self.events[..n].iter().map(|e| (e.u64, e.events as libc::c_int)).collect()
    }
}

/// Ends an engine's wait from another thread.
#[derive(Clone)]
pub(crate) struct Waker(Arc<OwnedFd>);

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a fresh descriptor that nobody else owns.
        let fd = unsafe {
            OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?)
        };
        Ok(Self(Arc::new(fd)))
    }

    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    pub(crate) fn wake(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight valid bytes.
        unsafe { libc::write(self.fd(), one.as_ptr().cast(), one.len()) };
    }

    pub(super) fn rest(&self) {
        let mut count = [0u8; 8];
        // SAFETY: eight writable bytes.
        unsafe { libc::read(self.fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

/// What the kernel knows of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct TcpInfo {
    pub(super) state: u8,
    pub(super) rtt: Duration,
    /// Segments received; `None` on kernels before 4.2.
    pub(super) segments_in: Option<u32>,
}

/// `TCP_SYN_SENT` of the kernel.
pub(super) const SYN_SENT: u8 = 2;

/// Reads `TCP_INFO`. libc's struct ends before `tcpi_segs_in`, so the offsets are the kernel's own.
pub(super) fn tcp_info(fd: RawFd) -> io::Result<TcpInfo> {
    const RTT: usize = 68;
    const SEGMENTS_IN: usize = 140;
    let mut bytes = [0u8; 256];
    let mut length = bytes.len() as libc::socklen_t;
    // SAFETY: the buffer is as long as told.
    check(unsafe {
        libc::getsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
        )
    })?;
    let word = |at: usize| {
        let mut four = [0; 4];
        four.copy_from_slice(&bytes[at..at + 4]);
        u32::from_ne_bytes(four)
    };
    Ok(TcpInfo {
        state: bytes[0],
        rtt: Duration::from_micros(word(RTT).into()),
        segments_in: (length as usize >= SEGMENTS_IN + 4).then(|| word(SEGMENTS_IN)),
    })
}

/// One entry of a socket's error queue.
#[derive(Debug)]
pub(super) struct QueuedError {
    /// Where the packet had been sent to.
    pub(super) to: Option<SocketAddr>,
    /// `None` for an error of this machine itself.
    pub(super) icmp: Option<Icmp>,
}

/// Room for control messages, aligned as the kernel wants them.
#[repr(C, align(8))]
struct Control([u8; 512]);

/// Takes one entry off a socket's error queue.
pub(super) fn queued_error(fd: RawFd) -> Option<QueuedError> {
    let mut payload = [0u8; 64];
    let mut received = receive(fd, &mut payload, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT).ok()?;
    let hops = received.hop_limit.map(travelled);
    let icmp = received.error.take().flatten().map(|icmp| Icmp { hops, ..icmp });
    Some(QueuedError { to: received.from, icmp })
}

/// One datagram, its sender and what its control messages said.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) length: usize,
    pub(super) from: Option<SocketAddr>,
    /// Hop limit, where the socket asks for it.
    pub(super) hop_limit: Option<u8>,
    /// An entry of the error queue; the inner is `None` for a local error.
    error: Option<Option<Icmp>>,
}

/// `recvmsg` with its control messages read.
pub(super) fn receive(fd: RawFd, into: &mut [u8], flags: libc::c_int) -> io::Result<Received> {
    let mut control = Control([0; 512]);
    // SAFETY: every pointer of the header is to a buffer that outlives the call, with its length;
    // the control messages are walked by the macros made for it, reads are unaligned.
    unsafe {
        let mut name: libc::sockaddr_storage = zeroed();
        let mut slice = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
        let mut header: libc::msghdr = zeroed();
        header.msg_name = (&raw mut name).cast();
        header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        header.msg_iov = &raw mut slice;
        header.msg_iovlen = 1;
        header.msg_control = control.0.as_mut_ptr().cast();
        header.msg_controllen = control.0.len();
        let length = libc::recvmsg(fd, &raw mut header, flags);
        let Ok(length) = usize::try_from(length) else {
            return Err(io::Error::last_os_error());
        };
        let mut out = Received { length, from: None, hop_limit: None, error: None };
        if header.msg_namelen > 0 {
            out.from = address(&name);
        }
        let mut message = libc::CMSG_FIRSTHDR(&raw const header);
        while !message.is_null() {
            let data = libc::CMSG_DATA(message);
            let room = ((*message).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_RECVERR) | (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
                    if room >= size_of::<libc::sock_extended_err>() =>
                {
                    let error = data.cast::<libc::sock_extended_err>().read_unaligned();
                    let offender = data.add(size_of::<libc::sock_extended_err>());
                    let left = room - size_of::<libc::sock_extended_err>();
                    let mut storage: libc::sockaddr_storage = zeroed();
                    let take = left.min(size_of::<libc::sockaddr_storage>());
                    std::ptr::copy_nonoverlapping(offender, (&raw mut storage).cast(), take);
                    let from = address(&storage).map(|a| a.ip());
                    let class = match error.ee_origin {
                        libc::SO_EE_ORIGIN_ICMP => IcmpClass::v4(error.ee_type, error.ee_code),
                        libc::SO_EE_ORIGIN_ICMP6 => IcmpClass::v6(error.ee_type, error.ee_code),
                        _ => None,
                    };
                    out.error = Some(class.map(|class| Icmp { class, from, hops: None }));
                }
                (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)
                    if room >= size_of::<libc::c_int>() =>
                {
                    let value = data.cast::<libc::c_int>().read_unaligned();
                    out.hop_limit = u8::try_from(value).ok();
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(&raw const header, message);
        }
        Ok(out)
    }
}

/// Reads a kernel address; `None` for anything but IPv4 and IPv6.
fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    // SAFETY: the family says which of the two it is, and the storage is large enough for both.
    unsafe {
        match i32::from(storage.ss_family) {
            libc::AF_INET => {
                let a = (&raw const *storage).cast::<libc::sockaddr_in>().read_unaligned();
                let ip = Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr));
                Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(a.sin_port))))
            }
            libc::AF_INET6 => {
                let a = (&raw const *storage).cast::<libc::sockaddr_in6>().read_unaligned();
                let ip = Ipv6Addr::from(a.sin6_addr.s6_addr);
                // The scope is left out: answers are matched by address and port.
                Some(SocketAddr::V6(SocketAddrV6::new(ip, u16::from_be(a.sin6_port), 0, 0)))
            }
            _ => None,
        }
    }
}

/// A raw socket that hears the TCP segments of one family that say who answers: SYN-ACK and RST.
/// It needs `CAP_NET_RAW`; without it there is an error and nothing is lost but who sent a RST.
pub(super) fn tcp_listener(v6: bool) -> io::Result<OwnedFd> {
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: a fresh descriptor that nobody else owns.
    let fd = unsafe { OwnedFd::from_raw_fd(check(libc::socket(family, kind, libc::IPPROTO_TCP))?) };
    let statement =
        |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    // Offset 13 of the TCP header holds the flags; IPv4 raw sockets see the IP header before it.
    let load = if v6 {
        vec![statement(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 13)]
    } else {
        vec![
            statement(libc::BPF_LDX | libc::BPF_B | libc::BPF_MSH, 0, 0, 0),
            statement(libc::BPF_LD | libc::BPF_B | libc::BPF_IND, 0, 0, 13),
        ]
    };
    let mut program = load;
    program.extend([
        // RST (4) or SYN (2): what comes in with SYN is a SYN-ACK or of no interest.
        statement(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, 6),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, 128),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
    ]);
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program outlives the call, which copies it.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const filter).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    })?;
    // Best effort: a full queue loses who sent a RST, never whether one came.
    let _ = set_option(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 16 << 20);
    if v6 {
        set_option(fd.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
    }
    Ok(fd)
}

/// Has a socket keep ICMP errors that it caused, each with the hop limit that it came with.
pub(super) fn queue_errors(fd: RawFd, v6: bool) -> io::Result<()> {
    let (level, errors, limits) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR, libc::IPV6_RECVHOPLIMIT)
    } else {
        (libc::IPPROTO_IP, libc::IP_RECVERR, libc::IP_RECVTTL)
    };
    set_option(fd, level, errors, 1)?;
    set_option(fd, level, limits, 1)
}

/// Hops travelled, by the initial hop limits that systems use: 64, 128 and 255.
pub(super) fn travelled(limit: u8) -> u8 {
    match limit {
        0..=64 => 64 - limit,
        65..=128 => 128 - limit,
        129..=255 => 255 - limit,
    }
}

/// A TCP socket that is connecting, or what came of it at once.
pub(super) fn start_connect(to: SocketAddr) -> io::Result<OwnedFd> {
    let domain = socket2::Domain::for_address(to);
    let socket = socket2::Socket::new(
        domain,
        socket2::Type::STREAM.nonblocking().cloexec(),
        Some(socket2::Protocol::TCP),
    )?;
    // Closing resets: no TIME_WAIT here, no half-closed connection there.
    socket.set_linger(Some(Duration::ZERO))?;
    let fd = socket.as_raw_fd();
    queue_errors(fd, to.is_ipv6())?;
    match socket.connect(&to.into()) {
        Ok(()) => {}
        // A refusal that comes at once (loopback) is heard like any other.
        Err(e) if matches!(e.raw_os_error(), Some(libc::EINPROGRESS)) => {}
        Err(e) => return Err(e),
    }
    Ok(socket.into())
}

/// Whether a connection goes from a port of this machine to the same port: connecting to a closed
/// port of one's own address succeeds when the kernel picks that very port to send from.
pub(super) fn is_its_own_peer(fd: BorrowedFd<'_>) -> bool {
    let socket = socket2::SockRef::from(&fd);
    let ends = (socket.local_addr(), socket.peer_addr());
    matches!(ends, (Ok(here), Ok(there)) if here.as_socket() == there.as_socket())
}

/// Takes the pending error of a socket.
pub(super) fn take_error(fd: BorrowedFd<'_>) -> Option<i32> {
    socket2::SockRef::from(&fd).take_error().ok().flatten().map(|e| errno(&e))
}

/// An address without a scope, for matching.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
