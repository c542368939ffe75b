//! The internet gateway of a VPC, and the way that answers take to it.

use super::Layer;
use super::index::{Index, Place, is_attached};
use super::route::{Routes, Target};
use super::span::{Ends, Span, Stage};
use super::ways::Ways;
use crate::model::{AddressSet, Gap};
use crate::snapshot::CallKind;
use std::sync::Arc;

impl<'a> Ways<'_, 'a> {
    /// The internet gateway of a VPC (R22).
    pub(super) fn gateway(&self, place: &Place<'a>) -> Stage {
        let layer = Layer::InternetGateway;
        if let Some(id) = self.index.attached_gateway(place.vpc) {
            return Stage::node(layer, id);
        }
        let named = place.routes.as_ref().ok().and_then(|table| {
            let routes = Routes::new(self.index, table, self.family);
            routes.lines.iter().find_map(|l| match l.target {
                Target::InternetGateway(id) => Some(id),
                _ => None,
            })
        });
        let id = named.unwrap_or(place.vpc);
        let known = named.is_none_or(|id| self.index.gateways.contains_key(id));
        let home = match self.index.home_of_vpc(place.vpc) {
            Ok(view) => view,
            Err(gap) => return Stage::unknown(layer, id, vec![gap]),
        };
        if known && self.index.complete(home, CallKind::InternetGateways) {
            let why = format!("no internet gateway is attached to {}", place.vpc);
            return Stage::blocks(layer, id, why);
        }
        Stage::unknown(layer, id, vec![self.gateway_gap(place, id)])
    }

    /// The way back to ends outside: a route to the attached internet gateway (R20 to R24).
    pub(super) fn way_back(&self, place: &Place<'a>, ends: &Arc<AddressSet>) -> Stage {
        let layer = Layer::RouteTable;
        let table = match &place.routes {
            Ok(table) => table,
            Err(gap) => return Stage::unknown(layer, place.id, vec![gap.clone()]),
        };
        let routes = Routes::new(self.index, table, self.family);
        let mut yes = AddressSet::empty();
        let mut maybe = AddressSet::empty();
        let mut gaps = Vec::new();
        let mut other: Option<(u128, String)> = None;
        let mut entry: Option<(u128, String)> = None;
        // Whoever has an address of the VPC itself comes from no internet: its answers stay inside.
        let mut inner = ends.intersect(&self.index.vpc_blocks(place.vpc));
        let clients =
            if inner.is_empty() { Arc::clone(ends) } else { Arc::new(ends.subtract(&inner)) };
        let mut unrouted = (*clients).clone();
        let mut beyond = AddressSet::empty();
        for (set, line) in routes.partition(&clients) {
            let size = set.size();
            unrouted = unrouted.subtract(&set);
            let wins = |best: &Option<(u128, String)>| best.as_ref().is_none_or(|(s, _)| size > *s);
            match line.target {
                Target::InternetGateway(id) => match self.gateway_state(place, id) {
                    Ok(true) => {
                        yes = yes.union(&set);
                        if wins(&entry) {
                            entry = Some((size, line.text()));
                        }
                        continue;
                    }
                    Ok(false) => {}
                    Err(gap) => {
                        gaps.push(gap);
                        maybe = maybe.union(&set);
                    }
                },
                // As above, where the VPC itself is not in the snapshot.
                Target::Local => {
                    inner = inner.union(&set);
                    continue;
                }
                // Who is in a VPC that the route leads to comes from there, and from no internet either.
                Target::Peering(id) | Target::Transit(id) => {
                    let theirs = set.intersect(&self.index.blocks_beyond(place.vpc, id));
                    beyond = beyond.union(&theirs);
                    if theirs == set {
                        continue;
                    }
                }
                // Ends behind a gateway endpoint are servers: no client comes from there.
                Target::Endpoint(id) if self.is_gateway_endpoint(id, line.listed) => {
                    yes = yes.union(&set);
                    continue;
                }
                Target::Other(_) | Target::Endpoint(_) => {
                    let what = format!("{} sends answers by {}", routes.id, line.text());
                    gaps.push(Index::not_modelled(routes.id, what));
                    maybe = maybe.union(&set);
                }
                _ => {}
            }
            if wins(&other) {
                let lost = matches!(line.target, Target::Blackhole(_));
                let why = if lost { "which is a blackhole" } else { "not by an internet gateway" };
                other = Some((size, format!("{}, {why}", line.text())));
            }
        }
        for (list, target) in &routes.unresolved {
            if !matches!(target, Target::Endpoint(id) if self.is_gateway_endpoint(id, true)) {
                gaps.push(self.index.prefix_gap(list));
                maybe = (**ends).clone();
                yes = AddressSet::empty();
            }
        }
        let mut maybe = maybe.union(&yes);
        if maybe.is_empty() && !beyond.is_empty() {
            let what = "answers by another way than the request's";
            gaps.push(Index::not_modelled(routes.id, what));
            maybe = beyond;
        } else {
            inner = inner.union(&beyond);
        }
        if !inner.is_empty() && !maybe.is_empty() && maybe.union(&inner) == **ends {
            (yes, maybe) = (yes.union(&inner), maybe.union(&inner));
        }
        let nowhere =
            unrouted.to_networks().first().map(|n| format!("no route for answers to {n}"));
        let lost = other.map(|(_, text)| format!("answers leave by {text}"));
        let absent = lost.clone().unwrap_or_else(|| "no route to an internet gateway".into());
        let close = |set: AddressSet| if set == **ends { Ends::All } else { Ends::of(set) };
        let (yes, maybe) = (close(yes), close(maybe));
        let spans = match maybe {
            Ends::None => Vec::new(),
            maybe => {
                let text = entry.map(|(_, text)| format!("answers leave by {text}"));
                let text = text.or_else(|| gaps.first().map(|g: &Gap| g.why.clone()));
                let text = text.map(Into::into);
                let cut = lost.or(nowhere).map(Into::into);
                vec![Span::whole(yes, maybe, text, gaps).cut_by(cut)]
            }
        };
        Stage::filter(layer, routes.id, spans, absent.into())
    }

    /// Whether a gateway is attached to the VPC of a subnet.
    pub(super) fn gateway_state(&self, place: &Place<'a>, id: &str) -> Result<bool, Gap> {
        if let Some(row) = self.index.gateways.get(id) {
            return Ok(is_attached(&row.attachments, place.vpc));
        }
        Err(self.gateway_gap(place, id))
    }

    /// The gap of an internet gateway that is not in the snapshot. AWS makes a route a blackhole
    /// when its gateway goes, so one in force contradicts a listing without the gateway.
    fn gateway_gap(&self, place: &Place<'a>, id: &str) -> Gap {
        let why = "a route in force leads to it, and it is not in the snapshot";
        self.index.gap(place.view, CallKind::InternetGateways, id, why)
    }

    /// A gateway endpoint is the target of routes to prefix lists; one that a block leads to is a
    /// firewall's.
    fn is_gateway_endpoint(&self, id: &str, listed: bool) -> bool {
        let kind = self.index.endpoints.get(id).and_then(|r| r.vpc_endpoint_type.as_deref());
        kind.map_or(listed, |kind| kind == "Gateway")
    }
}
