use super::banner::{find, other};
use super::wire::{self, Ended};
use super::{Proof, Question, Trust, tls};
use crate::model::{HttpExpect, TlsExpect};
use crate::observation::TlsSeen;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Header lines of an answer at most.
const HEADERS: usize = 128;

/// Expects an HTTP answer with the properties declared.
pub(super) async fn prove(
    stream: TcpStream,
    question: &Question,
    expect: &HttpExpect,
    trust: &Trust,
) -> Proof {
    if !expect.tls {
        return exchange(stream, question, expect, None).await;
    }
    let name = expect.host.as_deref().map(without_port);
    let name = name.filter(|n| n.parse::<IpAddr>().is_err());
    match tls::handshake(stream, question, name, trust).await {
        Ok((stream, seen)) => exchange(stream, question, expect, Some(seen)).await,
        Err(proof) => *proof,
    }
}

/// A host header's name, without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => {
            name
        }
        _ => host,
    }
}

/// An address as a Host header.
pub(super) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(a) => a.to_string(),
        IpAddr::V6(a) => format!("[{a}]"),
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    question: &Question,
    expect: &HttpExpect,
    tls: Option<TlsSeen>,
) -> Proof {
    let path = expect.path.as_deref().unwrap_or("/");
    let host = expect.host.clone().unwrap_or_else(|| host(question.address));
    // A declaration must not be able to write a second request.
    let clean = |s: &str| s.chars().filter(|c| !c.is_control() && *c != ' ').collect::<String>();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: portcullis\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        clean(path),
        clean(&host),
    );
    let written = stream.write_all(request.as_bytes()).await;
    let deadline = Instant::now() + (question.banner_wait() * 8).min(super::PATIENCE / 2);
    let wants_body = expect.body.as_deref().map(str::as_bytes);
    let enough = |b: &[u8]| {
        let Some(head) = head(b) else { return b.len() >= 8 && !b.starts_with(b"HTTP/") };
        let body = &b[head.length..];
        match wants_body {
            None => true,
            Some(text) => find(body, text) || head.body.is_some_and(|n| body.len() >= n),
        }
    };
    let (bytes, ended) = wire::read(&mut stream, deadline, enough).await;
    let service = if expect.tls { "https" } else { "http" };
    let attach = |proof: Proof| match tls.clone() {
        Some(seen) => proof.tls(seen),
        None => proof,
    };
    let Some(head) = head(&bytes) else {
        if bytes.is_empty() && written.is_err() {
            return attach(other(&bytes, Ended::Reset, "an HTTP answer"));
        }
        if bytes.starts_with(b"HTTP/") {
            return attach(Proof::unconfirmed("HTTP is spoken, its header came to no end"));
        }
        return attach(other(&bytes, ended, "an HTTP answer"));
    };
    let mut wrong = Vec::new();
    let accepted = if expect.status.is_empty() {
        head.status < 500
    } else {
        expect.status.contains(&head.status)
    };
    if !accepted {
        wrong.push(format!("status {} was not expected", head.status));
    }
    if let Some(text) = wants_body {
        let raw = &bytes[head.length..];
        let held = find(raw, text) || (head.chunked && find(&dechunked(raw), text));
        if !held {
            let whole = matches!(ended, Ended::Closed | Ended::Enough);
            let reach = if whole { "the body" } else { "what was read of the body" };
            wrong.push(format!("the declared text is not in {reach}"));
        }
    }
    if let Some(seen) = &tls {
        let now = rustls::pki_types::UnixTime::now().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        // What every client refuses is not the service declared.
        if seen.not_after.is_some_and(|end| end < now) {
            wrong.extend(tls::complaints(
                seen,
                &TlsExpect { days_left: Some(0), ..TlsExpect::default() },
                now,
            ));
        }
    }
    attach(if wrong.is_empty() {
        Proof::confirmed(service).detail(format!("status {}", head.status))
    } else {
        Proof::wrong(Some(service), wrong.join("; "))
    })
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Bytes of the head.
    length: usize,
    /// Length of the body, where it is told.
    body: Option<usize>,
    chunked: bool,
}

/// Reads the head of an answer; `None` while it is not whole or is no HTTP.
fn head(bytes: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes).ok()? else { return None };
    let value = |name: &str| {
        let found = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name));
        found.and_then(|h| std::str::from_utf8(h.value).ok())
    };
    Some(Head {
        status: response.code?,
        length,
        body: value("content-length").and_then(|v| v.trim().parse().ok()),
        chunked: value("transfer-encoding")
            .is_some_and(|v| v.to_ascii_lowercase().contains("chunked")),
    })
}

/// A chunked body put together, as far as it goes.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
        let line = String::from_utf8_lossy(&bytes[..end]);
        let size = line.split(';').next().unwrap_or_default().trim();
        let Ok(size) = usize::from_str_radix(size, 16) else { break };
        let rest = &bytes[end + 1..];
        let take = size.min(rest.len());
        out.extend_from_slice(&rest[..take]);
        if size == 0 || take < size {
            break;
        }
        // The line end after the chunk.
        let skip = if rest[take..].starts_with(b"\r\n") { 2 } else { 1 };
        bytes = rest.get(take + skip..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_split_over_chunks_is_found() {
        let body = b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
        assert_eq!(dechunked(body), b"hello");
        assert_eq!(dechunked(b"ffffffffffffffffff\r\nx"), b"");
        assert_eq!(dechunked(b"9\r\nshort"), b"short");
    }

    #[test]
    fn a_port_is_no_part_of_the_server_name() {
        assert_eq!(without_port("a.example:8443"), "a.example");
        assert_eq!(without_port("a.example"), "a.example");
        assert_eq!(without_port("2001:db8::1"), "2001:db8::1");
    }
}
