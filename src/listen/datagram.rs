use super::bound::Bound;
use super::guard::Guard;
use super::run::Event;
use super::sys;
use crate::model::Protocol;
use crate::pathproof::{Arrived, REQUEST};
use jiff::Timestamp;
use std::os::fd::AsRawFd;

/// Datagrams read from one port before the others have their turn.
const AT_ONCE: usize = 32;

/// Answers what waits on one port.
pub(super) fn answer(bound: &Bound, guard: &mut Guard, tell: &mut dyn FnMut(Event)) {
    let fd = bound.socket.as_raw_fd();
    let mut bytes = [0; REQUEST + 1];
    for _ in 0..AT_ONCE {
        let (length, from, to) = match sys::receive(fd, &mut bytes) {
            Ok(Some(heard)) => heard,
            Ok(None) => continue,
            // Nothing more, or the error of an earlier reply, which is the asker's to notice.
            Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => return,
            Err(_) => continue,
        };
        let address = to.unwrap_or_else(|| bound.at.ip());
        let arrived = Arrived { protocol: Protocol::Udp, address, port: bound.at.port() };
        let judged =
            guard.judge(bytes.get(..length).unwrap_or_default(), arrived, Timestamp::now());
        if let Ok(reply) = &judged {
            sys::send(fd, bound.at.is_ipv6(), reply, from, address);
        }
        tell(Event { arrived, from: sys::plain(from.ip()), denied: judged.err() });
    }
}
