use super::index::Index;
use super::span::Stage;
use super::{Layer, Options};
use crate::snapshot::{BpaExclusion, CallKind, Outcome};

/// How traffic uses the internet gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Begun outside, or begun inside by an address of its own.
    Direct,
    /// Begun inside, through a NAT gateway or an egress-only gateway.
    OutboundGateway,
}

/// VPC block public access of the account and region (R35): `None` where it is off.
pub(super) fn stage(
    index: &Index<'_>,
    options: &Options,
    view: usize,
    vpc: &str,
    subnet: &str,
    usage: Use,
) -> Option<Stage> {
    let layer = Layer::BlockPublicAccess;
    let rows = &index.snapshot.regions[view];
    let id = format!("{}/{}", rows.account, rows.region);
    let gap = || index.gap(view, CallKind::VpcBpaOptions, &id, "its mode is not known");
    let off = "block public access is off, as it is by default";
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
    let excluded = index.exclusions.iter().any(|e| applies(e, vpc, subnet, usage));
    if excluded {
        return None;
    }
    if !index.complete(view, CallKind::VpcBpaExclusions) {
        let gap = index.gap(view, CallKind::VpcBpaExclusions, &id, "exclusions are not known");
        return Some(Stage::unknown(layer, &id, vec![gap]));
    }
    Some(Stage::blocks(layer, &id, blocks))
}

/// Whether an exclusion in force leaves this subnet or its VPC out.
fn applies(exclusion: &BpaExclusion, vpc: &str, subnet: &str, usage: Use) -> bool {
    let state = exclusion.state.as_deref().unwrap_or("create-complete");
    let mode = exclusion.internet_gateway_exclusion_mode.as_deref().unwrap_or_default();
    let arn = exclusion.resource_arn.as_deref().unwrap_or_default();
    let resource = arn.rsplit('/').next().unwrap_or_default();
    matches!(state, "create-complete" | "update-complete")
        && (resource == vpc || resource == subnet)
        && (mode == "allow-bidirectional"
            || (mode == "allow-egress" && usage == Use::OutboundGateway))
}
