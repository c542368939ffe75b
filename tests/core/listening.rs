//! `portcullis listen` on loopback: whom it answers, whom not, and how it ends.

use crate::common::World;
use jiff::{SignedDuration, Timestamp};
use portcullis::model::{Endpoint, Protocol};
use portcullis::pathproof::{Auditor, REPLY, REQUEST, Request, answers, reply};
use ssh_key::PrivateKey;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn key(seed: u8) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(&[seed; 32]);
    PrivateKey::new(KeypairData::Ed25519(pair), "").expect("a key")
}

fn auditor(seed: u8) -> Auditor {
    Auditor::new(key(seed)).expect("Ed25519")
}

/// A request of a key made now, minus `ago` seconds, with a nonce that no other has.
fn asked(seed: u8, protocol: Protocol, port: u16, ago: i64) -> Vec<u8> {
    static NONCES: AtomicU8 = AtomicU8::new(0);
    let nonce = [NONCES.fetch_add(1, Ordering::Relaxed); 16];
    let to = Endpoint { address: HERE.into(), protocol, port };
    auditor(seed).ask(to, nonce, Timestamp::now() - SignedDuration::from_secs(ago)).expect("asked")
}

/// Requests that must not be answered on `port`, by what is wrong with them.
fn bad(protocol: Protocol, port: u16) -> Vec<(&'static str, Vec<u8>)> {
    let good = asked(1, protocol, port, 0);
    let mut unsigned = good.clone();
    unsigned[REQUEST - 64..].fill(0);
    let mut changed = good.clone();
    changed[20] ^= 1;
    let mut all = vec![
        ("unsigned", unsigned),
        ("changed", changed),
        ("expired", asked(1, protocol, port, 61)),
        ("of the future", asked(1, protocol, port, -90)),
        ("by another key", asked(2, protocol, port, 0)),
        ("for another port", asked(1, protocol, port.wrapping_add(1), 0)),
        ("a reply", reply(&Request::read(&good).expect("a request"), port).to_vec()),
        ("nothing", vec![]),
        ("too short", good[..REQUEST - 1].to_vec()),
        (
            "a DNS query",
            b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03".to_vec(),
        ),
    ];
    if protocol == Protocol::Udp {
        let mut longer = good;
        longer.push(0);
        all.push(("too long", longer));
        all.push(("much too long", vec![0x50; 1400]));
    }
    // Noise with our magic before it, from a generator of the test's own.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..64 {
        let mut noise = asked(1, protocol, port, 0);
        for byte in &mut noise[5..] {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[0];
        }
        all.push(("noise", noise));
    }
    all
}

/// A listener of the built binary, and what it says.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    said: String,
}

fn listen(world: &World, ports: &str, more: &[&str]) -> Running {
    let mut all = vec!["--bind", "127.0.0.1"];
    all.extend(more);
    listen_anywhere(world, ports, &all)
}

