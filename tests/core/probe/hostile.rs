//! Peers that mean harm: each must cost bounded time and memory, and prove nothing.

use super::loopback::tcp;
use super::servers::{answers, local};
use portcullis::model::{Expect, HttpExpect, TlsExpect};
use portcullis::observation::State;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

/// Sends one byte after the other, for ever.
fn drip(mut stream: TcpStream) {
    while stream.write_all(b"x").is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends as fast as the peer reads, for ever.
fn flood(start: &'static [u8], each: &'static [u8]) -> impl Fn(TcpStream) + Send + Sync + 'static {
    move |mut stream| {
        let _ = stream.write_all(start);
        let block = each.repeat(4096 / each.len().max(1) + 1);
        while stream.write_all(&block).is_ok() {}
    }
}

fn every() -> [Expect; 6] {
    let body = HttpExpect { body: Some("never said".into()), ..HttpExpect::default() };
    [
        Expect::Connect,
        Expect::Ssh,
        Expect::Banner("never said".into()),
        Expect::Tls(TlsExpect::default()),
        Expect::Http(HttpExpect::default()),
        Expect::Http(body),
    ]
}

/// What an expectation comes to: the run ends, and only the handshake is believed.
fn proves_nothing(server: std::net::SocketAddr) {
    for expect in every() {
        let seen = tcp(server, expect.clone());
        let open = seen.state == State::Open && (!seen.confirmed || expect == Expect::Connect);
        assert!(open || seen.state == State::WrongService, "{expect:?}: {seen:?}");
        let said = seen.detail.unwrap_or_default();
        assert!(said.len() < 2048, "{expect:?} kept {} bytes", said.len());
    }
}

#[test]
fn an_endless_drip_ends() {
    proves_nothing(local(drip));
}

#[test]
fn an_endless_flood_is_cut() {
    proves_nothing(local(flood(b"", b"A")));
}

#[test]
fn an_endless_header_is_cut() {
    let server = local(flood(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"));
    for body in [None, Some("never said".to_owned())] {
        let seen = tcp(server, Expect::Http(HttpExpect { body, ..HttpExpect::default() }));
        assert!(!seen.confirmed, "{seen:?}");
    }
}

#[test]
fn an_endless_body_is_cut() {
    let server = local(flood(b"HTTP/1.1 200 OK\r\n\r\n", b"A"));
    let body = HttpExpect { body: Some("never said".into()), ..HttpExpect::default() };
    assert_eq!(tcp(server, Expect::Http(body)).state, State::WrongService);
}

#[test]
fn garbage_that_looks_like_tls_proves_nothing() {
    for garbage in [
        &b"\x16\x03\x03\xff\xff\x02\xff\xff\xff"[..],
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
        b"\x16\x03",
    ] {
        let server = local(answers(garbage.to_vec()));
        let seen = tcp(server, Expect::Tls(TlsExpect::default()));
        assert!(!seen.confirmed, "{garbage:?}: {seen:?}");
    }
}

#[test]
fn a_banner_full_of_control_characters_is_one_bounded_line() {
    let server = local(|mut stream: TcpStream| {
        let _ = stream.write_all(b"SSH-2.0-\x1b[2J\x07\xff\xfe");
        let _ = stream.write_all(&[b'A'; 3000]);
        let _ = stream.write_all(b"\r\n");
    });
    let seen = tcp(server, Expect::Ssh);
    assert!(seen.detail.is_some_and(|d| d.chars().count() <= 200 && !d.contains('\n')));
}
