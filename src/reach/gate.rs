//! The subnets by which packets pass the attachment of a VPC to a transit gateway, and their network ACLs.
//!
//! As AWS has it ("Network ACLs for transit gateways"): what goes to the gateway meets the inbound rules
//! of the attachment's subnet, by its source; what comes from it meets the outbound rules, by its
//! destination, and then the inbound rules of the host's subnet. Where the host stands in the
//! attachment's own subnet, nothing that comes from the gateway is filtered.

use super::Layer;
use super::attached::Attached;
use super::index::Place;
use super::route::{Routes, Target};
use super::span::Stage;
use super::ways::Ways;
use crate::model::{Family, Gap, GapKind};
use std::net::IpAddr;

/// How a packet that comes from a transit gateway gets to the subnet of its host.
pub(super) enum Gate<'i, 'a> {
    /// It comes through none.
    None,
    /// By the attachment's subnet.
    By(&'i Place<'a>),
    /// The host stands in the attachment's subnet.
    Same,
    /// By one of these, that filter differently, or not at all where the host stands in it.
    Among(Vec<&'i Place<'a>>, Gap),
    Unknown(Gap),
}

impl<'i, 'a> Ways<'i, 'a> {
    /// The subnet by which a packet enters the transit gateway that its route leads to: the one in its
    /// zone. None where none is known: the gateway itself is unknown or closed to it then.
    pub(super) fn gate_in(&self, place: &Place<'a>, to: IpAddr) -> Option<&'i Place<'a>> {
        let own = self.index.attached_vpc(place.vpc, self.gateway_to(place, to)?)?;
        let zone = place.row?.availability_zone.as_deref()?;
        self.places(own)?.into_iter().find(|gate| in_zone(gate, zone))
    }

    /// The subnet by which a packet from `origin` comes out of the transit gateway on its way to a host
    /// in `place`: that of the zone it comes from, where the gateway keeps to zones (it has no
    /// appliance mode) and both sides name zones alike.
    pub(super) fn gate_out(
        &self,
        origin: &Place<'a>,
        place: &Place<'a>,
        to: IpAddr,
    ) -> Gate<'i, 'a> {
        let Some(gateway) = self.gateway_to(origin, to) else { return Gate::None };
        // Behind a peering of gateways it comes out of another one.
        let own = self.index.attached_vpc(place.vpc, gateway);
        let direct = own.is_some();
        let Some(own) = own.or_else(|| self.index.attached_anywhere(place.vpc)) else {
            return Gate::None;
        };
        let gap = |why: &str| Gap::new(GapKind::TransitGateways, own.id, why);
        let Some(all) = self.places(own).filter(|all| !all.is_empty()) else {
            return Gate::Unknown(gap(
                "its subnets, whose network ACLs filter, are not in the snapshot",
            ));
        };
        let account = |p: &Place<'a>| self.index.snapshot.regions[p.view].account.as_str();
        let zone = origin.row.and_then(|r| r.availability_zone.as_deref());
        let near = zone.filter(|_| direct && own.keeps_zone() == Some(true)).and_then(|zone| {
            all.iter().find(|g| account(g) == account(origin) && in_zone(g, zone)).copied()
        });
        let all = near.map_or(all, |near| vec![near]);
        match all.as_slice() {
            [one] if one.id == place.id => Gate::Same,
            [one] => Gate::By(one),
            _ => {
                let why = "by which of its subnets, whose network ACLs filter, a packet comes is not known";
                Gate::Among(all, gap(why))
            }
        }
    }

    /// What a packet meets from a gate to the subnet of its host: the rules out of the gate's subnet by
    /// `out`, then those into the host's by `into`.
    pub(super) fn pass(
        &self,
        gate: Gate<'i, 'a>,
        place: &Place<'a>,
        out: impl Fn(&Place<'a>) -> Stage,
        into: impl Fn() -> Stage,
    ) -> Vec<Stage> {
        let subnet = Stage::node(Layer::Subnet, place.id);
        match gate {
            Gate::None => vec![subnet, into()],
            Gate::By(gate) => vec![out(gate), subnet, into()],
            Gate::Same => vec![subnet],
            Gate::Unknown(gap) => {
                vec![Stage::unknown(Layer::NetworkAcl, place.id, vec![gap]), subnet]
            }
            Gate::Among(all, gap) => {
                let same = all.iter().any(|g| g.id == place.id);
                let others = all.iter().filter(|g| g.id != place.id);
                let mut stages: Vec<Stage> = Vec::new();
                let mut met = Vec::new();
                for gate in others {
                    let acl = gate.acl.as_ref().map(|acl| acl.network_acl_id.as_str());
                    if !acl.is_ok_and(|id| met.contains(&id)) {
                        met.extend(acl);
                        stages.push(out(gate));
                    }
                }
                // One ACL that all of them have is met in any case.
                if same || stages.len() > 1 {
                    stages = stages.into_iter().map(|s| s.perhaps(&gap)).collect();
                }
                stages.push(subnet);
                let own = into();
                stages.push(if same { own.perhaps(&gap) } else { own });
                stages
            }
        }
    }

    /// The transit gateway that the route to an address leads to.
    fn gateway_to(&self, place: &Place<'a>, to: IpAddr) -> Option<&'a str> {
        let table = place.routes.as_ref().ok()?;
        match Routes::new(self.index, table, Family::of(to)).lookup(to)?.target {
            Target::Transit(id) => Some(id),
            _ => None,
        }
    }

    /// The subnets of an attachment; `None` where not all of them are known.
    fn places(&self, attachment: &Attached<'a>) -> Option<Vec<&'i Place<'a>>> {
        let ids = attachment.subnets?.iter();
        ids.map(|id| self.index.subnets.get(id.as_str())).collect()
    }
}

fn in_zone(place: &Place<'_>, zone: &str) -> bool {
    place.row.and_then(|r| r.availability_zone.as_deref()) == Some(zone)
}
