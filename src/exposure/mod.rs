//! Rows of declared × configured × observed: the only place where the three meet.

mod approach;
mod cell;
mod configuration;
mod declared;
#[cfg(test)]
pub(crate) mod fake;
mod join;
mod journey;
mod journeys;
#[cfg(test)]
mod journeys_tests;
mod observed;
mod relations;
mod row;
mod seen_by;
mod source;
#[cfg(test)]
mod tests;
mod traffic;

pub use cell::{Cells, ConfiguredCell, Declared, Expects, ObservedCell};
pub use configuration::{Configuration, Exposed};
pub use join::{Joined, join};
pub use journey::{JourneyCell, JourneyOutcome, LeftOut, Tried};
pub use journeys::journeys;
pub use row::Exposure;
pub use source::clients_of;
