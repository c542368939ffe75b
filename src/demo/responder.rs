use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// Longest conversation a responder holds, so that a world ends when its demo does.
const CONVERSATION: Duration = Duration::from_secs(5);

/// How one endpoint of a world behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Accepts and says nothing.
    Accept,
    Ssh,
    Tls,
    /// HTTP with this status and body.
    Http(u16, String),
    Stun,
    /// Nothing listens: the kernel refuses.
    Refuse,
}

impl std::str::FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "accept" => Self::Accept,
            "ssh" => Self::Ssh,
            "tls" => Self::Tls,
            "stun" => Self::Stun,
            "refuse" => Self::Refuse,
            other => {
                let rest = other.strip_prefix("http ").ok_or_else(|| {
                    format!(
                        "read `{other}`: use accept, ssh, tls, stun, refuse or `http STATUS BODY`"
                    )
                })?;
                let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
                let status =
                    status.parse().map_err(|_| format!("read `{status}` as an HTTP status"))?;
                Self::Http(status, body.to_owned())
            }
        })
    }
}

/// A TLS identity made for one world: self-signed, valid for a year from now.
pub(super) fn tls_acceptor(names: &[String]) -> io::Result<TlsAcceptor> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(io::Error::other)?;
    let now = std::time::SystemTime::now();
    params.not_before = (now - Duration::from_secs(86_400)).into();
    params.not_after = (now + Duration::from_secs(365 * 86_400)).into();
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Starts a TCP responder on `at` and returns where it listens.
pub(super) async fn tcp(at: IpAddr, how: Behaviour, tls: TlsAcceptor) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((at, 0)).await?;
    let address = listener.local_addr()?;
    if how == Behaviour::Refuse {
        // The port was free a moment ago and nothing listens on it now.
        return Ok(address);
    }
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (how, tls) = (how.clone(), tls.clone());
            tokio::spawn(async move {
                let _ = tokio::time::timeout(CONVERSATION, converse(stream, &how, &tls)).await;
            });
        }
    });
    Ok(address)
}

async fn converse(mut stream: TcpStream, how: &Behaviour, tls: &TlsAcceptor) -> io::Result<()> {
    let mut buffer = [0u8; 2048];
    match how {
        Behaviour::Ssh => stream.write_all(b"SSH-2.0-demo\r\n").await?,
        Behaviour::Tls => {
            let mut stream = tls.accept(stream).await?;
            let _ = stream.read(&mut buffer).await?;
            return stream.shutdown().await;
        }
        Behaviour::Http(status, body) => {
            if stream.read(&mut buffer).await? > 0 {
                let answer = format!(
                    "HTTP/1.1 {status} demo\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await?;
            }
            return stream.shutdown().await;
        }
        Behaviour::Accept | Behaviour::Stun | Behaviour::Refuse => {}
    }
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Starts a UDP responder on `at`; anything but STUN is mute.
pub(super) async fn udp(at: IpAddr, how: Behaviour, mapped: SocketAddr) -> io::Result<SocketAddr> {
    let socket = UdpSocket::bind((at, 0)).await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let mut buffer = [0u8; 1500];
        while let Ok((n, from)) = socket.recv_from(&mut buffer).await {
            if how == Behaviour::Stun
                && let Some(answer) = stun_answer(&buffer[..n], mapped)
            {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    Ok(address)
}

/// Starts a proxy of customers on `at` (`CONNECT` of HTTP/1.1) and returns where it listens. It
/// connects to loopback and nowhere else.
pub(super) async fn proxy(at: IpAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((at, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = tokio::time::timeout(CONVERSATION, pass_on(stream)).await;
            });
        }
    });
    Ok(address)
}

async fn pass_on(mut client: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 4096 {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head);
    let to = text.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let to: Option<SocketAddr> = to.and_then(|t| t.parse().ok());
    let Some(to) = to.filter(|t| t.ip().is_loopback()) else {
        return client.write_all(b"HTTP/1.1 403 demo\r\n\r\n").await;
    };
    match TcpStream::connect(to).await {
        Ok(mut server) => {
            client.write_all(b"HTTP/1.1 200 demo\r\n\r\n").await?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await.map(drop)
        }
        Err(e) => client.write_all(format!("HTTP/1.1 502 {e}\r\n\r\n").as_bytes()).await,
    }
}

/// A binding success response (RFC 8489) that reflects `mapped`: the vantage's address in the
/// incident, not the loopback one.
fn stun_answer(request: &[u8], mapped: SocketAddr) -> Option<Vec<u8>> {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    if request.len() < 20 || request[..2] != [0, 1] || request[4..8] != COOKIE {
        return None;
    }
    let IpAddr::V4(address) = mapped.ip() else { return None };
    let mut answer = vec![0x01, 0x01, 0, 12];
    answer.extend_from_slice(&request[4..20]);
    answer.extend_from_slice(&[0x00, 0x20, 0, 8, 0, 1]);
    answer.extend_from_slice(&(mapped.port() ^ 0x2112).to_be_bytes());
    answer.extend(address.octets().iter().zip(COOKIE).map(|(a, c)| a ^ c));
    Some(answer)
}

/// A TCP endpoint that never answers, without root and without a packet filter: its accept queue
/// is full, so the kernel drops every further SYN.
#[derive(Debug)]
pub(super) struct FullQueue {
    pub(super) address: SocketAddr,
    _listener: Socket,
    _fillers: Vec<Socket>,
}

impl FullQueue {
    /// Makes one on loopback.
    pub(super) fn new() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        // A backlog of 0 still admits one connection.
        listener.listen(0)?;
        let address = listener.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut fillers = Vec::new();
        for _ in 0..4 {
            let filler = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            filler.set_nonblocking(true)?;
            // In progress for good once the queue is full.
            let _ = filler.connect(&address.into());
            fillers.push(filler);
        }
        Ok(Self { address, _listener: listener, _fillers: fillers })
    }
}
