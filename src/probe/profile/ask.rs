use super::super::protocol::{self, Proof, Question};
use super::{Run, http_connect, small, socks5, udp};
use crate::model::{Expect, Protocol};
use crate::observation::{State, TlsSeen};
use crate::spec::ProxyKind;
use crate::survey::ProfiledTarget;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What one conversation brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) state: State,
    pub(super) confirmed: bool,
    pub(super) service: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) tls: Option<TlsSeen>,
    /// Who said so, where it was not the target.
    pub(super) by: Option<IpAddr>,
    pub(super) rtt: Option<Duration>,
    pub(super) tries: u32,
    /// The address that the target saw.
    pub(super) reflected: Option<IpAddr>,
    /// Asking once more would tell nothing new.
    pub(super) sure: bool,
}

impl Heard {
    pub(super) fn new(state: State, detail: impl Into<String>) -> Self {
        Self {
            state,
            confirmed: false,
            service: None,
            detail: Some(detail.into()),
            tls: None,
            by: None,
            rtt: None,
            tries: 1,
            reflected: None,
            sure: false,
        }
    }

    /// Trouble of our own, or with the proxy: it says nothing of the target.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self { tries: 0, ..Self::new(State::Failed, why).sure() }
    }

    pub(super) const fn sure(mut self) -> Self {
        self.sure = true;
        self
    }

    pub(super) const fn by(mut self, proxy: SocketAddr) -> Self {
        self.by = Some(proxy.ip());
        self
    }
}

impl From<Proof> for Heard {
    fn from(proof: Proof) -> Self {
        let Proof { state, confirmed, service, detail, tls, reflected } = proof;
        let sure = state == State::Open && confirmed;
        let blank = Self::new(state, "");
        Self { confirmed, service, detail, tls, reflected, sure, ..blank }
    }
}

/// Asks one target the way of its profile.
pub(super) async fn ask(target: &ProfiledTarget, run: &Run, seed: u64) -> Heard {
    let endpoint = target.endpoint;
    let Some(to) = run.options.map.resolve(endpoint.address, endpoint.port) else {
        return Heard::failed("nothing of the replay stands for this address");
    };
    let question = Question {
        to,
        address: endpoint.address,
        expect: target.expect.clone(),
        rtt: Duration::ZERO,
        // A listener of `portcullis listen` is asked on a connection of its own, which no tunnel is.
        signer: None,
    };
    let Some(via) = &target.via else {
        let mtu = target.mtu.unwrap_or(small::LARGEST);
        return match endpoint.protocol {
            Protocol::Udp => udp::small(question, endpoint.port, mtu, run, seed).await,
            _ => small::ask(question, mtu, run).await,
        };
    };
    let (proxy, at) = match run.proxies.get(via) {
        Some(Ok(found)) => found,
        Some(Err(heard)) => return heard.clone(),
        None => return Heard::failed(format!("the proxy `{via}` was not looked up")),
    };
    if !proxy.kind.carries(endpoint.protocol) {
        let why = format!("an {} proxy carries no {}", proxy.kind.name(), endpoint.protocol);
        return Heard::new(State::Rejected, why).by(*at).sure();
    }
    let login = proxy.login.as_ref().ok().and_then(Option::as_ref);
    if endpoint.protocol == Protocol::Udp {
        return socks5::datagram(*at, to, login, question.expect, run, seed).await;
    }
    let started = Instant::now();
    let tunnel = |to: SocketAddr, wait: Duration| async move {
        match proxy.kind {
            ProxyKind::HttpConnect => http_connect::tunnel(*at, to, login, wait).await,
            ProxyKind::Socks5 => socks5::tunnel(*at, to, login, wait).await,
        }
    };
    let stream = match tunnel(to, patience(run)).await {
        Ok(stream) => stream,
        Err(heard) => return heard.by(*at),
    };
    let rtt = started.elapsed();
    let heard = if question.expect.needs_protocol() {
        inside(stream, Question { rtt, ..question }, run).await
    } else {
        let nobody =
            SocketAddr::new(to.ip(), NOBODYS.into_iter().find(|p| *p != to.port()).unwrap_or(1));
        let also =
            tokio::time::timeout(AT_ONCE_OR_NEVER.max(rtt * 2), tunnel(nobody, patience(run)));
        connected(&question.expect, matches!(also.await, Ok(Ok(_))).then_some(nobody.port()))
    };
    Heard { rtt: Some(rtt), ..heard }
}

/// Ports on which nothing of ours listens: of 1 (tcpmux) and 9 (discard) one is not what is asked for.
const NOBODYS: [u16; 2] = [1, 9];
/// A proxy that says yes without connecting says it at once.
const AT_ONCE_OR_NEVER: Duration = Duration::from_millis(300);

/// What a proxy's word that it is connected is worth, where no protocol is asked that would prove it: nothing
/// where it says so of `also`, a port that nobody listens on.
fn connected(expect: &Expect, also: Option<u16>) -> Heard {
    if let Some(port) = also {
        let why = format!(
            "the proxy says that it is connected, as it does of tcp/{port}, where nothing listens: its word \
             proves nothing"
        );
        return Heard::new(State::Unproven, why).sure();
    }
    // Nothing is expected but a connection, and no second one goes through this tunnel.
    let mut heard = Heard::new(State::Open, "the proxy says that it is connected").sure();
    heard.confirmed = matches!(expect, Expect::Connect);
    heard
}

/// How long a proxy is given to reach a target: its own first retransmission and a half.
pub(super) fn patience(run: &Run) -> Duration {
    run.options.timeout * 2 + Duration::from_millis(500)
}

/// Asks what is at the far end of a tunnel who it is.
async fn inside(stream: TcpStream, question: Question, run: &Run) -> Heard {
    match hand_over(stream) {
        Ok(socket) => protocol::prove(socket, &question, &run.trust).await.into(),
        Err(e) => Heard::failed(format!("the connection was lost on this machine: {e}")),
    }
}

/// The plain socket of a connection.
pub(super) fn hand_over(stream: TcpStream) -> io::Result<std::os::fd::OwnedFd> {
    Ok(stream.into_std()?.into())
}

/// Connects to a proxy.
///
/// # Errors
/// What to say of it: that a proxy cannot be reached is no word on any target.
pub(super) async fn reach(proxy: SocketAddr, wait: Duration) -> Result<TcpStream, Heard> {
    match tokio::time::timeout(wait, TcpStream::connect(proxy)).await {
        Ok(Ok(stream)) => {
            // What asks leaves at once, in one piece.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(e)) => Err(Heard {
            sure: false,
            ..Heard::failed(format!("the proxy {proxy} cannot be reached: {e}"))
        }),
        Err(_) => Err(Heard {
            sure: false,
            ..Heard::failed(format!("the proxy {proxy} does not answer"))
        }),
    }
}
