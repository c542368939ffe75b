//! Elastic Load Balancing v2: balancers, listeners, target groups.

pub(super) mod balancers;
pub(super) mod listeners;
pub(super) mod target_groups;

/// The largest page of the describe operations.
const PAGE: i32 = 400;
