//! Which endpoints will be probed, from where, within which bounds. Pure: it decides, `probe` sends.

mod asked;
mod control;
mod errand;
mod known_ports;
mod ours;
mod pick;
mod plan;
mod profiled;
mod target;

pub use asked::{MOST_ENDPOINTS, asked};
pub use control::controls;
pub use errand::{ERRAND, Errand, MAX_ERRAND_BYTES, MAX_SKEW, MOST_SENT, Manners, Sending};
pub use known_ports::{WELL_KNOWN_TCP, WELL_KNOWN_UDP, default_ports, well_known};
pub use ours::{all_ours, ours};
pub use plan::{Input, Limits, plan};
pub use profiled::ProfiledTarget;
pub use target::{Hope, Refused, Sampled, Survey, Target, Why};

#[cfg(test)]
mod tests;
