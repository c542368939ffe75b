//! How far every TCP port of a host was looked at.

use super::input::Input;
use super::{Placed, Swept};
use crate::model::{Family, Protocol};
use crate::observation::{Observations, State};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How far the sweep went, of all the hosts that are live.
pub(super) fn swept(input: &Input<'_>, placed: &Placed) -> Swept {
    let ids = input.chosen.iter().filter_map(|c| c.host.as_ref().ok());
    let hosts = ids.filter_map(|id| input.resolution.hosts.get(id)).filter(|h| h.live);
    let mut out = Swept::default();
    for host in hosts {
        let public: Vec<IpAddr> =
            host.addresses.iter().filter(|a| a.public).map(|a| a.address).collect();
        if public.is_empty() {
            out.without.insert(host.id.clone());
        }
        let whole = |a: &IpAddr| unswept(input.observations, placed, *a).missing == 0;
        out.whole.extend(public.into_iter().filter(whole));
    }
    out
}

/// TCP ports of an address that nobody looked at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unswept {
    pub missing: usize,
    /// What a probe of one of them said.
    pub why: Option<String>,
}

/// What of an address nobody looked at. Where a vantage is proven to stand outside, only those that
/// are count: one inside sees what nobody outside does.
pub(super) fn unswept(observations: &Observations, placed: &Placed, address: IpAddr) -> Unswept {
    let family = Family::of(address);
    let outside: BTreeSet<&str> = observations
        .vantages
        .iter()
        .map(|v| &*v.name)
        .filter(|v| placed.is_outside(v, family))
        .collect();
    let (mut looked, mut why) = (BTreeSet::new(), None);
    for seen in observations
        .rows
        .iter()
        .filter(|o| o.address == address && o.protocol == Protocol::Tcp)
        .filter(|o| outside.is_empty() || outside.contains(&*o.vantage))
    {
        if matches!(seen.state, State::Unprobed | State::Failed) {
            why = why.or_else(|| seen.detail.clone());
        } else {
            looked.insert(seen.port);
        }
    }
    let missing = Swept::PORTS.saturating_sub(looked.len());
    Unswept { missing, why: why.filter(|_| missing > 0) }
}
