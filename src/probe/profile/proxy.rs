use super::super::options::Options;
use super::ask::Heard;
use crate::observation::State;
use crate::spec::ProxyKind;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Looking up a proxy's name takes no longer.
const LOOK_UP: Duration = Duration::from_secs(5);

/// A proxy that probes may go through, as the configuration names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub kind: ProxyKind,
    /// `host:port`.
    pub listens: String,
    /// Its addresses as targets see them; STUN answers through it fill in what is not configured.
    pub outside_v4: Option<IpAddr>,
    pub outside_v6: Option<IpAddr>,
    /// User and password, or why those that are configured cannot be had.
    pub login: Result<Option<(String, String)>, String>,
}

/// Never with its login.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, listens, outside_v4, outside_v6, login } = self;
        f.debug_struct("Proxy")
            .field("kind", kind)
            .field("listens", listens)
            .field("outside_v4", outside_v4)
            .field("outside_v6", outside_v6)
            .field("login", &matches!(login, Ok(Some(_))))
            .finish()
    }
}

/// Finds a proxy by the name that a profile calls it; the error is what its rows say.
pub(super) async fn find(name: &str, options: &Options) -> Result<(Proxy, SocketAddr), Heard> {
    let Some(proxy) = options.proxies.get(name) else {
        let why = format!("`proxies:` of portcullis.yaml names no `{name}`");
        return Err(Heard { state: State::Unprobed, ..Heard::failed(why) });
    };
    if let Err(why) = &proxy.login {
        return Err(Heard::failed(format!("the login of the proxy `{name}` cannot be had: {why}")));
    }
    let listens = &proxy.listens;
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host(listens)).await;
    let mut found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(e)) => {
            return Err(Heard::failed(format!("the proxy {listens} does not resolve: {e}")));
        }
        Err(_) => {
            return Err(Heard::failed(format!("the proxy {listens} does not resolve in time")));
        }
    };
    // As most clients would: IPv4 where there is both, because most proxies are inside networks.
    found.sort_by_key(SocketAddr::is_ipv6);
    let Some(at) = found.into_iter().find_map(|a| options.map.resolve(a.ip(), a.port())) else {
        return Err(Heard::failed(format!(
            "the proxy {listens} has no address that may be sent to"
        )));
    };
    Ok((proxy.clone(), at))
}
