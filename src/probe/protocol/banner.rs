use super::recognise::recognise;
use super::wire::{self, Ended, first_line};
use super::{Proof, Question};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Longest first line waited for: RFC 4253 allows other lines before the version, RFC 5321 long ones.
const LINES: usize = 4096;

/// Expects an SSH identification string.
pub(super) async fn ssh(mut stream: TcpStream, question: &Question) -> Proof {
    // A server may speak first or wait for us; both are right (RFC 4253 4.2).
    let ours = stream.write_all(b"SSH-2.0-portcullis\r\n").await;
    let deadline = Instant::now() + question.banner_wait() * 6;
    let line = |b: &[u8]| ssh_line(b).is_some() || b.len() >= LINES || settled(b);
    let (bytes, ended) = wire::read(&mut stream, deadline, line).await;
    if let Some(line) = ssh_line(&bytes) {
        return Proof::confirmed("ssh").detail(first_line(line));
    }
    if ours.is_err() && bytes.is_empty() {
        return Proof::unconfirmed("the connection was closed before anything was said");
    }
    other(&bytes, ended, "an SSH identification string")
}

/// The identification line, complete, within the lines that may come before it.
fn ssh_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split_inclusive(|b| *b == b'\n').find(|line| {
        line.ends_with(b"\n") && (line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1."))
    })
}

/// Whether what was said already is some other service, so that no more is waited for.
fn settled(bytes: &[u8]) -> bool {
    bytes.len() >= 8 && recognise(bytes).is_some_and(|name| name != "ssh")
}

/// Expects `text` in what a server says first.
pub(super) async fn contains(mut stream: TcpStream, question: &Question, text: &str) -> Proof {
    let deadline = Instant::now() + question.banner_wait() * 6;
    let found = |b: &[u8]| find(b, text.as_bytes());
    let (bytes, ended) = wire::read(&mut stream, deadline, |b| found(b) || b.len() >= LINES).await;
    if found(&bytes) {
        let name = recognise(&bytes).unwrap_or("banner");
        return Proof::confirmed(name).detail(first_line(&bytes));
    }
    other(&bytes, ended, "the banner")
}

/// Whether `needle` is in `bytes`.
pub(super) fn find(bytes: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || bytes.windows(needle.len()).any(|w| w == needle)
}

/// Something was said that is not `expected`, or nothing.
pub(super) fn other(bytes: &[u8], ended: Ended, expected: &str) -> Proof {
    if bytes.is_empty() {
        let how = match ended {
            Ended::Closed => "it closed without a word",
            Ended::Reset => "it reset without a word",
            _ => "it said nothing",
        };
        return Proof::unconfirmed(format!("{expected} was expected, {how}"));
    }
    let name = recognise(bytes);
    let said = first_line(bytes);
    let what = name.unwrap_or("something else");
    Proof::wrong(name, format!("{expected} was expected, it is {what}: {said}"))
}
