//! EC2: one file per family of rows. Each function reads one operation to its end.

pub(super) mod acls;
pub(super) mod addresses;
pub(super) mod bpa;
pub(super) mod endpoints;
pub(super) mod gateways;
pub(super) mod groups;
pub(super) mod instances;
pub(super) mod interfaces;
pub(super) mod peerings;
pub(super) mod prefix_lists;
pub(super) mod routes;
pub(super) mod templates;
pub(super) mod transit;
pub(super) mod volumes;
pub(super) mod vpcs;
pub(super) mod vpn;

/// The largest page of most describe operations: fewest requests for the same rows.
const PAGE: i32 = 1000;
