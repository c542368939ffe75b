//! Where names lead: asks resolvers for addresses, and tells *no* from *no answer*.
//!
//! An edge: every question goes to the resolvers that were named, or to the system's own.

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Whom to ask, and how patiently.
#[derive(Debug, Clone)]
pub struct Options {
    /// Resolvers, asked in this order; the system's (`/etc/resolv.conf`) where none is named. Nothing
    /// else is read: neither the hosts file nor search domains.
    pub resolvers: Vec<SocketAddr>,
    /// Of one try.
    pub timeout: Duration,
    /// Tries of one question, the first among them.
    pub tries: usize,
    /// Of all questions together: what has no answer by then has none.
    pub within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            resolvers: Vec::new(),
            timeout: Duration::from_secs(2),
            tries: 3,
            within: Duration::from_secs(60),
        }
    }
}

/// Questions in flight.
const AT_ONCE: usize = 32;

/// What became of each name: the addresses that it leads to, none among them where it leads nowhere
/// (`NXDOMAIN`, or no address); or why nobody can say.
pub type Answers = BTreeMap<String, Result<BTreeSet<IpAddr>, String>>;

/// Asks for the IPv4 and IPv6 addresses of each name, side by side. Aliases are followed by the
/// resolvers. Names are taken as complete, with or without the last dot.
///
/// # Errors
/// The system's resolvers cannot be found, or this machine cannot make sockets.
pub fn ask(names: &BTreeSet<String>, options: &Options) -> Result<Answers, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| format!("cannot ask resolvers: {e}"))?;
    runtime.block_on(async {
        let resolver = resolver(options)?;
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        let end = Instant::now() + options.within;
        let late = format!("no answer within {} s", options.within.as_secs_f32());
        for name in names.iter().cloned() {
            let (resolver, slots, late) = (resolver.clone(), Arc::clone(&slots), late.clone());
            asked.spawn(async move {
                let asked = timeout_at(end, async {
                    let _slot = slots.acquire().await;
                    one(&resolver, &name).await
                });
                let led = asked.await.unwrap_or(Err(late));
                (name, led)
            });
        }
        let mut answers = Answers::new();
        while let Some(done) = asked.join_next().await {
            let (name, led) = done.map_err(|e| format!("cannot ask resolvers: {e}"))?;
            answers.insert(name, led);
        }
        Ok(answers)
    })
}

fn resolver(options: &Options) -> Result<TokioResolver, String> {
    let mut builder = if options.resolvers.is_empty() {
        Resolver::builder_tokio().map_err(|e| format!("cannot find the system's resolvers: {e}"))?
    } else {
        let servers = options.resolvers.iter().map(server).collect();
        let config = ResolverConfig::from_name_servers(servers);
        Resolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let opts: &mut ResolverOpts = builder.options_mut();
    opts.timeout = options.timeout;
    // Retries are counted, the first try is not.
    opts.attempts = options.tries.saturating_sub(1);
    // What one machine believes is nobody's evidence.
    opts.use_hosts_file = ResolveHosts::Never;
    // Each ask is a fresh look.
    opts.cache_size = 0;
    builder.build().map_err(|e| format!("cannot ask resolvers: {e}"))
}

fn server(at: &SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(at.ip());
    server.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
        .map(|mut connection| {
            connection.port = at.port();
            connection
        })
        .into();
    server
}

async fn one(resolver: &TokioResolver, name: &str) -> Result<BTreeSet<IpAddr>, String> {
    let mut whole = Name::from_ascii(name).map_err(|e| format!("it is no name: {e}"))?;
    // Complete: no search domain is tried.
    whole.set_fqdn(true);
    let mut found = BTreeSet::new();
    for kind in [RecordType::A, RecordType::AAAA] {
        match resolver.lookup(whole.clone(), kind).await {
            Ok(answer) => found.extend(answer.answers().iter().filter_map(|r| match r.data {
                RData::A(a) => Some(IpAddr::from(a.0)),
                RData::AAAA(a) => Some(IpAddr::from(a.0)),
                _ => None,
            })),
            Err(e) if is_no(&e) => {}
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(found)
}

/// Whether a resolver said that there is no such record; everything else is no answer.
fn is_no(error: &NetError) -> bool {
    let NetError::Dns(DnsError::NoRecordsFound(none)) = error else { return false };
    matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
}
