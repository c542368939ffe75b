//! The system calls that the standard library has no word for.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Raises the limit of open files as far as it may go and tells it.
pub(super) fn raise_file_limit() -> usize {
    // SAFETY: both calls get a valid pointer to a plain struct.
    let limit = unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return 1024;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
            limit.rlim_max
        } else {
            limit.rlim_cur
        }
    };
    usize::try_from(limit).unwrap_or(usize::MAX)
}

pub(super) fn set(fd: RawFd, level: libc::c_int, name: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the size are those of one int.
    check(unsafe { libc::setsockopt(fd, level, name, (&raw const on).cast(), size) }).map(|_| ())
}

/// A descriptor set that tells which are ready.
pub(super) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: a new descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; 256] })
    }

    pub(super) fn add(&self, fd: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        let epoll = self.fd.as_raw_fd();
        // SAFETY: the event outlives the call.
        check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) })
            .map(|_| ())
    }

    /// Tokens that are ready, after at most `wait`; closing a descriptor takes it out.
    pub(super) fn wait(&mut self, wait: Duration) -> Vec<u64> {
        let wait = libc::c_int::try_from(wait.as_millis()).unwrap_or(libc::c_int::MAX);
        let room = self.events.len() as libc::c_int;
        // SAFETY: the buffer has room for as many events as are asked for.
        let found =
            unsafe { libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), room, wait) };
        let found = usize::try_from(found).unwrap_or(0);
        self.events[..found].iter().map(|e| e.u64).collect()
    }
}

/// Ancillary data, aligned as the kernel wants it.
#[repr(align(8))]
struct Control([u8; 128]);

/// One datagram: its length (longer than `into` when it was cut), from whom, to which local address.
pub(super) fn receive(
    fd: RawFd,
    into: &mut [u8],
) -> io::Result<Option<(usize, SocketAddr, Option<IpAddr>)>> {
    let mut control = Control([0; 128]);
    // SAFETY: zero is a valid value of these plain structs.
    let (mut from, mut message): (libc::sockaddr_storage, libc::msghdr) = unsafe { zeroed() };
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    message.msg_name = (&raw mut from).cast();
    message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    // SAFETY: every pointer of the message points to memory of the length beside it.
    let length =
        unsafe { libc::recvmsg(fd, &raw mut message, libc::MSG_DONTWAIT | libc::MSG_TRUNC) };
    let Ok(length) = usize::try_from(length) else {
        return Err(io::Error::last_os_error());
    };
    let Some(from) = address(&from) else { return Ok(None) };
    let mut to = None;
    // SAFETY: the macros walk the ancillary data that the kernel just wrote, within its length, and
    // each payload read is of the type that its level and kind say.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(one) = header.as_ref() {
            let data = libc::CMSG_DATA(header);
            match (one.cmsg_level, one.cmsg_type) {
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info: libc::in6_pktinfo = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    to = Some(plain(Ipv6Addr::from(info.ipi6_addr.s6_addr).into()));
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info: libc::in_pktinfo = data.cast::<libc::in_pktinfo>().read_unaligned();
                    to = Some(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr)).into());
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(Some((length, from, to)))
}

/// Sends one datagram from the local address on which it was asked.
pub(super) fn send(fd: RawFd, v6: bool, bytes: &[u8], to: SocketAddr, from: IpAddr) {
    let mut control = Control([0; 128]);
    // SAFETY: zero is a valid value of these plain structs.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) = unsafe { zeroed() };
    let length = raw(to, v6, &mut name);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = length;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len();
    // SAFETY: the control buffer has room for one header with the largest payload written into it,
    // and the message's pointers point to memory of the length beside them.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let size = if v6 {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: mapped(from).octets() },
                ipi6_ifindex: 0,
            };
            (*header).cmsg_level = libc::IPPROTO_IPV6;
            (*header).cmsg_type = libc::IPV6_PKTINFO;
            libc::CMSG_DATA(header).cast::<libc::in6_pktinfo>().write_unaligned(info);
            size_of::<libc::in6_pktinfo>()
        } else {
            let mut info: libc::in_pktinfo = zeroed();
            if let IpAddr::V4(from) = from {
                info.ipi_spec_dst.s_addr = u32::from(from).to_be();
            }
            (*header).cmsg_level = libc::IPPROTO_IP;
            (*header).cmsg_type = libc::IP_PKTINFO;
            libc::CMSG_DATA(header).cast::<libc::in_pktinfo>().write_unaligned(info);
            size_of::<libc::in_pktinfo>()
        };
        (*header).cmsg_len = libc::CMSG_LEN(size as u32) as usize;
        message.msg_controllen = libc::CMSG_SPACE(size as u32) as usize;
        // A reply that cannot leave is one that was lost: the auditor asks again.
        libc::sendmsg(fd, &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    }
}

/// IPv4 as such, where it came through an IPv6 socket.
pub(super) fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

const fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(a) => a.to_ipv6_mapped(),
        IpAddr::V6(a) => a,
    }
}

fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let pointer: *const libc::sockaddr_storage = storage;
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which of the structs it is.
            let v4 = unsafe { &*pointer.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says which of the structs it is.
            let v6 = unsafe { &*pointer.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn raw(to: SocketAddr, v6: bool, into: &mut libc::sockaddr_storage) -> libc::socklen_t {
    let pointer: *mut libc::sockaddr_storage = into;
    if v6 {
        let scope = if let SocketAddr::V6(a) = to { a.scope_id() } else { 0 };
        // SAFETY: the storage has room for every kind of address.
        let out = unsafe { &mut *pointer.cast::<libc::sockaddr_in6>() };
        out.sin6_family = libc::AF_INET6 as libc::sa_family_t;
        out.sin6_port = to.port().to_be();
        out.sin6_addr.s6_addr = mapped(to.ip()).octets();
        out.sin6_scope_id = scope;
        size_of::<libc::sockaddr_in6>() as libc::socklen_t
    } else {
        // SAFETY: as above.
        let out = unsafe { &mut *pointer.cast::<libc::sockaddr_in>() };
        out.sin_family = libc::AF_INET as libc::sa_family_t;
        out.sin_port = to.port().to_be();
        if let IpAddr::V4(a) = to.ip() {
            out.sin_addr.s_addr = u32::from(a).to_be();
        }
        size_of::<libc::sockaddr_in>() as libc::socklen_t
    }
}
