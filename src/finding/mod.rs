//! One rule on one subject, with evidence on both sides.

mod finding;

pub use finding::{Evidence, Finding, FindingStatus, Mend, Side};
