//! `CONNECT` of HTTP/1.1 (RFC 9110, 9.3.6). What a proxy says of itself is told from what it says
//! of the target: only the latter is an observation.

use super::ask::{Heard, reach};
use crate::observation::State;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Bytes of a proxy's answer at most, before the tunnel.
const HEAD: usize = 16 * 1024;
/// Bytes of an error page that are looked at for why.
const PAGE: usize = 4 * 1024;
/// How long an error page is waited for.
const PAGE_WAIT: Duration = Duration::from_millis(300);

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
    let deadline = Instant::now() + wait;
    let mut request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nUser-Agent: portcullis\r\n");
    if let Some((user, password)) = login {
        let both = base64(format!("{user}:{password}").as_bytes());
        request.push_str(&format!("Proxy-Authorization: Basic {both}\r\n"));
    }
    request.push_str("\r\n");
    if let Err(e) = stream.write_all(request.as_bytes()).await {
        return Err(Heard::failed(format!("the proxy does not take the request: {e}")));
    }
    // Byte by byte: what follows the head is the target's first word.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match timeout_at(deadline, stream.read_u8()).await {
            Err(_) if head.is_empty() => {
                return Err(
                    Heard::new(State::Silent, "the proxy got no answer from it in time").sure()
                );
            }
            Err(_) => return Err(Heard::failed("the proxy's answer came to no end")),
            Ok(Err(_)) if head.is_empty() => {
                let why = "the proxy closed without a word";
                return Err(Heard { sure: false, ..Heard::failed(why) });
            }
            Ok(Err(_)) => {
                return Err(Heard::failed("the proxy closed in the middle of its answer"));
            }
            Ok(Ok(byte)) => head.push(byte),
        }
        if head.len() >= HEAD {
            return Err(Heard::failed("the proxy's answer has no end"));
        }
    }
    let Some((status, reason)) = status(&head) else {
        return Err(Heard::failed("what listens at the proxy's address speaks no HTTP"));
    };
    if (200..300).contains(&status) {
        return Ok(stream);
    }
    let mut said = head;
    let mut page = vec![0; PAGE];
    if let Ok(Ok(n)) = timeout_at(Instant::now() + PAGE_WAIT, stream.read(&mut page)).await {
        said.extend_from_slice(&page[..n]);
    }
    Err(refusal(status, &reason, &String::from_utf8_lossy(&said)))
}

/// Status and reason of an answer's first line.
fn status(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|b| *b == b'\r').next()?;
    let text = String::from_utf8_lossy(line);
    let rest = text.strip_prefix("HTTP/1.")?;
    let (_, rest) = rest.split_once(' ')?;
    let (status, reason) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Some((status.parse().ok()?, reason.chars().take(80).collect()))
}

/// What a proxy's refusal says, of itself or of the target.
fn refusal(status: u16, reason: &str, said: &str) -> Heard {
    let told = format!("{status} {reason}");
    let told = told.trim();
    let said = said.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| said.contains(w));
    match status {
        // tinyproxy says 401 of a wrong login and 407 of none.
        401 | 407 => Heard::failed(format!("the proxy asks for another login: {told}")),
        // Its rules may be meant for others than the customers whose place we take.
        403 | 405 | 429 => Heard::failed(format!("the proxy forbids it: {told}")),
        504 => Heard::new(State::Silent, format!("the proxy got no answer from it: {told}")).sure(),
        500 | 502 | 503 if has(&["refused"]) => {
            Heard::new(State::Refused, format!("the proxy says that it refuses: {told}"))
        }
        500 | 502 | 503 if has(&["timed out", "timeout", "time-out"]) => {
            Heard::new(State::Silent, format!("the proxy got no answer from it: {told}")).sure()
        }
        500 | 502 | 503 => {
            Heard::new(State::Unreachable, format!("the proxy says that it cannot connect: {told}"))
        }
        _ => Heard::failed(format!("the proxy makes no tunnel: {told}")),
    }
}

/// Base64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, b| bits << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = (bits >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(LETTERS[letter as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        for (text, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn the_proxys_own_refusal_is_no_word_on_the_target() {
        let state = |status, said: &str| refusal(status, "x", said).state;
        for status in [400, 401, 403, 404, 405, 407, 429, 501] {
            assert_eq!(state(status, ""), State::Failed, "{status}");
        }
        assert_eq!(state(502, "connect: Connection refused"), State::Refused);
        assert_eq!(state(503, "X-Squid-Error: ERR_CONNECT_FAIL 110 ... timed out"), State::Silent);
        assert_eq!(state(504, ""), State::Silent);
        assert_eq!(state(500, "Unable to connect"), State::Unreachable);
    }
}
