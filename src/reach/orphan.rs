//! Instances and interfaces that the snapshot has one without the other of.

use super::index::{Index, may_answer};
use crate::model::Gap;
use crate::snapshot::{CallKind, Instance};
use std::net::IpAddr;

impl<'a> Index<'a> {
    /// Whether an instance may answer and none of its interfaces is in the snapshot. What was
    /// terminated has none any more.
    pub(super) fn is_orphan(&self, row: &Instance) -> bool {
        may_answer(&row.state.name) && !self.instance_nics.contains_key(row.instance_id.as_str())
    }

    /// The gaps of instances that only their interfaces name: whether they run is not known.
    pub(super) fn absent_instances(&self) -> impl Iterator<Item = Gap> {
        let absent = self.nics.iter().filter_map(|nic| {
            let id = nic.instance.filter(|i| !self.instances.contains_key(i))?;
            Some((id, nic.view))
        });
        absent.map(|(id, view)| self.absent_gap(view, id))
    }

    /// The gap of one of them.
    pub(super) fn absent_gap(&self, view: usize, id: &str) -> Gap {
        self.gap(view, CallKind::Instances, id, "the instance is not in the snapshot")
    }

    /// The gap of an instance that has no interface in the snapshot.
    pub(super) fn orphan_gap(&self, id: &str) -> Option<Gap> {
        let (row, view) = *self.instances.get(id).filter(|(row, _)| self.is_orphan(row))?;
        let why = "none of its interfaces is in the snapshot";
        Some(self.gap(view, CallKind::NetworkInterfaces, &row.instance_id, why))
    }

    /// The gaps of all such instances.
    pub(super) fn orphan_gaps(&self) -> impl Iterator<Item = Gap> {
        self.instances.keys().filter_map(|id| self.orphan_gap(id))
    }

    /// The gap of an address that such an instance says is its own.
    pub(super) fn orphan_at(&self, address: IpAddr) -> Option<(&'a str, Gap)> {
        let id = *self.orphans.get(&address)?;
        self.orphan_gap(id).map(|gap| (id, gap))
    }
}
