//! Runs the rules and applies overrides, waivers and thresholds, in one place.

mod report;

pub use report::{AuditReport, Coverage};
