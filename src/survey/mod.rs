//! Which endpoints will be probed, from where, within which bounds. Pure: it decides, `probe` sends.

mod target;

pub use target::{Refused, Survey, Target, Why};
