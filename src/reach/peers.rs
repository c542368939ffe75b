//! Whose groups the other end of a flow carries, and of whom nobody can tell.

use super::balancer::{self, Kind};
use super::index::{Index, Nic, Place};
use super::route::{Routes, Target};
use super::ways::{Start, Ways, one};
use crate::model::{AddressSet, Gap, GapKind};
use crate::snapshot::{CallKind, GroupPair};

/// Whose groups a packet's other end carries, where a permission names a group (R3).
#[derive(Debug, Clone, Copy)]
pub(super) enum Peers<'p> {
    /// Nobody's: the packet carries a public address, or no interface has its address.
    Nobody,
    /// Those of one interface.
    Of(&'p [&'p str]),
    /// Perhaps those of interfaces that the snapshot lacks.
    Unseen(&'p [Unseen<'p>]),
}

/// Addresses of which nobody can tell whose they are, and so what groups they carry.
#[derive(Debug, Clone)]
pub(super) struct Unseen<'p> {
    pub(super) ends: AddressSet,
    pub(super) place: Stands<'p>,
    pub(super) gap: Gap,
}

/// Where an interface stands that nobody saw.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stands<'p> {
    /// In this VPC.
    In(&'p str),
    /// In the VPC at the other side of a peering, where that is known.
    Across {
        peering: &'p str,
        vpc: Option<&'p str>,
    },
    /// In some VPC behind a transit gateway.
    Behind,
    Anywhere,
    /// Where it is known to carry these groups, and not whether they count.
    With(&'p [&'p str]),
}

impl Unseen<'_> {
    /// Whether one of these may carry the group that a permission of `own`'s VPC names. A group
    /// stands on interfaces of its own VPC, and counts across a peering while that is active (R4).
    pub(super) fn may_carry(&self, index: &Index<'_>, own: Option<&str>, pair: &GroupPair) -> bool {
        if pair.peering_status.as_deref().is_some_and(|s| s != "active") {
            return false;
        }
        let known = || index.groups.get(pair.group_id.as_str()).and_then(|g| g.vpc);
        let vpc = pair.vpc_id.as_deref().or_else(known);
        let via = pair.vpc_peering_connection_id.as_deref();
        match self.place {
            Stands::In(here) => vpc.is_none_or(|v| v == here),
            Stands::Across { peering, vpc: there } => {
                via.is_none_or(|v| v == peering)
                    && vpc.is_none_or(|v| there.map_or(Some(v) != own, |t| t == v))
            }
            Stands::Anywhere => true,
            Stands::With(groups) => groups.contains(&pair.group_id.as_str()),
            Stands::Behind => via.is_none() && vpc.is_none_or(|v| Some(v) != own),
        }
    }
}

/// The groups of an interface, where it is one and they are known.
pub(super) fn of<'p>(
    index: &Index<'_>,
    nic: Option<&'p Nic<'_>>,
    unseen: &'p [Unseen<'p>],
) -> Peers<'p> {
    match nic {
        Some(nic) if !lacks_groups(index, nic) => Peers::Of(&nic.groups),
        _ if unseen.is_empty() => Peers::Nobody,
        _ => Peers::Unseen(unseen),
    }
}

/// Whether an interface must have groups and the snapshot shows none.
pub(super) fn lacks_groups(index: &Index<'_>, nic: &Nic<'_>) -> bool {
    nic.groups.is_empty() && matches!(balancer::kind(index, nic), Kind::Plain)
}

