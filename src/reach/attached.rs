//! Attachments of transit gateways, put together from every account that sees them.

use super::index::Index;
use crate::model::AddressSet;
use crate::snapshot::{RegionView, TransitGatewayAttachment};

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
            ..self
        }
    }

    pub(super) fn available(&self) -> bool {
        self.state.is_none_or(|s| s == "available")
    }
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

    /// The attachment of a VPC to one transit gateway.
    pub(super) fn attached_vpc(&self, vpc: &str, gateway: &str) -> Option<&Attached<'a>> {
        self.attachments
            .values()
            .flatten()
            .find(|a| a.gateway == gateway && a.resource_id == Some(vpc) && a.available())
    }
}
