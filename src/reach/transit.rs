use super::Layer;
use super::attached::Attached;
use super::index::Place;
use super::span::Stage;
use super::ways::Ways;
use crate::model::{Gap, GapKind};
use crate::snapshot::{CallKind, TransitGatewayRoute, TransitGatewayRouteTable};
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

/// Where a packet goes behind one transit gateway.
enum Next<'i, 'a> {
    Vpc(&'a str),
    /// The peer's side of a peering.
    Gateway(&'i Attached<'a>),
    Nowhere,
}

/// Transit gateways on one way; more are a circle.
const MAX_GATEWAYS: usize = 8;

impl<'i, 'a> Ways<'i, 'a> {
    /// From a subnet through a transit gateway, and those it is peered with, towards an address
    /// (R30): the attachment must lie in the subnet's zone, its association table decides out. The VPC
    /// it leads to, where one is.
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
        let Some(own) = self.index.attached_vpc(place.vpc, gateway) else {
            let home = match self.index.home_of_vpc(place.vpc) {
                Ok(view) => view,
                Err(gap) => return (vec![Stage::unknown(layer, gateway, vec![gap])], None),
            };
            if self.index.complete(home, CallKind::TransitGatewayAttachments) {
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
                let why = format!("{} of {gateway} is not in {zone}", own.id);
                return (vec![Stage::blocks(Layer::Subnet, place.id, why)], None);
            }
            None => return unseen(CallKind::TransitGatewayVpcAttachments),
        }
        // A peering leads to another gateway, whose table may lead on.
        let mut stages = Vec::new();
        let mut at = own;
        for _ in 0..MAX_GATEWAYS {
            let (stage, next) = self.one_gateway(place, at, to);
            stages.push(stage);
            match next {
                Next::Vpc(vpc) => return (stages, Some(vpc)),
                Next::Gateway(peer) => at = peer,
                Next::Nowhere => return (stages, None),
            }
        }
        stages.push(self.far(layer, at.gateway, "a long chain of peered transit gateways"));
        (stages, None)
    }

    /// One transit gateway, entered by an attachment: the table associated with it decides.
    fn one_gateway(
        &self,
        place: &Place<'a>,
        by: &Attached<'a>,
        to: IpAddr,
    ) -> (Stage, Next<'i, 'a>) {
        let (layer, gateway) = (Layer::TransitGateway, by.gateway);
        let unseen = |kind: CallKind| {
            let gap = self.index.gap(place.view, kind, gateway, "the rows it needs are not there");
            (Stage::unknown(layer, gateway, vec![gap]), Next::Nowhere)
        };
        let blocks = |why: String| (Stage::blocks(layer, gateway, why), Next::Nowhere);
        let Some(table) = by.table else {
            // Whoever a gateway is shared with is not told of its tables.
            let owner = self.index.snapshot.regions.iter().flat_map(|v| &v.transit_gateways);
            let owner = owner.filter(|g| g.transit_gateway_id == gateway);
            let owner = owner.filter_map(|g| g.owner_id.as_deref()).next();
            let home = match self.index.home(place.view, owner) {
                Ok(view) => view,
                Err(owner) => {
                    let why =
                        format!("its owner {owner} was not read, which alone sees its tables");
                    let gap = Gap::new(GapKind::TransitGateways, gateway, why);
                    return (Stage::unknown(layer, gateway, vec![gap]), Next::Nowhere);
                }
            };
            if self.index.complete(home, CallKind::TransitGatewayAttachments) {
                return blocks(format!("{} has no route table", by.id));
            }
            return unseen(CallKind::TransitGatewayAttachments);
        };
        let Some(table) = self.index.transit_tables.get(table) else {
            return unseen(CallKind::TransitGatewayRouteTables);
        };
        let id = match self.lookup(table, to) {
            Hit::Attachment(id) => id,
            Hit::Blackhole => return blocks("its route is a blackhole".into()),
            Hit::None => {
                let table = &table.transit_gateway_route_table_id;
                return blocks(format!("no route to {to} in {table}"));
            }
            Hit::Unseen(kind) => return unseen(kind),
            Hit::Opaque(what) => return (self.far(layer, gateway, &what), Next::Nowhere),
        };
        let Some(out) = self.index.attached(id, gateway) else {
            return unseen(CallKind::TransitGatewayAttachments);
        };
        match (out.resource_type, out.resource_id) {
            _ if !out.available() => blocks(format!("{id} is not available")),
            (Some("vpc"), Some(vpc)) => (Stage::node(layer, gateway), Next::Vpc(vpc)),
            (Some("peering"), Some(peer)) => match self.index.attached(id, peer) {
                Some(there) if there.gateway != gateway => {
                    (Stage::node(layer, gateway), Next::Gateway(there))
                }
                _ => {
                    let why = format!("the side of {id} at {peer} is not in the snapshot");
                    let gap = Gap::new(GapKind::TransitGateways, peer, why);
                    (Stage::unknown(layer, peer, vec![gap]), Next::Nowhere)
                }
            },
            (kind, _) => {
                let what = format!("a transit gateway's {} attachment", kind.unwrap_or("other"));
                (self.far(layer, gateway, &what), Next::Nowhere)
            }
        }
    }

    /// Whether an attachment has a subnet in the zone of `place`.
    fn in_zone(&self, attachment: &Attached<'a>, place: &Place<'a>) -> Option<bool> {
        let zone = place.row?.availability_zone.as_deref()?;
        let mut unknown = false;
        for id in attachment.subnets? {
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
        let gone = |r: &&TransitGatewayRoute| r.state.as_deref() != Some("deleted");
        let near = |r: &&TransitGatewayRoute| r.destination_cidr_block.contains(to);
        for route in routes.iter().filter(gone).filter(near) {
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
    if let Some(state) = route.state.as_deref().filter(|s| !matches!(*s, "active" | "blackhole")) {
        return Hit::Opaque(format!("a route that is {state}"));
    }
    match attachment.and_then(|a| a.transit_gateway_attachment_id.as_deref()) {
        Some(id) if route.state.as_deref() != Some("blackhole") => Hit::Attachment(id),
        _ => Hit::Blackhole,
    }
}
