use super::bind::bind;
use super::bound::{Bound, Kind, Unbound};
use super::guard::Guard;
use super::stop::Stop;
use super::stream::{self, Streams};
use super::{Options, datagram, sys};
use crate::model::{PortSet, PortSpec, Protocol};
use crate::pathproof::{Arrived, Denied};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Descriptors left to everything else: the runtime, files, the terminal.
const RESERVE: usize = 32;
/// Connections taken from one port before the others have their turn.
const AT_ONCE: usize = 32;
/// The token of the signals; sockets count up from 0, connections from [`FIRST`].
const SIGNALS: u64 = u64::MAX;
const FIRST: u64 = 1 << 32;

/// One request that was answered, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub arrived: Arrived,
    pub from: IpAddr,
    /// Why it got no answer; `None` when it did.
    pub denied: Option<Denied>,
}

/// What was done in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Ports on which requests were answered, by protocol.
    pub answered_ports: BTreeMap<Protocol, PortSet>,
    pub answered: u64,
    /// How many were not, by the reason.
    pub denied: BTreeMap<Denied, u64>,
    /// Whether a signal ended it.
    pub signalled: bool,
}

/// Ports that are bound and wait.
pub struct Listener {
    options: Options,
    bound: Vec<Bound>,
    not: Vec<Unbound>,
    stop: Stop,
}

impl Listener {
    /// Binds the ports. Those that cannot be bound are told by [`Listener::not`].
    ///
    /// From here on SIGINT and SIGTERM of this thread end [`Listener::run`] instead of the process.
    ///
    /// # Errors
    /// When the system refuses to tell of signals.
    pub fn bind(options: Options) -> io::Result<Self> {
        let stop = Stop::new()?;
        let files = sys::raise_file_limit().saturating_sub(RESERVE + stream::MOST);
        let (bound, not) = bind(&options, files);
        Ok(Self { options, bound, not, stop })
    }

    /// What is not answered, and why, sorted.
    #[must_use]
    pub fn not(&self) -> &[Unbound] {
        &self.not
    }

    /// What is answered, sorted.
    #[must_use]
    pub fn ports(&self) -> Vec<PortSpec> {
        let mut out: BTreeMap<Protocol, Vec<(u16, u16)>> = BTreeMap::new();
        for bound in &self.bound {
            let protocol = match bound.kind {
                Kind::Tcp => Protocol::Tcp,
                Kind::Udp => Protocol::Udp,
            };
            out.entry(protocol).or_default().push((bound.at.port(), bound.at.port()));
        }
        out.into_iter()
            .map(|(protocol, ports)| {
                let ports = ports.into_iter().fold(PortSet::empty(), |all, (low, high)| {
                    all.union(&PortSet::range(low, high))
                });
                PortSpec::new(protocol, ports)
            })
            .collect()
    }

    /// Answers until the time is over or a signal comes.
    ///
    /// # Errors
    /// When the sockets cannot be waited for.
    pub fn run(self, tell: &mut dyn FnMut(&Event)) -> io::Result<Summary> {
        let Self { options, bound, not: _, stop } = self;
        let mut epoll = sys::Epoll::new()?;
        epoll.add(stop.fd(), SIGNALS)?;
        let listeners: Vec<Waiting> = bound.into_iter().map(Waiting::from).collect();
        for (n, waiting) in listeners.iter().enumerate() {
            epoll.add(waiting.fd(), n as u64)?;
        }
        let until = options.lasts.map(|lasts| Instant::now() + lasts);
        let mut guard = Guard::new(options.trusted, options.addresses);
        let mut streams = Streams::default();
        let mut next = FIRST;
        let mut summary = Summary::default();
        loop {
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return Ok(summary);
            }
            let due = streams.expire(now).into_iter().chain(until).min();
            let wait = due.map_or(Duration::from_secs(60), |at| at.saturating_duration_since(now));
            // Rounded up: epoll counts whole milliseconds.
            for token in epoll.wait(wait + Duration::from_millis(1)) {
                let mut note = |event: Event| {
                    summary.note(&event);
                    tell(&event);
                };
                if token == SIGNALS {
                    summary.signalled = true;
                    return Ok(summary);
                } else if token >= FIRST {
                    streams.read(token, &mut guard, &mut note);
                } else if let Some(waiting) = listeners.get(token as usize) {
                    match waiting {
                        Waiting::Udp(bound) => datagram::answer(bound, &mut guard, &mut note),
                        Waiting::Tcp(listener) => {
                            accept(listener, &mut streams, &mut next, &epoll);
                        }
                    }
                }
            }
        }
    }
}

fn accept(listener: &TcpListener, streams: &mut Streams, next: &mut u64, epoll: &sys::Epoll) {
    for _ in 0..AT_ONCE {
        let Ok((stream, _)) = listener.accept() else { return };
        if let Some(fd) = streams.take(*next, stream, Instant::now()) {
            // One that cannot be waited for goes with its time.
            let _ = epoll.add(fd, *next);
            *next += 1;
        }
    }
}

enum Waiting {
    Udp(Bound),
    Tcp(TcpListener),
}

impl Waiting {
    fn fd(&self) -> i32 {
        match self {
            Self::Udp(bound) => bound.socket.as_raw_fd(),
            Self::Tcp(listener) => listener.as_raw_fd(),
        }
    }
}

impl From<Bound> for Waiting {
    fn from(bound: Bound) -> Self {
        match bound.kind {
            Kind::Udp => Self::Udp(bound),
            Kind::Tcp => Self::Tcp(bound.socket.into()),
        }
    }
}

impl Summary {
    fn note(&mut self, event: &Event) {
        match event.denied {
            None => {
                self.answered += 1;
                let ports = self.answered_ports.entry(event.arrived.protocol).or_default();
                if !ports.contains(event.arrived.port) {
                    *ports = ports.union(&PortSet::one(event.arrived.port));
                }
            }
            Some(why) => *self.denied.entry(why).or_default() += 1,
        }
    }
}
