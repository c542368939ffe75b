//! Addresses that no interface has, and those that no packet of the internet is brought to.

use super::combine::{Decision, combine};
use super::engine::finish;
use super::span::{Stage, way};
use super::{Configured, Layer};
use crate::model::{AddressSet, Family, Gap, PortSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A private address is never routed on the internet, and no private source gets through it (R25).
pub(super) fn blocked_at_internet(
    ends: &AddressSet,
    address: IpAddr,
    ports: &PortSet,
) -> Vec<(PortSet, Decision)> {
    let why = if AddressSet::is_outside(address) && ends.intersects(&AddressSet::outside()) {
        format!("{address} is an address inside a VPC: it is not routed on the internet")
    } else if AddressSet::is_outside(address) {
        "a private source is not routed on the internet".into()
    } else {
        format!("{address} is private: it is not routed on the internet")
    };
    let ends = Arc::new(ends.clone());
    combine(&way([Stage::blocks(Layer::Internet, "internet", why)]), &ends, &ends, ports)
}

/// An address that nothing of the snapshot has: whatever network it is in, the internet routes no private
/// one (R25). Loopback is this machine's own, where the tool is tried out.
pub(super) fn nobodys_parts(
    address: IpAddr,
    from: &AddressSet,
    ports: &PortSet,
) -> Vec<(PortSet, Configured)> {
    let from = from.of_family(Family::of(address));
    let private = !address.is_loopback() && !AddressSet::is_outside(address);
    if private && !from.is_empty() && AddressSet::outside().is_superset(&from) {
        return finish(blocked_at_internet(&from, address, ports));
    }
    vec![(ports.clone(), Configured::NotApplicable)]
}

/// An address that only its instance's own row shows: nothing tells what guards it (R2).
pub(super) fn orphan_parts(
    address: IpAddr,
    instance: &str,
    gap: Gap,
    from: &AddressSet,
    ports: &PortSet,
) -> Vec<(PortSet, Configured)> {
    let from = from.of_family(Family::of(address));
    let outside = AddressSet::outside();
    if !outside.contains(address) && outside.is_superset(&from) {
        return finish(blocked_at_internet(&from, address, ports));
    }
    let stage = Stage::unknown(Layer::Instance, instance, vec![gap]);
    let from = Arc::new(from);
    finish(combine(&way([stage]), &from, &from, ports))
}
