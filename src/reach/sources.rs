//! Sources of ours that reach an interface inside its VPC or from another one.

use super::Reach;
use super::engine::MAX_LOCAL_SOURCES;
use super::index::{Nic, Role, Spot};
use super::route::{Routes, Target};
use super::span::Stage;
use crate::model::{AddressSet, Family, Protocol};
use crate::snapshot::CallKind;
use std::net::IpAddr;

impl<'a> Reach<'a> {
    /// Interfaces of a VPC whose own address is in `from`; `true` where there are too many.
    pub(super) fn local_sources(
        &self,
        vpc: &str,
        from: &AddressSet,
    ) -> (Vec<(usize, IpAddr)>, bool) {
        let mut found = Vec::new();
        for network in from.to_networks() {
            for (address, spots) in self.index.range(network) {
                for spot in spots {
                    let own = !matches!(spot.role, Role::Public(_));
                    if own && self.index.nics[spot.nic].vpc == vpc {
                        found.push((spot.nic, address));
                    }
                }
                if found.len() > MAX_LOCAL_SOURCES {
                    return (Vec::new(), true);
                }
            }
        }
        (found, false)
    }

    /// Interfaces whose own address is in `from` of VPCs that a peering, in force or not, or a transit
    /// gateway leads to, and the blocks of those across a peering of which every interface is known; none where there
    /// are too many. A transit gateway leads each address where its own tables say.
    pub(super) fn peer_sources(
        &self,
        nic: &Nic<'a>,
        from: &AddressSet,
        family: Family,
    ) -> (Vec<(usize, IpAddr)>, AddressSet) {
        let (mut found, mut blocks) = (Vec::new(), AddressSet::empty());
        let place = self.index.subnets.get(nic.subnet);
        let Some((place, Ok(table))) = place.map(|p| (p, &p.routes)) else {
            return (found, blocks);
        };
        let beyond = |id: &String| id.starts_with("pcx-") || id.starts_with("tgw-");
        if !table.routes.iter().any(|r| {
            let ids = [&r.vpc_peering_connection_id, &r.transit_gateway_id, &r.gateway_id];
            ids.into_iter().flatten().any(beyond)
        }) {
            return (found, blocks);
        }
        let routes = Routes::new(&self.index, table, family);
        let ways = self.ways(Protocol::Tcp, family);
        let private = |s: &&Spot| !matches!(s.role, Role::Public(_));
        for (set, line) in routes.partition(&from.subtract(&self.index.vpc_blocks(nic.vpc))) {
            if let Target::Transit(id) = line.target {
                let networks = set.to_networks().into_iter();
                let held = networks.flat_map(|n| self.index.range(n)).filter_map(|(a, spots)| {
                    let mut spots = spots.iter().filter(private).peekable();
                    spots.peek().is_some().then_some((a, spots))
                });
                for (n, (address, spots)) in held.enumerate() {
                    if n >= MAX_LOCAL_SOURCES {
                        return (Vec::new(), AddressSet::empty());
                    }
                    let own: Vec<usize> = spots.map(|s| s.nic).collect();
                    let of = |nic: usize| self.index.nics[nic].vpc;
                    let vpc = match ways.transit(place, id, address) {
                        (_, Some(vpc)) => vpc,
                        // No answer gets to the address, whoever has it: ours is judged by that.
                        (stages, None)
                            if stages.last().is_some_and(Stage::is_closed)
                                && own.iter().all(|n| of(*n) == of(own[0])) =>
                        {
                            of(own[0])
                        }
                        _ => continue,
                    };
                    found.extend(own.into_iter().filter(|n| of(*n) == vpc).map(|n| (n, address)));
                }
                // Of a block that it leads to, whose interfaces are all known, nobody else has the rest.
                for vpc in self.index.vpcs_behind(id) {
                    let theirs = set.intersect(&self.index.vpc_blocks(vpc));
                    let whole = |v| self.index.complete(v, CallKind::NetworkInterfaces);
                    if self.index.home_of_vpc(vpc).is_ok_and(whole)
                        && theirs.first().is_some_and(|a| ways.transit(place, id, a).1 == Some(vpc))
                    {
                        blocks = blocks.union(&theirs);
                    }
                }
                continue;
            }
            // One that ended keeps out whoever is at its other side: by that they must be told.
            let (Target::Peering(id) | Target::Blackhole(id)) = line.target else { continue };
            let Some(vpc) = ways.peer(place, id, &set) else { continue };
            let Some(view) = self.index.view_of_vpc(vpc) else { continue };
            for (address, spots) in set.to_networks().into_iter().flat_map(|n| self.index.range(n))
            {
                let own = |s: &&Spot| private(s) && self.index.nics[s.nic].vpc == vpc;
                found.extend(spots.iter().filter(own).map(|s| (s.nic, address)));
                if found.len() > MAX_LOCAL_SOURCES {
                    return (Vec::new(), AddressSet::empty());
                }
            }
            if self.index.complete(view, CallKind::NetworkInterfaces) {
                blocks = blocks.union(&set.intersect(&self.index.vpc_blocks(vpc)));
            }
        }
        (found, blocks)
    }
}
