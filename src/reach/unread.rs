//! What lies in accounts and regions that nobody read: nothing that is missing there is a no.

use super::index::{Index, Place};
use crate::model::{Gap, GapKind};
use crate::snapshot::UNKNOWN_ACCOUNT;

impl<'a> Index<'a> {
    /// The view of whoever owns a VPC: only the owner sees all of it, others the subnets that are
    /// shared with them and their own interfaces.
    ///
    /// # Errors
    /// The gap of a VPC whose owner's account or whose region was not read.
    pub(super) fn home_of_vpc(&self, vpc: &str) -> Result<usize, Gap> {
        let Some(view) = self.view_of_vpc(vpc) else {
            let why = "its account and region were not read: what is in it is not known";
            return Err(Gap::new(GapKind::Vpcs, vpc, why));
        };
        let subnets = || self.subnets.values().filter(|p| p.vpc == vpc).filter_map(|p| p.row);
        let owner = self.vpcs.get(vpc).and_then(|row| row.owner_id.as_deref());
        let owner = owner.or_else(|| subnets().find_map(|row| row.owner_id.as_deref()));
        self.home(view, owner).map_err(|owner| {
            let why = format!("its owner {owner} was not read: what else is in it is not known");
            Gap::new(GapKind::Vpcs, vpc, why)
        })
    }

    /// The view of the account that owns a subnet, and so decides about block public access of it.
    ///
    /// # Errors
    /// `account/region` of an owner that was not read.
    pub(super) fn home_of_subnet(&self, place: &Place<'a>) -> Result<usize, String> {
        let owner = place.row.and_then(|row| row.owner_id.as_deref());
        let owner =
            owner.or_else(|| self.vpcs.get(place.vpc).and_then(|row| row.owner_id.as_deref()));
        self.home(place.view, owner)
    }

    /// The view of an account in the region of `view`, or `account/region` where it was not read.
    pub(super) fn home(&self, view: usize, owner: Option<&str>) -> Result<usize, String> {
        let rows = &self.snapshot.regions[view];
        let Some(owner) = owner.filter(|o| *o != rows.account) else { return Ok(view) };
        if rows.account == UNKNOWN_ACCOUNT {
            return Ok(view);
        }
        let mut views = self.snapshot.regions.iter();
        let own = views.position(|v| v.account == owner && v.region == rows.region);
        own.ok_or_else(|| format!("{owner}/{}", rows.region))
    }
}
