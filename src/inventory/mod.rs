//! Which hosts must exist, which do and what they are: roles held against their members.

mod fact;
mod judge;
mod overlap;
mod rollout;
mod row;
mod silent;

pub use judge::judge;
pub use row::{Holding, Row, What};
pub use silent::silent;

#[cfg(test)]
mod facts_tests;
#[cfg(test)]
mod tests;
