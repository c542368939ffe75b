//! Datagrams of a profile: bounded, repeated, and never fragmented where packets are small.

use super::super::protocol::{Question, Udp};
use super::super::random::Random;
use super::super::verdict;
use super::Run;
use super::ask::Heard;
use crate::model::Expect;
use crate::observation::State;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// When a datagram is sent again, after the first.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_millis(1_000)];

/// Asks a UDP service with a datagram that fills a packet of `mtu` bytes and may not be fragmented.
///
/// It shows that a full packet of this size passes from client to server, and that the answer comes
/// back. It cannot show that the server's own full packets pass: no protocol asked here makes an
/// answer larger than its question, and none should.
///
/// Where nothing answers, the same is asked with a small datagram: an answer to that one proves
/// that it is the size which does not work, on the way or at the server.
pub(super) async fn small(question: Question, port: u16, mtu: u16, run: &Run, seed: u64) -> Heard {
    let head = if question.to.is_ipv6() { 48 } else { 28 };
    let mut random = Random::new(seed);
    let asked = Udp::new(&question.expect, port, random.nonce());
    let packet = asked.filled(usize::from(mtu).saturating_sub(head));
    let full = ask(question.to, &asked, &packet, run).await;
    let silent = matches!(full.state, State::Silent | State::Unproven);
    let full = match (full.state, &question.expect) {
        (State::Silent, expect) if *expect != Expect::Stun => {
            Heard { state: State::Unproven, ..full }
        }
        _ => full,
    };
    if !silent || packet.len() == asked.request().len() {
        return full;
    }
    let asked = Udp::new(&question.expect, port, random.nonce());
    let plain = ask(question.to, &asked, asked.request(), run).await;
    if plain.state != State::Open {
        return full;
    }
    let why = format!(
        "a datagram of {} bytes is answered and one that fills a packet of {mtu} bytes is not: what is as large is dropped on the way and nobody is told, or its server answers nothing as large",
        asked.request().len()
    );
    Heard { tries: full.tries + plain.tries, ..Heard::new(State::Unreachable, why).sure() }
}

async fn ask(to: SocketAddr, asked: &Udp, packet: &[u8], run: &Run) -> Heard {
    let socket = match unfragmented(to) {
        Ok(socket) => socket,
        Err(e) => {
            return Heard::failed(verdict::of_errno(e.raw_os_error().unwrap_or_default()));
        }
    };
    let judge = |bytes: &[u8]| Some(asked.judge(bytes).into());
    match exchange(&socket, packet, run.options.timeout, &judge).await {
        Ok(Some(heard)) => heard,
        Ok(None) => Heard::new(State::Silent, "no answer").sure(),
        Err(e) => match e.raw_os_error() {
            Some(libc::ECONNREFUSED) => Heard::new(State::Refused, "port unreachable").sure(),
            Some(libc::EMSGSIZE) => {
                let why =
                    format!("packets of {} bytes do not fit into a link on the way", packet.len());
                Heard::new(State::Unreachable, why).sure()
            }
            Some(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EACCES) => Heard::new(
                State::Unreachable,
                "unreachable or prohibited, says something on the way",
            )
            .sure(),
            errno => Heard::failed(verdict::of_errno(errno.unwrap_or_default())),
        },
    }
}

/// A socket whose datagrams carry the do-not-fragment bit, whatever the path was thought to carry.
fn unfragmented(to: SocketAddr) -> io::Result<UdpSocket> {
    let domain = if to.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    let (level, option, value) = if to.is_ipv6() {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)
    } else {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)
    };
    // SAFETY: the descriptor is open, and the value is an int of the length told.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    socket.connect(&to.into())?;
    UdpSocket::from_std(socket.into())
}

/// Sends `packet`, again where nothing comes, until `judge` takes an answer or `wait` is over.
///
/// # Errors
/// What the socket says.
pub(super) async fn exchange(
    socket: &UdpSocket,
    packet: &[u8],
    wait: Duration,
    judge: &(dyn Fn(&[u8]) -> Option<Heard> + Sync),
) -> io::Result<Option<Heard>> {
    let started = Instant::now();
    let mut again = AGAIN.iter();
    let mut tries = 0;
    let mut buffer = vec![0; 2048];
    loop {
        socket.send(packet).await?;
        tries += 1;
        let next = again.next().map(|a| started + *a);
        let until = next.filter(|n| *n < started + wait).unwrap_or(started + wait);
        loop {
            match timeout_at(until, socket.recv(&mut buffer)).await {
                Err(_) if until >= started + wait => return Ok(None),
                Err(_) => break,
                Ok(received) => {
                    if let Some(heard) = judge(&buffer[..received?]) {
                        return Ok(Some(Heard { tries, rtt: Some(started.elapsed()), ..heard }));
                    }
                }
            }
        }
    }
}
