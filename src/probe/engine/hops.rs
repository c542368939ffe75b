use super::sys;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};

/// How far away those who answer are, read from the hop limits of their segments.
///
/// A RST that a firewall sends in a host's name has travelled fewer hops than what the host sends.
/// Hearing it needs `CAP_NET_RAW`; without it nothing is told apart, and the observation says so.
pub(crate) struct Hops {
    v4: Option<OwnedFd>,
    v6: Option<OwnedFd>,
    resets: HashMap<(IpAddr, u16), u8>,
    handshakes: HashMap<IpAddr, u8>,
    accepts: HashMap<(IpAddr, u16), u8>,
}

/// Segments read in one go.
const AT_ONCE: usize = 65_536;

impl Hops {
    pub(crate) fn listen() -> Self {
        Self {
            v4: sys::tcp_listener(false).ok(),
            v6: sys::tcp_listener(true).ok(),
            resets: HashMap::new(),
            handshakes: HashMap::new(),
            accepts: HashMap::new(),
        }
    }

    /// Whether hop limits of this family can be heard at all.
    pub(crate) fn hears(&self, address: IpAddr) -> bool {
        if address.is_ipv6() { self.v6.is_some() } else { self.v4.is_some() }
    }

    /// Reads what came since. The kernel queues a segment here before its connection hears of it.
    pub(crate) fn drain(&mut self) {
        let mut bytes = [0u8; 256];
        if let Some(fd) = self.v4.as_ref().map(AsRawFd::as_raw_fd) {
            for _ in 0..AT_ONCE {
                let Ok(got) = sys::receive(fd, &mut bytes, libc::MSG_DONTWAIT) else { break };
                let packet = &bytes[..got.length.min(bytes.len())];
                let Some(first) = packet.first() else { continue };
                let header = usize::from(first & 0x0f) * 4;
                let (Some(source), Some(segment)) = (packet.get(12..16), packet.get(header..))
                else {
                    continue;
                };
                let from = Ipv4Addr::new(source[0], source[1], source[2], source[3]);
                self.note(from.into(), packet[8], segment);
            }
        }
        if let Some(fd) = self.v6.as_ref().map(AsRawFd::as_raw_fd) {
            for _ in 0..AT_ONCE {
                let Ok(got) = sys::receive(fd, &mut bytes, libc::MSG_DONTWAIT) else { break };
                if let (Some(from), Some(limit)) = (got.from, got.hop_limit) {
                    self.note(from.ip(), limit, &bytes[..got.length.min(bytes.len())]);
                }
            }
        }
    }

    fn note(&mut self, from: IpAddr, limit: u8, segment: &[u8]) {
        let (Some(port), Some(flags)) = (segment.get(..2), segment.get(13)) else { return };
        let port = u16::from_be_bytes([port[0], port[1]]);
        let hops = sys::travelled(limit);
        if flags & 0x04 != 0 {
            self.resets.insert((from, port), hops);
        } else if flags & 0x12 == 0x12 {
            let most = self.handshakes.entry(from).or_insert(hops);
            *most = hops.max(*most);
            self.accepts.insert((from, port), hops);
        }
    }

    /// Hops of the RST that an endpoint sent last.
    pub(crate) fn reset(&self, address: IpAddr, port: u16) -> Option<u8> {
        self.resets.get(&(address, port)).copied()
    }

    /// Hops of the SYN-ACK that an endpoint sent last.
    pub(crate) fn accept(&self, address: IpAddr, port: u16) -> Option<u8> {
        self.accepts.get(&(address, port)).copied()
    }

    /// Hops of a host's SYN-ACKs: the distance of the host itself.
    pub(crate) fn handshake(&self, address: IpAddr) -> Option<u8> {
        self.handshakes.get(&address).copied()
    }
}
