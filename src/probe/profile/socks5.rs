//! SOCKS version 5 (RFC 1928), with user and password (RFC 1929).

use super::super::protocol::Udp;
use super::super::random::Random;
use super::Run;
use super::ask::{Heard, patience, reach};
use super::udp::exchange;
use crate::model::Expect;
use crate::observation::State;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const CONNECT: u8 = 1;
const UDP_ASSOCIATE: u8 = 3;

/// Why a request brought nothing.
enum Trouble {
    Io(io::Error),
    Told(Box<Heard>),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A tunnel to `to` through `proxy`: what is read from it is the target's.
///
/// # Errors
/// What to say of the target, or of the proxy's own trouble.
pub(super) async fn tunnel(
    proxy: SocketAddr,
    to: SocketAddr,
    login: Option<&(String, String)>,
    wait: Duration,
) -> Result<TcpStream, Heard> {
    let mut stream = reach(proxy, wait).await?;
    request(&mut stream, CONNECT, to, login, wait).await?;
    Ok(stream)
}

/// Asks a UDP service through the proxy's relay, where the proxy has one.
pub(super) async fn datagram(
    proxy: SocketAddr,
    to: SocketAddr,
    login: Option<&(String, String)>,
    expect: Expect,
    run: &Run,
    seed: u64,
) -> Heard {
    let wait = patience(run);
    let mut stream = match reach(proxy, wait).await {
        Ok(stream) => stream,
        Err(heard) => return heard,
    };
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let relay = match request(&mut stream, UDP_ASSOCIATE, nowhere, login, wait).await {
        Ok(relay) => relay,
        Err(heard) => return heard.by(proxy),
    };
    let relay = match own_relay(proxy, relay) {
        Ok(relay) => relay,
        Err(why) => return Heard::failed(why),
    };
    let local: SocketAddr =
        if relay.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse().unwrap_or(nowhere);
    let socket = match UdpSocket::bind(local).await {
        Ok(socket) => socket,
        Err(e) => return Heard::failed(format!("this machine has no socket left: {e}")),
    };
    if let Err(e) = socket.connect(relay).await {
        return Heard::failed(format!("the proxy's relay {relay} cannot be sent to: {e}"));
    }
    let asked = Udp::new(&expect, to.port(), Random::new(seed).nonce());
    let mut header = vec![0, 0, 0];
    address(&mut header, to);
    let packet = [&header, asked.request()].concat();
    let heard = exchange(&socket, &packet, run.options.timeout, &|bytes| {
        // The relay says who answered; only our own question in the answer is proof.
        let body = relayed(bytes)?;
        Some(asked.judge(body).into())
    })
    .await;
    drop(stream);
    match heard {
        Ok(Some(heard)) => heard,
        // Errors that reach this socket are the relay's.
        Err(e) => Heard::failed(format!("the proxy's relay {relay} is not there: {e}")),
        Ok(None) if expect == Expect::Stun => {
            Heard::new(State::Silent, "nothing came back through the proxy's relay").sure()
        }
        Ok(None) => {
            Heard::new(State::Unproven, "nothing came back through the proxy's relay").sure()
        }
    }
}

/// Greets, logs in and asks for one thing; the address that the proxy is bound to.
async fn request(
    stream: &mut TcpStream,
    command: u8,
    to: SocketAddr,
    login: Option<&(String, String)>,
    wait: Duration,
) -> Result<SocketAddr, Heard> {
    match timeout(wait, greet(stream, login)).await {
        Ok(Ok(())) => {}
        Ok(Err(trouble)) => return Err(own(trouble)),
        Err(_) => return Err(Heard::failed("the proxy does not answer the greeting")),
    }
    match timeout(wait, command_of(stream, command, to)).await {
        Ok(Ok(bound)) => Ok(bound),
        Ok(Err(trouble)) => Err(own(trouble)),
        Err(_) => Err(Heard::new(State::Silent, "the proxy got no answer from it in time").sure()),
    }
}

/// Where a proxy's relay is: on no address in particular it is on the proxy's own. Somewhere else is an
/// address that nobody named to be sent to.
fn own_relay(proxy: SocketAddr, relay: SocketAddr) -> Result<SocketAddr, String> {
    match relay.ip().to_canonical() {
        ip if ip.is_unspecified() => Ok(SocketAddr::new(proxy.ip(), relay.port())),
        ip if ip == proxy.ip().to_canonical() => Ok(relay),
        _ => {
            Err(format!("the proxy {proxy} names a relay that is not its own, {relay}: not asked"))
        }
    }
}

fn own(trouble: Trouble) -> Heard {
    match trouble {
        Trouble::Told(heard) => *heard,
        Trouble::Io(e) => {
            Heard { sure: false, ..Heard::failed(format!("the proxy broke off: {e}")) }
        }
    }
}

async fn greet(stream: &mut TcpStream, login: Option<&(String, String)>) -> Result<(), Trouble> {
    let methods: &[u8] = if login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(methods).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    let told = |why: &str| Err(Trouble::Told(Box::new(Heard::failed(why))));
    match (answer, login) {
        ([5, 0], _) => Ok(()),
        ([5, 2], Some((user, password))) => {
            let mut words = vec![1];
            for word in [user, password] {
                let Ok(length) = u8::try_from(word.len()) else {
                    return told("the proxy's login is longer than 255 bytes");
                };
                words.push(length);
                words.extend_from_slice(word.as_bytes());
            }
            stream.write_all(&words).await?;
            stream.read_exact(&mut answer).await?;
            if answer[1] == 0 { Ok(()) } else { told("the proxy refuses the login") }
        }
        ([5, _], None) => told("the proxy asks for a login"),
        ([5, _], Some(_)) => told("the proxy takes no login by user and password"),
        _ => told("what listens at the proxy's address speaks no SOCKS5"),
    }
}

async fn command_of(
    stream: &mut TcpStream,
    command: u8,
    to: SocketAddr,
) -> Result<SocketAddr, Trouble> {
    let mut words = vec![5, command, 0];
    address(&mut words, to);
    stream.write_all(&words).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    if head[0] != 5 {
        return Err(Trouble::Told(Box::new(Heard::failed("the proxy's answer is no SOCKS5"))));
    }
    if head[1] != 0 {
        return Err(Trouble::Told(Box::new(refusal(head[1], command))));
    }
    let ip = match head[3] {
        1 => {
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await?;
            IpAddr::from(bytes)
        }
        4 => {
            let mut bytes = [0; 16];
            stream.read_exact(&mut bytes).await?;
            IpAddr::from(bytes)
        }
        // A name: what it is bound to matters for relays alone, and those give addresses.
        3 => {
            let length = stream.read_u8().await?;
            let mut name = vec![0; length.into()];
            stream.read_exact(&mut name).await?;
            IpAddr::from(Ipv4Addr::UNSPECIFIED)
        }
        _ => return Err(Trouble::Told(Box::new(Heard::failed("the proxy's answer is no SOCKS5")))),
    };
    Ok(SocketAddr::new(ip, stream.read_u16().await?))
}

/// What a reply other than success says, of the proxy or of the target (RFC 1928, 6). Asked for a relay,
/// a proxy knows of no target yet.
fn refusal(code: u8, command: u8) -> Heard {
    match code {
        3..=6 if command == UDP_ASSOCIATE => {
            Heard::failed(format!("the proxy answers with the code {code}, asked for a relay"))
        }
        2 => Heard::failed("the proxy's rules forbid it"),
        3 => Heard::new(State::Unreachable, "the proxy says that its network cannot be reached"),
        4 => Heard::new(State::Unreachable, "the proxy says that it cannot be reached"),
        5 => Heard::new(State::Refused, "the proxy says that it refuses"),
        6 => Heard::new(State::Silent, "the proxy got no answer from it").sure(),
        7 if command == UDP_ASSOCIATE => {
            Heard::new(State::Rejected, "the proxy relays no udp").sure()
        }
        8 => Heard::new(State::Rejected, "the proxy does not speak its address family").sure(),
        1 => Heard::failed("the proxy failed and does not say at what"),
        _ => Heard::failed(format!("the proxy answers with the code {code}")),
    }
}

/// An address as SOCKS5 writes it: kind, bytes, port.
fn address(out: &mut Vec<u8>, to: SocketAddr) {
    match to.ip() {
        IpAddr::V4(ip) => {
            out.push(1);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
    }
    out.extend_from_slice(&to.port().to_be_bytes());
}

/// The body of a relayed datagram; nothing where it is a fragment or no such datagram.
fn relayed(bytes: &[u8]) -> Option<&[u8]> {
    let [_, _, 0, kind, rest @ ..] = bytes else { return None };
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => 1 + usize::from(*rest.first()?),
        _ => return None,
    };
    rest.get(length + 2..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relayed_datagram_is_taken_out_of_its_wrapping() {
        let mut packet = vec![0, 0, 0];
        address(&mut packet, "[2001:db8::1]:53".parse().expect("an address"));
        packet.extend_from_slice(b"body");
        assert_eq!(relayed(&packet), Some(&b"body"[..]));
        packet[2] = 1;
        assert_eq!(relayed(&packet), None, "a fragment");
        assert_eq!(relayed(&[0, 0, 0, 3, 9, 1]), None);
        assert_eq!(relayed(&[]), None);
    }

    #[test]
    fn a_relay_elsewhere_is_not_sent_to() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let proxy = at("198.51.100.9:1080");
        assert_eq!(own_relay(proxy, at("0.0.0.0:4000")), Ok(at("198.51.100.9:4000")));
        assert_eq!(own_relay(proxy, at("198.51.100.9:4000")), Ok(at("198.51.100.9:4000")));
        for other in ["127.0.0.1:9999", "203.0.113.15:3478"] {
            assert!(own_relay(proxy, at(other)).is_err_and(|w| w.contains("not its own")));
        }
    }

    #[test]
    fn the_proxys_own_refusal_is_no_word_on_the_target() {
        for code in [1, 2, 7, 9, 255] {
            assert_eq!(refusal(code, CONNECT).state, State::Failed, "{code}");
        }
        assert_eq!(refusal(5, CONNECT).state, State::Refused);
        for code in [3, 4, 5, 6] {
            assert_eq!(refusal(code, UDP_ASSOCIATE).state, State::Failed, "{code}");
        }
        assert_eq!(refusal(4, CONNECT).state, State::Unreachable);
        assert_eq!(refusal(7, UDP_ASSOCIATE).state, State::Rejected);
    }
}
