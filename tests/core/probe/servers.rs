//! Small servers on real sockets, each on a thread that ends with the test process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

/// Serves each connection on a thread of its own.
pub(super) fn serve(
    listener: TcpListener,
    each: impl Fn(TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    let address = listener.local_addr().expect("a bound socket");
    let each = Arc::new(each);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    address
}

/// A server on a free loopback port.
pub(super) fn local(each: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    serve(TcpListener::bind("127.0.0.1:0").expect("a free port"), each)
}

/// Says `words` first, then listens until the peer goes.
pub(super) fn says(words: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let _ = stream.write_all(words);
        drain(stream);
    }
}

/// Says `words` once the peer has said something.
pub(super) fn answers(words: Vec<u8>) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let mut some = [0; 4096];
        if stream.read(&mut some).is_ok_and(|n| n > 0) {
            let _ = stream.write_all(&words);
        }
        drain(stream);
    }
}

/// Reads until the peer goes.
pub(super) fn drain(mut stream: TcpStream) {
    let mut some = [0; 4096];
    while stream.read(&mut some).is_ok_and(|n| n > 0) {}
}

/// Answers STUN binding requests (RFC 8489) with the sender's own address.
pub(super) fn stun(socket: UdpSocket) {
    thread::spawn(move || {
        let mut bytes = [0; 1500];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            if n < 20 || bytes[..2] != [0, 1] {
                continue;
            }
            let key = &bytes[4..20];
            let (family, octets) = match from.ip() {
                std::net::IpAddr::V4(a) => (1, a.octets().to_vec()),
                std::net::IpAddr::V6(a) => (2, a.octets().to_vec()),
            };
            let port = from.port() ^ 0x2112;
            let mut value = vec![0, family];
            value.extend(port.to_be_bytes());
            value.extend(octets.iter().zip(key).map(|(a, k)| a ^ k));
            let length = u8::try_from(value.len()).expect("a short attribute");
            let mut out = vec![1, 1, 0, length + 4];
            out.extend(key);
            out.extend([0, 0x20, 0, length]);
            out.extend(value);
            let _ = socket.send_to(&out, from);
        }
    });
}