fn listen_anywhere(world: &World, ports: &str, more: &[&str]) -> Running {
    world.file("auditor.pub", key(1).public_key().to_openssh().expect("a line"));
    let mut arguments = vec!["listen", "--ports", ports, "--auditor", "auditor.pub", "-v"];
    arguments.extend(more);
    let mut child = world
        .command(&arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its stderr"));
    let mut said = String::new();
    while !said.contains("listening on") {
        assert_ne!(lines.read_line(&mut said).expect("it says so"), 0, "it ended: {said}");
    }
    Running { child, lines, said }
}

impl Running {
    /// Ends it with a signal and tells its exit code and all it said.
    fn end(mut self, signal: i32) -> (Option<i32>, String) {
        // SAFETY: a signal to a child of ours that was not waited for yet.
        unsafe { libc::kill(self.child.id() as i32, signal) };
        self.rest()
    }

    fn rest(&mut self) -> (Option<i32>, String) {
        self.lines.read_to_string(&mut self.said).expect("the rest");
        (self.child.wait().expect("it ends").code(), self.said.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that nothing has, for both protocols.
fn free() -> u16 {
    loop {
        let tcp = TcpListener::bind((HERE, 0)).expect("a port");
        let port = tcp.local_addr().expect("its number").port();
        if UdpSocket::bind((HERE, port)).is_ok() {
            return port;
        }
    }
}

fn udp(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((HERE, 0)).expect("a socket");
    socket.connect((HERE, port)).expect("a peer");
    // Only for a broken listener: what is waited for comes.
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    socket
}

/// What comes first after `bytes` and then a good request were sent: it must answer the latter.
fn first_after(socket: &UdpSocket, port: u16, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let good = asked(1, Protocol::Udp, port, 0);
    socket.send(bytes).expect("sent");
    socket.send(&good).expect("sent");
    let mut heard = [0; 2048];
    let length = socket.recv(&mut heard).expect("an answer");
    (heard[..length].to_vec(), good)
}

#[test]
fn over_udp_only_a_good_request_is_answered_and_only_once() {
    let (world, port) = (World::new(), free());
    let running = listen(&world, &format!("udp/{port}"), &[]);
    let socket = udp(port);
    let mut sent = 0;
    for (what, bytes) in bad(Protocol::Udp, port) {
        let (heard, good) = first_after(&socket, port, &bytes);
        assert!(answers(&heard, &good), "{what}: something else was answered");
        assert!(heard.len() == REPLY && heard.len() < good.len(), "{what}: no larger than asked");
        sent += 1;
        // The very same request again, and then a good one: the latter is what is answered.
        let (heard, next) = first_after(&socket, port, &good);
        assert!(answers(&heard, &next), "{what}: a replay was answered");
    }
    assert!(sent > 70);
    let (code, said) = running.end(libc::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("answered {} requests on 1 UDP port", sent * 2)), "{said}");
    assert!(said.contains(&format!("{sent} not: answered already")), "{said}");
}

fn over_tcp(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((HERE, port)).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream.write_all(bytes).expect("sent");
    // What says less than a request waits for more: it is told that nothing comes.
    stream.shutdown(std::net::Shutdown::Write).expect("told");
    let mut heard = Vec::new();
    // A reset is no answer either.
    let _ = stream.read_to_end(&mut heard);
    heard
}

#[test]
fn over_tcp_only_a_good_request_is_answered_and_nobody_gets_a_banner() {
    let (world, port) = (World::new(), free());
    let running = listen(&world, &format!("tcp/{port}"), &[]);
    for (what, bytes) in bad(Protocol::Tcp, port) {
        assert_eq!(over_tcp(port, &bytes), b"", "{what}");
    }
    let good = asked(1, Protocol::Tcp, port, 0);
    let heard = over_tcp(port, &good);
    assert!(answers(&heard, &good) && heard.len() < good.len());
    assert_eq!(over_tcp(port, &good), b"", "a replay");
    // In pieces, as a path may deliver it.
    let good = asked(1, Protocol::Tcp, port, 0);
    let mut stream = TcpStream::connect((HERE, port)).expect("it accepts");
    stream.set_nodelay(true).expect("at once");
    for piece in good.chunks(7) {
        stream.write_all(piece).expect("sent");
    }
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).expect("the reply");
    assert!(answers(&heard, &good));
    let (code, said) = running.end(libc::SIGINT);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("answered 2 requests on 1 TCP port"), "{said}");
}

/// A request signed for UDP is none over TCP, and the other way round.
#[test]
fn a_request_is_for_one_protocol() {
    let (world, port) = (World::new(), free());
    let _running = listen(&world, &format!("tcp/{port},udp/{port}"), &[]);
    assert_eq!(over_tcp(port, &asked(1, Protocol::Udp, port, 0)), b"");
    let socket = udp(port);
    let (heard, good) = first_after(&socket, port, &asked(1, Protocol::Tcp, port, 0));
    assert!(answers(&heard, &good));
}

/// With the guard off the damage happens: a listener that only reads requests answers strangers,
/// replays and other ports, and the tests above would see it.
#[test]
fn a_listener_without_the_guard_would_answer_strangers() {
    let open = UdpSocket::bind((HERE, 0)).expect("a socket");
    let port = open.local_addr().expect("its port").port();
    let careless = std::thread::spawn(move || {
        let mut bytes = [0; 2048];
        loop {
            let (length, from): (usize, SocketAddr) = open.recv_from(&mut bytes).expect("asked");
            match Request::read(&bytes[..length]) {
                Ok(request) => drop(open.send_to(&reply(&request, port), from)),
                Err(_) if bytes[..length] == *b"stop" => return,
                Err(_) => {}
            }
        }
    });
    let socket = udp(port);
    let mut answered = Vec::new();
    for (what, bytes) in bad(Protocol::Udp, port) {
        let (heard, good) = first_after(&socket, port, &bytes);
        if !answers(&heard, &good) {
            answered.push(what);
            let mut rest = [0; 2048];
            socket.recv(&mut rest).expect("the good one's answer");
        }
    }
    socket.send(b"stop").expect("sent");
    careless.join().expect("it ends");
    for what in ["unsigned", "changed", "expired", "by another key", "for another port"] {
        assert!(answered.contains(&what), "{what} was not answered: {answered:?}");
    }
}

#[test]
fn ports_that_something_else_has_are_told_and_not_fatal() {
    let world = World::new();
    let taken = TcpListener::bind((HERE, 0)).expect("a port");
    let (other, port) = (taken.local_addr().expect("its number").port(), free());
    let running = listen(&world, &format!("tcp/{other},{port}"), &[]);
    let good = asked(1, Protocol::Tcp, port, 0);
    assert!(answers(&over_tcp(port, &good), &good));
    let (code, said) = running.end(libc::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("not answered: tcp/{other}: in use by something else")),
        "{said}"
    );

    let ran = world.run(&[
        "listen",
        "--ports",
        &format!("tcp/{other}"),
        "--auditor",
        "auditor.pub",
        "--bind",
        "127.0.0.1",
    ]);
    assert_eq!(ran.code, Some(2), "nothing is left to answer on: {ran}");
}