impl<'a> Ways<'_, 'a> {
    /// What nobody can tell of the groups where a packet of ours starts.
    pub(super) fn unseen_start(&self, start: &Start<'_, 'a>) -> Vec<Unseen<'a>> {
        match start.nic {
            Some(nic) => self.unseen_nic(nic),
            None => self.unseen_inside(start.place, AddressSet::one(start.address)),
        }
    }

    /// What nobody can tell of the groups of an interface.
    pub(super) fn unseen_nic(&self, nic: &Nic<'a>) -> Vec<Unseen<'a>> {
        if !lacks_groups(self.index, nic) {
            return Vec::new();
        }
        let ends = AddressSet::all();
        vec![Unseen {
            ends,
            place: Stands::In(nic.vpc),
            gap: super::ways::groups_gap(self.index, nic),
        }]
    }

    /// Addresses of a VPC that interfaces may have which nobody listed.
    pub(super) fn unseen_inside(&self, place: &Place<'a>, ends: AddressSet) -> Vec<Unseen<'a>> {
        let here = Stands::In(place.vpc);
        let kind = CallKind::NetworkInterfaces;
        let unread = match self.index.home_of_vpc(place.vpc) {
            _ if ends.is_empty() => None,
            Err(gap) => Some(gap),
            Ok(_) if self.index.complete(place.view, kind) => None,
            Ok(_) => Some(self.index.gap(place.view, kind, place.vpc, "")),
        };
        if let Some(gap) = unread {
            return vec![Unseen { ends, place: here, gap }];
        }
        let orphans = self.index.orphans.keys().filter(|a| ends.contains(**a));
        let gaps = orphans.filter_map(|a| Some((*a, self.index.orphan_at(*a)?.1)));
        gaps.map(|(a, gap)| Unseen { ends: (*one(a)).clone(), place: here, gap }).collect()
    }

    /// Addresses beyond the VPC of `place` that interfaces of other VPCs may have, by the route that
    /// answers to them take.
    pub(super) fn unseen_beyond(&self, place: &Place<'a>, ends: &AddressSet) -> Vec<Unseen<'a>> {
        let ends = ends.subtract(&self.index.vpc_blocks(place.vpc));
        if ends.is_empty() {
            return Vec::new();
        }
        let table = match &place.routes {
            Ok(table) => table,
            Err(gap) => return vec![Unseen { ends, place: Stands::Behind, gap: gap.clone() }],
        };
        let routes = Routes::new(self.index, table, self.family);
        let listed = routes.unresolved.iter().map(|(_, target)| (ends.clone(), target.clone()));
        let parts = routes.partition(&ends);
        let parts = parts.into_iter().map(|(set, line)| (set, line.target.clone())).chain(listed);
        parts.filter_map(|(set, target)| self.unseen_by(place, set, &target)).collect()
    }

    fn unseen_by(
        &self,
        place: &Place<'a>,
        ends: AddressSet,
        target: &Target<'a>,
    ) -> Option<Unseen<'a>> {
        let id = match target {
            Target::Peering(id) => *id,
            Target::Transit(id) if self.index.groups_count(id, &[place.vpc]) == Some(false) => {
                return None;
            }
            Target::Transit(id) => {
                let gap = Index::not_modelled(id, "groups of VPCs behind a transit gateway");
                return Some(Unseen { ends, place: Stands::Behind, gap });
            }
            _ => return None,
        };
        let across =
            |vpc, gap| Some(Unseen { ends, place: Stands::Across { peering: id, vpc }, gap });
        let Some(row) = self.index.peerings.get(id) else {
            let kind = CallKind::VpcPeeringConnections;
            let gap = self.index.gap(place.view, kind, id, "the peering is not in the snapshot");
            return across(None, gap);
        };
        let (a, b) = (&row.accepter_vpc_info, &row.requester_vpc_info);
        let apart = a.region.is_some() && b.region.is_some() && a.region != b.region;
        if row.status.code != "active" || apart {
            return None;
        }
        let there = [a, b].map(|side| side.vpc_id.as_deref()).into_iter().flatten();
        let there = there.into_iter().find(|v| *v != place.vpc);
        let kind = CallKind::NetworkInterfaces;
        match there.map(|vpc| (vpc, self.index.view_of_vpc(vpc))) {
            Some((_, Some(view))) if self.index.complete(view, kind) => None,
            Some((vpc, Some(view))) => across(Some(vpc), self.index.gap(view, kind, vpc, "")),
            Some((vpc, None)) => {
                let why = "it was not read: who carries its groups is not known";
                across(Some(vpc), Gap::new(GapKind::NetworkInterfaces, vpc, why))
            }
            None => {
                let why = "the VPC at its other side is not known, and who carries its groups";
                across(None, Gap::new(GapKind::VpcPeerings, id, why))
            }
        }
    }
}
