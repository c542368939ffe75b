use super::index::{Index, Place};
use super::span::Stage;
use super::{Layer, Options};
use crate::model::{Gap, GapKind};
use crate::snapshot::{BpaExclusion, CallKind, Outcome};

/// How traffic uses the internet gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Begun outside, or begun inside by an address of its own.
    Direct,
    /// Begun inside, through a NAT gateway or an egress-only gateway.
    OutboundGateway,
}

/// VPC block public access of the region, by the account that owns the subnet (R35): `None` where it
/// is off.
pub(super) fn stage<'a>(
    index: &Index<'a>,
    options: &Options,
    place: &Place<'a>,
    usage: Use,
) -> Option<Stage> {
    let layer = Layer::BlockPublicAccess;
    let off = "block public access is off, as it is by default";
    let (vpc, subnet) = (place.vpc, place.id);
    let view = match index.home_of_subnet(place) {
        Ok(view) => view,
        // Those who share a subnet decide nothing here, and neither does what they say.
        Err(id) => {
            let why = "it owns a shared subnet and was not read: its mode is not known";
            let gap = Gap::new(GapKind::VpcBpa, &id, why);
            return Some(match options.assume_bpa_off {
                true => Stage::node(layer, id.as_str()).assume("VPC_BPA_OFF", off, Some(gap)),
                false => Stage::unknown(layer, &id, vec![gap]),
            });
        }
    };
    let rows = &index.snapshot.regions[view];
    let id = format!("{}/{}", rows.account, rows.region);
    let gap = || index.gap(view, CallKind::VpcBpaOptions, &id, "its mode is not known");
    match index.call(view, CallKind::VpcBpaOptions).map(|c| &c.outcome) {
        None | Some(Outcome::Missing) => {
            return Some(Stage::node(layer, id.as_str()).assume("VPC_BPA_OFF", off, Some(gap())));
        }
        Some(Outcome::Complete) => {}
        Some(_) if options.assume_bpa_off => {
            return Some(Stage::node(layer, id.as_str()).assume("VPC_BPA_OFF", off, Some(gap())));
        }
        Some(_) => return Some(Stage::unknown(layer, &id, vec![gap()])),
    }
    let bpa = index.bpa[view]?;
    let mode = bpa.internet_gateway_block_mode.as_deref().unwrap_or("off");
    if bpa.state.as_deref() == Some("update-in-progress") {
        let gap = Index::not_modelled(&id, "block public access is being changed");
        return Some(Stage::unknown(layer, &id, vec![gap]));
    }
    let blocks = match (mode, usage) {
        ("off", _) | ("block-ingress", Use::OutboundGateway) => return None,
        ("block-bidirectional" | "block-ingress", _) => format!("mode {mode}"),
        _ => {
            let gap = Index::not_modelled(&id, format!("block public access mode {mode}"));
            return Some(Stage::unknown(layer, &id, vec![gap]));
        }
    };
    let applies =
        |how: Applies| index.exclusions.iter().find(|e| applies(e, vpc, subnet, usage) == how);
    if applies(Applies::Yes).is_some() {
        return None;
    }
    if let Some(row) = applies(Applies::Perhaps) {
        let state = row.state.as_deref().unwrap_or_default();
        let mode = row.internet_gateway_exclusion_mode.as_deref().unwrap_or_default();
        let what = format!("an exclusion of block public access that is {state} ({mode})");
        let gap = Index::not_modelled(&row.exclusion_id, what);
        return Some(Stage::unknown(layer, &id, vec![gap]));
    }
    if !index.complete(view, CallKind::VpcBpaExclusions) {
        let gap = index.gap(view, CallKind::VpcBpaExclusions, &id, "exclusions are not known");
        return Some(Stage::unknown(layer, &id, vec![gap]));
    }
    Some(Stage::blocks(layer, &id, blocks))
}

/// Whether an exclusion leaves a subnet or its VPC out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    Yes,
    /// It is being made, changed or taken back.
    Perhaps,
    No,
}

fn applies(exclusion: &BpaExclusion, vpc: &str, subnet: &str, usage: Use) -> Applies {
    let arn = exclusion.resource_arn.as_deref().unwrap_or_default();
    let resource = arn.rsplit('/').next().unwrap_or_default();
    if resource != vpc && resource != subnet {
        return Applies::No;
    }
    let lets = match exclusion.internet_gateway_exclusion_mode.as_deref() {
        Some("allow-bidirectional") => Applies::Yes,
        Some("allow-egress") if usage == Use::OutboundGateway => Applies::Yes,
        Some("allow-egress") => Applies::No,
        _ => Applies::Perhaps,
    };
    match exclusion.state.as_deref() {
        None | Some("create-complete" | "update-complete") => lets,
        Some("create-failed" | "delete-complete" | "disable-complete") => Applies::No,
        Some("create-in-progress" | "delete-in-progress" | "disable-in-progress") => {
            if lets == Applies::No { Applies::No } else { Applies::Perhaps }
        }
        // Its mode is what changes, or nobody knows what it is.
        Some(_) => Applies::Perhaps,
    }
}
