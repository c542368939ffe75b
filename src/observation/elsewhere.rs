use super::{Observation, Observations, State, VantageSeen};
use crate::model::{AddressSet, Family, Gap, GapKind};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The address of one family that most answers told; none when they disagree evenly.
pub fn most_told(told: impl IntoIterator<Item = IpAddr>, family: Family) -> Option<IpAddr> {
    let mut counts = BTreeMap::<IpAddr, usize>::new();
    for address in told.into_iter().filter(|a| Family::of(*a) == family) {
        *counts.entry(address).or_default() += 1;
    }
    let best = counts.values().copied().max()?;
    let mut leading = counts.into_iter().filter(|(_, n)| *n == best);
    let (address, _) = leading.next()?;
    leading.next().is_none().then_some(address)
}

/// Takes back what was seen of a target that sees the vantage under a private address, where the vantage
/// stands for another one: what goes to that target takes a way of its own, through a tunnel or the
/// network that they share, and no client at the vantage's address sees what it saw.
///
/// Such observations count as unprobed, and each target is a gap of the vantage.
pub fn elsewhere(observations: &mut Observations) -> Vec<Gap> {
    let own: BTreeMap<&str, &VantageSeen> =
        observations.vantages.iter().map(|v| (v.name.as_str(), v)).collect();
    let mut other: BTreeMap<(String, IpAddr), (IpAddr, String)> = BTreeMap::new();
    for row in &observations.rows {
        let Some(seen) = row.seen_from.filter(|at| !AddressSet::is_outside(*at)) else { continue };
        let stands = own.get(row.vantage.as_str()).and_then(|v| v.outside(Family::of(row.address)));
        let Some(stands) = stands.filter(|own| *own != seen) else { continue };
        let why = format!(
            "{} sees it as {seen}, and it stands for {stands}: what goes there takes another way, or what \
             answers STUN there is told another address, so nothing seen of {0} counts",
            row.address
        );
        other.insert((row.vantage.clone(), row.address), (seen, why));
    }
    if other.is_empty() {
        return Vec::new();
    }
    // The way of a profile that has no proxy is the vantage's own.
    let profiled = observations.profiled.iter_mut().filter(|p| p.via.is_none());
    let profiled = profiled.map(|p| &mut p.observation);
    for row in observations.rows.iter_mut().chain(profiled) {
        if let Some((seen, _)) = other.get(&(row.vantage.clone(), row.address)) {
            let (vantage, endpoint) = (std::mem::take(&mut row.vantage), row.endpoint());
            *row = Observation {
                detail: Some(format!("reached as {seen}, not as the vantage's address")),
                seen_from: row.seen_from,
                ..Observation::new(endpoint, State::Unprobed, vantage)
            };
        }
    }
    other
        .into_iter()
        .map(|((vantage, _), (_, why))| Gap::new(GapKind::Vantage, vantage, why))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, Protocol};

    fn seen(target: &str, from: Option<&str>) -> Observation {
        let address = target.parse().expect("an address");
        let endpoint = Endpoint { address, protocol: Protocol::Udp, port: 3478 };
        Observation {
            seen_from: from.map(|f| f.parse().expect("an address")),
            confirmed: true,
            ..Observation::new(endpoint, State::Open, "local")
        }
    }

    fn from(outside: Option<&str>, rows: Vec<Observation>) -> Observations {
        let vantage = VantageSeen {
            outside_v4: outside.map(|a| a.parse().expect("an address")),
            ..VantageSeen::new("local")
        };
        Observations { vantages: vec![vantage], rows, profiled: Vec::new() }
    }

    #[test]
    fn what_is_reached_through_a_tunnel_is_not_seen_from_the_vantage_s_address() {
        let tunnel = Some("10.8.0.5");
        let rows = vec![
            seen("203.0.113.1", tunnel),
            seen("203.0.113.1", None),
            seen("203.0.113.2", Some("198.51.100.9")),
            seen("203.0.113.3", None),
        ];
        let mut all = from(Some("198.51.100.9"), rows.clone());
        let gaps = elsewhere(&mut all);
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].why.contains("203.0.113.1 sees it as 10.8.0.5"), "{}", gaps[0].why);
        let states: Vec<State> = all.rows.iter().map(|o| o.state).collect();
        assert_eq!(states, [State::Unprobed, State::Unprobed, State::Open, State::Open]);
        assert!(!all.rows[0].confirmed);
        // From inside it stands for that very address; of one that nobody placed nothing counts anyway;
        // and of a pool of public addresses each is outside.
        for own in [tunnel, None] {
            let mut all = from(own, vec![seen("203.0.113.1", tunnel)]);
            assert_eq!((elsewhere(&mut all).len(), all.rows[0].state), (0, State::Open));
        }
        let mut all = from(Some("198.51.100.9"), vec![seen("203.0.113.1", Some("198.51.100.10"))]);
        assert_eq!((elsewhere(&mut all).len(), all.rows[0].state), (0, State::Open));
    }

    #[test]
    fn the_address_that_most_tell_is_the_vantage_s() {
        let told = |all: &[&str]| {
            let all = all.iter().map(|a| a.parse().expect("an address"));
            most_told(all, Family::V4).map(|a: IpAddr| a.to_string())
        };
        assert_eq!(told(&["192.0.2.1", "192.0.2.2", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(told(&["192.0.2.1", "192.0.2.2"]), None);
        assert_eq!(told(&["2001:db8::1"]), None);
    }
}
