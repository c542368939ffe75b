//! Sources of ours on their way to a public address of ours: out of the VPC and in again, as the
//! public address that they have there or the one of their NAT gateway (R3, R25).

use super::combine::combine;
use super::engine::{MAX_LOCAL_SOURCES, Part, finish};
use super::index::{Role, Spot};
use super::memory::Side;
use super::span::way;
use super::ways::{Start, Ways, collapse, one};
use super::{ClientSet, Configured, End, Layer, Reach};
use crate::model::{AddressSet, Family, PortSet, Protocol};
use crate::snapshot::CallKind;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Those of the asked sources that are interfaces of ours.
pub(super) enum Ours {
    /// The interface, its private address, and the address it was asked about by.
    Few(Vec<(usize, IpAddr, IpAddr)>),
    Many,
}

impl<'a> Reach<'a> {
    /// Whether any of the sources is an address of an interface of ours.
    pub(super) fn holds_ours(&self, from: &AddressSet) -> bool {
        from.to_networks().into_iter().any(|block| self.index.range(block).next().is_some())
    }

    /// Whether an end is the public address of an interface of ours: a packet carries it outside of
    /// the VPC only, and so to no private address.
    pub(super) fn is_own_public(&self, end: &End) -> bool {
        let End::Address(address) = end else { return false };
        self.index.spots(*address).iter().any(|s| matches!(s.role, Role::Public(_)))
    }

    /// Of sources that are private, or are all public addresses of interfaces of ours, these
    /// interfaces; none where any of the sources is a stranger's.
    pub(super) fn ours(&self, side: &Side) -> Ours {
        let public = !side.outside.is_empty();
        let from = if public { &side.outside } else { &side.private };
        let most = MAX_LOCAL_SOURCES;
        if public && from.size() > most as u128 {
            return Ours::Few(Vec::new());
        }
        let mut found = Vec::new();
        for (address, spots) in from.to_networks().into_iter().flat_map(|n| self.index.range(n)) {
            found.extend(spots.iter().filter_map(|spot| match spot.role {
                Role::Public(private) if public => Some((spot.nic, private, address)),
                Role::Private if !public => Some((spot.nic, address, address)),
                _ => None,
            }));
            if found.len() > most {
                return Ours::Many;
            }
        }
        let told: AddressSet =
            found.iter().map(|(.., asked)| ipnetwork::IpNetwork::from(*asked)).collect();
        if public && told != **from {
            return Ours::Few(Vec::new());
        }
        Ours::Few(found)
    }

    /// The answers of a public address for those of the sources that are ours.
    pub(super) fn hairpins(
        &self,
        spot: Spot,
        address: IpAddr,
        side: &Side,
        protocol: Protocol,
        ports: &PortSet,
    ) -> Vec<Part> {
        let family = Family::of(address);
        let ways = self.ways(protocol, family);
        let few = match self.ours(side) {
            Ours::Few(few) => few,
            Ours::Many => {
                let what = format!(
                    "more than {MAX_LOCAL_SOURCES} private sources, by the public addresses that they have outside"
                );
                return vec![many(&ways, spot, &what, &side.private, ports)];
            }
        };
        let mut parts = Vec::new();
        for (nic, private, asked) in few.into_iter().filter(|(nic, ..)| *nic != spot.nic) {
            let nic = &self.index.nics[nic];
            let Some(place) = self.index.subnets.get(nic.subnet) else { continue };
            let start = Start { nic: Some(nic), place, address: private };
            let (stages, ends) = ways.hairpin(&start, address, spot);
            let part = finish(combine(&way(stages), &ends, &ends, ports));
            let source = one(asked);
            let named = |configured| match configured {
                // Whoever asked knows it by this address, not by the one it carries outside.
                Configured::Partly(path, clients) => {
                    let addresses = (*source).clone();
                    let ports = clients.ports.clone();
                    Configured::Partly(path, Arc::new(ClientSet { addresses, ports }))
                }
                other => other,
            };
            let part = part.into_iter().map(|(ports, c)| (ports, named(c))).collect();
            parts.push((Arc::clone(&source), part));
        }
        parts
    }

    /// The answers of an IPv6 address for those of the sources that are ours in other VPCs, and the
    /// addresses of VPCs that nobody there has.
    pub(super) fn abroad(
        &self,
        spot: Spot,
        address: IpAddr,
        from: &AddressSet,
        protocol: Protocol,
        ports: &PortSet,
    ) -> (Vec<Part>, AddressSet) {
        let ways = self.ways(protocol, Family::V6);
        let mut vpcs: BTreeSet<&str> = [self.index.nics[spot.nic].vpc].into();
        let (mut parts, mut found) = (Vec::new(), Vec::new());
        for (source, spots) in from.to_networks().into_iter().flat_map(|n| self.index.range(n)) {
            let others = spots.iter().filter(|s| s.role == Role::V6 && s.nic != spot.nic);
            found.extend(others.map(|s| (&self.index.nics[s.nic], source)));
            if found.len() > MAX_LOCAL_SOURCES {
                let what = format!("more than {MAX_LOCAL_SOURCES} sources of other VPCs");
                return (vec![many(&ways, spot, &what, from, ports)], from.clone());
            }
        }
        for (nic, source) in found {
            let Some(place) = self.index.subnets.get(nic.subnet) else { continue };
            vpcs.insert(nic.vpc);
            let start = Start { nic: Some(nic), place, address: source };
            let (stages, ends) = ways.between(&start, address, spot);
            let part = finish(combine(&way(stages), &ends, &ends, ports));
            parts.push((one(source), part));
        }
        let whole = |vpc: &&str| {
            let home = self.index.home_of_vpc(vpc);
            home.is_ok_and(|view| self.index.complete(view, CallKind::NetworkInterfaces))
        };
        let blocks = vpcs.into_iter().filter(whole).map(|vpc| self.index.vpc_blocks(vpc));
        let nobodys = blocks.fold(AddressSet::empty(), |all, b| all.union(&b));
        (parts, nobodys)
    }
}

/// What the near side surely blocks of more sources of ours than are judged one by one.
fn many(
    ways: &Ways<'_, '_>,
    spot: Spot,
    what: &str,
    sources: &AddressSet,
    ports: &PortSet,
) -> Part {
    let any = Arc::new(AddressSet::outside().of_family(ways.family));
    let mut stages = vec![ways.far(Layer::Internet, "internet", what)];
    stages.extend(collapse(ways.enter(&ways.index.nics[spot.nic], &any), &any));
    let ends = Arc::new(sources.clone());
    (Arc::clone(&ends), finish(combine(&way(stages), &ends, &ends, ports)))
}
