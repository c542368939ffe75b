use super::bound::{Bound, Kind, Reason, Unbound};
use super::{Options, sys};
use crate::model::{Family, PortSet, PortSpec, Protocol};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

/// What the kernel keeps for one port while it waits to be read. Ten thousand ports at the usual two
/// hundred thousand bytes would let strangers fill gigabytes.
const KEPT: usize = 16 * 1024;
/// Connections that wait to be accepted on one port.
const BACKLOG: i32 = 16;

/// Binds every port; those that cannot be are told, not fatal. `files` is how many descriptors may
/// be used for it.
pub(super) fn bind(options: &Options, files: usize) -> (Vec<Bound>, Vec<Unbound>) {
    let any = [IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let addresses = if options.bind.is_empty() { &any[..] } else { &options.bind };
    let mut bound = Vec::new();
    let mut not: BTreeMap<(Reason, Option<Family>, Protocol), PortSet> = BTreeMap::new();
    for (protocol, ports) in merged(&options.ports) {
        let kind = if protocol == Protocol::Tcp { Kind::Tcp } else { Kind::Udp };
        for port in ports.subtract(&PortSet::one(0)).iter() {
            for address in addresses {
                let at = SocketAddr::new(*address, port);
                for (family, tried) in one(kind, at, options.bind.is_empty()) {
                    let tried = match tried {
                        Ok(_) if bound.len() >= files => Err(Reason::FileLimit(files)),
                        tried => tried.map_err(|e| reason(&e, files)),
                    };
                    match tried {
                        Ok(socket) => bound.push(socket),
                        Err(why) => {
                            let ports = not.entry((why, family, protocol)).or_default();
                            *ports = ports.union(&PortSet::one(port));
                        }
                    }
                }
            }
        }
    }
    let not = not
        .into_iter()
        .map(|((reason, family, protocol), ports)| Unbound {
            reason,
            family,
            ports: PortSpec::new(protocol, ports),
        })
        .collect();
    (bound, not)
}

/// Ports by protocol, TCP and UDP only.
fn merged(specs: &[PortSpec]) -> BTreeMap<Protocol, PortSet> {
    let mut out: BTreeMap<Protocol, PortSet> = BTreeMap::new();
    for spec in specs.iter().filter(|s| s.protocol.has_ports()) {
        let ports = out.entry(spec.protocol).or_default();
        *ports = ports.union(&spec.ports);
    }
    out
}

/// One socket of both families, where `both`; of IPv4 where the machine has no IPv6, and one for each
/// family, named, where somebody has the port in one of them.
fn one(kind: Kind, at: SocketAddr, both: bool) -> Vec<(Option<Family>, io::Result<Bound>)> {
    let v4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port());
    match socket(kind, at, both) {
        Err(e) if both && no_v6(&e) => vec![(None, socket(kind, v4, false))],
        Err(e) if both && e.raw_os_error() == Some(libc::EADDRINUSE) => {
            let (v6, v4) = (socket(kind, at, false), socket(kind, v4, false));
            match (v6, v4) {
                (Err(e), Err(_)) => vec![(None, Err(e))],
                (v6, v4) => vec![(Some(Family::V6), v6), (Some(Family::V4), v4)],
            }
        }
        other => vec![(None, other)],
    }
}

fn no_v6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn socket(kind: Kind, at: SocketAddr, both: bool) -> io::Result<Bound> {
    let sort = match kind {
        Kind::Udp => Type::DGRAM,
        Kind::Tcp => Type::STREAM,
    };
    let socket = Socket::new(Domain::for_address(at), sort.nonblocking().cloexec(), None)?;
    let fd = socket.as_raw_fd();
    if at.is_ipv6() {
        socket.set_only_v6(!both)?;
    }
    match kind {
        Kind::Udp => {
            // The answer must leave from the address that was asked.
            if at.is_ipv6() {
                sys::set(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)?;
            } else {
                sys::set(fd, libc::IPPROTO_IP, libc::IP_PKTINFO)?;
            }
            socket.set_recv_buffer_size(KEPT)?;
        }
        // Not held up by connections of an earlier run that the kernel still remembers.
        Kind::Tcp => socket.set_reuse_address(true)?,
    }
    socket.bind(&at.into())?;
    if kind == Kind::Tcp {
        socket.listen(BACKLOG)?;
    }
    Ok(Bound { socket: socket.into(), kind, at })
}

fn reason(error: &io::Error, files: usize) -> Reason {
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => Reason::InUse,
        Some(libc::EACCES | libc::EPERM) => Reason::NotPermitted,
        Some(libc::EMFILE | libc::ENFILE) => Reason::FileLimit(files),
        Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT) => Reason::NoAddress,
        _ => Reason::Other(error.to_string()),
    }
}
