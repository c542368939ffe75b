//! Asks an open port who it is. To add a protocol: one file here, and the arm the compiler asks for.
//!
//! Peers may be hostile: every read is bounded in bytes and in time, and nothing read is trusted.

mod banner;
mod http;
mod identify;
mod listener;
mod recognise;
mod stun;
mod tls;
mod udp;
mod wire;

pub(super) use listener::Signer;
pub(super) use tls::Trust;
pub(super) use udp::Udp;

use crate::model::Expect;
use crate::observation::{State, TlsSeen};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The longest one service is asked, whatever it does.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a server that speaks first is waited for, beyond two round trips.
const BANNER_WAIT: Duration = Duration::from_millis(300);

/// What is asked of whom.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// Where packets go.
    pub(super) to: SocketAddr,
    /// The address as the snapshot knows it.
    pub(super) address: IpAddr,
    pub(super) expect: Expect,
    pub(super) rtt: Duration,
    /// Asks `portcullis listen`, where the port must answer and a key is configured.
    pub(super) signer: Option<Signer>,
}

impl Question {
    fn banner_wait(&self) -> Duration {
        (BANNER_WAIT + self.rtt * 2).min(Duration::from_secs(2))
    }
}

/// What an endpoint proved to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) state: State,
    pub(super) confirmed: bool,
    pub(super) service: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) tls: Option<TlsSeen>,
    /// The vantage's own address, where the answer reflects it.
    pub(super) reflected: Option<IpAddr>,
}

impl Proof {
    const fn new(state: State, confirmed: bool) -> Self {
        Self { state, confirmed, service: None, detail: None, tls: None, reflected: None }
    }

    /// It is what was expected.
    fn confirmed(service: &str) -> Self {
        Self { service: Some(service.into()), ..Self::new(State::Open, true) }
    }

    /// It is open, and what it is could not be proven.
    fn unconfirmed(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(State::Open, false) }
    }

    /// It answers as something else.
    fn wrong(service: Option<&str>, detail: impl Into<String>) -> Self {
        Self {
            service: service.map(Into::into),
            detail: Some(detail.into()),
            ..Self::new(State::WrongService, false)
        }
    }

    /// Nobody could be asked: trouble of our own.
    pub(super) fn unasked() -> Self {
        Self::unconfirmed("this machine had no means left to ask what it is")
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    fn tls(mut self, tls: TlsSeen) -> Self {
        self.tls = Some(tls);
        self
    }
}

/// Asks an open TCP port to prove what is expected of it; `socket` is a connection to it.
pub(super) async fn prove(socket: OwnedFd, question: &Question, trust: &Trust) -> Proof {
    let ask = async {
        let Some(stream) = wire::adopt(socket) else { return Proof::unasked() };
        match &question.expect {
            // The handshake is the proof; who answered it is worth a word.
            Expect::Path => Proof::new(State::Open, true),
            Expect::Connect => identify::identify(stream, question).await,
            Expect::Ssh => banner::ssh(stream, question).await,
            Expect::Banner(text) => banner::contains(stream, question, text).await,
            Expect::Tls(expect) => tls::prove(stream, question, expect, trust).await,
            Expect::Http(expect) => http::prove(stream, question, expect, trust).await,
            Expect::Stun => Proof::unconfirmed("stun is asked over udp only"),
        }
    };
    let proof = match tokio::time::timeout(PATIENCE, ask).await {
        Ok(proof) => proof,
        Err(_) => Proof::unconfirmed("it is open, and did not say what it is in time"),
    };
    let known = proof.state == State::Open && proof.confirmed && proof.service.is_some();
    match &question.signer {
        Some(signer) if !known => listener::ask(signer, question).await.unwrap_or(proof),
        _ => proof,
    }
}
