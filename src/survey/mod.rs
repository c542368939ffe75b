//! Which endpoints will be probed, from where, within which bounds. Pure: it decides, `probe` sends.

mod control;
mod target;

pub use control::controls;
pub use target::{Hope, Refused, Sampled, Survey, Target, Why};