/// Something that has a port in one family takes the other from nobody.
#[test]
fn a_port_that_is_taken_over_ipv4_is_answered_over_ipv6() {
    let taken = TcpListener::bind((HERE, 0)).expect("a port");
    let port = taken.local_addr().expect("its number").port();
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("skipped: listening over IPv6 (this machine has none)");
        return;
    }
    let world = World::new();
    let running = listen_anywhere(&world, &format!("tcp/{port}"), &[]);
    let to = Endpoint { address: Ipv6Addr::LOCALHOST.into(), protocol: Protocol::Tcp, port };
    let good = auditor(1).ask(to, [7; 16], Timestamp::now()).expect("asked");
    let mut stream = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).expect("it accepts");
    stream.write_all(&good).expect("sent");
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).expect("the reply");
    assert!(answers(&heard, &good));
    let (code, said) = running.end(libc::SIGTERM);
    assert_eq!(code, Some(0), "{said}");
    let told = format!("not answered: tcp/{port} over IPv4: in use by something else");
    assert!(said.contains(&told), "{said}");
}

#[test]
fn it_ends_by_itself_and_closes_whoever_says_nothing() {
    let (world, port) = (World::new(), free());
    let mut running = listen(&world, &format!("tcp/{port}"), &["--for", "1s"]);
    let mut mute = TcpStream::connect((HERE, port)).expect("it accepts");
    let (code, said) = running.rest();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("answered 0 requests"), "{said}");
    assert_eq!(mute.read(&mut [0; 16]).unwrap_or(0), 0, "no banner");
}

#[test]
fn what_it_is_told_must_make_sense() {
    let world = World::new();
    world.file("spec.yaml", "version: 1\nroles: { video: { select: { tags: { a: b } }, services: { rtp: { port: udp/9, from: internet } } } }\n");
    world.file("auditor.pub", key(1).public_key().to_openssh().expect("a line"));
    world.file("rsa.pub", "ssh-rsa AAAA");
    world.file("empty.pub", "# none\n");
    for (arguments, code, why) in [
        (&["listen", "--role", "vidoe", "--auditor", "auditor.pub"][..], 2, "declares video"),
        (&["listen", "--role", "video", "--auditor", "rsa.pub"], 2, "not a plain ssh-ed25519"),
        (&["listen", "--role", "video", "--auditor", "empty.pub"], 2, "holds no key"),
        (&["listen", "--role", "video", "--auditor", "none.pub"], 2, "No such file"),
        (&["listen", "--role", "video"], 2, "--auditor"),
        (&["listen", "--auditor", "auditor.pub"], 2, "--role"),
        (
            &["listen", "--ports", "udp/9", "--auditor", "auditor.pub", "--for", "soon"],
            2,
            "from 1s",
        ),
        (&["--offline", "listen", "--ports", "udp/9", "--auditor", "auditor.pub"], 4, "--offline"),
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, Some(code), "{ran}");
        assert!(ran.stderr.contains(why), "{why}: {ran}");
    }
}
