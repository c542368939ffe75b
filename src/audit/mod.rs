//! Runs the rules and applies overrides, waivers and thresholds, in one place.

mod input;
mod report;
mod run;
#[cfg(test)]
mod tests;

pub use input::{Input, Options};
pub use report::{AuditReport, Coverage};
pub use run::run;
