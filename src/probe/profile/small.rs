//! TCP as a client speaks it whose link carries small packets only.

use super::super::protocol::{self, Question};
use super::super::verdict;
use super::Run;
use super::ask::{Heard, hand_over};
use crate::observation::State;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// The largest MTU of a profile: an Ethernet's.
pub(super) const LARGEST: u16 = 1500;
/// When a connection is tried, each time from a fresh port: a kernel's own second SYN comes after
/// one second.
const TRIES: [Duration; 3] =
    [Duration::ZERO, Duration::from_millis(400), Duration::from_millis(1_100)];
/// Segments that pass wherever anything does (RFC 9293, 3.7.1 takes 536 for granted).
const TINY: u16 = 500;
/// Options that a segment may carry beside its data: time stamps and what fills them up.
const OPTIONS: u32 = 20;

/// Asks a TCP service with the maximum segment size of a link of `mtu` bytes.
///
/// What it shows: the handshake passes with such a segment size in it (some filters drop it), and
/// the service proves itself in segments of which at least one filled a packet of `mtu` bytes on
/// its way to the client. Where the exchange was too short for that, it is `unproven` and says so.
///
/// What it cannot show: the customer's small link is played by the segment size alone, which a real
/// small link announces in the same way. Links further on that are smaller still are seen where
/// they swallow packets of this size (a black hole), and only in the direction to the client: what
/// these protocols send to the server fits into one small packet. Whether the server would learn
/// of a link that turns small later cannot be seen from outside.
pub(super) async fn ask(question: Question, mtu: u16, run: &Run) -> Heard {
    let head: u16 = if question.to.is_ipv6() { 60 } else { 40 };
    let segment = mtu.saturating_sub(head);
    let (heard, largest) = once(&question, segment, run).await;
    if heard.state != State::Open {
        return heard;
    }
    if !heard.confirmed {
        // Mute, or mute in segments of this size?
        let (tiny, _) = once(&question, TINY, run).await;
        if tiny.state == State::Open && tiny.confirmed {
            let why = format!(
                "it answers in packets of {} bytes and not in packets of {mtu}: what is as large is dropped on the way, and the server is not told",
                TINY + head
            );
            return Heard {
                tries: heard.tries + tiny.tries,
                ..Heard::new(State::Unreachable, why).sure()
            };
        }
        return heard;
    }
    if largest + OPTIONS < u32::from(segment) {
        let what = heard.service.as_deref().unwrap_or("open");
        let why = format!(
            "it is {what}, but nothing that it sent filled a packet of {mtu} bytes: the largest segment had {largest} bytes"
        );
        return Heard { service: heard.service, ..Heard::new(State::Unproven, why).sure() };
    }
    let said = heard.detail.clone().map(|d| format!("{d}; ")).unwrap_or_default();
    let detail = format!("{said}a segment of {largest} bytes came through");
    Heard { detail: Some(detail), ..heard }
}

/// One conversation, and the largest segment that came.
async fn once(question: &Question, segment: u16, run: &Run) -> (Heard, u32) {
    let started = Instant::now();
    let until = started + run.options.timeout + TRIES[TRIES.len() - 1];
    let (stream, tries) = match connect(question.to, segment, until).await {
        Ok(connected) => connected,
        Err(heard) => return (heard, 0),
    };
    let rtt = started.elapsed();
    let Ok(watch) = stream.as_fd().try_clone_to_owned() else {
        return (Heard::failed("no file descriptor left"), 0);
    };
    if !question.expect.needs_protocol() {
        let mut heard = Heard::new(State::Open, "connected").sure();
        (heard.confirmed, heard.tries, heard.rtt) = (true, tries, Some(rtt));
        return (heard, 0);
    }
    let socket = match hand_over(stream) {
        Ok(socket) => socket,
        Err(e) => {
            return (Heard::failed(format!("the connection was lost on this machine: {e}")), 0);
        }
    };
    let question = Question { rtt, ..question.clone() };
    let heard: Heard = protocol::prove(socket, &question, &run.trust).await.into();
    (Heard { tries, rtt: Some(rtt), ..heard }, largest(&watch))
}

/// Connects, from several ports one after the other: whichever is answered first decides.
async fn connect(to: SocketAddr, segment: u16, until: Instant) -> Result<(TcpStream, u32), Heard> {
    let mut trying = JoinSet::new();
    for (n, after) in (1..).zip(TRIES) {
        trying.spawn(async move {
            tokio::time::sleep(after).await;
            (n, try_once(to, segment).await)
        });
    }
    match timeout_at(until, trying.join_next()).await {
        Ok(Some(Ok((n, Ok(stream))))) => Ok((stream, n)),
        Ok(Some(Ok((n, Err(heard))))) => Err(Heard { tries: n, ..heard }),
        Ok(_) => Err(Heard::failed("this machine had no means left to ask")),
        Err(_) => Err(Heard { tries: 3, ..Heard::new(State::Silent, "no answer").sure() }),
    }
}

async fn try_once(to: SocketAddr, segment: u16) -> Result<TcpStream, Heard> {
    let own = |e: io::Error| Heard::failed(verdict::of_errno(e.raw_os_error().unwrap_or_default()));
    let stream = begin(to, segment).map_err(own)?;
    stream.writable().await.map_err(own)?;
    match stream.take_error() {
        Ok(None) => Ok(stream),
        Ok(Some(e)) => Err(match e.raw_os_error() {
            Some(libc::ECONNREFUSED) => Heard::new(State::Refused, "refused"),
            Some(libc::ETIMEDOUT) => Heard::new(State::Silent, "no answer").sure(),
            Some(libc::ECONNRESET) => Heard::new(State::Rejected, "reset"),
            _ => Heard::new(
                State::Unreachable,
                "unreachable or prohibited, says something on the way",
            ),
        }),
        Err(e) => Err(own(e)),
    }
}

/// Sends a SYN that announces this segment size.
fn begin(to: SocketAddr, segment: u16) -> io::Result<TcpStream> {
    let domain = if to.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_tcp_mss(segment.into())?;
    match socket.connect(&to.into()) {
        Err(e) if e.raw_os_error() != Some(libc::EINPROGRESS) => Err(e),
        _ => TcpStream::from_std(socket.into()),
    }
}

/// The largest segment that came in, as far as the kernel keeps count; 0 where it cannot say.
fn largest(socket: &OwnedFd) -> u32 {
    // SAFETY: an all-zero tcp_info is a valid value of it.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes.
    let got = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    if got == 0 { info.tcpi_rcv_mss } else { 0 }
}
