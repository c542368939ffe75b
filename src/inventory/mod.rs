//! Which hosts must exist and which do: roles held against their members.

mod judge;
mod overlap;
mod row;

pub use judge::judge;
pub use row::{Row, What};

#[cfg(test)]
mod tests;
