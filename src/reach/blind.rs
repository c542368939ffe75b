use super::balancer::{self, Kind};
use super::ends::database_id;
use super::ways::Ways;
use super::{Reach, bpa};
use crate::model::{Gap, GapKind};
use crate::snapshot::{Balancer, CallKind, DbInstance, Outcome};
use std::collections::BTreeSet;

/// Calls that list what may be exposed, or that it is alive.
const LISTS: [CallKind; 6] = [
    CallKind::Instances,
    CallKind::NetworkInterfaces,
    CallKind::Addresses,
    CallKind::LoadBalancers,
    CallKind::ClassicLoadBalancers,
    CallKind::DbInstances,
];

impl Reach<'_> {
    /// What could not be seen and blinds more than single rows, or is covered by an assumption;
    /// sorted. Gaps of single rows stand in their [`Configured::Unknown`](crate::reach::Configured::Unknown).
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = BTreeSet::new();
        let mut exposed: BTreeSet<&str> = BTreeSet::new();
        for (address, spots) in self.index.addresses() {
            let reachable = spots.iter().filter(|s| Ways::is_reachable_role(**s, *address));
            exposed.extend(reachable.map(|s| self.index.nics[s.nic].subnet));
        }
        for place in exposed.iter().filter_map(|subnet| self.index.subnets.get(subnet)) {
            let stage = bpa::stage(&self.index, &self.options, place, bpa::Use::Direct);
            gaps.extend(stage.into_iter().flat_map(|s| s.assumed));
        }
        for (view, rows) in self.index.snapshot.regions.iter().enumerate() {
            // Where anything of a network was read, interfaces may be in it.
            let seen = !rows.instances.is_empty()
                || !rows.network_interfaces.is_empty()
                || !rows.security_groups.is_empty()
                || !rows.subnets.is_empty()
                || !rows.vpcs.is_empty()
                || !rows.load_balancers.is_empty()
                || !rows.db_instances.is_empty();
            if let Some(call) = self.index.call(view, CallKind::NetworkInterfaces) {
                gaps.extend(call.gap());
            } else if seen {
                gaps.insert(self.index.gap(view, CallKind::NetworkInterfaces, "", ""));
            }
        }
        // What such a call did not tell of has no row that could show the gap.
        gaps.extend(self.unread_lists());
        gaps.extend(self.index.absent_instances());
        gaps.extend(self.index.orphan_gaps());
        gaps.extend(self.balancers_without_interface());
        gaps.extend(self.databases_without_interface());
        gaps.extend(self.index.unseen_elastic());
        gaps.extend(self.index.delegated());
        gaps.into_iter().collect()
    }

    /// The gaps of calls that list what there is, and were made in vain, and of accounts that could not be
    /// entered, of which no region was read; sorted.
    pub(super) fn unread_lists(&self) -> Vec<Gap> {
        let views = 0..self.index.snapshot.regions.len();
        let calls = views.flat_map(|v| LISTS.iter().filter_map(move |k| self.index.call(v, *k)));
        let failed = calls.filter(|c| c.outcome != Outcome::Missing).filter_map(|c| c.gap());
        failed.chain(self.unentered()).collect::<BTreeSet<Gap>>().into_iter().collect()
    }

    /// The gaps of accounts that could not be entered.
    pub(super) fn unentered(&self) -> impl Iterator<Item = Gap> {
        let calls = self.index.snapshot.calls.iter();
        calls.filter(|c| c.kind == CallKind::CallerIdentity).filter_map(|c| c.gap())
    }

    /// Databases that are publicly accessible and whose interface nobody listed (R32).
    fn databases_without_interface(&self) -> Vec<Gap> {
        let views = self.index.snapshot.regions.iter();
        let public = views.flat_map(|v| v.db_instances.iter().filter(|d| d.publicly_accessible));
        public.filter_map(|d| self.database_gap(d)).collect()
    }

    /// The gap of a publicly accessible database, where no public address can be its own.
    pub(super) fn database_gap(&self, db: &DbInstance) -> Option<Gap> {
        let public = |nic: &usize| {
            let all = self.index.addresses_of(*nic);
            all.iter().any(|(address, spot)| Ways::is_reachable_role(*spot, *address))
        };
        if self.index.nics_of_database(db).iter().any(public) {
            return None;
        }
        let mut views = self.index.snapshot.regions.iter();
        let view = views.find(|v| v.db_instances.iter().any(|d| std::ptr::eq(d, db)))?;
        let why = "it is publicly accessible and no public address of it is in the snapshot";
        Some(Gap::new(GapKind::DbInstances, database_id(view, db), why))
    }

    /// Internet-facing balancers whose nodes nobody listed: their addresses are not known.
    fn balancers_without_interface(&self) -> Vec<Gap> {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (address, spots) in self.index.addresses() {
            for spot in spots.iter().filter(|s| Ways::is_reachable_role(**s, *address)) {
                let kind = balancer::kind(&self.index, &self.index.nics[spot.nic]);
                if let Kind::Balancer(Some(b), _) = kind {
                    seen.insert(&b.load_balancer_arn);
                }
            }
        }
        let facing = |b: &Balancer| b.scheme.as_deref() == Some("internet-facing");
        self.index
            .balancers
            .iter()
            .filter(|(arn, (b, _))| facing(b) && !seen.contains(**arn))
            .map(|(arn, _)| {
                let why = "no public address of it is in the snapshot";
                Gap::new(GapKind::LoadBalancers, *arn, why)
            })
            .collect()
    }
}
