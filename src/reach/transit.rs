use super::Layer;
use super::index::Place;
use super::span::Stage;
use super::ways::Ways;
use crate::snapshot::{
    CallKind, TransitGatewayAttachment, TransitGatewayRoute, TransitGatewayRouteTable,
};
use ipnetwork::IpNetwork;
use std::net::IpAddr;

/// Where a transit gateway's route leads.
enum Hit<'t> {
    Attachment(&'t str),
    Blackhole,
    None,
    /// The table's routes or propagations could not be read whole.
    Unseen(CallKind),
    /// Something propagates whose blocks are not known.
    Opaque(String),
}

impl<'a> Ways<'_, 'a> {
    /// From a subnet through a transit gateway towards an address (R30): the attachment must lie in
    /// the subnet's zone, its association table decides out. The VPC it leads to, where one is.
    pub(super) fn transit(
        &self,
        place: &Place<'a>,
        gateway: &'a str,
        to: IpAddr,
    ) -> (Vec<Stage>, Option<&'a str>) {
        let layer = Layer::TransitGateway;
        let unseen = |kind: CallKind| {
            let gap = self.index.gap(place.view, kind, gateway, "the rows it needs are not there");
            (vec![Stage::unknown(layer, gateway, vec![gap])], None)
        };
        let own = self.index.attachments.values().find(|a| {
            a.transit_gateway_id.as_deref() == Some(gateway)
                && a.resource_id.as_deref() == Some(place.vpc)
                && available(a)
        });
        let Some(own) = own else {
            if self.index.complete(place.view, CallKind::TransitGatewayAttachments) {
                let why = format!("{gateway} has no attachment to {}", place.vpc);
                return (vec![Stage::blocks(Layer::Subnet, place.id, why)], None);
            }
            return unseen(CallKind::TransitGatewayAttachments);
        };
        match self.in_zone(own, place) {
            Some(true) => {}
            Some(false) => {
                let zone =
                    place.row.and_then(|r| r.availability_zone.as_deref()).unwrap_or("its zone");
                let id = &own.transit_gateway_attachment_id;
                let why = format!("{id} of {gateway} is not in {zone}");
                return (vec![Stage::blocks(Layer::Subnet, place.id, why)], None);
            }
            None => return unseen(CallKind::TransitGatewayVpcAttachments),
        }
        let Some(table) = own.association_route_table_id.as_deref() else {
            if self.index.complete(place.view, CallKind::TransitGatewayAttachments) {
                let why = format!("{} has no route table", own.transit_gateway_attachment_id);
                return (vec![Stage::blocks(layer, gateway, why)], None);
            }
            return unseen(CallKind::TransitGatewayAttachments);
        };
        let Some(table) = self.index.transit_tables.get(table) else {
            return unseen(CallKind::TransitGatewayRouteTables);
        };
        match self.lookup(table, to) {
            Hit::Attachment(id) => {
                let Some(attachment) = self.index.attachments.get(id) else {
                    return unseen(CallKind::TransitGatewayAttachments);
                };
                match (attachment.resource_type.as_deref(), attachment.resource_id.as_deref()) {
                    _ if !available(attachment) => {
                        let why = format!("{id} is not available");
                        (vec![Stage::blocks(layer, gateway, why)], None)
                    }
                    (Some("vpc"), Some(vpc)) => (vec![Stage::node(layer, gateway)], Some(vpc)),
                    (kind, _) => {
                        let what =
                            format!("a transit gateway's {} attachment", kind.unwrap_or("other"));
                        (vec![self.far(layer, gateway, &what)], None)
                    }
                }
            }
            Hit::Blackhole => {
                (vec![Stage::blocks(layer, gateway, "its route is a blackhole")], None)
            }
            Hit::None => {
                let why = format!("no route to {to} in {}", table.transit_gateway_route_table_id);
                (vec![Stage::blocks(layer, gateway, why)], None)
            }
            Hit::Unseen(kind) => unseen(kind),
            Hit::Opaque(what) => (vec![self.far(layer, gateway, &what)], None),
        }
    }

    /// Whether an attachment has a subnet in the zone of `place`.
    fn in_zone(&self, attachment: &TransitGatewayAttachment, place: &Place<'a>) -> Option<bool> {
        let zone = place.row?.availability_zone.as_deref()?;
        let mut unknown = false;
        for id in attachment.subnet_ids.as_ref()? {
            let there = self.index.subnets.get(id.as_str()).and_then(|p| p.row);
            match there.and_then(|r| r.availability_zone.as_deref()) {
                Some(z) if z == zone => return Some(true),
                Some(_) => {}
                None => unknown = true,
            }
        }
        (!unknown).then_some(false)
    }

    /// The longest prefix; static beats propagated at equal length (R21).
    fn lookup<'t>(&self, table: &'t TransitGatewayRouteTable, to: IpAddr) -> Hit<'t> {
        let Some(routes) = &table.routes else {
            return Hit::Unseen(CallKind::TransitGatewayRoutes);
        };
        let Some(propagations) = &table.propagations else {
            return Hit::Unseen(CallKind::TransitGatewayPropagations);
        };
        let mut best: Option<(u8, bool, Hit<'t>)> = None;
        let mut take = |prefix: u8, is_static: bool, hit: Hit<'t>| {
            if best.as_ref().is_none_or(|(p, s, _)| (prefix, is_static) > (*p, *s)) {
                best = Some((prefix, is_static, hit));
            }
        };
        for route in routes.iter().filter(|r| r.destination_cidr_block.contains(to)) {
            let is_static = route.route_type.as_deref() != Some("propagated");
            take(route.destination_cidr_block.prefix(), is_static, hit(route));
        }
        for from in propagations {
            let Some(id) = from.transit_gateway_attachment_id.as_deref() else { continue };
            match (from.resource_type.as_deref(), from.resource_id.as_deref()) {
                (Some("vpc"), Some(vpc)) if self.index.vpcs.contains_key(vpc) => {
                    let holds = |n: &IpNetwork| n.contains(to);
                    let blocks = self.index.vpc_blocks(vpc).to_networks();
                    if let Some(block) = blocks.into_iter().find(holds) {
                        take(block.prefix(), false, Hit::Attachment(id));
                    }
                }
                (kind, resource) => {
                    let (kind, resource) = (kind.unwrap_or("other"), resource.unwrap_or(id));
                    take(0, false, Hit::Opaque(format!("what {kind} {resource} propagates")));
                }
            }
        }
        best.map_or(Hit::None, |(_, _, hit)| hit)
    }
}

fn hit(route: &TransitGatewayRoute) -> Hit<'_> {
    let attachment = route.transit_gateway_attachments.first();
    match attachment.and_then(|a| a.transit_gateway_attachment_id.as_deref()) {
        Some(id) if route.state.as_deref() != Some("blackhole") => Hit::Attachment(id),
        _ => Hit::Blackhole,
    }
}

fn available(attachment: &TransitGatewayAttachment) -> bool {
    attachment.state.as_deref().is_none_or(|s| s == "available")
}
