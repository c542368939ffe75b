use super::engine::answer;
use super::group::Direction;
use super::index::Spot;
use super::memory::Asked;
use super::ways::Ways;
use super::{Configured, ExposedEndpoint, Reach, Verdict};
use crate::model::{AddressSet, Family, PortSet, Protocol, side_by_side};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

impl Reach<'_> {
    /// Every endpoint that some client of `from` reaches or may reach, sorted.
    #[must_use]
    pub fn exposed(&self, from: &AddressSet) -> Vec<ExposedEndpoint> {
        self.exposed_of(from, None)
    }

    /// [`Reach::exposed`] of these hosts only, by their ids; of all for `None`.
    #[must_use]
    pub fn exposed_of(
        &self,
        from: &AddressSet,
        only: Option<&BTreeSet<String>>,
    ) -> Vec<ExposedEndpoint> {
        let asked = self.memory.sources(from);
        let everybody = [Family::V4, Family::V6].iter().any(|f| asked.side(*f).everybody);
        let ours = !everybody && self.holds_ours(from);
        let wanted =
            |spot: &Spot| only.is_none_or(|o| o.contains(self.index.nics[spot.nic].host()));
        let places: Vec<(IpAddr, Spot)> = self
            .index
            .addresses()
            .flat_map(|(address, spots)| spots.iter().map(|spot| (*address, *spot)))
            .filter(|(_, spot)| wanted(spot))
            .collect();
        let parts = side_by_side(&places, |places| {
            let mut out = Vec::new();
            for (address, spot) in places {
                self.spot_rows(*spot, *address, (from, ours), &asked, &mut out);
            }
            out
        });
        let mut out: Vec<ExposedEndpoint> = parts.into_iter().flatten().collect();
        sort(&mut out);
        out
    }

    /// [`Reach::exposed`] of one address of one interface.
    #[must_use]
    pub fn exposed_at(
        &self,
        address: IpAddr,
        interface: &str,
        from: &AddressSet,
    ) -> Vec<ExposedEndpoint> {
        let asked = self.memory.sources(from);
        let mut out = Vec::new();
        let nic = self.index.nic_of(interface);
        for spot in self.index.spots(address).iter().filter(|s| Some(s.nic) == nic) {
            self.spot_rows(*spot, address, (from, false), &asked, &mut out);
        }
        sort(&mut out);
        out
    }

    fn spot_rows(
        &self,
        spot: Spot,
        address: IpAddr,
        (from, ours): (&AddressSet, bool),
        asked: &Asked,
        out: &mut Vec<ExposedEndpoint>,
    ) {
        let family = Family::of(address);
        let side = asked.side(family);
        let reachable = Ways::is_reachable_role(spot, address);
        let sources = if reachable { &side.outside } else { &side.private };
        if sources.is_empty() && !(reachable && ours) || self.is_itself(spot.nic, &side.all) {
            return;
        }
        let (first, protocols) = (out.len(), self.protocols(spot.nic, family));
        for &Asking { protocol, every_other, .. } in &protocols {
            let nic = &self.index.nics[spot.nic];
            let row = |ports: PortSet, sources: Arc<AddressSet>, configured: Configured| {
                ExposedEndpoint {
                    address,
                    host: Arc::clone(&nic.host_text),
                    owner: nic.owner.clone(),
                    interface: Arc::clone(&nic.id_text),
                    protocol,
                    every_other_protocol: every_other,
                    ports,
                    sources,
                    configured,
                }
            };
            if reachable && !ours {
                let rename = self.rename(spot);
                for (ports, decision) in self.from_outside(spot, asked, protocol, family).iter() {
                    let sources = match decision.verdict {
                        Verdict::Blocked => continue,
                        Verdict::Unknown => &decision.maybe,
                        _ => &decision.yes,
                    };
                    let whole = side.internet && sources.is_superset(&side.required);
                    let sources = if whole { &side.anywhere } else { sources };
                    let configured = answer(decision, rename.as_ref());
                    out.push(row(ports.clone(), Arc::clone(sources), configured));
                }
                continue;
            }
            let all = PortSet::all();
            for (ports, configured) in self.slices(address, Some(nic.id()), from, protocol, &all) {
                let sources = match &configured {
                    Configured::Blocked(_) | Configured::NotApplicable => continue,
                    Configured::Partly(_, clients) => Arc::new(clients.addresses.clone()),
                    Configured::Permitted(_) | Configured::Unknown(..) => Arc::clone(&side.all),
                };
                out.push(row(ports, sources, configured));
            }
        }
        // What only others name stands with all the rest, unless it fares otherwise.
        let mut rows = out.split_off(first);
        let fares = |rows: &[ExposedEndpoint], other: bool, protocol: Protocol| {
            let of =
                rows.iter().filter(|r| (r.every_other_protocol, r.protocol) == (other, protocol));
            of.map(|r| (Arc::clone(&r.sources), r.configured.verdict())).collect::<Vec<_>>()
        };
        if let Some(rest) = protocols.iter().find(|p| p.every_other) {
            let all = fares(&rows, true, rest.protocol);
            for asked in protocols.iter().filter(|p| p.foreign) {
                if fares(&rows, false, asked.protocol) == all {
                    rows.retain(|r| r.every_other_protocol || r.protocol != asked.protocol);
                }
            }
        }
        out.extend(rows);
    }

    /// The protocols that can differ for an interface.
    fn protocols(&self, nic: usize, family: Family) -> Vec<Asking> {
        let icmp = if family == Family::V4 { Protocol::Icmp } else { Protocol::Icmpv6 };
        let mut named: BTreeSet<Protocol> = [Protocol::Tcp, Protocol::Udp, icmp].into();
        let mut every = false;
        for id in &self.index.nics[nic].groups {
            match self.index.groups.get(id) {
                Some(group) => {
                    for protocol in group.protocols(Direction::Ingress) {
                        match protocol {
                            Some(protocol @ Protocol::Other(_)) => {
                                named.insert(protocol);
                            }
                            Some(_) => {}
                            None => every = true,
                        }
                    }
                }
                None => every = true,
            }
        }
        let own = named.clone();
        if every {
            named.extend(&self.index.named);
        }
        let least = (0..=u8::MAX)
            .map(Protocol::from_number)
            .find(|p| matches!(p, Protocol::Other(_)) && !named.contains(p));
        let asking = |protocol: Protocol| Asking {
            protocol,
            every_other: false,
            foreign: !own.contains(&protocol),
        };
        let mut out: Vec<Asking> = named.into_iter().map(asking).collect();
        if let Some(protocol) = least.filter(|_| every) {
            out.push(Asking { protocol, every_other: true, foreign: false });
        }
        out
    }
}

/// A protocol that is asked about by itself.
#[derive(Debug, Clone, Copy)]
struct Asking {
    protocol: Protocol,
    /// Stands for every number that is not asked about.
    every_other: bool,
    /// None of the interface's own groups names it.
    foreign: bool,
}

/// By address, protocol, interface and ports; those that stand for other protocols after the rest.
fn sort(rows: &mut [ExposedEndpoint]) {
    rows.sort_by(|a, b| {
        let key = |e: &ExposedEndpoint| (e.address, e.every_other_protocol, e.protocol);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.interface.cmp(&b.interface))
            .then_with(|| a.ports.cmp(&b.ports))
    });
}
