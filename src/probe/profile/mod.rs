//! Probes made the way of a client profile: through a proxy, or with the packets of a small MTU.
//!
//! A stage of its own beside the sweep, because each of these probes is a conversation with
//! somebody in between, or asks for socket options that decide what the peer may send. It is small:
//! the services of journeys, once for each profile that differs on the wire.

mod ask;
mod http_connect;
mod proxy;
mod small;
mod socks5;
mod udp;

pub use proxy::Proxy;

use super::options::Options;
use super::protocol::Trust;
use crate::model::{Endpoint, Family};
use crate::observation::{Observation, ProfiledObservation, ProxySeen, State, most_told};
use crate::survey::ProfiledTarget;
use ask::{Heard, ask};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Conversations at once: each holds up to four sockets, and a proxy is somebody's machine.
const AT_ONCE: usize = 64;
/// What contradicts the declaration is asked once more, no sooner than this.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(300);

/// How long the run goes without a look at its `stop`.
const LOOK: Duration = Duration::from_millis(50);

/// Probes every target the way of its profile and returns what was seen, sorted by profile,
/// endpoint, then vantage. Nothing is an error: what could not be asked is `failed` or `unprobed`
/// and says why.
pub(super) fn run(targets: &[ProfiledTarget], options: &Options) -> Vec<ProfiledObservation> {
    if targets.is_empty() {
        return Vec::new();
    }
    let mut rows = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let rows = runtime.block_on(all(targets, options));
            runtime.shutdown_background();
            rows
        }
        Err(e) => {
            let why = format!("this machine had no means left to ask: {e}");
            let heard = Heard::failed(why);
            targets.iter().map(|t| row(t, heard.clone(), options, None)).collect()
        }
    };
    rows.sort_by(|a, b| {
        let key =
            |r: &ProfiledObservation| (r.observation.endpoint(), r.observation.vantage.clone());
        a.profile.cmp(&b.profile).then_with(|| key(a).cmp(&key(b)))
    });
    rows
}

/// What every conversation of a run shares.
struct Run {
    options: Options,
    /// Where each proxy is, or why it cannot be used.
    proxies: BTreeMap<String, Result<(Proxy, SocketAddr), Heard>>,
    trust: Trust,
}

async fn all(targets: &[ProfiledTarget], options: &Options) -> Vec<ProfiledObservation> {
    let mut proxies = BTreeMap::new();
    for name in targets.iter().filter_map(|t| t.via.as_ref()) {
        if !proxies.contains_key(name) {
            proxies.insert(name.clone(), proxy::find(name, options).await);
        }
    }
    let run = Arc::new(Run { options: options.clone(), proxies, trust: Trust::default() });
    let room = Arc::new(Semaphore::new(AT_ONCE.min(options.in_flight.max(1))));
    let started = Instant::now();
    let mut asking = JoinSet::new();
    for (i, target) in targets.iter().enumerate() {
        let (run, room, target) = (Arc::clone(&run), Arc::clone(&room), target.clone());
        let seed = options.seed ^ (i as u64).rotate_left(32);
        asking.spawn(async move {
            // The pace of the sweep, for what is a handful beside it.
            if let Some(gap) = 1_000_000u64.checked_div(run.options.rate.into()) {
                tokio::time::sleep_until(started + Duration::from_micros(gap) * i as u32).await;
            }
            let _room = room.acquire_owned().await;
            (i, twice(&target, &run, seed).await)
        });
    }
    let mut heard: Vec<Option<Heard>> = vec![None; targets.len()];
    let collect = async {
        while let Some(done) = asking.join_next().await {
            if let Ok((i, seen)) = done {
                heard[i] = Some(seen);
            }
        }
    };
    // What a deadline or an interrupt left out stays unprobed.
    tokio::select! {
        () = collect => {}
        () = ended(options, started) => {}
    }
    let reflected: Vec<(String, IpAddr)> = targets
        .iter()
        .zip(&heard)
        .filter_map(|(t, h)| Some((t.via.clone()?, h.as_ref()?.reflected?)))
        .collect();
    targets
        .iter()
        .zip(heard)
        .map(|(target, heard)| {
            // One that nobody named was gone through by nothing.
            let via = target.via.as_ref().filter(|name| options.proxies.contains_key(*name));
            let via = via.map(|name| {
                let told = |family| {
                    most_told(reflected.iter().filter(|(n, _)| n == name).map(|(_, a)| *a), family)
                };
                let proxy = options.proxies.get(name);
                ProxySeen {
                    name: name.clone(),
                    outside_v4: proxy.and_then(|p| p.outside_v4).or_else(|| told(Family::V4)),
                    outside_v6: proxy.and_then(|p| p.outside_v6).or_else(|| told(Family::V6)),
                }
            });
            let heard = heard.unwrap_or_else(|| Heard {
                state: State::Unprobed,
                ..Heard::failed("the run ended before it was asked")
            });
            row(target, heard, options, via)
        })
        .collect()
}

/// Waits until the run must end, done or not.
async fn ended(options: &Options, started: Instant) {
    let late = || options.deadline.is_some_and(|d| started.elapsed() >= d);
    while !options.stop.is_raised() && !late() {
        tokio::time::sleep(LOOK).await;
    }
}

/// Asks, and asks what does not work once more: a finding must not rest on one lost packet.
async fn twice(target: &ProfiledTarget, run: &Run, seed: u64) -> Heard {
    let first = ask(target, run, seed).await;
    if first.sure {
        return first;
    }
    tokio::time::sleep(SECOND_LOOK_AFTER).await;
    let second = ask(target, run, seed.wrapping_add(1)).await;
    let tries = first.tries + second.tries;
    let better = second.state == State::Open && (second.confirmed || first.state != State::Open);
    let told = matches!(first.state, State::Failed | State::Unprobed);
    Heard { tries, ..if better || told { second } else { first } }
}

fn row(
    target: &ProfiledTarget,
    heard: Heard,
    options: &Options,
    via: Option<ProxySeen>,
) -> ProfiledObservation {
    let Endpoint { address, protocol, port } = target.endpoint;
    let Heard { state, confirmed, service, detail, tls, by, rtt, tries, reflected, sure: _ } =
        heard;
    ProfiledObservation {
        profile: target.profile.clone(),
        via,
        observation: Observation {
            address,
            protocol,
            port,
            state,
            confirmed,
            service,
            by,
            vantage: options.vantage.name.clone(),
            rtt_us: rtt.and_then(|r| u64::try_from(r.as_micros()).ok()),
            tries,
            detail,
            tls,
            seen_from: reflected,
        },
    }
}
