/// Names the service that would say `bytes`: as its first words, or in answer to an HTTP request or
/// a TLS hello. `None` when nothing known speaks like this.
pub(super) fn recognise(bytes: &[u8]) -> Option<&'static str> {
    let starts = |text: &str| {
        bytes.len() >= text.len() && bytes[..text.len()].eq_ignore_ascii_case(text.as_bytes())
    };
    if bytes.starts_with(b"SSH-") {
        return Some("ssh");
    }
    if bytes.starts_with(b"HTTP/") {
        return Some("http");
    }
    if bytes.starts_with(b"RTSP/") {
        return Some("rtsp");
    }
    if bytes.starts_with(b"SIP/2.0 ") {
        return Some("sip");
    }
    if bytes.starts_with(b"AMQP") {
        return Some("amqp");
    }
    if bytes.starts_with(b"RFB ") {
        return Some("vnc");
    }
    if starts("* OK") {
        return Some("imap");
    }
    if starts("+OK") {
        return Some("pop3");
    }
    if bytes.starts_with(b"+PONG")
        || bytes.starts_with(b"-NOAUTH")
        || bytes.starts_with(b"-ERR wrong number")
    {
        return Some("redis");
    }
    if is_220(bytes) {
        let line = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
        return Some(if line.contains("ftp") { "ftp" } else { "smtp" });
    }
    // A TLS record: alert or handshake, version 3.x.
    if matches!(bytes, [0x15 | 0x16, 0x03, 0..=4, ..]) {
        return Some("tls");
    }
    // MySQL: three bytes of length, sequence 0, then protocol 10 or an error.
    if let [a, b, c, 0, 0x0a | 0xff, ..] = bytes {
        let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
        if (4..4096).contains(&length) {
            return Some("mysql");
        }
    }
    None
}

/// A reply code 220, alone or with a continuation.
fn is_220(bytes: &[u8]) -> bool {
    bytes.starts_with(b"220 ") || bytes.starts_with(b"220-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_speaks() {
        for (said, name) in [
            (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], Some("ssh")),
            (b"220 mail ESMTP\r\n", Some("smtp")),
            (b"220-FTP server ready\r\n", Some("ftp")),
            (b"\x15\x03\x01\x00\x02\x02\x46", Some("tls")),
            (b"HTTP/1.1 200 OK\r\n", Some("http")),
            (b"\x4a\x00\x00\x00\x0a8.0.36\0", Some("mysql")),
            (b"+PONG\r\n", Some("redis")),
            (b"", None),
            (b"\x16", None),
            (b"2200", None),
            (b"hello\r\n", None),
        ] {
            assert_eq!(recognise(said), name, "{said:?}");
        }
    }
}
