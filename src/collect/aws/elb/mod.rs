//! Elastic Load Balancing: balancers, listeners, target groups, and the older API's classic balancers.

pub(super) mod balancers;
pub(super) mod classic;
pub(super) mod listeners;
pub(super) mod target_groups;

/// The largest page of the describe operations.
const PAGE: i32 = 400;
