//! Runs the rules and applies overrides, waivers and thresholds, in one place.

mod baseline;
mod compared;
mod input;
mod report;
mod run;
#[cfg(test)]
mod tests;

pub use baseline::{BASELINE_FORMAT, Baseline, BaselineUse, Entry};
pub use compared::{Against, Change, Compared, Gone, Standing};
pub use input::{Input, Met, Options};
pub use report::{AuditReport, Coverage};
pub use run::{join, judge, run};
