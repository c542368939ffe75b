use super::recognise::recognise;
use super::wire::{self, Ended, first_line};
use super::{Proof, Question, tls};
use crate::observation::State;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What a client that speaks first says, in the order of how common its servers are.
enum Hello {
    Http,
    Tls,
    Postgres,
    Redis,
    Rtmp,
}

/// Says what an open port is when nobody declared it. The handshake is proof that it is open.
///
/// A server that speaks first is waited for while a client-first request runs beside it on a
/// connection of its own: a wrong guess costs no time.
pub(super) async fn identify(mut stream: TcpStream, question: &Question) -> Proof {
    let wait = question.banner_wait();
    let deadline = Instant::now() + wait;
    let banner = wire::read(&mut stream, deadline, |b| !b.is_empty());
    let (first, spoken) = if question.to.port() == 443 || question.to.port() == 8443 {
        (Hello::Tls, Hello::Http)
    } else {
        (Hello::Http, Hello::Tls)
    };
    let ((banner, ended), said) = tokio::join!(banner, say(question, &first, wait));
    if let Some(name) = recognise(&banner) {
        return named(name, &banner);
    }
    if let Some(proof) = said.as_deref().and_then(|s| understood(&first, s)) {
        return proof;
    }
    if ended == Ended::Enough {
        return open(None).detail(first_line(&banner));
    }
    // Nothing yet: the other greetings, side by side.
    let (a, b, c, d) = tokio::join!(
        say(question, &spoken, wait),
        say(question, &Hello::Postgres, wait),
        say(question, &Hello::Redis, wait),
        say(question, &Hello::Rtmp, wait),
    );
    let answers = [(spoken, a), (Hello::Postgres, b), (Hello::Redis, c), (Hello::Rtmp, d)];
    for (hello, answer) in &answers {
        if let Some(proof) = answer.as_deref().and_then(|s| understood(hello, s)) {
            return proof;
        }
    }
    let words = said.filter(|s| !s.is_empty());
    match words {
        Some(said) => open(None).detail(first_line(&said)),
        None => open(None),
    }
}

fn open(service: Option<&str>) -> Proof {
    Proof { service: service.map(Into::into), ..Proof::new(State::Open, true) }
}

fn named(name: &str, said: &[u8]) -> Proof {
    let binary = matches!(name, "tls" | "mysql");
    let proof = open(Some(name));
    if binary { proof } else { proof.detail(first_line(said)) }
}

/// Sends one greeting on a connection of its own; what came back within `wait`.
async fn say(question: &Question, hello: &Hello, wait: Duration) -> Option<Vec<u8>> {
    let mut stream = wire::connect(question.to).await.ok()?;
    let words = match hello {
        Hello::Http => format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nUser-Agent: portcullis\r\nAccept: */*\r\nConnection: close\r\n\r\n",
            super::http::host(question.address),
        )
        .into_bytes(),
        Hello::Tls => tls::hello(),
        // SSLRequest: length 8, code 80877103.
        Hello::Postgres => vec![0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f],
        Hello::Redis => b"PING\r\n".to_vec(),
        Hello::Rtmp => rtmp(),
    };
    stream.write_all(&words).await.ok()?;
    let deadline = Instant::now() + wait;
    let least = match hello {
        Hello::Postgres => 1,
        Hello::Rtmp => 1537,
        _ => 5,
    };
    Some(wire::read(&mut stream, deadline, |b| b.len() >= least).await.0)
}

/// RTMP's C0 and C1: version 3, then 1536 bytes of which the first eight are time and zero.
fn rtmp() -> Vec<u8> {
    let mut out = vec![0u8; 1537];
    out[0] = 3;
    for (i, byte) in out.iter_mut().enumerate().skip(9) {
        *byte = u8::try_from(i % 251).unwrap_or(0);
    }
    out
}

fn understood(hello: &Hello, said: &[u8]) -> Option<Proof> {
    match hello {
        // The answer is one byte: S or N.
        Hello::Postgres if matches!(said, b"S" | b"N") => Some(open(Some("postgres"))),
        Hello::Rtmp if said.len() >= 1537 && said[0] == 3 => Some(open(Some("rtmp"))),
        _ => recognise(said).map(|name| {
            let name = if name == "http" && mistaken_for_http(said) { "https" } else { name };
            named(name, said)
        }),
    }
}

/// Whether an HTTP server tells that it was spoken to in the clear on its TLS port.
fn mistaken_for_http(said: &[u8]) -> bool {
    super::banner::find(said, b"plain HTTP request was sent to HTTPS port")
        || super::banner::find(said, b"HTTP request to an HTTPS server")
}
