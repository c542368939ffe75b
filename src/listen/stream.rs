use super::guard::Guard;
use super::run::Event;
use super::sys;
use crate::model::Protocol;
use crate::pathproof::{Arrived, Denied, REQUEST};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// Connections open at once; the oldest goes for a new one.
pub(super) const MOST: usize = 256;
/// How long one may take to say its request.
const PATIENCE: Duration = Duration::from_secs(5);

struct Connection {
    stream: TcpStream,
    arrived: Arrived,
    read: [u8; REQUEST],
    length: usize,
    until: Instant,
}

/// Connections that have not said their request yet, by number: older ones first.
#[derive(Default)]
pub(super) struct Streams {
    open: BTreeMap<u64, Connection>,
}

impl Streams {
    /// Takes one in; its descriptor is to be waited for under its number.
    pub(super) fn take(&mut self, number: u64, stream: TcpStream, now: Instant) -> Option<RawFd> {
        stream.set_nonblocking(true).ok()?;
        let at = stream.local_addr().ok()?;
        if self.open.len() >= MOST {
            self.open.pop_first();
        }
        let fd = stream.as_raw_fd();
        let arrived =
            Arrived { protocol: Protocol::Tcp, address: sys::plain(at.ip()), port: at.port() };
        let read = [0; REQUEST];
        self.open
            .insert(number, Connection { stream, arrived, read, length: 0, until: now + PATIENCE });
        Some(fd)
    }

    /// Reads on; answers once the request is whole. Then, and on anything else, the connection closes.
    pub(super) fn read(&mut self, number: u64, guard: &mut Guard, tell: &mut dyn FnMut(Event)) {
        let Some(connection) = self.open.get_mut(&number) else { return };
        match connection.stream.read(&mut connection.read[connection.length..]) {
            Ok(0) => {}
            Ok(n) => {
                connection.length += n;
                if connection.length < REQUEST {
                    return;
                }
                let Connection { stream, arrived, read, .. } = connection;
                let judged = guard.judge(read, *arrived, Timestamp::now());
                if let Ok(reply) = &judged {
                    // It is smaller than what any send buffer holds; one that is gone asks again.
                    let _ = stream.write_all(reply);
                }
                if let Ok(from) = stream.peer_addr() {
                    let from = sys::plain(from.ip());
                    tell(Event { arrived: *arrived, from, denied: judged.err() });
                }
                self.open.remove(&number);
                return;
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            Err(_) => {}
        }
        if let Some(Connection { stream, arrived, .. }) = self.open.remove(&number)
            && let Ok(from) = stream.peer_addr()
        {
            let denied = Some(Denied::NotOurs);
            tell(Event { arrived, from: sys::plain(from.ip()), denied });
        }
    }

    /// Closes those that took too long, and tells when the next one does.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        while let Some(first) = self.open.first_entry() {
            if first.get().until > now {
                return Some(first.get().until);
            }
            first.remove();
        }
        None
    }
}
