//! Asks the configured STUN server for this machine's address as seen from outside.

use crate::model::{Endpoint, Expect, Family, Gap, GapKind, Protocol};
use crate::observation::Observation;
use crate::probe::{self, Options};
use crate::survey::{Hope, Survey, Target, Why};
use std::net::{SocketAddr, ToSocketAddrs};

/// Sockets tried: a server that its owner named answers, or the run goes on without it.
const TRIES: u32 = 4;

/// Learns the addresses of a vantage, for the families that `survey` is about to probe: those that
/// nobody configured are filled in, one that disagrees with what was configured is told, and so is
/// what could not be learned.
///
/// `server` is `host:port` of the configuration, which alone says that it may be asked: it is
/// resolved by the system, and asked before anything else is, because what any other server says
/// of this machine is that server's word. Its answer proves no egress but its own, so it is no
/// control.
pub(super) fn reflect(server: &str, survey: &Survey, options: &mut Options) -> Vec<Gap> {
    let place = options.vantage.name.clone();
    let gap = |why: String| Gap::new(GapKind::Vantage, &place, why);
    let mut wanted: Vec<Family> = Vec::new();
    for family in [Family::V4, Family::V6] {
        let probed = survey.targets.iter().any(|t| Family::of(t.endpoint.address) == family);
        if probed {
            wanted.push(family);
        }
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    let found: Vec<SocketAddr> = match server.to_socket_addrs() {
        Ok(found) => found.collect(),
        // What is configured stands, and is no more than that.
        Err(_) if wanted.iter().all(|f| options.vantage.outside(*f).is_some()) => {
            return Vec::new();
        }
        Err(error) => {
            return vec![gap(format!("its `reflect:` {server} does not resolve: {error}"))];
        }
    };
    let mut gaps = Vec::new();
    let mut asked = Survey::default();
    for family in &wanted {
        match found.iter().find(|a| Family::of(a.ip()) == *family) {
            Some(at) if is_looked_at(survey, *at) => gaps.push(gap(format!(
                "its `reflect:` {server} is one of those that it looks at: what is looked at proves \
                 nobody's place, whichever of its ports says so"
            ))),
            Some(at) => asked.targets.push(target(*at)),
            None if options.vantage.outside(*family).is_some() => {}
            None => {
                gaps.push(gap(format!("its `reflect:` {server} has no {} address", name(*family))))
            }
        }
    }
    let how = Options { tries: TRIES, ..options.clone() };
    let seen = probe::run(&asked, &how, &mut |_| {});
    for row in &seen.rows {
        let family = Family::of(row.address);
        match (options.vantage.outside(family), row.seen_from) {
            (None, None) => gaps.push(gap(unanswered(server, family, row))),
            (Some(claimed), Some(seen)) if claimed != seen => gaps.push(gap(format!(
                "it is configured as {claimed} and seen by its `reflect:` {server} as {seen}"
            ))),
            _ => {}
        }
    }
    let proven = |family| {
        let mut of = seen.rows.iter().filter(|row| Family::of(row.address) == family);
        of.find_map(|row| row.seen_from.filter(|at| Family::of(*at) == family))
    };
    let (reflected_v4, reflected_v6) = (proven(Family::V4), proven(Family::V6));
    let vantage = &mut options.vantage;
    (vantage.reflected_v4, vantage.reflected_v6) = (reflected_v4, reflected_v6);
    vantage.outside_v4 = vantage.outside_v4.or(reflected_v4);
    vantage.outside_v6 = vantage.outside_v6.or(reflected_v6);
    gaps
}

/// By its address: a host under test may answer on ports that nobody declared.
fn is_looked_at(survey: &Survey, at: SocketAddr) -> bool {
    survey.targets.iter().any(|t| t.endpoint.address == at.ip() && t.why != Why::Control)
}

fn target(at: SocketAddr) -> Target {
    let endpoint = Endpoint { address: at.ip(), protocol: Protocol::Udp, port: at.port() };
    Target { endpoint, why: Why::Asked, expect: Expect::Stun, hope: Hope::Either }
}

const fn name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

fn unanswered(server: &str, family: Family, row: &Observation) -> String {
    let why = row.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
    let (family, state) = (name(family), row.state);
    format!("its `reflect:` {server} told no {family} address: {} is {state}{why}", row.address)
}
