//! Bounded connections and reads.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

/// Bytes read of any answer at most.
pub(super) const MOST: usize = 64 * 1024;
/// A fresh connection to what just answered takes no longer.
const CONNECT: Duration = Duration::from_secs(2);

/// Takes over a connection that the sweep made.
pub(super) fn adopt(socket: OwnedFd) -> Option<TcpStream> {
    let stream = std::net::TcpStream::from(socket);
    stream.set_nonblocking(true).ok()?;
    TcpStream::from_std(stream).ok()
}

/// One more connection.
pub(super) async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    tokio::time::timeout(CONNECT, socket.connect(to)).await?
}

/// How a read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// `enough` said so.
    Enough,
    /// The peer closed.
    Closed,
    /// The peer reset.
    Reset,
    /// [`MOST`] bytes.
    Full,
    /// The deadline, however often a byte dripped.
    Late,
}

/// Reads until `enough`, the end, [`MOST`] bytes or `deadline`.
pub(super) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    deadline: Instant,
    mut enough: impl FnMut(&[u8]) -> bool,
) -> (Vec<u8>, Ended) {
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 4096];
    loop {
        let room = MOST - bytes.len();
        if room == 0 {
            return (bytes, Ended::Full);
        }
        let most = room.min(chunk.len());
        match tokio::time::timeout_at(deadline, stream.read(&mut chunk[..most])).await {
            Err(_) => return (bytes, Ended::Late),
            Ok(Err(_)) => return (bytes, Ended::Reset),
            Ok(Ok(0)) => return (bytes, Ended::Closed),
            Ok(Ok(n)) => bytes.extend_from_slice(&chunk[..n]),
        }
        if enough(&bytes) {
            return (bytes, Ended::Enough);
        }
    }
}

/// The first line, or what there is, as text of at most 120 characters.
pub(super) fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|b| *b == b'\n' || *b == b'\r').next().unwrap_or_default();
    let text = String::from_utf8_lossy(&line[..line.len().min(480)]);
    text.chars().take(120).collect()
}
