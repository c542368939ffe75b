//! Attachments of transit gateways, put together from every account that sees them.

use super::index::Index;
use crate::model::AddressSet;
use crate::snapshot::{RegionView, TransitGatewayAttachment, TransitGatewayOptions};

/// An attachment as one transit gateway has it: the two sides of a peering share their id, and each
/// has an association of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attached<'a> {
    pub(super) id: &'a str,
    pub(super) gateway: &'a str,
    pub(super) resource_type: Option<&'a str>,
    pub(super) resource_id: Option<&'a str>,
    state: Option<&'a str>,
    /// The route table that decides traffic coming out of it; only the gateway's owner sees it.
    pub(super) table: Option<&'a str>,
    pub(super) subnets: Option<&'a [String]>,
    options: Option<&'a TransitGatewayOptions>,
}

impl<'a> Attached<'a> {
    fn new(row: &'a TransitGatewayAttachment) -> Self {
        Self {
            id: &row.transit_gateway_attachment_id,
            gateway: row.transit_gateway_id.as_deref().unwrap_or_default(),
            resource_type: row.resource_type.as_deref(),
            resource_id: row.resource_id.as_deref(),
            state: row.state.as_deref(),
            table: row.association_route_table_id.as_deref(),
            subnets: row.subnet_ids.as_deref(),
            options: row.options.as_ref(),
        }
    }

    /// The same with what another account's row knows.
    fn or(self, other: Self) -> Self {
        Self {
            resource_type: self.resource_type.or(other.resource_type),
            resource_id: self.resource_id.or(other.resource_id),
            state: self.state.or(other.state),
            table: self.table.or(other.table),
            subnets: self.subnets.or(other.subnets),
            options: self.options.or(other.options),
            ..self
        }
    }

    pub(super) fn available(&self) -> bool {
        self.state.is_none_or(|s| s == "available")
    }

    /// Whether traffic stays in the zone that it comes from; `None` where nobody said.
    pub(super) fn keeps_zone(&self) -> Option<bool> {
        Some(self.options?.appliance_mode_support.as_deref()? != "enable")
    }
}

/// Whether groups count by these options; `None` where nobody said.
fn refers(options: Option<&TransitGatewayOptions>) -> Option<bool> {
    Some(options?.security_group_referencing_support.as_deref()? == "enable")
}

impl<'a> Index<'a> {
    /// Takes in what one account and region shows of transit gateways.
    pub(super) fn transit_rows(&mut self, rows: &'a RegionView) {
        for row in &rows.transit_gateway_attachments {
            let new = Attached::new(row);
            let sides = self.attachments.entry(new.id).or_default();
            match sides.iter_mut().find(|a| a.gateway == new.gateway) {
                Some(have) => *have = have.or(new),
                None => sides.push(new),
            }
        }
        for row in &rows.transit_gateway_route_tables {
            let id = row.transit_gateway_route_table_id.as_str();
            let have = self.transit_tables.entry(id).or_insert(row);
            if have.routes.is_none() {
                *have = row;
            }
        }
    }

    /// Whether groups of one VPC count in another through a transit gateway: where it and the attachments
    /// of both have that option. `None` where one was not read and none lacks it.
    pub(super) fn groups_count(&self, gateway: &str, vpcs: &[&str]) -> Option<bool> {
        let rows = self.snapshot.regions.iter().flat_map(|v| &v.transit_gateways);
        let mut rows = rows.filter(|g| g.transit_gateway_id == gateway);
        let own = rows.find_map(|g| refers(g.options.as_ref()));
        let sides = vpcs.iter().map(|vpc| self.attached_vpc(vpc, gateway)?.options);
        let all: Vec<Option<bool>> = sides.map(refers).chain([own]).collect();
        match all.contains(&Some(false)) {
            true => Some(false),
            false => all.iter().all(Option::is_some).then_some(true),
        }
    }

    /// The blocks of the VPCs that a peering or a transit gateway leads to from a VPC.
    pub(super) fn blocks_beyond(&self, vpc: &str, id: &str) -> AddressSet {
        let Some(row) = self.peerings.get(id) else {
            let there = self.vpcs_behind(id).into_iter().filter(|v| *v != vpc);
            return there.fold(AddressSet::empty(), |all, v| all.union(&self.vpc_blocks(v)));
        };
        let sides = [&row.accepter_vpc_info, &row.requester_vpc_info].into_iter();
        let there = sides.filter(|s| s.vpc_id.as_deref() != Some(vpc));
        there.filter(|_| row.status.code == "active").fold(AddressSet::empty(), |all, side| {
            let v6 = side.ipv6_cidr_block_set.iter().filter_map(|b| b.ipv6_cidr_block);
            let told = side.cidr_block.into_iter().chain(v6.map(Into::into)).collect();
            let read = side.vpc_id.as_deref().map(|v| self.vpc_blocks(v)).unwrap_or_default();
            all.union(&told).union(&read)
        })
    }

    /// An attachment of one transit gateway.
    pub(super) fn attached(&self, id: &str, gateway: &str) -> Option<&Attached<'a>> {
        let sides = self.attachments.get(id)?;
        sides.iter().find(|a| a.gateway == gateway)
    }

    /// The only attachment of a VPC to any transit gateway.
    pub(super) fn attached_anywhere(&self, vpc: &str) -> Option<&Attached<'a>> {
        let own = |a: &&Attached<'a>| a.resource_id == Some(vpc) && a.available();
        let mut all = self.attachments.values().flatten().filter(own);
        all.next().filter(|_| all.next().is_none())
    }

    /// The attachment of a VPC to one transit gateway.
    pub(super) fn attached_vpc(&self, vpc: &str, gateway: &str) -> Option<&Attached<'a>> {
        self.attachments
            .values()
            .flatten()
            .find(|a| a.gateway == gateway && a.resource_id == Some(vpc) && a.available())
    }
}
