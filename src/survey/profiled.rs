use super::{Target, Why};
use crate::model::{Endpoint, Expect, Family, Protocol};
use crate::resolve::Resolution;
use crate::spec::{Profile, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// One endpoint to probe the way of a client profile, because that way differs on the wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfiledTarget {
    /// The profile's name in the spec.
    pub profile: String,
    pub endpoint: Endpoint,
    /// [`Why::Control`] where an answer proves the way and nothing else.
    pub why: Why,
    pub expect: Expect,
    /// The proxy to go through, by its name in `portcullis.yaml`.
    pub via: Option<String>,
    /// The largest packet to send and to be sent, in bytes.
    pub mtu: Option<u16>,
}

/// What journeys ask for beyond plain probes: their services, as far as they are probed at all, for
/// every profile with a proxy or a small MTU. Sorted, no endpoint of a profile twice.
///
/// Nothing is added to what may be probed. Controls are asked through proxies too: where they
/// answer, the proxy's own way out is proven.
pub(super) fn profiled(
    spec: &Spec,
    resolution: &Resolution,
    targets: &[Target],
) -> Vec<ProfiledTarget> {
    let probed: BTreeSet<Endpoint> =
        targets.iter().filter(|t| t.why != Why::Permitted).map(|t| t.endpoint).collect();
    let mut out: BTreeMap<(String, Endpoint), ProfiledTarget> = BTreeMap::new();
    for role in spec.roles.values() {
        let members = resolution.members.get(&role.name).into_iter().flatten();
        let hosts: Vec<_> =
            members.filter_map(|id| resolution.hosts.get(id)).filter(|h| h.live).collect();
        for journey in &role.journeys {
            let profiles = journey.profiles(spec);
            for profile in profiles.iter().filter(|p| !p.is_plain()) {
                let services = role.services.iter().filter(|s| journey.any_of.contains(&s.name));
                for service in services {
                    let ports = profile.permits(&service.port);
                    let addresses = hosts.iter().flat_map(|h| &h.addresses).map(|a| a.address);
                    for address in addresses.filter(|a| profile.speaks(Family::of(*a))) {
                        let protocol = service.port.protocol;
                        let low = Endpoint { address, protocol, port: 0 };
                        let high = Endpoint { address, protocol, port: u16::MAX };
                        let asked = probed.range(low..=high).filter(|e| ports.contains(e.port));
                        for endpoint in asked {
                            let target = new(profile, *endpoint, Why::Declared, &service.expect);
                            out.entry((profile.name.clone(), *endpoint)).or_insert(target);
                        }
                    }
                }
            }
        }
    }
    let used: BTreeMap<String, BTreeSet<(Family, Protocol)>> =
        out.values().fold(BTreeMap::new(), |mut used, t| {
            let way = (Family::of(t.endpoint.address), t.endpoint.protocol);
            used.entry(t.profile.clone()).or_default().insert(way);
            used
        });
    for (name, ways) in used {
        let Some(profile) = spec.profiles.get(&name).filter(|p| p.via.is_some()) else { continue };
        for control in targets.iter().filter(|t| t.why == Why::Control) {
            let way = (Family::of(control.endpoint.address), control.endpoint.protocol);
            if ways.contains(&way) {
                let target = new(profile, control.endpoint, Why::Control, &control.expect);
                out.entry((name.clone(), control.endpoint)).or_insert(target);
            }
        }
    }
    out.into_values().collect()
}

fn new(profile: &Profile, endpoint: Endpoint, why: Why, expect: &Expect) -> ProfiledTarget {
    ProfiledTarget {
        profile: profile.name.clone(),
        endpoint,
        why,
        expect: expect.clone(),
        via: profile.via.clone(),
        mtu: profile.mtu,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hope;
    use super::*;
    use crate::resolve::resolve;
    use crate::snapshot::Snapshot;
    use crate::spec::{Source, load};
    use jiff::Timestamp;

    const SPEC: &str = "version: 1
profiles:
  open: {}
  web: { via: http-connect, allow: [tcp/443] }
  socks: { via: socks5 }
  small: { mtu: 1000 }
roles:
  r:
    select: { names: [h] }
    services:
      tls: { port: tcp/443-444, from: internet, expect: tls }
      turn: { port: udp/3478, from: internet, expect: stun }
      other: { port: tcp/22, from: internet, expect: ssh }
    journeys: { j: { any_of: [tls, turn] } }
hosts: { h: { addresses: [203.0.113.1, '2001:db8::1'] } }
";

    fn asked(probed: &[(&str, &str, Why)]) -> Vec<String> {
        let spec = load(&[Source::new("s", SPEC)]).unwrap_or_else(|e| panic!("{e}"));
        let resolution = resolve(&spec, &Snapshot::empty(Timestamp::UNIX_EPOCH));
        let targets: Vec<Target> = probed
            .iter()
            .map(|(address, port, why)| {
                let port: crate::model::PortSpec = port.parse().expect("a port");
                Target {
                    endpoint: Endpoint {
                        address: address.parse().expect("an address"),
                        protocol: port.protocol,
                        port: port.ports.first().expect("a port"),
                    },
                    why: *why,
                    expect: Expect::Connect,
                    hope: Hope::Answer,
                }
            })
            .collect();
        let line = |t: &ProfiledTarget| {
            let control = if t.why == Why::Control { " control" } else { "" };
            format!("{} {}{control}", t.profile, t.endpoint)
        };
        profiled(&spec, &resolution, &targets).iter().map(line).collect()
    }

    #[test]
    fn profiles_that_differ_on_the_wire_ask_what_their_clients_get_through_to() {
        let probed = [
            ("203.0.113.1", "tcp/443", Why::Declared),
            ("203.0.113.1", "tcp/444", Why::Declared),
            ("203.0.113.1", "udp/3478", Why::Declared),
            ("203.0.113.1", "tcp/22", Why::Declared),
            ("2001:db8::1", "tcp/443", Why::Declared),
            ("203.0.113.9", "tcp/22", Why::Control),
            ("203.0.113.9", "udp/53", Why::Control),
            ("2001:db8::9", "udp/53", Why::Control),
        ];
        assert_eq!(
            asked(&probed),
            [
                // Links of 1000 bytes carry no IPv6, and no proxy has to be proven.
                "small 203.0.113.1 tcp/443",
                "small 203.0.113.1 tcp/444",
                "small 203.0.113.1 udp/3478",
                "socks 203.0.113.1 tcp/443",
                "socks 203.0.113.1 tcp/444",
                "socks 203.0.113.1 udp/3478",
                "socks 203.0.113.9 tcp/22 control",
                "socks 203.0.113.9 udp/53 control",
                "socks 2001:db8::1 tcp/443",
                "web 203.0.113.1 tcp/443",
                "web 203.0.113.9 tcp/22 control",
                "web 2001:db8::1 tcp/443",
            ]
        );
    }

    #[test]
    fn nothing_is_asked_that_is_not_probed_anyway() {
        assert_eq!(asked(&[]), Vec::<String>::new());
        assert_eq!(asked(&[("203.0.113.1", "tcp/443", Why::Permitted)]), Vec::<String>::new());
    }
}
